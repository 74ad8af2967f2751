"""Writing arbitrary names, such as class names, on the axes of a figure."""

import functools

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

_NOT_FOR_TEXT = ("Last Resort", "STIXNonUnicode", "cm")
"""Fonts of matplotlib with boxes or parts of formulas as characters."""

LONGEST = 20
"""The number of characters up to which a name is written in full."""


def name_ticks(axis, names):
    """Gives an axis a tick for each name, and writes names literally.

    A `$` begins no formula. Characters that the font lacks are taken from other
    installed fonts; if no font has them, they become boxes.

    Args:
        axis: `matplotlib.axis.Axis`.
        names: Sequence of strings.
    """
    fonts, _ = _fonts_of("".join(names))
    axis.set_ticks(
        range(len(names)),
        [label.replace("$", r"\$") for label in make_distinct(names)],
        fontfamily=fonts,
    )


def make_distinct(names):
    """Returns names that are short and still distinct.

    An ellipsis replaces the middle of a long name. The position precedes
    names that would otherwise be equal, or that have characters which no font
    has, because names made of boxes look alike.

    Args:
        names: Sequence of strings.

    Example:

    >>> names = ["cat", "one of very long names", "one of very odd names"]
    >>> make_distinct(names)
    ['cat', 'one of ver…ong names', 'one of ver…odd names']
    >>> names = ["one name of many of a kind", "one name of all of a kind"]
    >>> make_distinct(names)
    ['0: one name o…of a kind', '1: one name o…of a kind']
    """
    _, missing = _fonts_of("".join(names))
    short = [*map(_shorten, names)]
    return [
        f"{position}: {name}"
        if missing & {*name} or short.count(name) > 1
        else name
        for position, name in enumerate(short)
    ]


def _shorten(name):
    if len(name) <= LONGEST:
        return name
    end = (LONGEST - 1) // 2
    return f"{name[: LONGEST - 1 - end]}…{name[-end:]}"


@functools.lru_cache
def _fonts_of(text):
    """Returns fonts for a text, and the characters that they all lack."""
    default = font_manager.FontProperties()
    missing = {*text} - _characters(font_manager.findfont(default))
    names = [*default.get_family()]
    for font in font_manager.fontManager.ttflist if missing else ():
        if font.name.startswith(_NOT_FOR_TEXT) or font.style != "normal":
            continue
        found = missing & _characters(font.fname)
        if found:
            names.append(font.name)
            missing -= found
    return names, missing


@functools.lru_cache
def _characters(path):
    """Returns the set of all characters that a font has."""
    return {chr(code) for code in FT2Font(path).get_charmap()}
