"""Each model, in each precision: config, clone, new head, save, quantize."""

import warnings

import keras
import numpy as np
import pytest
from saved import PRECISIONS
from saved import numbers
from saved import randomize
from saved import require_same
from saved import saved_and_loaded
from saved import through_json
from saved import with_loaded_weights

from tfdarts import _keras_classes
from tfdarts import genotypes
from tfdarts.genotypes import Genotype
from tfdarts.models.auxiliary_head import WithAuxiliaryHead
from tfdarts.models.carried_state import WithCarriedState
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.models.densenet import densenet_bc
from tfdarts.models.language_model import LanguageModel
from tfdarts.models.rnn_network import RNNNetwork
from tfdarts.models.rnn_supernet import RNNSupernet

EDGES = (("skip_connect", 0), ("sep_conv_3x3", 1))
CELLS = Genotype(
    normal=EDGES, normal_concat=(2,), reduce=EDGES, reduce_concat=(2,)
)
RECURRENT = genotypes.get("DARTS_V1", space="rnn")
FEW = ("none", "skip_connect")
IMAGES = np.random.default_rng(0).uniform(0.1, 1, (2, 8, 8, 1))
WORDS = np.arange(6).reshape(2, 3)


def network(**dtype):
    return CNNNetwork(CELLS, 2, 3, 3, (8, 8, 1), drop_path=True, **dtype)


def lstm_model(**dtype):
    lstm = keras.layers.LSTM(
        4,
        # Keras' own has no values in bfloat16.
        recurrent_initializer="glorot_uniform",
        return_sequences=True,
        return_state=True,
        **dtype,
    )
    return LanguageModel(lstm, 7, 4, output_dropout=0.5, seed=1, **dtype)


MODELS = {
    "CNNNetwork": (network, IMAGES),
    "CNNSupernet": (
        lambda **k: CNNSupernet(
            2, 3, 3, (8, 8, 1), num_nodes=1, primitives=FEW, **k
        ),
        IMAGES,
    ),
    "LanguageModel": (lstm_model, WORDS),
    "RNNNetwork": (
        lambda **k: RNNNetwork(RECURRENT, 7, 4, 0.5, 0.25, **k),
        WORDS,
    ),
    "RNNSupernet": (
        lambda **k: RNNSupernet(7, 4, num_nodes=1, **k),
        WORDS,
    ),
    "WithAuxiliaryHead": (
        lambda **k: WithAuxiliaryHead(network(**k), 0.3),
        IMAGES,
    ),
    "WithCarriedState": (lambda **k: WithCarriedState(lstm_model(**k)), WORDS),
}
CASES = [
    pytest.param(
        name,
        precision,
        marks=[] if precision == "float32" else pytest.mark.slow,
    )
    for name in MODELS
    for precision in PRECISIONS
]


def test_every_model_is_here():
    in_models = {
        name
        for name, module in _keras_classes.MODULES.items()
        if module.startswith("tfdarts.models.")
        # Tests of their own save models of other structures and the loss.
        and module.rpartition(".")[2]
        not in (
            *("nas_bench_201_models", "hierarchical_network"),
            "word_cross_entropy",
        )
    }
    assert in_models == set(MODELS)


@pytest.mark.parametrize("name, precision", CASES)
def test_a_model_comes_back(name, precision, tmp_path):
    make, inputs = MODELS[name]
    model = make(dtype=keras.DTypePolicy(precision))
    randomize(model)
    expected = model(inputs)
    assert all(np.any(y != 0) for y in numbers(expected))
    copy = through_json(model)
    assert type(copy) is type(model)
    assert copy.get_config() == model.get_config()
    require_same(with_loaded_weights(copy, model, tmp_path)(inputs), expected)
    if precision == "float32":
        clone = keras.models.clone_model(model)
        require_same(
            with_loaded_weights(clone, model, tmp_path)(inputs), expected
        )
    loaded = saved_and_loaded(model, tmp_path)
    assert type(loaded) is type(model)
    require_same(loaded(inputs), expected)
    loaded.summary(print_fn=lambda line: None, expand_nested=True)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("CNNNetwork", "int8"),
        ("RNNNetwork", "int8"),
        *(
            pytest.param(name, mode, marks=pytest.mark.slow)
            for name in MODELS
            for mode in ("int8", "int4")
            if mode == "int4" or name not in ("CNNNetwork", "RNNNetwork")
        ),
    ],
)
def test_a_quantized_model_comes_back(name, mode, tmp_path):
    make, inputs = MODELS[name]
    model = make()
    randomize(model)
    exact = numbers(model(inputs))[0]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*does not have a `quantize`")
        model.quantize(mode)
    expected = model(inputs)
    inexact = numbers(expected)[0]
    error = np.abs(inexact - exact).max() / np.abs(exact).max()
    assert 0 < error < (0.02 if mode == "int8" else 0.3)
    loaded = saved_and_loaded(model, tmp_path)
    require_same(loaded(inputs), expected)
    # What is saved again is as good.
    require_same(saved_and_loaded(loaded, tmp_path)(inputs), expected)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_network_gets_a_new_head(precision, tmp_path):
    body = network(dtype=precision)
    randomize(body)
    features = keras.Model(body.input, body.layers[-2].output)
    outputs = keras.layers.Dense(5)(features.output)
    for model in (features, keras.Model(body.input, outputs)):
        loaded = saved_and_loaded(model, tmp_path)
        require_same(loaded(IMAGES), model(IMAGES))
    # And as a layer of another model.
    images = keras.Input((8, 8, 1))
    nested = keras.Model(images, keras.layers.Softmax()(body(images)))
    loaded = saved_and_loaded(nested, tmp_path)
    require_same(loaded(IMAGES), nested(IMAGES))
    assert type(loaded.get_layer(body.name)) is CNNNetwork


def test_densenet_is_cloned_saved_and_quantized(tmp_path):
    model = densenet_bc(10, 2, 3, (8, 8, 1), dtype="mixed_bfloat16")
    randomize(model)
    expected = model(IMAGES)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    require_same(clone(IMAGES), expected)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*does not have a `quantize`")
        clone.quantize("int8")
    require_same(saved_and_loaded(clone, tmp_path)(IMAGES), clone(IMAGES))


def test_models_are_drawn(tmp_path):
    body = network()
    dot = keras.utils.model_to_dot(body, show_shapes=True, show_dtype=True)
    drawn = dot.to_string()
    for layer in body.layers:
        assert layer.name in drawn
    try:
        keras.utils.plot_model(body, tmp_path / "network.png")
    except ImportError:
        pytest.skip("Keras draws with Graphviz, which is not installed.")
    assert (tmp_path / "network.png").stat().st_size > 1000


def test_a_language_model_is_loaded_compiled(tmp_path):
    model = WithCarriedState(lstm_model())
    model.compile(keras.optimizers.Adam(0.25))
    loaded = saved_and_loaded(model, tmp_path)
    assert type(loaded.optimizer) is keras.optimizers.Adam
    assert float(loaded.optimizer.learning_rate) == 0.25
