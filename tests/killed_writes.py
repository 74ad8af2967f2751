"""Proposers whose process dies before it writes a file."""

import math

from tfdarts.files import write_atomically

MODULES = (
    "tfdarts.records.trials",
    "tfdarts.records.json_files",
    "tfdarts.strategies.proposers.proposer",
)


class Killed(BaseException):
    """Ends a search as a kill does: nothing is written any more."""


def kill_at_writes(monkeypatch):
    """Returns a function that sets before which writing the process dies."""
    left = [math.inf]

    def write(path, content, durable=True):
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        write_atomically(path, content, durable=False)

    for module in MODULES:
        monkeypatch.setattr(f"{module}.write_atomically", write)

    def set_number(number):
        left[0] = number

    return set_number
