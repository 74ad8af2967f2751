"""The supernet: published counts, its parts in their order, its alphas."""

import json

import keras
import numpy as np
import numpy_reference
import pytest
import tensorflow as tf
from one_edge_mixed_op import OneEdgeMixedOp
from samples import image
from samples import scramble

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.alphas import alphas_of
from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.models.cnn_supernet import CNNSupernet

FEW = ("none", "skip_connect", "sep_conv_3x3", "max_pool_3x3")


def count(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


def batch_norms(layer):
    return [x for x in layer._flatten_layers() if isinstance(x, BatchNorm)]


@pytest.fixture(scope="module")
def paper():
    """The supernet of the paper's search."""
    return CNNSupernet(16, 8, 10, (32, 32, 3))


@pytest.fixture
def small():
    return CNNSupernet(
        2, 4, 3, (9, 8, 2), num_nodes=2, stem_multiplier=2, primitives=FEW
    )


def test_weights_of_the_paper(paper):
    assert count(paper.network_weights) == 1_930_618
    assert count(paper.alpha_variables) == 224
    assert [count(cell.trainable_weights) for cell in paper.cells] == [
        45_888,
        46_144,
        144_000,
        137_856,
        139_904,
        484_608,
        460_032,
        468_224,
    ]
    stem = [*paper.stem_conv.weights, *paper.stem_norm.trainable_weights]
    assert count(stem) == 1_392
    assert count(paper.classifier.weights) == 2_570
    scaled = [norm for norm in batch_norms(paper) if norm.scale or norm.center]
    assert scaled == [paper.stem_norm]


@pytest.mark.slow
def test_layers_of_the_paper_with_each_edge_by_itself():
    supernet = CNNSupernet(16, 8, 10, (32, 32, 3), mixed_op=OneEdgeMixedOp)
    assert count(supernet.network_weights) == 1_930_618
    assert len(supernet.network_weights) == 1_399
    assert len(batch_norms(supernet)) == 929


def test_shapes_of_the_paper(paper):
    older = newer = (None, 32, 32, 48)
    shapes = []
    for cell in paper.cells:
        older, newer = newer, cell.compute_output_shape(older, newer)
        shapes.append(newer[1:])
    sizes = [32, 32, 16, 16, 16, 8, 8, 8]
    channels = [64, 64, 128, 128, 128, 256, 256, 256]
    assert shapes == [(s, s, c) for s, c in zip(sizes, channels)]


def test_network_weights_and_alphas_are_disjoint_and_complete(paper):
    weights, alphas, trainable, others = (
        {id(v) for v in variables}
        for variables in (
            paper.network_weights,
            paper.alpha_variables,
            paper.trainable_variables,
            paper.non_trainable_variables,
        )
    )
    # Keras alone trains no alpha.
    assert weights == trainable
    assert not weights & alphas
    assert len(alphas) == 2 and alphas < others
    assert alphas_of(paper) == [*paper.alphas.values()]
    assert [tuple(v.shape) for v in paper.alpha_variables] == [(14, 8)] * 2
    # No cell has alphas of its own.
    assert not alphas & {id(v) for cell in paper.cells for v in cell.variables}


@pytest.mark.parametrize(
    ("init_channels", "num_cells", "image_channels", "expected"),
    [
        (2, 3, 3, 28_464),
        (4, 3, 3, 72_854),
        pytest.param(4, 5, 3, 136_182, marks=pytest.mark.slow),
        pytest.param(4, 8, 3, 207_094, marks=pytest.mark.slow),
        pytest.param(8, 8, 3, 597_890, marks=pytest.mark.slow),
        pytest.param(16, 5, 3, 1_275_834, marks=pytest.mark.slow),
        pytest.param(16, 11, 3, 2_585_146, marks=pytest.mark.slow),
        pytest.param(16, 17, 3, 3_894_202, marks=pytest.mark.slow),
        pytest.param(16, 8, 1, 1_929_754, marks=pytest.mark.slow),
    ],
)
def test_weights_of_other_sizes(
    init_channels, num_cells, image_channels, expected
):
    shape = (32, 32, image_channels)
    supernet = CNNSupernet(init_channels, num_cells, 10, shape)
    assert count(supernet.network_weights) == expected


@pytest.mark.slow
@pytest.mark.parametrize("others", [(), ("none",)])
def test_weights_of_the_spaces_s2_and_s3(others):
    """Of RobustDARTS: no primitive of S3 beyond S2's has weights."""
    primitives = (*others, "skip_connect", "sep_conv_3x3")
    supernet = CNNSupernet(16, 8, 10, (32, 32, 3), primitives=primitives)
    assert count(supernet.network_weights) == 665_466


def plant(supernet):
    """Other alphas for each cell type."""
    for seed, variable in enumerate(supernet.alpha_variables):
        variable.assign(image(*variable.shape, seed=seed))


def test_logits_are_those_of_its_parts(small):
    """Stem, cells under the alphas of their type, mean, classifier."""
    scramble(small)
    plant(small)
    x = image(3, 9, 8, 2)
    edge_weights = []
    for alphas in small.alpha_variables:
        exponentials = np.exp(alphas.numpy().astype("float64"))
        edge_weights.append(exponentials / exponentials.sum(1, keepdims=True))
    stem = numpy_reference.conv(x, small.stem_conv.kernel.numpy(), padding=1)
    older = newer = numpy_reference.batch_norm(
        stem,
        iter([small.stem_norm.gamma.numpy(), small.stem_norm.beta.numpy()]),
    )
    assert stem.shape[-1] == 4  # two channels, stem multiplier two
    for position, cell in enumerate(small.cells):
        weights = edge_weights[position in (1, 2)]
        assert cell.reduction == (position in (1, 2))
        older, newer = newer, cell(older, newer, weights, training=True)
    kernel, bias = (w.numpy() for w in small.classifier.weights)
    expected = np.asarray(newer).mean((1, 2)) @ kernel + bias
    np.testing.assert_allclose(
        small(x.astype("float32"), training=True), expected, atol=1e-3
    )


def test_training_reaches_every_batch_norm():
    """Through `stateless_call`, where Keras itself passes nothing on."""
    supernet = CNNSupernet(2, 3, 3, (8, 8, 1), num_nodes=2)
    x = image(4, 8, 8, 1).astype("float32")
    state = supernet.trainable_variables, supernet.non_trainable_variables
    before = [v.numpy() for v in state[1]]
    inference, unmoved = supernet.stateless_call(*state, x, training=False)
    outputs, moved = supernet.stateless_call(*state, x, training=True)
    assert not np.allclose(inference, outputs, atol=1e-3)
    # Per cell 3 nodes with outgoing edges; per node 8 norms, 9 if strided, of
    # which a reduction cell has 2; before each cell 2; and the stem's.
    assert len(state[1]) == 2 * (3 * 3 * 8 + 2 * 2 + 3 * 2 + 1) + 2
    for variable, start, same, other in zip(
        state[1], before, unmoved, moved, strict=True
    ):
        np.testing.assert_array_equal(variable, start)
        np.testing.assert_array_equal(same, start)
        if variable.name == "alpha":
            np.testing.assert_array_equal(other, start)
            continue
        # Behind an average over normal inputs a mean can be almost zero.
        expect = np.any if variable.name == "moving_mean" else np.all
        assert expect(np.asarray(other) != start), variable.path
    called = supernet(x, training=True)
    np.testing.assert_allclose(called, outputs, atol=1e-5)
    for variable, value in zip(state[1], moved):
        np.testing.assert_allclose(variable, value, atol=1e-5)


def test_genotype_is_read_off_the_alphas():
    supernet = CNNSupernet(2, 3, 3, (4, 4, 1), num_nodes=2)
    edges = [(0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
    chosen = {
        "normal": {
            (1, 2): ("sep_conv_5x5", 2.0),
            (0, 2): ("skip_connect", 1.0),
            (2, 3): ("dil_conv_3x3", 3.0),
            (0, 3): ("avg_pool_3x3", 1.0),
        },
        "reduce": {
            (0, 2): ("max_pool_3x3", 2.0),
            (1, 2): ("dil_conv_5x5", 1.0),
            (1, 3): ("sep_conv_3x3", 2.0),
            (2, 3): ("skip_connect", 1.0),
        },
    }
    for cell_type, cell in chosen.items():
        alphas = np.zeros((5, 8))
        for edge, (name, strength) in cell.items():
            alphas[edges.index(edge), PRIMITIVES.index(name)] = strength
        supernet.alphas[cell_type].alpha.assign(alphas)
        np.testing.assert_array_equal(
            supernet.alpha_values()[cell_type], alphas
        )
    genotype = supernet.genotype()
    for cell_type, cell in chosen.items():
        assert getattr(genotype, cell_type) == tuple(
            (name, source) for (source, _), (name, _) in cell.items()
        )
    assert genotype.normal_concat == genotype.reduce_concat == (2, 3)


def test_equal_alphas_give_the_first_edges_and_the_first_primitive(paper):
    for variable in paper.alpha_variables:
        variable.assign(np.zeros(variable.shape))
    genotype = paper.genotype()
    expected = (("max_pool_3x3", 0), ("max_pool_3x3", 1)) * 4
    assert genotype.normal == genotype.reduce == expected
    assert genotype.normal_concat == genotype.reduce_concat == (2, 3, 4, 5)


def test_numbers_may_be_those_of_numpy():
    numbers = np.array([4, 3, 10])
    supernet = CNNSupernet(*numbers, np.array([8, 8, 3]), np.int64(1))
    config = json.loads(json.dumps(supernet.get_config()))
    assert config["num_classes"] == 10 and config["input_shape"] == [8, 8, 3]


def test_file_round_trip(small, tmp_path):
    scramble(small)
    plant(small)
    small.save(tmp_path / "supernet.keras")
    loaded = keras.saving.load_model(tmp_path / "supernet.keras")
    assert type(loaded) is CNNSupernet
    assert loaded.genotype() == small.genotype()
    x = image(2, 9, 8, 2).astype("float32")
    np.testing.assert_array_equal(small(x), loaded(x))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_cells": 2}, "at least 3 cells"),
        ({"init_channels": 0}, "at least 1 channel"),
        ({"num_classes": 1}, "at least 2 classes"),
        ({"input_shape": (3, 4, 1)}, "`input_shape` must be"),
        ({"num_nodes": 0}, "at least one intermediate node"),
        ({"primitives": ("none",)}, "at least one besides 'none'"),
        ({"primitives": ("none", "tanh")}, "`primitives` must be"),
    ],
)
def test_refusals(changes, message):
    arguments = {
        "init_channels": 2,
        "num_cells": 3,
        "num_classes": 3,
        "input_shape": (4, 4, 1),
    }
    with pytest.raises(ValueError, match=message):
        CNNSupernet(**{**arguments, **changes})


def test_recomputed_cells_give_the_same(small):
    """Logits, gradients of weights and alphas, and moving statistics."""
    again = CNNSupernet.from_config({**small.get_config(), "recompute": True})
    scramble(small)
    again.set_weights(small.get_weights())
    images = tf.constant(image(3, 9, 8, 2), "float32")

    def results(supernet):
        with tf.GradientTape() as tape:
            logits = supernet(images, training=True)
            loss = tf.reduce_sum(logits**2)
        return [
            logits,
            *tape.gradient(loss, supernet.trainable_variables),
            *supernet.non_trainable_variables,
        ]

    for value, wanted in zip(results(again), results(small), strict=True):
        wanted = keras.ops.convert_to_numpy(wanted)
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(value, wanted, atol=1e-5 * scale)
    inference = small(images, training=False)
    np.testing.assert_allclose(again(images, training=False), inference)
