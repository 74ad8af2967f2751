"""Networks whose cells have nodes with only `none` edges."""

import keras
import numpy as np
import pytest

import tfdarts
from tfdarts.models.auxiliary_head import WithAuxiliaryHead

SILENT = [("none", 0), ("none", 1)]
CELLS = {
    "first": [SILENT, [("sep_conv_3x3", 1), ("skip_connect", 2)]],
    "last": [[("sep_conv_3x3", 1)], [("none", 2), ("none", 0)]],
    "source": [[("none", 0)], [("sep_conv_3x3", 2), ("max_pool_3x3", 1)]],
    "all": [SILENT, [("none", 2)]],
}


def network_of(normal, reduce, shape=(7, 9, 1), **settings):
    genotype = tfdarts.Genotype(
        normal=normal,
        normal_concat=[2, 3],
        reduce=reduce,
        reduce_concat=[2, 3],
    )
    return tfdarts.CNNNetwork(genotype, 4, 3, 10, shape, **settings)


@pytest.mark.parametrize(
    ("normal", "reduce"),
    [("first", "last"), ("last", "source"), ("source", "all"), ("all", "all")],
)
def test_each_weight_of_a_network_has_a_gradient(normal, reduce):
    """Keras warns of weights without one, and warnings are errors."""
    network = network_of(CELLS[normal], CELLS[reduce], drop_path=True)
    model = WithAuxiliaryHead(network)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for each in (network, model):
        each.compile("sgd", loss)
        images = np.ones([4, 7, 9, 1], "float32")
        each.fit(images, np.zeros(4, "int32"), verbose=0)


@pytest.mark.parametrize(
    ("shape", "stem"), [((7, 9, 1), "cifar"), ((45, 33, 3), "imagenet")]
)
def test_a_node_of_none_is_zero_and_needs_no_weights(shape, stem, tmp_path):
    network = network_of(
        *(CELLS["last"], CELLS["first"]), shape, stem=stem, dtype="bfloat16"
    )
    names = {layer.name for layer in network.layers if layer.weights}
    assert not any(name.endswith("_older") for name in names)
    cells = [network.get_layer(f"cell{n}_output") for n in range(3)]
    outputs = keras.Model(network.inputs[0], [cell.output for cell in cells])
    images = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    for silent, output in zip((1, 0, 0), outputs(images)):
        halves = np.split(np.asarray(output, "float32"), 2, axis=-1)
        assert not halves[silent].any() and halves[1 - silent].any()
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(images), network(images))
