"""The settings of the processes that evaluate candidates."""

import dataclasses

from tfdarts import cluster
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting

_ONE_PROCESS = {"distribute": ("none", "mirrored")}
"""Processes that share each batch evaluate candidates together."""


@dataclasses.dataclass(frozen=True)
class WorkerSettings(Settings):
    """The processes that evaluate candidates side by side."""

    num_workers: int = setting(
        0,
        "Worker processes that this command starts, each of which evaluates "
        "one candidate at a time. 0: the command evaluates all itself.",
        least=0,
        when={**_ONE_PROCESS, "chief": None},
    )
    listen: str = setting(
        None,
        "Address at which workers reach this command, the chief, such as "
        "0.0.0.0:7000. By default, only --num_workers reach it.",
        form=cluster.address,
        when={**_ONE_PROCESS, "chief": None},
    )
    chief: str = setting(
        None,
        "Address of the chief: this command becomes a worker, which evaluates "
        "candidates for the chief that has --listen.",
        form=cluster.address,
        when=_ONE_PROCESS,
    )
