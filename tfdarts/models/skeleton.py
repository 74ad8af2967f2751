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


def stack_of_cells(
    init_channels, num_cells, after_reduction=False, channel_multiplier=2
):
    """Returns a list with the `CellPlan` of each cell.

    The cells at one and two thirds of the depth are reduction cells. Each
    halves height and width and multiplies the filters.

    Args:
        init_channels: Integer, filters of the first cell.
        num_cells: Integer, at least `3` for two reduction cells.
        after_reduction: Boolean, whether the two inputs of the first cell
            differ in size. Defaults to `False`.
        channel_multiplier: Number of at least `1`. After the n-th reduction,
            a cell has `round(init_channels * channel_multiplier**n)` filters.
            Defaults to `2`, as in the paper.

    Raises:
        ValueError: If there are too few channels or cells, or the multiplier
            is below 1.

    Example:

    >>> [plan.filters for plan in stack_of_cells(16, 8)]
    [16, 16, 32, 32, 32, 64, 64, 64]
    >>> plans = stack_of_cells(8, 5, channel_multiplier=2.1)
    >>> [plan.filters for plan in plans]
    [8, 17, 17, 35, 35]

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 3.1.1
    """
    if num_cells < 3 or init_channels < 1:
        raise ValueError(
            "A network needs at least 3 cells, because two of them are reduce "
            f"cells, and at least 1 channel. Received: num_cells={num_cells}, "
            f"init_channels={init_channels}."
        )
    if channel_multiplier < 1:
        raise ValueError(
            "The channels must not become fewer at a reduction cell, so "
            "`channel_multiplier` must be at least 1. "
            f"Received: channel_multiplier={channel_multiplier}."
        )
    reductions = (num_cells // 3, 2 * num_cells // 3)
    plans = []
    for position in range(num_cells):
        reduction = position in reductions
        done = sum(position >= each for each in reductions)
        filters = round(init_channels * channel_multiplier**done)
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
