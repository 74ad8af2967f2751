"""The colours of pictures."""

from tfdarts.primitive_table import INK
from tfdarts.primitive_table import TABLE

BACKGROUND = "#FFFFFF"
QUIET = "#78909C"
FAINT = "#B0BEC5"

TRAINING, VALIDATION, ALPHA = "#0B5FA5", "#BF4D00", "#7A2E9D"
"""Curves of training and validation examples, and of those alpha learns from.

They differ in brightness, too, and each has a line style of its own.
"""

CHOSEN = "#D6006E"
"""What marks an edge and its operation that are in the genotype."""

GOOD, BAD = "#00795A", "#BF4D00"
"""Words of a verdict, and limits that had better not be passed."""

INPUT = "#DCEFDC"
INTERMEDIATE = "#E6EEF7"
OUTPUT = "#FCE9B8"


def primitive_color(primitive):
    """Returns the colour of one primitive, as `"#RRGGBB"`.

    Example:

    >>> primitive_color("sep_conv_5x5")
    '#4FA3E3'
    """
    return TABLE[primitive].color if primitive in TABLE else INK


def family_color(primitive):
    """Returns the colour that a primitive shares with its whole family.

    It is the family's darkest shade, which text on white can be set in.

    Example:

    >>> family_color("sep_conv_5x5") == family_color("sep_conv_3x3")
    True
    """
    return TABLE[primitive].text_color if primitive in TABLE else INK
