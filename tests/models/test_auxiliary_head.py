"""The auxiliary head: published counts, its loss, and nothing of it after."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from samples import image

from tfdarts import genotypes
from tfdarts.models.auxiliary_head import WithAuxiliaryHead
from tfdarts.models.cnn_network import CNNNetwork


def count(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize(
    ("name", "weights"),
    [("DARTS_V1", 476_426), ("DARTS_V2", 476_426), ("AmoebaNet", 457_994)],
)
def test_weights_of_the_published_heads(name, weights):
    network = CNNNetwork(genotypes.get(name), 36, 20, 10, (32, 32, 3))
    before = count(network)
    assert count(WithAuxiliaryHead(network)) - before == weights
    assert count(network) == before


def tiny(size=32, **kwargs):
    genotype = genotypes.get("DARTS_V2")
    network = CNNNetwork(genotype, 2, 3, 5, (size, size, 1), **kwargs)
    return network, WithAuxiliaryHead(network, weight=0.4)


@pytest.mark.parametrize("size", [5, 7, 12, 16, 33, 48])
def test_it_stands_on_images_of_any_size_with_the_same_weights(size):
    _, published = tiny()
    _, model = tiny(size)
    assert count(model) == count(published)
    logits, auxiliary = model(image(2, size, size, 1), training=True)
    assert logits.shape == auxiliary.shape == (2, 5)


@pytest.mark.parametrize(
    ("size", "stem", "least"), [(4, "cifar", 5), (32, "imagenet", 33)]
)
def test_images_too_small_for_it_are_refused(size, stem, least):
    message = (
        f"--stem={stem} images of at least {least} pixels a side. Received "
        f"images of {size}x{size}. Give --auxiliary_weight=0, or"
    )
    with pytest.raises(ValueError, match=message):
        tiny(size, stem=stem)
    _, model = tiny(least, stem=stem)
    assert model.network.two_thirds.shape[1:3] == (2, 2)


def test_it_stands_behind_the_second_reduction():
    for num_cells, filters, size in ((20, 36 * 16, 8), (8, 36 * 16, 8)):
        genotype = genotypes.get("DARTS_V2")
        network = CNNNetwork(genotype, 36, num_cells, 10, (32, 32, 3))
        assert network.two_thirds.shape == (None, size, size, filters)
        name = network.two_thirds._keras_history.operation.name
        assert name == f"cell{2 * num_cells // 3}_output"


def head_by_hand(model, maps):
    """The published head on a map of 8x8, in NumPy, statistics of the batch."""
    known = {id(layer) for layer in model.network._flatten_layers()}
    layers = [x for x in model.layers if id(x) not in known and x.weights]
    first, norm1, second, norm2, last = layers

    def normalized(x, norm):
        x = x - x.mean((0, 1, 2))
        x = x / np.sqrt((x**2).mean((0, 1, 2)) + 1e-5)
        return np.maximum(x * norm.gamma.numpy() + norm.beta.numpy(), 0)

    active = np.maximum(maps, 0)
    corners = [
        [active[:, i : i + 5, j : j + 5] for j in (0, 3)] for i in (0, 3)
    ]
    pooled = np.array([[c.mean((1, 2)) for c in row] for row in corners])
    pooled = pooled.transpose(2, 0, 1, 3)
    x = normalized(pooled @ first.kernel.numpy()[0, 0], norm1)
    x = np.einsum("bijc,ijcd->bd", x, second.kernel.numpy())[:, None, None]
    x = normalized(x, norm2)[:, 0, 0]
    return x @ last.kernel.numpy() + last.bias.numpy()


def test_its_logits_are_those_by_hand():
    network, model = tiny()
    images = image(6, 32, 32, 1)
    inner = keras.Model(network.inputs[0], network.two_thirds)
    maps = inner(images, training=True).numpy().astype("float64")
    _, auxiliary = model(images, training=True)
    expected = head_by_hand(model, maps)
    np.testing.assert_allclose(auxiliary, expected, rtol=1e-3, atol=1e-4)


def test_its_loss_counts_in_training_and_nowhere_else():
    network, model = tiny()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"], run_eagerly=True)
    x, y = image(6, 32, 32, 1).astype("float32"), np.arange(6) % 5
    outputs = model(x, training=True)
    of_logits, of_head = (float(loss(y, output)) for output in outputs)
    assert of_head != pytest.approx(of_logits, rel=1e-3)
    in_training = model.compute_loss(x, y, outputs, None, training=True)
    expected = pytest.approx(of_logits + 0.4 * of_head, rel=1e-5)
    assert float(in_training) == expected

    before = [v.numpy() for v in network.trainable_variables]
    logs = model.train_on_batch(x, y, return_dict=True)
    assert set(logs) == {"loss", "accuracy"}
    assert logs["loss"] == expected
    moved = [v.numpy() for v in network.trainable_variables]
    assert not any(np.array_equal(a, b) for a, b in zip(before, moved))

    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    logits = network(x, training=False)
    assert logs["loss"] == pytest.approx(float(loss(y, logits)), rel=1e-5)
    accuracy = (tf.argmax(logits, 1).numpy() == y).mean()
    assert logs["accuracy"] == pytest.approx(accuracy)


def test_the_head_of_imagenet_lacks_its_second_norm():
    """As the authors have it, pooled 5x5 at stride 2 on maps of 7x7."""
    genotype = genotypes.get("DARTS_V2")
    network = CNNNetwork(genotype, 2, 3, 5, (224, 224, 3))
    model = WithAuxiliaryHead(network)
    channels = 2 * 2 * 2 * 4
    assert network.two_thirds.shape == (None, 7, 7, channels)
    head = channels * 128 + 2 * 128 + 2 * 2 * 128 * 768 + 769 * 5
    assert count(model) - count(network) == head
    (pooling,) = (
        layer
        for layer in model.layers
        if type(layer) is keras.layers.AveragePooling2D
    )
    assert (pooling.pool_size, pooling.strides) == ((5, 5), (2, 2))
