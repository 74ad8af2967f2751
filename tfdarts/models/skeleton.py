"""The stack of cells that supernets and networks share."""

import collections

import keras

from tfdarts.arguments import items
from tfdarts.arguments import scalar
from tfdarts.layers.convolutions import uniform

LEAST_SIDE = 4
"""Smallest height and width in pixels: two reductions leave one pixel."""

CellPlan = collections.namedtuple(
    "CellPlan", ["filters", "reduction", "after_reduction"]
)


def stack_of_cells(init_channels, num_cells, after_reduction=False):
    """Returns a list with the `CellPlan` of each cell.

    The cells at one and two thirds of the depth are reduction cells. Each
    halves height and width and doubles the filters.

    Args:
        init_channels: Integer, filters of the first cell.
        num_cells: Integer, at least `3` for two reduction cells.
        after_reduction: Boolean, whether the two inputs of the first cell
            differ in size. Defaults to `False`.

    Raises:
        ValueError: If there are too few channels or cells.

    Example:

    >>> [plan.filters for plan in stack_of_cells(16, 8)]
    [16, 16, 32, 32, 32, 64, 64, 64]

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 3.1.1
    """
    if num_cells < 3 or init_channels < 1:
        raise ValueError(
            "A network needs at least 3 cells, because two of them are reduce "
            f"cells, and at least 1 channel. Received: num_cells={num_cells}, "
            f"init_channels={init_channels}."
        )
    reductions = (num_cells // 3, 2 * num_cells // 3)
    plans = []
    filters = init_channels
    for position in range(num_cells):
        reduction = position in reductions
        filters *= 2 if reduction else 1
        plans.append(CellPlan(filters, reduction, after_reduction))
        after_reduction = reduction
    return plans


def validate_image_shape(input_shape):
    """Returns the image shape as a tuple, or raises `ValueError`."""
    shape = tuple(map(scalar, items(input_shape)))
    if len(shape) != 3 or any(
        type(size) is not int or size < least
        for size, least in zip(shape, (LEAST_SIDE, LEAST_SIDE, 1))
    ):
        raise ValueError(
            "`input_shape` must be (height, width, channels), with height and "
            f"width of at least {LEAST_SIDE}. Received: input_shape={shape}."
        )
    return shape


def validate_num_classes(num_classes):
    """Returns the number of classes as an `int`, or raises `ValueError`."""
    num_classes = scalar(num_classes)
    if type(num_classes) is not int or num_classes < 2:
        raise ValueError(
            f"A classifier needs at least 2 classes. "
            f"Received: num_classes={num_classes!r}."
        )
    return num_classes


def classifier(filters, num_classes, **kwargs):
    """Returns the last layer of a network, with PyTorch's initializers."""
    return keras.layers.Dense(
        num_classes,
        kernel_initializer=uniform(filters),
        bias_initializer=uniform(filters),
        **kwargs,
    )
