"""Every second pixel."""

import numpy as np
import pytest
from samples import image

from tfdarts.layers.subsample import Subsample


@pytest.mark.parametrize("size", [(4, 6), (5, 3), (4, 5)])
@pytest.mark.parametrize("offset", [0, 1])
def test_pixels(offset, size):
    x = image(2, *size, 3).astype("float32")
    layer = Subsample(offset)
    outputs = np.asarray(layer(x))
    assert outputs.shape == layer.compute_output_shape(x.shape)
    height, width = outputs.shape[1:3]
    assert (height, width) == (-(-size[0] // 2), -(-size[1] // 2))
    for row in range(height):
        for column in range(width):
            source = 2 * row + offset, 2 * column + offset
            inside = source[0] < size[0] and source[1] < size[1]
            expected = x[:, source[0], source[1]] if inside else 0.0
            np.testing.assert_array_equal(outputs[:, row, column], expected)
