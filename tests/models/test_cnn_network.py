"""The network of a genotype: published counts, its graph, its file."""

import dataclasses
import json
import re

import keras
import numpy as np
import numpy_reference
import pytest
from samples import image
from samples import scramble

from tfdarts import genotypes
from tfdarts.genotypes import Genotype
from tfdarts.models.cnn_network import CNNNetwork


def uniform_genotype(name):
    cell = [(name, source) for node in range(4) for source in (0, 1)]
    return Genotype(cell, range(2, 6), cell, range(2, 6))


# One predecessor twice, one node as output, no order in concat; the cells have
# not the same number of nodes.
UNUSUAL = Genotype(
    normal=[
        ("sep_conv_3x3", 1),
        ("skip_connect", 0),
        ("avg_pool_3x3", 0),
        ("max_pool_3x3", 0),
        ("dil_conv_5x5", 3),
        ("skip_connect", 2),
    ],
    normal_concat=[4],
    reduce=[
        ("conv_7x1_1x7", 0),
        ("skip_connect", 1),
        ("sep_conv_7x7", 1),
        ("skip_connect", 2),
    ],
    reduce_concat=[3, 2],
)


def count(network):
    return sum(int(np.prod(w.shape)) for w in network.trainable_weights)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("DARTS_V1", 3_169_414, marks=pytest.mark.slow),
        ("DARTS_V2", 3_349_342),
        ("NASNet", 3_830_950),
        pytest.param("AmoebaNet", 3_145_078, marks=pytest.mark.slow),
        ("PC_DARTS_cifar", 3_634_678),
        pytest.param("PDARTS", 3_433_798, marks=pytest.mark.slow),
        pytest.param("GDAS_V1", 3_368_782, marks=pytest.mark.slow),
        pytest.param("DrNAS_cifar10", 4_099_294, marks=pytest.mark.slow),
        pytest.param("PC_DARTS_image", 3_721_510, marks=pytest.mark.slow),
        pytest.param("DrNAS_imagenet", 4_048_750, marks=pytest.mark.slow),
        pytest.param("PNASNet", 4_481_110, marks=pytest.mark.slow),
    ],
)
def test_weights_of_published_networks(name, expected):
    network = CNNNetwork(genotypes.get(name), 36, 20, 10, (32, 32, 3))
    assert count(network) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DARTS_V2", 4_718_752),
        ("NASNet", 5_564_320),
        pytest.param("DARTS_V1", 4_510_432, marks=pytest.mark.slow),
        pytest.param("AmoebaNet", 4_627_360, marks=pytest.mark.slow),
        pytest.param("PC_DARTS_cifar", 5_270_560, marks=pytest.mark.slow),
        pytest.param("PC_DARTS_image", 5_342_464, marks=pytest.mark.slow),
        pytest.param("PDARTS", 4_944_352, marks=pytest.mark.slow),
        pytest.param("GDAS_V1", 4_969_216, marks=pytest.mark.slow),
        pytest.param("DrNAS_cifar10", 5_738_464, marks=pytest.mark.slow),
        pytest.param("DrNAS_imagenet", 5_726_368, marks=pytest.mark.slow),
        pytest.param("PNASNet", 6_394_912, marks=pytest.mark.slow),
        pytest.param(
            uniform_genotype("skip_connect"), 2_800_480, marks=pytest.mark.slow
        ),
        pytest.param(
            uniform_genotype("sep_conv_3x3"), 6_548_320, marks=pytest.mark.slow
        ),
    ],
)
def test_weights_of_networks_for_imagenet(name, expected):
    genotype = genotypes.get(name) if isinstance(name, str) else name
    network = CNNNetwork(genotype, 48, 14, 1000, (224, 224, 3))
    assert network.stem == "imagenet"
    assert count(network) == expected


@pytest.mark.parametrize(
    ("init_channels", "num_cells", "expected"),
    [
        (16, 8, 246_106),
        (8, 8, 69_618),
        (4, 8, 21_454),
        (4, 5, 11_554),
        (4, 3, 2_858),
    ],
)
def test_weights_of_small_networks(init_channels, num_cells, expected):
    genotype = genotypes.get("DARTS_V2")
    shape = (32, 32, 3)
    network = CNNNetwork(genotype, init_channels, num_cells, 10, shape)
    assert count(network) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("genotype", "num_classes", "expected"),
    [
        (genotypes.get("DARTS_V1"), 100, 3_221_344),
        (genotypes.get("DARTS_V2"), 100, 3_401_272),
        (genotypes.get("NASNet"), 100, 3_895_840),
        (genotypes.get("AmoebaNet"), 100, 3_184_048),
        (uniform_genotype("skip_connect"), 10, 1_580_950),
        (uniform_genotype("sep_conv_3x3"), 10, 4_701_718),
        (uniform_genotype("skip_connect"), 100, 1_632_880),
        (uniform_genotype("sep_conv_3x3"), 100, 4_753_648),
    ],
)
def test_weights_of_further_networks(genotype, num_classes, expected):
    network = CNNNetwork(genotype, 36, 20, num_classes, (32, 32, 3))
    assert count(network) == expected


@pytest.fixture
def float64():
    """All layers made in the test compute in float64."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(policy)


def stem_in_numpy(network, x, weights):
    """What the first cell sees, in NumPy."""
    convs = [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]
    if network.stem == "cifar":
        kernel = convs[0].kernel.numpy()
        outputs = numpy_reference.batch_norm(
            numpy_reference.conv(x, kernel, padding=1), weights("stem")
        )
        return outputs, outputs
    seen = []
    for layer, name in zip(convs, ("half", "quarter", "eighth"), strict=True):
        x = numpy_reference.conv(x, layer.kernel.numpy(), strides=2, padding=1)
        x = numpy_reference.batch_norm(x, weights(f"stem_{name}"))
        seen.append(x)
        x = np.maximum(x, 0)
    return seen[1:]


def in_numpy(network, x, reductions, channels):
    """The logits node by node, with batch statistics, in float64."""

    def weights(name):
        return (w.numpy() for w in network.get_layer(name).trainable_weights)

    genotype = network.genotype
    older, newer = stem_in_numpy(network, x, weights)
    for position in range(network.num_cells):
        reduction = position in reductions
        cell = f"cell{position}"
        reference = (
            numpy_reference.factorized_reduce
            if older.shape != newer.shape and older.shape[1] != newer.shape[1]
            else numpy_reference.relu_conv_bn
        )
        nodes = [
            reference(older, weights(f"{cell}_older"), affine=True),
            numpy_reference.relu_conv_bn(
                newer, weights(f"{cell}_newer"), affine=True
            ),
        ]
        edges = genotype.reduce if reduction else genotype.normal
        for node, pair in enumerate(zip(edges[::2], edges[1::2]), start=2):
            nodes.append(
                sum(
                    numpy_reference.primitive(
                        name,
                        nodes[source],
                        weights(f"{cell}_node{node}_{half}_{name}"),
                        strides=2 if reduction and source < 2 else 1,
                    )
                    for half, (name, source) in enumerate(pair)
                )
            )
        concat = genotype.reduce_concat if reduction else genotype.normal_concat
        output = np.concatenate([nodes[node] for node in concat], axis=-1)
        older, newer = newer, output
        assert newer.shape[-1] == len(concat) * channels[position]
    kernel, bias = weights("classifier")
    return newer.mean((1, 2)) @ kernel + bias


@pytest.mark.parametrize(
    ("genotype", "size"),
    [
        (genotypes.get("DARTS_V2"), (8, 8)),
        (genotypes.get("AmoebaNet"), (9, 7)),
        (UNUSUAL, (9, 8)),
    ],
    ids=["DARTS_V2", "AmoebaNet", "unusual"],
)
def test_logits_are_those_of_the_graph(genotype, size, float64):
    network = CNNNetwork(genotype, 2, 4, 3, (*size, 2), stem_multiplier=2)
    scramble(network)
    x = image(4, *size, 2).astype("float32")  # what `keras.Input` makes of it
    expected = in_numpy(
        network, x.astype("float64"), reductions=(1, 2), channels=(2, 4, 8, 8)
    )
    np.testing.assert_allclose(network(x, training=True), expected, atol=1e-8)


def test_logits_of_channels_that_do_not_double(float64):
    network = CNNNetwork(
        genotypes.get("DARTS_V2"), 3, 4, 3, (8, 8, 2), channel_multiplier=1.7
    )
    scramble(network)
    x = image(4, 8, 8, 2).astype("float32")
    expected = in_numpy(
        network, x.astype("float64"), reductions=(1, 2), channels=(3, 5, 9, 9)
    )
    np.testing.assert_allclose(network(x, training=True), expected, atol=1e-8)


@pytest.mark.parametrize("size", [(32, 32), (43, 37)])
def test_logits_behind_the_stem_of_imagenet(size, float64):
    genotype = genotypes.get("DARTS_V2")
    network = CNNNetwork(genotype, 2, 3, 3, (*size, 3), stem="imagenet")
    scramble(network)
    x = image(4, *size, 3).astype("float32")
    expected = in_numpy(
        network, x.astype("float64"), reductions=(1, 2), channels=(2, 4, 8)
    )
    np.testing.assert_allclose(network(x, training=True), expected, atol=1e-8)


def test_file_and_config_round_trip(tmp_path):
    genotype = dataclasses.replace(UNUSUAL, name="unusual")
    network = CNNNetwork(
        genotype, 2, 3, 5, (8, 7, 1), 4, channel_multiplier=1.5, name="mine"
    )
    assert network.get_config()["stem"] == "cifar"
    assert isinstance(network, keras.Model)
    assert network.get_layer("classifier").output is network.output
    scramble(network)
    network.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = image(2, 8, 7, 1).astype("float32")
    twin = CNNNetwork.from_config(network.get_config())
    twin.set_weights(network.get_weights())
    for other in (loaded, twin):
        assert type(other) is CNNNetwork
        assert other is not network
        assert other.genotype == network.genotype == genotype
        assert other.genotype.name == "unusual"
        assert other.get_config() == network.get_config()
        np.testing.assert_array_equal(network(x), other(x))


def test_numbers_may_be_those_of_numpy():
    network = CNNNetwork(
        genotypes.get("DARTS_V2"),
        *np.array([4, 3, 10]),
        np.array([8, 8, 3]),
        stem_multiplier=np.int64(1),
    )
    config = json.loads(json.dumps(network.get_config()))
    assert config["num_classes"] == 10 and config["input_shape"] == [8, 8, 3]


def test_functional_model_can_be_cut():
    """What only a functional model can: features of an inner node."""
    network = CNNNetwork(genotypes.get("DARTS_V2"), 2, 3, 5, (8, 8, 1))
    features = keras.Model(
        network.input, network.get_layer("cell1_output").output
    )
    assert features.output_shape == (None, 4, 4, 16)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_cells": 2}, "at least 3 cells"),
        ({"num_classes": 1}, "at least 2 classes"),
        ({"input_shape": (8, 8)}, "`input_shape` must be"),
        ({"genotype": "DARTS_V3"}, "Did you mean DARTS_V"),
        ({"genotype": 7}, "must be a Genotype"),
    ],
)
def test_refusals(changes, message):
    arguments = {
        "genotype": UNUSUAL,
        "init_channels": 2,
        "num_cells": 3,
        "num_classes": 3,
        "input_shape": (8, 8, 1),
    }
    with pytest.raises(ValueError, match=message):
        CNNNetwork(**{**arguments, **changes})


def test_drop_path_is_behind_all_but_identity():
    """Behind a skip connection of stride 2, too, which is no identity."""
    edges = [("skip_connect", 0), ("sep_conv_3x3", 1)] * 2
    edges += [("skip_connect", 2), ("avg_pool_3x3", 0)] * 2
    genotype = Genotype(edges, [2, 3, 4, 5], edges, [2, 3, 4, 5])
    network = CNNNetwork(genotype, 2, 3, 5, (8, 8, 1), drop_path=True)
    behind = {
        tensor._keras_history.operation.name
        for node in network.drop_path._inbound_nodes
        for tensor in node.input_tensors
    }
    operations = {
        layer.name
        for layer in network.layers
        if re.search(r"_node\d_\d_", layer.name)
    }
    identities = {
        f"cell{cell}_node{node}_0_skip_connect"
        for cell, nodes in ((0, (2, 3, 4, 5)), (1, (4, 5)), (2, (4, 5)))
        for node in nodes
    }
    assert len(operations) == 24
    assert behind == operations - identities
    assert "cell1_node2_0_skip_connect" in behind


def test_drop_path_changes_training_only_and_no_count():
    arguments = (genotypes.get("DARTS_V2"), 2, 3, 5, (8, 8, 1))
    plain, network = (
        CNNNetwork(*arguments, drop_path=flag) for flag in (False, True)
    )
    assert plain.drop_path is None
    # The rate.
    assert len(plain.weights) + 1 == len(network.weights)
    # Their layers are in another order; only the stem's have other names.
    layers = {layer.name: layer for layer in network.layers}
    (stem,) = (x for x in network.layers if type(x) is keras.layers.Conv2D)
    for layer in plain.layers:
        layers.get(layer.name, stem).set_weights(layer.get_weights())
    images = image(16, 8, 8, 1)
    expected = plain(images, training=True).numpy()

    np.testing.assert_allclose(
        network(images, training=True), expected, atol=1e-5
    )
    network.drop_path.rate.assign(0.5)
    other = network(images, training=True).numpy()
    assert np.abs(other - expected).max() > 0.01
    loaded = CNNNetwork.from_config(network.get_config())
    assert loaded.drop_path is not None
    assert len(loaded.weights) == len(network.weights)
