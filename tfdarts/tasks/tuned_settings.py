"""Which settings of a training can be tuned, and their ranges."""

import dataclasses
import math
import re
import typing

from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting


@dataclasses.dataclass(frozen=True)
class TuneConfig(Settings):
    """What is tuned, and how."""

    tune: str = setting(
        "learning_rate,weight_decay",
        "Settings of the training to tune, separated by commas: learning_rate "
        "or weight_decay (from a tenth of the value that they have to ten "
        "times that), or any other number with a range, as in "
        "drop_path_rate=0..0.3.",
    )
    tuner: str = setting(
        "bayesian",
        "How keras-tuner proposes values: random, bayesian (a Gaussian "
        "process) or hyperband (many short trainings, the best of them again "
        "and longer).",
        choices=("random", "bayesian", "hyperband"),
    )
    max_trials: int = setting(
        20,
        "Number of trainings.",
        least=2,
        when={"tuner": ("random", "bayesian")},
    )
    factor: int = setting(
        3,
        "Of the trainings of one length, hyperband repeats one in so many, so "
        "many times as long.",
        least=2,
        when={"tuner": "hyperband"},
    )


class Around(typing.NamedTuple):
    """A logarithmic range about the value of the settings."""

    factor: float

    def ends(self, value, most):
        """Returns the two ends of the range, and whether it is logarithmic."""
        return value / self.factor, value * self.factor, True


class Between(typing.NamedTuple):
    """A linear range; its upper end may depend on the side of images."""

    low: float
    high: float | None = None

    def ends(self, value, most):
        """See `Around.ends`."""
        return self.low, most if self.high is None else self.high, False


RANGES = {
    "learning_rate": Around(10.0),
    "weight_decay": Around(10.0),
    "drop_path_rate": Between(0.0, 0.4),
    "label_smoothing": Between(0.0, 0.2),
    "auxiliary_weight": Between(0.0, 0.6),
    "cutout_length": Between(0),
    "crop_padding": Between(0),
    "word_dropout": Between(0.0, 0.3),
    "embedding_dropout": Between(0.0, 0.5),
    "input_dropout": Between(0.0, 0.8),
    "recurrent_dropout": Between(0.0, 0.5),
    "output_dropout": Between(0.0, 0.8),
}
"""The settings that can be tuned without a given range."""

_GIVEN = re.compile(r"(\w+)(?:=(.+?)\.\.([^.].*|\.\d.*))?")


class Tuned(typing.NamedTuple):
    """A setting to tune: a number between two ends."""

    name: str
    low: float
    high: float
    is_log: bool
    is_integer: bool


def tuned_settings(text, config, side=None):
    """Returns the settings to tune, a list of `Tuned`.

    Args:
        text: String, the value of `--tune`.
        config: The settings of the training, with the choices of the preset.
        side: Integer, the shorter side of the images; half of it is the
            largest value of settings in pixels.

    Raises:
        ValueError: If a setting is unknown, is no number, or has no range.

    Example:

    >>> from tfdarts.tasks.configs import TrainConfig
    >>> config = TrainConfig(preset="paper", learning_rate=0.1)
    >>> tuned_settings("learning_rate,momentum=0.8..0.99", config)[1]
    Tuned(name='momentum', low=0.8, high=0.99, is_log=False, is_integer=False)
    """
    found = [_one(word.strip(), config, side) for word in text.split(",")]
    names = [each.name for each in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"--tune names {twice[0]} twice: leave one out.")
    return found


def _one(word, config, side):
    match = _GIVEN.fullmatch(word)
    field = type(config).__dataclass_fields__.get(match[1] if match else None)
    if field is None or field.type not in (int, float):
        known = ", ".join(n for n in RANGES if hasattr(config, n))
        raise ValueError(
            "--tune must name settings of the training that are numbers, "
            f"separated by commas, each alone (of {known}) or with a range, as "
            f"in learning_rate=0.01..0.2. Received: {word or 'nothing'}."
        )
    name, *given = match.groups()
    is_log = name in RANGES and isinstance(RANGES[name], Around)
    if given[0] is not None:
        low, high = (_number(each, word) for each in given)
    elif name not in RANGES:
        raise ValueError(
            f"--tune needs a range for {name}, as in --tune={name}=0.1..0.5."
        )
    else:
        low, high, _ = RANGES[name].ends(
            getattr(config, name), side // 2 if side else 0
        )
    if not low < high or (is_log and low <= 0):
        raise ValueError(
            f"--tune={word} has no values: the range must go up"
            f"{' from a number above 0' * is_log}. Received: {low:g} to "
            f"{high:g}."
        )
    return Tuned(name, low, high, is_log, field.type is int)


def _number(text, word):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(
            f"The ends of a range of --tune must be numbers, as in "
            f"learning_rate=0.01..0.2. Received: {word}."
        )
    return value
