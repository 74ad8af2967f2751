"""Checks of the name and the settings of a part when it is registered."""

import re

from tfdarts.settings.fields import Settings

RESERVED_FLAGS = (
    *("debug", "describe_data", "dry_run", "evaluator", "flagfile", "help"),
    *("helpfull", "helpshort", "helpxml", "quiet", "strategy"),
    *("train_flagfile", "undefok", "version"),
)
"""Flags of the commands and of absl, which no setting may replace."""

TRAINING_PREFIX = "train_"
"""How the flags of a training begin in the commands that search."""


def is_reserved(name):
    """Returns whether no setting of a part may have a name.

    Example:

    >>> is_reserved("dry_run"), is_reserved("train_epochs")
    (True, True)
    >>> is_reserved("epochs"), is_reserved("train_portion")
    (False, False)
    """
    if name == "train_portion":  # A setting of the search itself.
        return False
    return name in RESERVED_FLAGS or name.startswith(TRAINING_PREFIX)


def require_name_and_settings(kind, part):
    """Raises `ValueError` if a part has no usable name or settings.

    Args:
        kind: String, the noun for the part, such as `"strategy"`.
        part: The part, with the attributes `name` and `settings`.
    """
    require_name(kind, part)
    if part.settings is not None:
        _require_settings_class(f"the {kind} {part.name}", part.settings)


def require_name(kind, part):
    """Raises `ValueError` if a part has no usable name.

    Args:
        kind: String, the noun for the part, such as `"strategy"`.
        part: The part, with the attribute `name`.
    """
    if not isinstance(part.name, str) or not part.name:
        raise ValueError(
            f"The {kind} {part!r} must have a name. Received: "
            f"name={part.name!r}."
        )
    if not re.fullmatch(r"\w+", part.name):
        raise ValueError(
            f"The name of a part may have letters, digits and underscores. "
            f"Received: name={part.name!r} of a {kind}."
        )


def _require_settings_class(part, settings):
    """Raises `ValueError` unless it is a dataclass of `tfdarts.Settings`."""
    is_class = isinstance(settings, type) and issubclass(settings, Settings)
    if not is_class or "__dataclass_fields__" not in vars(settings):
        raise ValueError(
            f"`settings` of {part} must be a subclass of tfdarts.Settings "
            "with @dataclasses.dataclass(frozen=True). Received: "
            f"settings={settings!r}."
        )
    for name in settings.__dataclass_fields__:
        if is_reserved(name):
            raise ValueError(
                f"A setting of {part} cannot have the name {name}: --{name} "
                "is a flag of all searches or commands."
            )
