"""How cells are stacked."""

import numpy as np
import pytest
import tensorflow as tf

from tfdarts.models import skeleton
from tfdarts.models.skeleton import stack_of_cells


@pytest.mark.parametrize(
    ("num_cells", "reductions"),
    [
        (3, [1, 2]),
        (5, [1, 3]),
        (6, [2, 4]),
        (8, [2, 5]),
        (11, [3, 7]),
        (14, [4, 9]),
        (17, [5, 11]),
        (20, [6, 13]),
    ],
)
def test_reductions_stand_at_one_and_two_thirds(num_cells, reductions):
    plans = stack_of_cells(4, num_cells)
    assert len(plans) == num_cells
    assert [i for i, plan in enumerate(plans) if plan.reduction] == reductions
    behind = [i for i, plan in enumerate(plans) if plan.after_reduction]
    assert behind == [i + 1 for i in reductions if i + 1 < num_cells]
    doublings = [sum(i >= r for r in reductions) for i in range(num_cells)]
    assert [plan.filters for plan in plans] == [4 * 2**d for d in doublings]


@pytest.mark.parametrize(
    ("multiplier", "filters"),
    [(1, [8, 8, 8]), (1.9, [8, 15, 29]), (2.1, [8, 17, 35])],
)
def test_channels_grow_by_any_factor(multiplier, filters):
    plans = stack_of_cells(8, 3, channel_multiplier=multiplier)
    assert [plan.filters for plan in plans] == filters
    assert {type(plan.filters) for plan in plans} == {int}
    with pytest.raises(ValueError, match="must be at least 1. Received"):
        stack_of_cells(8, 3, channel_multiplier=0.9)


@pytest.mark.parametrize(
    ("init_channels", "num_cells"), [(16, 2), (16, 0), (0, 8)]
)
def test_too_few_channels_or_cells(init_channels, num_cells):
    with pytest.raises(ValueError, match="at least 3 cells"):
        stack_of_cells(init_channels, num_cells)


@pytest.mark.parametrize(
    "shape",
    [(3, 8, 1), (8, 3, 1), (8, 8, 0), (8, 8), (None, 8, 1), (8.0, 8, 1)],
)
def test_image_shapes_that_are_refused(shape):
    with pytest.raises(ValueError, match="`input_shape` must be"):
        skeleton.validate_image_shape(shape)


@pytest.mark.parametrize(
    "shape", [[4, 4, 1], np.array([4, 4, 1]), tf.TensorShape([4, 4, 1])]
)
def test_image_shape_is_a_tuple(shape):
    checked = skeleton.validate_image_shape(shape)
    assert checked == (4, 4, 1) and {*map(type, checked)} == {int}


def test_a_number_of_numpy_is_a_number_of_classes():
    checked = skeleton.validate_num_classes(np.arange(3).max() + 1)
    assert checked == 3 and type(checked) is int


@pytest.mark.parametrize("num_classes", [1, 0, -1, 2.5, "10", None])
def test_one_class_is_refused(num_classes):
    with pytest.raises(ValueError, match="at least 2 classes"):
        skeleton.validate_num_classes(num_classes)


def test_classifier_begins_as_pytorchs():
    """U(-1/√n, 1/√n) for the kernel and the bias."""
    layer = skeleton.classifier(100, 1000)
    layer.build((None, 100))
    for weight in layer.weights:
        values = weight.numpy()
        assert np.abs(values).max() == pytest.approx(0.1, rel=0.01)
        assert values.std() == pytest.approx(0.1 / 3**0.5, rel=0.05)
