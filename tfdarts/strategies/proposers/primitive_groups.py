"""What the names of primitives say about their layers."""

import re

GROUPS_BY_NAME = {
    "relu": "rectifier",
    "tanh": "sigmoid",
    "sigmoid": "sigmoid",
}


def group_of(primitive):
    """Returns the group of a primitive; its name if it has no other member.

    Args:
        primitive: String.

    Example:

    >>> [group_of(n) for n in ("dil_conv_5x5", "max_pool_3x3", "tanh", "mine")]
    ['conv', 'pool', 'sigmoid', 'mine']
    """
    for group in ("conv", "pool"):
        if group in primitive.split("_"):
            return group
    return GROUPS_BY_NAME.get(primitive, primitive)


def kind_and_size(primitive):
    """Returns the name of a primitive without sizes, and its largest size.

    Args:
        primitive: String.

    Example:

    >>> kind_and_size("sep_conv_5x5"), kind_and_size("conv_7x1_1x7")
    (('sep_conv', 5), ('conv', 7))
    """
    name = re.sub(r"_\d+x\d+", "", primitive)
    return name, max(_sizes(primitive), default=0)


def num_layers(primitive):
    """Returns how many layers of its group follow each other in a primitive.

    Args:
        primitive: String.

    Example:

    >>> [num_layers(n) for n in ("sep_conv_3x3", "conv_3x1_1x3", "relu")]
    [2, 2, 1]
    """
    if primitive.startswith("sep_conv"):
        return 2
    return max(len(_sizes(primitive)), 1)


def _sizes(primitive):
    """Returns the heights of the kernels in a name."""
    return [int(number) for number in re.findall(r"_(\d+)x\d+", primitive)]
