"""Names from outside, such as those of classes, on the axes of a figure."""

import functools

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

_NOT_FOR_TEXT = ("Last Resort", "STIXNonUnicode", "cm")
"""Fonts of matplotlib whose characters are boxes, or parts of formulas."""

LONGEST = 20
"""Characters up to which a name is written whole."""


def name_ticks(axis, names):
    """Gives an axis a tick for each name, and writes each as it is.

    A `$` begins no formula. Characters that the font lacks are taken from other
    installed fonts. Where none has them they become boxes.

    Args:
        axis: `matplotlib.axis.Axis`.
        names: Sequence of strings.
    """
    fonts, _ = _fonts_of("".join(names))
    axis.set_ticks(
        range(len(names)),
        [label.replace("$", r"\$") for label in distinct(names)],
        fontfamily=fonts,
    )


def distinct(names):
    """Returns names as short as a picture needs, which can be told apart.

    An ellipsis takes the place of the middle of a long name. The position
    stands before a name that is then like another, or that has characters
    which no font has: names of boxes alone would all look alike.

    Args:
        names: Sequence of strings.

    Example:

    >>> distinct(["cat", "one of very long names", "one of very odd names"])
    ['cat', 'one of ver…ong names', 'one of ver…odd names']
    >>> distinct(["one name of many of a kind", "one name of all of a kind"])
    ['0: one name o…of a kind', '1: one name o…of a kind']
    """
    _, missing = _fonts_of("".join(names))
    short = [*map(_shortened, names)]
    return [
        f"{position}: {name}"
        if missing & {*name} or short.count(name) > 1
        else name
        for position, name in enumerate(short)
    ]


def _shortened(name):
    if len(name) <= LONGEST:
        return name
    end = (LONGEST - 1) // 2
    return f"{name[: LONGEST - 1 - end]}…{name[-end:]}"


@functools.lru_cache
def _fonts_of(text):
    """Returns fonts to write a text in, and what characters they lack."""
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
