"""A setting as a dataclass field: its default, range and `--help` text."""

import dataclasses
import inspect
import math
import operator
import typing
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import tfdarts
from tfdarts import arguments
from tfdarts.characters import has_unusable_characters
from tfdarts.settings.conditions import refuse_idle_settings
from tfdarts.settings.docstrings import add_arguments_section

if typing.TYPE_CHECKING:
    FromPython: typing.TypeAlias = typing.Any
else:
    FromPython = str
"""The type of a setting that takes more than text in Python.

Such a setting has a `form`. On the command line it is a string.
"""


def setting(
    default: Any,
    help: str,
    least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    most: float | None = None,
    choices: Sequence[str] | None = None,
    form: Callable | None = None,
    flag: bool = True,
    when: Mapping | None = None,
    when_typed: Mapping | None = None,
    has_lines: bool = False,
) -> Any:
    """Returns a dataclass field with a description, a range and checks.

    Args:
        default: The value if none is given.
        help: String, for `--help`.
        least: The smallest value allowed.
        above: A bound that the value must exceed.
        below: A bound that the value must stay below.
        most: The largest value allowed.
        choices: Tuple of all values allowed.
        form: Function of a value and of the setting's name that returns the
            value in the form that the code works with, or raises
            `ValueError`: a path, for instance, as a string without `~`.
        flag: Boolean, whether the command line has the setting, too.
        when: Dict from names of other settings to the value, to a tuple of
            values, to `GIVEN` or to `SEVERAL`, that they must have for this
            one to have an effect; `None`: they must not be given. Defaults to
            no such condition.
        when_typed: Like `when`, but only typed flags are refused.
        has_lines: Boolean, whether a value may have several lines.
    """
    limits = {
        "at least": least,
        "above": above,
        "below": below,
        "at most": most,
    }
    return dataclasses.field(
        default=default,
        metadata={
            "help": help,
            "limits": limits,
            "choices": choices,
            "form": form,
            "flag": flag,
            "when": when or {},
            "when_typed": when_typed or {},
            "has_lines": has_lines,
        },
    )


def flag_fields(config_class):
    """Returns the fields of a config that the command line has.

    Args:
        config_class: Dataclass or instance of one.
    """
    return [
        field
        for field in dataclasses.fields(config_class)
        if field.metadata["flag"]
    ]


def by_preset(paper, auto, help, **limits):
    """Returns a field whose default depends on `--preset`.

    The value is `None` until the data are known; see
    `tfdarts.tasks.presets`.

    Args:
        paper: The value with `--preset=paper`.
        auto: String, for `--help`: the value with `--preset=auto`.
        help: See `setting`.
        **limits: Further arguments of `setting`.

    Example:

    >>> by_preset(50, "as many as alpha needs", "Epochs.").metadata["help"]
    'Epochs. --preset=paper: 50; auto: as many as alpha needs.'
    """
    shown = f"{help} --preset=paper: {paper}; auto: {auto}."
    field = setting(None, shown, **limits)
    return dataclasses.field(
        default=None, metadata={**field.metadata, "paper": paper}
    )


def with_default(config_class, name, default):
    """Returns a field for a subclass, with another default.

    Args:
        config_class: Dataclass.
        name: String, the field.
        default: The value in the subclass if none is given.
    """
    field = config_class.__dataclass_fields__[name]
    return dataclasses.field(default=default, metadata=field.metadata)


def with_published(field, value):
    """Returns a field for a subclass, with the value of a publication.

    Args:
        field: Field of a dataclass of settings.
        value: The default; for a setting that depends on the preset, the
            value of `--preset=paper`.
    """
    metadata = dict(field.metadata)
    if "paper" not in metadata:
        return dataclasses.field(default=value, metadata=metadata)
    old = f"--preset=paper: {metadata['paper']};"
    help = metadata["help"].replace(old, f"--preset=paper: {value};")
    metadata |= {"paper": value, "help": help}
    return dataclasses.field(default=None, metadata=metadata)


def with_one_value(field, value, refusal):
    """Returns a field for a subclass that has no other value, and no flag.

    Args:
        field: Field of a dataclass of settings.
        value: The only value.
        refusal: String, the error message for any other value, and for the
            flag.
    """
    metadata = {**field.metadata, "choices": (value,), "flag": False}
    metadata |= {"refusal": refusal}
    metadata.pop("paper", None)
    return dataclasses.field(default=value, metadata=metadata)


def with_condition(field, **conditions):
    """Returns a field for a subclass, with further conditions.

    Args:
        field: Field of a dataclass of settings.
        **conditions: See `when` of `setting`.
    """
    when = {**field.metadata["when"], **conditions}
    metadata = {**field.metadata, "when": when}
    return dataclasses.field(default=field.default, metadata=metadata)


_COMPARISONS = {
    "at least": operator.ge,
    "above": operator.gt,
    "below": operator.lt,
    "at most": operator.le,
}


_KINDS = {
    bool: ((bool,), "True or False"),
    int: ((int,), "an integer"),
    float: ((float, int), "a number"),
    str: ((str,), "a string"),
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings whose values are checked on creation.

    Numbers may be from NumPy or TensorFlow, paths from `pathlib`.

    The docstring of a subclass gets a section on its arguments.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        fields = {}
        for base in reversed(cls.__mro__[1:]):
            inherited = getattr(base, "__dataclass_fields__", {})
            fields |= {name: (f.type, f) for name, f in inherited.items()}
        # The class's own annotations are not yet dataclass fields.
        for name, kind in inspect.get_annotations(cls).items():
            fields[name] = kind, vars(cls)[name]
        settings = {
            name: (kind, field)
            for name, (kind, field) in fields.items()
            if "help" in getattr(field, "metadata", ())
        }
        cls.__doc__ = add_arguments_section(cls.__doc__ or "", settings)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = self._convert(field, getattr(self, field.name))
            if value is None:
                continue
            self._check_characters(field, value)
            self._set(field.name, value)
            if value is None:
                continue
            choices = field.metadata["choices"]
            if choices and value not in choices:
                raise ValueError(
                    field.metadata.get("refusal")
                    or f"--{field.name} must be one of "
                    f"{', '.join(map(str, choices))}. Received: {value}."
                )
            for relation, limit in field.metadata["limits"].items():
                if limit is None or _COMPARISONS[relation](value, limit):
                    continue
                raise ValueError(
                    f"--{field.name} must be {relation} {limit}. "
                    f"Received: {value}."
                )

    def _set(self, name, value):
        object.__setattr__(self, name, value)

    def _convert(self, field, value):
        """Returns a value as plain Python; checks the field's type."""
        if value is None and field.default is None:
            return None
        form = field.metadata["form"]
        if form:
            return form(value, f"--{field.name}")
        value = arguments.scalar(value)
        kinds, wanted = _KINDS[field.type]
        if type(value) not in kinds:
            raise ValueError(
                f"--{field.name} must be {wanted}. Received: {value!r}."
            )
        if field.type is float and not math.isfinite(value):
            raise ValueError(
                f"--{field.name} must be finite. Received: {value}."
            )
        return value

    def _check_characters(self, field, value):
        texts = value if isinstance(value, tuple) else (value,)
        texts = [each for each in texts if isinstance(each, str)]
        has_lines = field.metadata["has_lines"]
        if not has_lines and any(map(has_unusable_characters, texts)):
            raise ValueError(
                f"--{field.name} must have no control characters and be "
                f"UTF-8. Received: {value!r}."
            )


def require_config(function, config, *classes):
    """Refuses an argument that is no config, or has settings without effect.

    Args:
        function: String, the name of the function.
        config: The argument of the function.
        *classes: The dataclasses that the function takes.

    Raises:
        ValueError: If the config is an instance of none of them, or a
            setting that was given has no effect beside the others.
    """
    if isinstance(config, classes):
        refuse_idle_settings(dataclasses.fields(config), config)
        return
    public = [each for each in classes if each.__name__ in tfdarts.__all__]
    *others, last = [f"tfdarts.{each.__name__}" for each in public]
    names = f"{', '.join(others)} or {last}" if others else last
    shown = isinstance(config, str | type)
    raise ValueError(
        f"tfdarts.{function} takes its settings as one object, a {names}. "
        f"Received: {repr(config) if shown else type(config).__name__}."
    )
