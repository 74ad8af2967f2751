"""Many variables as one vector."""

import keras
import numpy as np
import pytest

from tfdarts.training.flat_variables import FlatVariables

VALUES = [
    np.arange(6.0).reshape(2, 3),
    np.array(6.0),
    np.arange(7.0, 11.0).reshape(1, 2, 1, 2),
]


@pytest.fixture
def flat():
    return FlatVariables([keras.Variable(value) for value in VALUES])


def test_read_is_every_value_in_order(flat):
    np.testing.assert_array_equal(flat.read(), np.arange(11.0))


def test_split_undoes_join(flat):
    tensors = [keras.ops.array(10 * value) for value in VALUES]
    vector = flat.join(tensors)
    np.testing.assert_array_equal(vector, 10 * np.arange(11.0))
    for part, value in zip(flat.split(vector), VALUES, strict=True):
        assert part.shape == value.shape
        np.testing.assert_array_equal(part, 10 * value)


def test_write_assigns_every_part(flat):
    flat.write(keras.ops.array(1 - np.arange(11.0), "float32"))
    for variable, value in zip(flat.variables, VALUES, strict=True):
        np.testing.assert_array_equal(variable, 1 - value)
    np.testing.assert_array_equal(flat.read(), 1 - np.arange(11.0))
