import math

import numpy as np
import pytest

from tfdarts.search_spaces.entropy import entropy


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        (np.full((14, 8), 1 / 8), [math.log(8)] * 14),
        (np.eye(8), [0] * 8),
        ([[1.0, 0, 0, 0], [0.25] * 4], [0, math.log(4)]),
        ([[0.75, 0.25]], [2 * math.log(2) - 0.75 * math.log(3)]),
        # Sigmoids: equal ones say nothing, whatever their sum.
        ([[0.5] * 4, [0.9, 0.9, 0, 0]], [math.log(4), math.log(2)]),
        ([[0.0] * 4], [0]),
        (np.full((3, 2, 4), 0.25, "float32"), [[math.log(4)] * 2] * 3),
    ],
)
def test_entropy_is_that_of_each_edge(probabilities, expected):
    with np.errstate(all="raise", under="ignore"):
        found = entropy(probabilities)
    np.testing.assert_allclose(found, expected, atol=1e-14)
