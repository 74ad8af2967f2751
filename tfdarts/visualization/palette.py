"""The colors of pictures."""

from tfdarts.primitive_table import INK
from tfdarts.primitive_table import TABLE

BACKGROUND = "#FFFFFF"
QUIET = "#78909C"
FAINT = "#B0BEC5"

TRAINING, VALIDATION, ALPHA = "#0B5FA5", "#BF4D00", "#7A2E9D"
"""Colors of curves: training, validation, and the examples for alpha.

They also differ in brightness, and each curve has its own line style.
"""

CHOSEN = "#D6006E"
"""The mark of edges and operations that are in the genotype."""

GOOD, BAD = "#00795A", "#BF4D00"
"""Colors of verdicts; `BAD` also marks limits that should not be passed."""

INPUT = "#DCEFDC"
INTERMEDIATE = "#E6EEF7"
OUTPUT = "#FCE9B8"


def primitive_color(primitive):
    """Returns the color of a primitive, as `"#RRGGBB"`.

    Example:

    >>> primitive_color("sep_conv_5x5")
    '#4FA3E3'
    """
    return TABLE[primitive].color if primitive in TABLE else INK


def family_color(primitive):
    """Returns the color that a primitive shares with its whole family.

    It is the family's darkest shade, which is readable as text on white.

    Example:

    >>> family_color("sep_conv_5x5") == family_color("sep_conv_3x3")
    True
    """
    return TABLE[primitive].text_color if primitive in TABLE else INK
