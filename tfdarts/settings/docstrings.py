"""Docstrings of settings, made of the help of each setting."""

import inspect
import textwrap

_TYPES = {
    "bool": "Boolean",
    "int": "Integer",
    "float": "Float",
    "str": "String",
}


def add_arguments_section(docstring, fields):
    """Returns a docstring with a section on the arguments of a dataclass.

    Args:
        docstring: String, with or without a section `Reference:`.
        fields: Dict from names to pairs of a type and a `setting` of
            `tfdarts.settings.fields`.

    Example:

    >>> from tfdarts.settings.fields import setting
    >>> epochs = setting(50, "Epochs of the search.", least=1)
    >>> print(add_arguments_section("Settings.", {"epochs": (int, epochs)}))
    Settings.
    <BLANKLINE>
    Args:
        epochs: Integer, at least 1. Epochs of the search. Defaults to `50`.
    """
    described, heading, reference = inspect.cleandoc(docstring).partition(
        "\n\nReference:"
    )
    lines = [described, "", "Args:"]
    for name, (kind, field) in fields.items():
        lines += textwrap.wrap(
            f"{name}: {_describe(kind, field)}",
            width=79,
            initial_indent=" " * 4,
            subsequent_indent=" " * 8,
            break_on_hyphens=False,
        )
    return "\n".join(lines) + heading + reference


def _describe(kind, field):
    """Returns the type, the range, the help and the default of a setting."""
    metadata, default = field.metadata, field.default
    limits = [
        f", {relation} {limit}"
        for relation, limit in metadata["limits"].items()
        if limit is not None
    ]
    name = getattr(kind, "__name__", str(kind))
    shown = f'"{default}"' if isinstance(default, str) else default
    return (
        f"{_TYPES.get(name, 'Object')}{''.join(limits)}. {metadata['help']} "
        f"Defaults to `{shown}`."
    )
