"""What every layer and model promises; one short test a promise."""

import collections
import inspect
import json
import pkgutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from samples import image
from samples import scramble

import tfdarts
from tfdarts.layers.alphas import Alphas
from tfdarts.layers.auxiliary_skip import AuxiliarySkipMixedOp
from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.bundles import FactorizedReduceBundle
from tfdarts.layers.bundles import LayerBundle
from tfdarts.layers.chosen_mixed_op import ChosenMixedOp
from tfdarts.layers.conv_bn_relu import ConvBNReLU
from tfdarts.layers.convolutions import Conv7x1Conv1x7
from tfdarts.layers.convolutions import DilConv
from tfdarts.layers.convolutions import FactorizedReduce
from tfdarts.layers.convolutions import ReLUConvBN
from tfdarts.layers.convolutions import SepConv
from tfdarts.layers.drop_path import DropPath
from tfdarts.layers.drop_path_mixed_op import DropPathMixedOp
from tfdarts.layers.dropout import SpatialDropout1D
from tfdarts.layers.input_choice import InputChoice
from tfdarts.layers.layer_choice import LayerChoice
from tfdarts.layers.likeliest_path import LikeliestPath
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.nas_bench_201_layers import NASBench201SearchCell
from tfdarts.layers.nas_bench_201_layers import ResidualReduction
from tfdarts.layers.noise import Noise
from tfdarts.layers.partial_mixed_op import PartialMixedOp
from tfdarts.layers.primitives import MaxPooling3x3
from tfdarts.layers.primitives import Pool3x3
from tfdarts.layers.primitives import Skip
from tfdarts.layers.primitives import Zero
from tfdarts.layers.recurrent_cell import RecurrentCell
from tfdarts.layers.recurrent_search_cell import RecurrentSearchCell
from tfdarts.layers.recurrent_search_cell import SearchRNN
from tfdarts.layers.relaxations import Concrete
from tfdarts.layers.relaxations import Dirichlet
from tfdarts.layers.relaxations import Sigmoid
from tfdarts.layers.relaxations import Softmax
from tfdarts.layers.relaxations import StraightThrough
from tfdarts.layers.search_cell import SearchCell
from tfdarts.layers.separable_bundles import SeparableBundle
from tfdarts.layers.separable_bundles import SepConvBundle
from tfdarts.layers.separate_mixed_op import SeparateMixedOp
from tfdarts.layers.size_choice import SizeChoice
from tfdarts.layers.skip_dropout import SkipDropout
from tfdarts.layers.skip_dropout import SkipDropoutMixedOp
from tfdarts.layers.subsample import Subsample
from tfdarts.layers.uniform_path import UniformPath
from tfdarts.models.auxiliary_head import WithAuxiliaryHead
from tfdarts.models.carried_state import WithCarriedState
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.models.hierarchical_network import HierarchicalNetwork
from tfdarts.models.language_model import LanguageModel
from tfdarts.models.nas_bench_201_models import NASBench201Network
from tfdarts.models.nas_bench_201_models import NASBench201Supernet
from tfdarts.models.rnn_network import RNNNetwork
from tfdarts.models.rnn_supernet import RNNSupernet
from tfdarts.replicas import on_each_replica
from tfdarts.replicas import part_of_batch
from tfdarts.search_spaces.hierarchical import HierarchicalSearchSpace
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace

Promising = collections.namedtuple("Promising", ["of", "arguments", "shapes"])
"""A class, its constructor's arguments, the shapes of its inputs."""

IMAGE = (7, 6, 4)
GENOTYPE = tfdarts.genotypes.get("DARTS_V2")
NETWORK = {"num_cells": 3, "num_classes": 5, "input_shape": IMAGE}
FEW = ("none", "max_pool_3x3", "skip_connect", "dil_conv_3x3")

TABLE = [
    Promising(BatchNorm, {"affine": True}, [IMAGE]),
    Promising(BatchNorm, {"affine": False, "epsilon": 0.1}, [IMAGE]),
    Promising(Subsample, {"offset": 1}, [IMAGE]),
    Promising(Zero, {"strides": 2}, [IMAGE]),
    Promising(Skip, {}, [IMAGE]),
    Promising(MaxPooling3x3, {}, [IMAGE]),
    Promising(Pool3x3, {"kind": "avg", "strides": 2}, [IMAGE]),
    Promising(Pool3x3, {"kind": "max", "batch_norm": True}, [IMAGE]),
    Promising(ReLUConvBN, {"filters": 3}, [IMAGE]),
    Promising(SepConv, {"filters": 3, "kernel_size": 5}, [IMAGE]),
    Promising(SepConv, {"filters": 4, "kernel_size": 3, "strides": 2}, [IMAGE]),
    Promising(
        DilConv,
        {"filters": 4, "kernel_size": 3, "strides": 2, "affine": False},
        [IMAGE],
    ),
    Promising(DilConv, {"filters": 4, "kernel_size": 5}, [IMAGE]),
    Promising(Conv7x1Conv1x7, {"filters": 4, "strides": 2}, [IMAGE]),
    Promising(ConvBNReLU, {"filters": 3}, [IMAGE]),
    Promising(
        ConvBNReLU,
        {"filters": 4, "kernel_size": 3, "kind": "depthwise", "strides": 2},
        [IMAGE],
    ),
    Promising(
        ConvBNReLU,
        {"filters": 5, "kernel_size": 3, "kind": "separable", "strides": 2},
        [IMAGE],
    ),
    Promising(FactorizedReduce, {"filters": 5, "affine": False}, [IMAGE]),
    Promising(DropPath, {"seed": 3}, [IMAGE]),
    Promising(MixedOp, {"num_edges": 1, "filters": 4}, [IMAGE]),
    Promising(
        MixedOp,
        {"num_edges": 2, "filters": 4, "strides": 2, "primitives": FEW},
        [IMAGE, "2x4"],
    ),
    Promising(AuxiliarySkipMixedOp, {"num_edges": 1, "filters": 4}, [IMAGE]),
    Promising(
        AuxiliarySkipMixedOp,
        {"num_edges": 2, "filters": 4, "strides": 2, "primitives": FEW},
        [IMAGE, "2x4"],
    ),
    Promising(
        SkipDropoutMixedOp,
        {"num_edges": 2, "filters": 4, "primitives": FEW, "seed": 3},
        [IMAGE, "2x4"],
    ),
    Promising(
        DropPathMixedOp,
        {
            "num_edges": 2,
            "filters": 4,
            "strides": 2,
            "primitives": FEW,
            "seed": 3,
        },
        [IMAGE, "2x4"],
    ),
    Promising(
        PartialMixedOp,
        {"num_edges": 1, "filters": 4, "channel_parts": 2},
        [IMAGE],
    ),
    Promising(
        PartialMixedOp,
        {
            "num_edges": 2,
            "filters": 4,
            "strides": 2,
            "primitives": FEW,
            "channel_parts": 2,
        },
        [IMAGE, "2x4"],
    ),
    Promising(
        SearchCell,
        {"filters": 2, "num_nodes": 2, "primitives": FEW, "reduction": True},
        [IMAGE, IMAGE, "5x4"],
    ),
    Promising(
        SearchCell,
        {
            "filters": 2,
            "num_nodes": 1,
            "primitives": FEW,
            "after_reduction": True,
        },
        [(13, 12, 4), IMAGE, "2x4"],
    ),
    Promising(
        CNNSupernet,
        {"init_channels": 2, "num_nodes": 1, "primitives": FEW, **NETWORK},
        [IMAGE],
    ),
    Promising(
        CNNNetwork,
        {"init_channels": 2, "genotype": GENOTYPE, **NETWORK},
        [IMAGE],
    ),
    Promising(
        CNNNetwork,
        {"init_channels": 2, "genotype": GENOTYPE, "search": True, **NETWORK},
        [IMAGE],
    ),
]
NAS_BENCH_201 = {"num_cells": 5, "num_classes": 5, "input_shape": IMAGE}
TABLE += [
    Promising(ResidualReduction, {"filters": 3}, [IMAGE]),
    Promising(NASBench201SearchCell, {"filters": 4}, [IMAGE, "6x5"]),
    Promising(
        NASBench201Supernet, {"init_channels": 2, **NAS_BENCH_201}, [IMAGE]
    ),
    Promising(
        NASBench201Network,
        {
            "init_channels": 2,
            "genotype": NASBench201SearchSpace().sample(seed=3),
            **NAS_BENCH_201,
        },
        [IMAGE],
    ),
]
TABLE.append(
    Promising(
        HierarchicalNetwork,
        {
            "init_channels": 2,
            "genotype": HierarchicalSearchSpace(2).sample(seed=3),
            **NAS_BENCH_201,
        },
        [IMAGE],
    )
)
MODELS = (
    *(CNNSupernet, CNNNetwork, NASBench201Supernet, NASBench201Network),
    HierarchicalNetwork,
)
OF_ANY_SIZE = [case for case in TABLE if case.of not in MODELS]


def named(case):
    return f"{case.of.__name__}-{len(case.shapes)}"


each = pytest.mark.parametrize("case", TABLE, ids=named)


def made(case, dtype="float32"):
    """The layer, built, with weights that are not the initial ones."""
    keras.utils.set_random_seed(0)
    layer = case.of(**case.arguments, dtype=dtype)
    layer(*inputs_of(case))
    scramble(layer)
    return layer


def inputs_of(case, batch=4):
    """A batch of images for each input; edge weights have no batch."""
    return [
        tf.nn.softmax(image(*map(int, shape.split("x")), seed=seed))
        if isinstance(shape, str)
        else tf.constant(image(batch, *shape, seed=seed), "float32")
        for seed, shape in enumerate(case.shapes)
    ]


def outputs_of(layer, inputs, training=False):
    return keras.tree.flatten(layer(*inputs, training=training))


def arrays(tensors):
    return [
        np.asarray(tf.cast(tensor, tf.float64))
        for tensor in keras.tree.flatten(tensors)
    ]


def assert_same(first, second, tolerance=0.0):
    for one, other in zip(arrays(first), arrays(second), strict=True):
        np.testing.assert_allclose(
            one, other, rtol=tolerance, atol=tolerance * np.abs(other).max()
        )


def as_model(case, layer):
    """The layer in a functional model; a model as it is."""
    if isinstance(layer, keras.Model):
        return layer
    inputs = [
        keras.Input(batch_shape=tuple(map(int, shape.split("x"))))
        if isinstance(shape, str)
        else keras.Input(shape)
        for shape in case.shapes
    ]
    return keras.Model(one_or_all(inputs), layer(*inputs))


def one_or_all(inputs):
    return inputs if len(inputs) > 1 else inputs[0]


def layer_classes():
    """Every public Keras layer class that tfdarts' packages define."""
    found = set()
    for package in ("layers", "models"):
        path = [f"{tfdarts.__path__[0]}/{package}"]
        for module in pkgutil.iter_modules(path, f"tfdarts.{package}."):
            for value in vars(pkgutil.resolve_name(module.name)).values():
                if isinstance(value, type) and value.__module__ == module.name:
                    found.add(value)
    return {value for value in found if issubclass(value, keras.layers.Layer)}


def test_every_layer_and_model_is_in_the_table():
    registered = {
        value
        for value in layer_classes()
        if keras.saving.get_registered_name(value).startswith("tfdarts>")
    }
    # Alphas and relaxations are no layers of inputs; what alphas promise is
    # below, relaxations are in tests/layers/test_relaxations.py. Of sequences
    # it is in tests/layers/test_recurrent_cell.py and beside it, and in
    # tests/models/test_language_model.py. The parts of other layers and what
    # stands around a network are in tests/layers/test_saved_layers.py and
    # tests/models/test_saved_models.py.
    of_sequences = {
        *(RecurrentCell, RecurrentSearchCell, SearchRNN),
        *(LanguageModel, RNNNetwork, RNNSupernet),
    }
    parts = {
        *(FactorizedReduceBundle, SeparableBundle, SepConvBundle),
        *(LayerBundle, SeparateMixedOp, SkipDropout),
        *(SpatialDropout1D, WithAuxiliaryHead, WithCarriedState),
    }
    # Choices and their refusals are in tests/layers/test_choices.py.
    choices = {InputChoice, LayerChoice, SizeChoice}
    # Noise promises less: tests/layers/test_noise.py.
    others = {Concrete, Dirichlet, Noise, Sigmoid, Softmax, StraightThrough}
    others |= {ChosenMixedOp}  # tests/layers/test_chosen_mixed_op.py
    others |= {UniformPath}  # tests/layers/test_uniform_path.py
    others |= {LikeliestPath}  # tests/layers/test_likeliest_path.py
    elsewhere = {Alphas, *choices, *others, *of_sequences, *parts}
    assert registered - elsewhere == {case.of for case in TABLE}
    # Classes that only others extend.
    assert {c.__name__ for c in layer_classes() - registered} == {
        "NodeEdges",
        "Bundle",
        "Choice",
        "Stack",
        "ConvolutionalPrimitive",
        "SeparablePrimitive",
        "FunctionalOnDevices",
        "Relaxation",
        "RandomRelaxation",
        "PathRelaxation",
    }


@each
def test_config_makes_the_same_layer_again(case):
    layer = made(case, "float64")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    twin = keras.saving.deserialize_keras_object(config)
    assert type(twin) is case.of
    assert twin.get_config() == layer.get_config()
    twin(*inputs_of(case))
    twin.set_weights(layer.get_weights())
    for training in (True, False):
        assert_same(
            outputs_of(twin, inputs_of(case), training),
            outputs_of(layer, inputs_of(case), training),
        )


def test_alphas_are_made_again_from_their_config():
    alphas = Alphas(3, 5, keras.initializers.Constant(2.0), dtype="float64")
    twin = Alphas.from_config(json.loads(json.dumps(alphas.get_config())))
    assert twin.get_config() == alphas.get_config()
    assert_same(twin.alpha, np.full((3, 5), 2.0))


@each
def test_keras_file_holds_it(case, tmp_path):
    model = as_model(case, made(case))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    inputs = one_or_all(inputs_of(case))
    assert_same(loaded(inputs), model(inputs))


@each
def test_saved_model_gives_the_same(case, tmp_path):
    model = as_model(case, made(case))
    model.export(tmp_path, verbose=False)
    inputs = [tf.cast(x, tf.float32) for x in inputs_of(case)]
    loaded = tf.saved_model.load(tmp_path)
    served = loaded.serve(one_or_all(inputs))
    assert_same(served, model(one_or_all(inputs)), 1e-5)


@each
def test_two_replicas_are_two_parts_of_a_batch(case, two_replicas):
    """Outputs and moving statistics are those of the parts on one device."""

    def half(index):
        return [
            x if isinstance(shape, str) else x[2 * index : 2 * index + 2]
            for x, shape in zip(inputs_of(case), case.shapes)
        ]

    with two_replicas.scope():
        layer = made(case)
    halves = on_each_replica(
        two_replicas, lambda context: half(context.replica_id_in_sync_group)
    )
    local = two_replicas.experimental_local_results
    outputs = two_replicas.run(
        tf.function(lambda inputs: outputs_of(layer, inputs, True)), [halves]
    )
    for index in range(2):
        alone = made(case)
        with part_of_batch(index, 2):
            expected = outputs_of(alone, half(index), training=True)
        found = [local(output)[index] for output in outputs]
        assert_same(found, expected, 1e-4)
        assert_same(
            [local(v.value)[index] for v in layer.non_trainable_variables],
            [v.numpy() for v in alone.non_trainable_variables],
            1e-5,
        )


@pytest.mark.parametrize(
    ("dtype", "outputs_dtype", "tolerance"),
    [
        ("float64", "float64", 1e-4),
        ("mixed_bfloat16", None, 0.05),
        ("bfloat16", "bfloat16", 0.1),
    ],
)
@each
def test_other_types_give_what_float32_gives(
    case, dtype, outputs_dtype, tolerance
):
    expected = made(case)
    layer = made(case, dtype)
    for one, other in zip(layer.variables, expected.variables, strict=True):
        one.assign(tf.cast(other, one.dtype))
    logits = case.of in MODELS
    for training in (True, False):
        outputs = outputs_of(layer, inputs_of(case), training)
        for output in outputs:
            assert output.dtype == (
                outputs_dtype or ("float32" if logits else "bfloat16")
            )
        for one, other in zip(
            arrays(outputs),
            arrays(outputs_of(expected, inputs_of(case), training)),
            strict=True,
        ):
            error = np.linalg.norm(one - other)
            assert error <= tolerance * np.linalg.norm(other)


@each
def test_stateless_call_is_the_call_and_changes_nothing(case):
    layer = made(case)
    before = layer.get_weights()
    takes_training = "training" in inspect.signature(layer.call).parameters
    outputs, statistics = layer.stateless_call(
        layer.trainable_variables,
        layer.non_trainable_variables,
        *inputs_of(case),
        **({"training": True} if takes_training else {}),
    )
    assert_same(layer.get_weights(), before)
    assert_same(outputs, outputs_of(layer, inputs_of(case), training=True))
    assert_same(statistics, [v.value for v in layer.non_trainable_variables])


@each
def test_output_shape_is_computed(case):
    layer = made(case)
    shapes = [tuple(x.shape) for x in inputs_of(case)]
    computed = layer.compute_output_shape(*shapes)
    outputs = outputs_of(layer, inputs_of(case))
    assert [tuple(output.shape) for output in outputs] == (
        computed if isinstance(computed, list) else [computed]
    )


@pytest.mark.parametrize("case", OF_ANY_SIZE, ids=named)
def test_height_and_width_may_be_unknown(case):
    layer, inputs = made(case), inputs_of(case)

    def of_any_size(x, shape):
        sizes = x.shape if isinstance(shape, str) else [None] * 3 + [x.shape[3]]
        return tf.TensorSpec(sizes, x.dtype)

    signature = [of_any_size(*pair) for pair in zip(inputs, case.shapes)]
    traced = tf.function(lambda *x: layer(*x), input_signature=signature)
    assert_same(traced(*inputs), outputs_of(layer, inputs), 1e-6)


@pytest.mark.parametrize("case", TABLE[-2:], ids=named)
def test_models_ask_for_the_size_of_images(case):
    arguments = {**case.arguments, "input_shape": (None, None, 3)}
    with pytest.raises(ValueError, match="height and width of at least 4"):
        case.of(**arguments)
