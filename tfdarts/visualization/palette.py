"""The colours of the primitives: one hue a family, one shade a member."""

BACKGROUND = "#FFFFFF"
INK = "#263238"
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

_FAMILIES = (
    {
        "sep_conv_3x3": "#0B5FA5",
        "sep_conv_5x5": "#4FA3E3",
        "sep_conv_7x7": "#9CCBF2",
    },
    {"dil_conv_3x3": "#7A2E9D", "dil_conv_5x5": "#C084DC"},
    {"max_pool_3x3": "#BF4D00", "avg_pool_3x3": "#F5A04A"},
    {"skip_connect": "#00795A"},
    {"conv_7x1_1x7": "#A8255F"},
    {"none": "#9E9E9E"},
    {"tanh": "#0B5FA5"},
    {"relu": "#BF4D00"},
    {"sigmoid": "#7A2E9D"},
    {"identity": "#00795A"},
)


def primitive_color(primitive):
    """Returns the colour of one primitive, as `"#RRGGBB"`.

    Example:

    >>> primitive_color("sep_conv_5x5")
    '#4FA3E3'
    """
    return _family(primitive).get(primitive, INK)


def family_color(primitive):
    """Returns the colour that a primitive shares with its whole family.

    It is the family's darkest shade, which text on white can be set in.

    Example:

    >>> family_color("sep_conv_5x5") == family_color("sep_conv_3x3")
    True
    """
    return next(iter(_family(primitive).values()), INK)


def _family(primitive):
    return next((shades for shades in _FAMILIES if primitive in shades), {})
