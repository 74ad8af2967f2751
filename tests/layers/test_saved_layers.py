"""Each layer, in each precision: config, clone, save, load, quantize."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from saved import PRECISIONS
from saved import randomize
from saved import require_same
from saved import saved_and_loaded
from saved import through_json
from saved import with_loaded_weights

from tfdarts import _keras_classes
from tfdarts import genotypes
from tfdarts.layers.alphas import Alphas
from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.bundles import FactorizedReduceBundle
from tfdarts.layers.bundles import LayerBundle
from tfdarts.layers.conv_bn_relu import ConvBNReLU
from tfdarts.layers.convolutions import Conv7x1Conv1x7
from tfdarts.layers.convolutions import DilConv
from tfdarts.layers.convolutions import FactorizedReduce
from tfdarts.layers.convolutions import ReLUConvBN
from tfdarts.layers.convolutions import SepConv
from tfdarts.layers.drop_path import DropPath
from tfdarts.layers.dropout import SpatialDropout1D
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.nas_bench_201_layers import NASBench201SearchCell
from tfdarts.layers.nas_bench_201_layers import ResidualReduction
from tfdarts.layers.noise import Noise
from tfdarts.layers.primitives import MaxPooling3x3
from tfdarts.layers.primitives import Pool3x3
from tfdarts.layers.primitives import Skip
from tfdarts.layers.primitives import Zero
from tfdarts.layers.primitives import primitive
from tfdarts.layers.recurrent_cell import RecurrentCell
from tfdarts.layers.recurrent_search_cell import RecurrentSearchCell
from tfdarts.layers.recurrent_search_cell import SearchRNN
from tfdarts.layers.search_cell import SearchCell
from tfdarts.layers.separable_bundles import SeparableBundle
from tfdarts.layers.separable_bundles import SepConvBundle
from tfdarts.layers.separate_mixed_op import SeparateMixedOp
from tfdarts.layers.skip_dropout import SkipDropout
from tfdarts.layers.skip_dropout import SkipDropoutMixedOp
from tfdarts.layers.subsample import Subsample
from tfdarts.primitive_table import primitive_names
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace

FEW = ("none", "skip_connect", "sep_conv_3x3", "dil_conv_3x3")
GENOTYPE = genotypes.get("DARTS_V1", space="rnn")


def no_call(layer, inputs):
    """Nothing: it is a part of another layer, which is called."""
    return []


def of_images(layer, inputs):
    return [layer(inputs["images"])]


def of_edges(layer, inputs):
    """The same of two edges, each with a scale of its own."""
    scale = keras.ops.mean(inputs["steps"], axis=(0, 1))
    return [layer(inputs["images"], keras.ops.concatenate([scale, scale]))]


def of_steps(layer, inputs):
    return keras.tree.flatten(layer(inputs["steps"]))


def of_rnn(cell, inputs):
    return [keras.layers.RNN(cell, dtype=cell.dtype_policy)(inputs["steps"])]


def of_search_cell(cell, inputs):
    edge_weights = keras.ops.ones((2, len(FEW)), cell.compute_dtype)
    return [cell(inputs["images"], inputs["images"], edge_weights)]


def of_one_edge(cell, inputs):
    edge_weights = keras.ops.ones((1, 3), cell.compute_dtype)
    return [cell(inputs["images"], edge_weights)]


def of_two_edges(cell, inputs):
    edge_weights = keras.ops.ones((2, 2), cell.compute_dtype)
    return [cell(inputs["images"], edge_weights)]


ONE_EDGE = NASBench201SearchSpace(1, ("none", "nor_conv_3x3", "avg_pool_3x3"))
LAYERS = {
    "Alphas": (lambda **k: Alphas(3, 2, "ones", **k), no_call),
    "BatchNorm": (lambda **k: BatchNorm(False, 0.8, **k), of_images),
    "ConvBNReLU": (
        lambda **k: ConvBNReLU(4, 3, "depthwise", strides=2, **k),
        of_images,
    ),
    "Conv7x1Conv1x7": (lambda **k: Conv7x1Conv1x7(4, 3, **k), of_images),
    "DilConv": (lambda **k: DilConv(4, 3, strides=2, **k), of_images),
    "DropPath": (lambda **k: DropPath(seed=3, **k), of_images),
    "FactorizedReduce": (
        lambda **k: FactorizedReduce(6, affine=False, **k),
        of_images,
    ),
    "LayerBundle": (
        lambda **k: LayerBundle("sep_conv_3x3", 2, 4, 2, **k),
        of_images,
    ),
    "FactorizedReduceBundle": (
        lambda **k: FactorizedReduceBundle(1, 4, **k),
        of_images,
    ),
    "MaxPooling3x3": (lambda **k: MaxPooling3x3(**k), of_images),
    "MixedOp": (
        lambda **k: MixedOp(2, 4, strides=2, primitives=FEW, **k),
        of_images,
    ),
    "NASBench201SearchCell": (
        lambda **k: NASBench201SearchCell(4, space=ONE_EDGE, **k),
        of_one_edge,
    ),
    # Each call draws other noise.
    "Noise": (lambda **k: Noise(2, seed=3, **k), no_call),
    "Pool3x3": (lambda **k: Pool3x3("max", 2, True, 2, **k), of_images),
    "ReLUConvBN": (
        lambda **k: ReLUConvBN(6, 3, strides=2, affine=False, **k),
        of_images,
    ),
    "RecurrentCell": (
        lambda **k: RecurrentCell(GENOTYPE, 3, 0.5, 0.25, seed=2, **k),
        of_rnn,
    ),
    "RecurrentSearchCell": (
        lambda **k: RecurrentSearchCell(3, 2, seed=2, momentum=0.8, **k),
        no_call,
    ),
    "ResidualReduction": (lambda **k: ResidualReduction(6, **k), of_images),
    "SearchCell": (
        lambda **k: SearchCell(4, True, num_nodes=1, primitives=FEW, **k),
        of_search_cell,
    ),
    "SearchRNN": (
        lambda **k: SearchRNN(RecurrentSearchCell(3, 2, **k), **k),
        of_steps,
    ),
    "SeparateMixedOp": (
        lambda **k: SeparateMixedOp(
            MixedOp, np.eye(2) > 0, 2, 4, 2, FEW[1:], **k
        ),
        of_two_edges,
    ),
    "SepConv": (lambda **k: SepConv(6, 5, strides=2, **k), of_images),
    "SepConvBundle": (lambda **k: SepConvBundle(1, 4, 3, 2, **k), of_images),
    "SeparableBundle": (
        lambda **k: SeparableBundle(1, 4, 3, 1, 2, **k),
        of_images,
    ),
    "Skip": (lambda **k: Skip(**k), of_images),
    "SkipDropout": (lambda **k: SkipDropout(2, 4, 3, **k), of_edges),
    "SkipDropoutMixedOp": (
        lambda **k: SkipDropoutMixedOp(2, 4, primitives=FEW, seed=3, **k),
        of_images,
    ),
    "SpatialDropout1D": (lambda **k: SpatialDropout1D(0.5, **k), of_steps),
    "Subsample": (lambda **k: Subsample(offset=1, **k), of_images),
    "Zero": (lambda **k: Zero(2, **k), of_images),
}
"""A layer of each class, with no argument at its default, and its call."""

OPERATIONS = [
    (name, 4, strides, search)
    for name in primitive_names("cnn")
    if name != "noise"
    for strides, search in ((1, False), (2, True))
]
IMAGES = np.random.default_rng(0).uniform(0.1, 1, (2, 5, 4, 4))
STEPS = np.random.default_rng(1).uniform(0.1, 1, (2, 3, 4))
INPUTS = {"images": IMAGES, "steps": STEPS}


def test_every_layer_is_here():
    # Relaxations have no inputs; others have a test file of their own.
    elsewhere = {
        f"tfdarts.layers.{name}"
        for name in (
            *("auxiliary_skip", "chosen_mixed_op", "drop_path_mixed_op"),
            *("partial_mixed_op", "uniform_path", "likeliest_path"),
            *("input_choice", "layer_choice", "size_choice", "relaxations"),
        )
    }
    in_layers = {
        name
        for name, module in _keras_classes.MODULES.items()
        if module.startswith("tfdarts.layers.") and module not in elsewhere
    }
    assert in_layers == set(LAYERS)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_config_says_all(precision):
    dtype = keras.DTypePolicy(precision)
    layers = [
        make(dtype=dtype, name="given") for make, _ in LAYERS.values()
    ] + [
        primitive(*operation, name="given", dtype=dtype)
        for operation in OPERATIONS
    ]
    for layer in layers:
        layer.trainable = False
        copy = through_json(layer)
        assert type(copy) is type(layer)
        assert copy.dtype_policy.name == precision
        assert copy.name == "given"
        assert copy.get_config() == layer.get_config()
        # The copy of a copy: what a loaded model is saved as again.
        assert through_json(copy).get_config() == layer.get_config()


def model_of_all(precision):
    """Returns one model in which each layer and each primitive is called."""
    dtype = keras.DTypePolicy(precision)
    inputs = {
        name: keras.Input(shape[1:], dtype=dtype.variable_dtype, name=name)
        for name, shape in (("images", IMAGES.shape), ("steps", STEPS.shape))
    }
    outputs = []
    for make, call in LAYERS.values():
        outputs += call(make(dtype=dtype), inputs)
    for operation in OPERATIONS:
        layer = primitive(*operation, dtype=dtype)
        outputs.append(layer(inputs["images"]))
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize(
    "precision",
    [
        "mixed_bfloat16",
        *(
            pytest.param(precision, marks=pytest.mark.slow)
            for precision in PRECISIONS
            if precision not in ("float32", "mixed_bfloat16")
        ),
    ],
)
def test_a_model_of_all_layers_comes_back(precision, tmp_path):
    model = model_of_all(precision)
    randomize(model)
    expected = model(INPUTS)
    assert sum(np.any(tf.cast(y, "float32") != 0) for y in expected) > 35
    require_same(saved_and_loaded(model, tmp_path)(INPUTS), expected)


def test_so_it_does_cloned_and_quantized(tmp_path):
    model = model_of_all("float32")
    randomize(model)
    expected = model(INPUTS)
    clone = keras.models.clone_model(model)
    clone = with_loaded_weights(clone, model, tmp_path)
    require_same(clone(INPUTS), expected)
    loaded = saved_and_loaded(model, tmp_path)
    require_same(loaded(INPUTS), expected)
    with warnings.catch_warnings():
        # Keras warns of each layer that it does not quantize: of all.
        warnings.filterwarnings("ignore", ".*does not have a `quantize`")
        loaded.quantize("int8")
    require_same(loaded(INPUTS), expected)
    assert loaded.count_params() == model.count_params()


def test_the_summary_names_all_layers():
    lines = []
    model_of_all("float32").summary(line_length=200, print_fn=lines.append)
    called = {name for name, (_, call) in LAYERS.items() if call is not no_call}
    # Behind Keras' own layer stands the cell.
    for name in called - {"RecurrentCell"}:
        assert f"({name})" in lines[0]
