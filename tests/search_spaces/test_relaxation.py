import math

import numpy as np
import pytest

from tfdarts.search_spaces.relaxation import entropy
from tfdarts.search_spaces.relaxation import log_softmax


def softmax(alphas):
    return np.exp(log_softmax(alphas))


def test_softmax_is_the_textbook_one():
    alphas = np.random.default_rng(0).normal(size=(14, 8))
    expected = [
        [math.exp(a) / sum(math.exp(b) for b in row) for a in row]
        for row in alphas
    ]
    np.testing.assert_allclose(softmax(alphas), expected, rtol=1e-14)


def test_softmax_computes_in_float64():
    alphas = np.float32([[0, 1, 2]])
    np.testing.assert_array_equal(softmax(alphas), softmax([[0.0, 1.0, 2.0]]))
    assert log_softmax(alphas).dtype == "float64"


@pytest.mark.parametrize("size", [1000.0, 1e300])
def test_extreme_alphas_neither_overflow_nor_become_nan(size):
    with np.errstate(all="raise", under="ignore"):
        weights = softmax([[size, -size, 0], [size, size, -size]])
    np.testing.assert_allclose(weights, [[1, 0, 0], [0.5, 0.5, 0]], atol=1e-15)


@pytest.mark.parametrize(
    ("alphas", "expected"),
    [
        (np.zeros((14, 8)), [math.log(8)] * 14),
        (np.full((14, 8), 1000.0), [math.log(8)] * 14),
        (1000 * np.eye(8), [0] * 8),
        ([[1000.0, 0, 0, 0], [0, 0, 0, 0]], [0, math.log(4)]),
        ([[math.log(3), 0]], [2 * math.log(2) - 0.75 * math.log(3)]),
    ],
)
def test_entropy_is_that_of_each_edge(alphas, expected):
    with np.errstate(all="raise", under="ignore"):
        assert entropy(alphas) == pytest.approx(expected, abs=1e-14)
