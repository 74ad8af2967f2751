"""Conditions under which a setting has an effect; idle ones are refused."""

GIVEN = object()
"""In `when` of `setting`: any value except `0` and `"none"`."""

SEVERAL = object()
"""In `when` of `setting`: any number above 1."""


def refuse_idle_settings(fields, settings, typed=()):
    """Raises `ValueError` if a given setting has no effect.

    Args:
        fields, settings, typed: See `idle_settings`.
    """
    for name, missed in idle_settings(fields, settings, typed).items():
        present = " ".join(f"--{n}={getattr(settings, n)}" for n in missed)
        needed = " and ".join(
            _wanted(*condition) for condition in missed.items()
        )
        raise ValueError(
            f"--{name}={getattr(settings, name)} has no effect with {present}: "
            f"{needed}, or leave --{name} out, also in flagfiles."
        )


def _wanted(name, value):
    """Returns what to do so that a setting meets a condition."""
    if value is None:
        return f"leave --{name} out"
    if value is GIVEN:
        return f"give --{name}"
    if value is SEVERAL:
        return f"give --{name} above 1"
    shown = " or ".join(value) if isinstance(value, tuple) else value
    return f"give --{name}={shown}"


def idle_settings(fields, settings, typed=()):
    """Returns the given settings that have no effect.

    Args:
        fields: Sequence of fields of dataclasses of settings.
        settings: Object that has the settings as attributes.
        typed: Names of the settings that were typed, which count as given
            even with their default. Of the others, the value tells.

    Returns:
        Dict from names to the unmet conditions; see `unmet_conditions`.
    """
    idle = {}
    for field in fields:
        value, is_typed = getattr(settings, field.name), field.name in typed
        missed = unmet_conditions(field, settings, is_typed)
        # Beside a default that depends on the data, 0 may mean none.
        differs = value != field.default and (value or field.default)
        if missed and (is_typed or differs):
            idle[field.name] = missed
    return idle


def unmet_conditions(field, settings, typed=False):
    """Returns the unmet conditions of a setting, a dict.

    The dict is empty if the setting has an effect.

    Args:
        field: Field of a dataclass of settings.
        settings: Object that has the settings as attributes. Settings that
            are `None` or missing are not known yet, and add no condition.
        typed: Boolean, whether the conditions of typed flags count, too.
    """
    conditions = field.metadata["when"]
    if typed:
        conditions = conditions | field.metadata["when_typed"]
    missed = {}
    for name, wanted in conditions.items():
        value = getattr(settings, name, None)
        if value is not None and not _satisfies(value, wanted):
            missed[name] = wanted
    return missed


def _satisfies(value, wanted):
    """Returns whether the value of a setting meets a condition."""
    if wanted is GIVEN:
        return value not in (0, "none")
    if wanted is SEVERAL:
        return value > 1
    return value in (wanted if isinstance(wanted, tuple) else (wanted,))
