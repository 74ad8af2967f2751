"""The comparison of settings with those that a run was started with."""

import json
import types

from tfdarts.characters import compose_accents
from tfdarts.settings.conditions import unmet_conditions
from tfdarts.settings.fields import flag_fields

DEFAULTS_OF_0_1_0 = {"stem": "cifar", "strategy": "darts"}
"""Settings that version 0.1.0 did not have, with its implied values."""

TIME_LIMIT = "max_minutes"
"""The setting that may be raised, lowered or left out when a run resumes."""


def require_same_settings(path, before, settings, derived, config):
    """Raises `ValueError` if a stage was started with other settings.

    Args:
        path: Path of the stage, for messages.
        before: Dict of the recorded settings.
        settings: Dict of the settings now.
        derived: Dict of values computed from settings and data.
        config: The settings now, as a dataclass.
    """
    length = config.extended_by
    fingerprint = derived.get("fingerprint")
    if fingerprint and fingerprint == before.get("fingerprint"):
        # The same data may have moved.
        settings = {**settings, "dataset": before["dataset"]}
    if settings["task"] != before["task"]:
        raise ValueError(
            f"{path} was started on {before['dataset']}, whose "
            "networks are of another kind than the networks of "
            f"{settings['dataset']}: give another --run_dir."
        )
    # An earlier version may have had fewer settings.
    before = {**_defaults(config), **DEFAULTS_OF_0_1_0, **before}
    if settings.get("strategy", "darts") != before["strategy"]:
        raise ValueError(
            f"{path} was started with "
            f"--strategy={before['strategy']}: give the same strategy, "
            f"or another --run_dir. Received: {settings['strategy']}."
        )
    if settings[length] < before[length]:
        raise ValueError(
            f"{path} was started with --{length}={before[length]}, "
            f"which can only be raised. Received: {settings[length]}. "
            f"Give at least {before[length]}, or another --run_dir."
        )
    # Earlier versions recorded settings that are refused now.
    ignored = _settings_without_effect(
        config, before
    ) & _settings_without_effect(config, vars(config))
    settings = {
        name: value
        for name, value in settings.items()
        if name not in {length, TIME_LIMIT, *ignored}
    }
    # The choices of the preset are compared, not its name.
    settings.pop("preset", None)
    # If settings differ, derived values differ as a consequence.
    differing = _differing(before, settings) or _differing(before, derived)
    if differing:
        raise ValueError(
            f"{path} was started with other settings "
            f"({'; '.join(differing)}). Give the recorded settings to "
            "resume, or another --run_dir."
        )


def _defaults(config):
    return {field.name: field.default for field in flag_fields(config)}


def _settings_without_effect(config, settings):
    """Returns the names of the settings that have no effect, a set."""
    beside = types.SimpleNamespace(**settings)
    return {f.name for f in flag_fields(config) if unmet_conditions(f, beside)}


def _differing(before, now):
    return [
        f"{key}: {_short_form(before.get(key))} recorded, "
        f"{_short_form(now[key])} given"
        for key in sorted(now)
        if _comparable(before.get(key)) != _comparable(now[key])
    ]


def _comparable(value):
    """Returns JSON in which names that look the same are equal."""
    return compose_accents(json.dumps(value, ensure_ascii=False))


def _short_form(value):
    """Returns the name of a genotype; other values unchanged."""
    if isinstance(value, dict):
        return value["name"] or "one without a name"
    return value
