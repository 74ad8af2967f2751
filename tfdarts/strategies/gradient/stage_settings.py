"""The settings of the stages of a search."""

import dataclasses
import math

from tfdarts import arguments
from tfdarts.settings.conditions import GIVEN
from tfdarts.settings.fields import FromPython
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting

OF_STAGES = {
    "stage_num_cells": "num_cells",
    "stage_channel_parts": "channel_parts",
    "stage_skip_dropout": "skip_dropout",
}
"""The settings that a stage has a value of its own of, by their lists."""

LIMITS = (
    ("stage_num_cells", 3, math.inf),
    ("stage_channel_parts", 2, math.inf),
    ("stage_skip_dropout", 0, 1),
)
"""The least value of each list, and the value that all must be below."""


def numbers_text(value, name):
    """Returns numbers with commas between them, the form of a setting.

    Args:
        value: String, or sequence of numbers.
        name: String, the name of the setting in error messages.

    Raises:
        ValueError: If the value is something else.

    Example:

    >>> numbers_text([5, 3], "stage_primitives")
    '5,3'
    """
    text = value
    if not isinstance(value, str):
        text = ",".join(map(str, arguments.items(value)))
    try:
        numbers_of(text)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be numbers with commas between them, such as "
            f"5,3; or none. Received: {value!r}."
        ) from error
    return text


def numbers_of(text):
    """Returns the numbers of a setting, a list; empty for `"none"`.

    Args:
        text: String in the form of `numbers_text`.
    """
    if text == "none":
        return []
    return [
        int(each) if each.strip().isdecimal() else float(each)
        for each in text.split(",")
    ]


@dataclasses.dataclass(frozen=True)
class StageSettings(Settings):
    """The stages of a search after the first."""

    stage_primitives: FromPython = setting(
        "none",
        "Primitives that each edge keeps in the stages after the first, such "
        "as 5,3 for two more stages: those of the largest weight. Each stage "
        "searches a new supernet for --epochs. Or none: one stage.",
        form=numbers_text,
    )
    stage_num_cells: FromPython = setting(
        "none",
        "Cells of the supernets of these stages, such as 11,17; or none: "
        "--num_cells.",
        form=numbers_text,
        when={"stage_primitives": GIVEN},
    )

    stage_channel_parts: FromPython = setting(
        "none",
        "--channel_parts of these stages, such as 4; or none: --channel_parts.",
        form=numbers_text,
        when={"stage_primitives": GIVEN, "mixed_op": "partial"},
    )
    stage_skip_dropout: FromPython = setting(
        "none",
        "Values of --skip_dropout in these stages, such as 0.4,0.7; or none: "
        "--skip_dropout.",
        form=numbers_text,
        when={"stage_primitives": GIVEN, "mixed_op": "skip_dropout"},
    )

    @property
    def all_channel_parts(self):
        """The numbers of parts of the channels in all stages, a list."""
        if self.mixed_op != "partial":
            return [1]
        return [self.channel_parts, *numbers_of(self.stage_channel_parts)]

    @property
    def has_stages(self):
        """Whether the search has more than one stage."""
        return self.stage_primitives != "none"

    @property
    def can_be_extended(self):
        """See `RunConfig`; each stage follows from the one before."""
        return not self.has_stages and super().can_be_extended

    def __post_init__(self):
        super().__post_init__()
        self._require_stages_fit()

    def _require_stages_fit(self):
        """Raises `ValueError` if the stages of the search do not fit."""
        if not self.has_stages:
            return
        counts = numbers_of(self.stage_primitives)
        if counts != sorted(counts, reverse=True) or counts[-1] < 2:
            raise ValueError(
                "--stage_primitives must not grow from stage to stage, and be "
                "at least 2, because none may be one of them. Received: "
                f"--stage_primitives={self.stage_primitives}."
            )
        for name in OF_STAGES:
            given = numbers_of(getattr(self, name))
            if given and len(given) != len(counts):
                raise ValueError(
                    f"--{name} must have a number for each of the "
                    f"{len(counts)} stages of --stage_primitives="
                    f"{self.stage_primitives}. Received: "
                    f"--{name}={getattr(self, name)}."
                )
        for name, least, below in LIMITS:
            given = numbers_of(getattr(self, name))
            if any(not least <= value < below for value in given):
                raise ValueError(
                    f"--{name} must have numbers of at least {least}, below "
                    f"{below}. Received: --{name}={getattr(self, name)}."
                )
        parts = self.all_channel_parts
        if parts != sorted(parts, reverse=True):
            raise ValueError(
                "--stage_channel_parts must not grow from stage to stage, "
                "because stages compute more channels, not fewer. Received: "
                f"--channel_parts={self.channel_parts} and "
                f"--stage_channel_parts={self.stage_channel_parts}."
            )
