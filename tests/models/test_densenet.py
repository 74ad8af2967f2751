"""DenseNet-BC against published counts and its definition in NumPy."""

import keras
import numpy as np
import numpy_reference
import pytest
from samples import image
from samples import scramble

from tfdarts.models.densenet import densenet_bc


@pytest.mark.parametrize(
    ("depth", "growth_rate", "expected"),
    [
        (100, 12, 769_162),
        pytest.param(250, 24, 15_324_406, marks=pytest.mark.slow),
        pytest.param(190, 40, 25_624_430, marks=pytest.mark.slow),
    ],
)
def test_weights_of_the_paper(depth, growth_rate, expected):
    network = densenet_bc(depth, growth_rate, 10, (32, 32, 3))
    counts = (int(np.prod(w.shape)) for w in network.trainable_weights)
    assert sum(counts) == expected


def in_numpy(weights, x, depth, growth_rate):
    """The logits with batch statistics; weights in the order of layers."""

    def conv(x):
        kernel = next(weights)
        return numpy_reference.conv(x, kernel, padding=len(kernel) // 2)

    def active(x):
        return np.maximum(numpy_reference.batch_norm(x, weights), 0)

    x = conv(x)
    for block in range(3):
        if block:
            x = conv(active(x))
            height, width = (size // 2 * 2 for size in x.shape[1:3])
            x = x[:, :height, :width]
            x = (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2]) / 4 + x[
                :, 1::2, 1::2
            ] / 4
        for _ in range((depth - 4) // 6):
            narrow = conv(active(x))
            assert narrow.shape[-1] == 4 * growth_rate
            x = np.concatenate([x, conv(active(narrow))], axis=-1)
    pooled = active(x).mean((1, 2))
    return pooled @ next(weights) + next(weights)


@pytest.mark.parametrize("size", [(8, 8), (9, 7)])
def test_logits_are_the_definition(size):
    network = densenet_bc(16, 3, 5, (*size, 2), dtype="float64")
    scramble(network)
    x = image(4, *size, 2).astype("float32").astype("float64")
    weights = (w.numpy() for w in network.trainable_weights)
    expected = in_numpy(weights, x, 16, 3)
    np.testing.assert_allclose(network(x, training=True), expected, atol=1e-8)


def test_first_weights_are_those_of_the_authors_code():
    network = densenet_bc(10, 32, 2, (8, 8, 3))
    convs = [x for x in network.layers if type(x) is keras.layers.Conv2D]
    for conv in convs:
        height, width, _, filters = conv.kernel.shape
        expected = (2 / (height * width * filters)) ** 0.5
        assert conv.kernel.numpy().std() == pytest.approx(expected, rel=0.1)


def test_a_number_of_numpy_is_a_number_of_classes():
    number = np.arange(3).max() + 1
    assert densenet_bc(10, 4, number, (8, 8, 1)).output_shape == (None, 3)


@pytest.mark.parametrize(("depth", "growth_rate"), [(99, 12), (4, 12), (10, 0)])
def test_depths_that_are_none(depth, growth_rate):
    with pytest.raises(ValueError, match="depth 6 n \\+ 4"):
        densenet_bc(depth, growth_rate, 10, (8, 8, 3))
