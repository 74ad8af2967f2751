"""A primitive of your own is searched, derived, built, saved and drawn."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from one_edge_mixed_op import OneEdgeMixedOp
from samples import image

import tfdarts
from tfdarts import primitive_table
from tfdarts.models.multiply_adds import multiply_adds
from tfdarts.visualization.cell_graphs import draw_cells

PINK = "#C2185B"


def conv_1x1(filters, strides, search, name=None, dtype=None):
    """Returns ReLU, a 1x1 convolution and batch normalization."""
    affine = {"scale": not search, "center": not search}
    return keras.Sequential(
        [
            keras.layers.ReLU(dtype=dtype),
            keras.layers.Conv2D(
                filters, 1, strides, use_bias=False, dtype=dtype
            ),
            keras.layers.BatchNormalization(**affine, dtype=dtype),
        ],
        name=name,
    )


def searched(supernet, inputs, labels, **settings):
    """Returns the genotype of a short search."""
    search = tfdarts.DARTS(supernet, **settings)
    search.compile()
    batch = tf.data.Dataset.from_tensors((inputs, labels)).repeat(2)
    search.fit(tf.data.Dataset.zip(batch, batch), verbose=0)
    return supernet.genotype()


@pytest.mark.parametrize(
    "method",
    ["central_difference", pytest.param("exact", marks=pytest.mark.slow)],
)
def test_own_primitive_from_search_to_picture(tmp_path, method):
    tfdarts.register_primitive("conv_1x1", conv_1x1, color=PINK)
    shape = {"num_classes": 3, "input_shape": (8, 8, 1)}
    supernet = tfdarts.CNNSupernet(
        *(2, 3), **shape, num_nodes=1, primitives=("none", "conv_1x1")
    )
    inputs, labels = image(4, 8, 8, 1).astype("float32"), [0, 1, 2, 0]
    genotype = searched(supernet, inputs, labels, method=method)
    edges = (("conv_1x1", 0), ("conv_1x1", 1))
    assert {*genotype.normal, *genotype.reduce} == {*edges}
    # The network is the supernet of one primitive, in its final form.
    network = tfdarts.CNNNetwork(genotype, 2, 3, **shape)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(loaded(inputs), network(inputs))
    supernet.save(tmp_path / "supernet.keras")
    loaded = keras.saving.load_model(tmp_path / "supernet.keras")
    np.testing.assert_array_equal(loaded(inputs), supernet(inputs))
    draw_cells(genotype, tmp_path)
    assert PINK.lower() in (tmp_path / "normal.svg").read_text().lower()
    path = tmp_path / "genotype.json"
    genotype.save(path)
    assert tfdarts.Genotype.load(path) == genotype


@pytest.mark.parametrize("strides", [1, 2])
def test_each_edge_has_a_layer_of_its_own(strides):
    tfdarts.register_primitive("conv_1x1", conv_1x1)
    primitives = ("avg_pool_3x3", "conv_1x1", "sep_conv_3x3")
    shape, weights = (2, 5, 6, 4), np.abs(image(3, 3))
    bundle = tfdarts.MixedOp(3, 4, strides, primitives, dtype="float64")
    bundle.build(shape, weights.shape)
    plain = OneEdgeMixedOp(3, 4, strides, primitives, dtype="float64")
    plain.build(shape, weights.shape)
    for edge, layers in enumerate(plain.edges):
        for name, layer in zip(primitives, layers, strict=True):
            layer.set_weights(bundle.operation_of(edge, name).get_weights())
    for training in (False, True):
        np.testing.assert_allclose(
            bundle(image(*shape), weights, training=training),
            plain(image(*shape), weights, training=training),
            atol=1e-9,
        )


def test_one_layer_may_serve_all_edges():
    def blur(filters, strides, search, **kwargs):
        return keras.layers.AveragePooling2D(3, strides, "same", **kwargs)

    def no_bundle(**kwargs):
        return None

    tfdarts.register_primitive("blur", blur, bundle=no_bundle)
    mixed_op = tfdarts.MixedOp(2, 4, primitives=("blur",))
    assert isinstance(mixed_op.operations[0], keras.layers.AveragePooling2D)
    outputs = mixed_op(image(1, 4, 4, 4), np.array([[1.0], [2.0]]))
    np.testing.assert_allclose(outputs[..., 4:], 2 * outputs[..., :4])


def test_own_activation_from_search_to_network():
    tfdarts.register_primitive("swish", tf.nn.silu, space="rnn")
    words = np.arange(20).reshape(4, 5) % 7
    supernet = tfdarts.RNNSupernet(
        7, units=4, num_nodes=2, primitives=("none", "swish")
    )
    supernet(words)
    genotype = supernet.genotype()
    assert [name for name, _ in genotype.recurrent] == ["swish", "swish"]
    network = tfdarts.RNNNetwork(genotype, 7, units=4)
    assert network(words)[0].shape == (4, 5, 7)


def test_cost_of_own_layers():
    images = keras.Input((8, 8, 3))
    outputs = conv_1x1(4, 2, search=False)(images)
    assert multiply_adds(keras.Model(images, outputs)) == 4 * 4 * 3 * 4

    class Costly(keras.layers.Layer):
        def build(self, input_shape):
            self.add_weight(shape=(3, 3))

        def call(self, inputs):
            return inputs

        def multiply_adds(self, input_shape):
            return 17

    outputs = Costly()(images)
    assert multiply_adds(keras.Model(images, outputs)) == 17


def test_registering_again_replaces_and_needs_no_default_space():
    tfdarts.register_primitive("conv_1x1", conv_1x1)
    tfdarts.register_primitive("conv_1x1", conv_1x1, color=PINK)
    assert primitive_table.TABLE["conv_1x1"].color == PINK
    assert "conv_1x1" not in tfdarts.CNNSearchSpace().primitives


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("conv 1x1", conv_1x1), "must consist of letters, digits"),
        ((3, conv_1x1), "must consist of letters, digits"),
        (("tanh", conv_1x1), "name of tfdarts' own primitives"),
        (("mine", None), "needs a function `layer`, or .* `search` and `fin"),
        (("mine", conv_1x1, "cnn", 3), "must be a function. Received: 3"),
        (("mine", conv_1x1, "gnn"), "must be one of cnn, rnn"),
        (
            ("mine", tf.tanh, "rnn", conv_1x1),
            "activation, which takes no bundle",
        ),
        (("mine", conv_1x1, "cnn", None, "red"), "'#RRGGBB'. Received: 'red'"),
    ],
)
def test_unfit_arguments_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        tfdarts.register_primitive(*arguments)


def test_a_layer_of_another_shape_is_refused():
    def valid(filters, strides, search, **kwargs):
        return keras.layers.Conv2D(filters, 3, strides, **kwargs)

    tfdarts.register_primitive("valid", valid)
    with pytest.raises(ValueError, match=r"\(2, 8, 8, 4\).*\(2, 6, 6, 4\)"):
        tfdarts.MixedOp(1, 4, primitives=("valid",))(image(2, 8, 8, 4))


def test_what_is_no_layer_is_refused():
    tfdarts.register_primitive("three", lambda *args, **kwargs: 3)
    with pytest.raises(ValueError, match="three must return a Keras layer"):
        tfdarts.MixedOp(1, 4, primitives=("three",))(image(2, 8, 8, 4))


def test_an_unregistered_name_says_how_to_register_it():
    with pytest.raises(ValueError, match="tfdarts.register_primitive"):
        tfdarts.Genotype(recurrent=[("swish", 0)], recurrent_concat=[1])
