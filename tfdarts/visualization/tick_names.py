"""Names from outside, such as those of classes, on the axes of a figure."""

import functools

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

_NOT_FOR_TEXT = ("Last Resort", "STIXNonUnicode", "cm")
"""Fonts of matplotlib whose characters are boxes, or parts of formulas."""


def name_ticks(axis, names):
    """Gives an axis a tick for each name, and writes each as it is.

    A `$` begins no formula. Characters that the font lacks are taken from other
    installed fonts. Where none has them they become boxes, and the position
    of the name stands before it: names of boxes alone would all look alike.

    Args:
        axis: `matplotlib.axis.Axis`.
        names: Sequence of strings.
    """
    fonts, missing = _fonts_of("".join(names))
    labels = [
        f"{position}: {name}" if missing & {*name} else name
        for position, name in enumerate(names)
    ]
    axis.set_ticks(
        range(len(labels)),
        [label.replace("$", r"\$") for label in labels],
        fontfamily=fonts,
    )


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
