"""Keras' global settings change nothing that tfdarts makes itself."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_search
import tiny_text
import tiny_training

import tfdarts
from tfdarts.data.keras_layers import rand_augment
from tfdarts.models.carried_state import WithCarriedState
from tfdarts.serving.classifier import classifier
from tfdarts.tasks.networks import build_language_model
from tfdarts.tasks.networks import build_network
from tfdarts.tasks.networks import compile_network
from tfdarts.training.optimizers import SGD

POLICIES = ["mixed_float16", "int8_from_float32"]


@pytest.fixture(autouse=True)
def restored():
    policy = keras.config.dtype_policy()
    data_format = keras.config.image_data_format()
    yield
    keras.config.set_dtype_policy(policy)
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format(data_format)


def computes_in(model):
    """Returns the policies of all layers that compute something."""
    return {
        layer.dtype_policy.name
        for layer in model._flatten_layers()
        if not isinstance(layer, keras.layers.InputLayer)
    }


def test_a_step_of_a_search_is_that_without_a_policy():
    """The optimizer is not wrapped, and nothing is scaled or rounded."""
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype("float32")
    batch = x, np.arange(4)
    pairs = tf.data.Dataset.from_tensors((batch, batch))
    alphas = []
    for each in ("float32", "mixed_float16"):
        keras.utils.set_random_seed(0)
        keras.config.set_dtype_policy(each)
        supernet = tfdarts.CNNSupernet(
            2, 3, 4, (8, 8, 1), num_nodes=1, dtype="float32"
        )
        search = tfdarts.DARTS(supernet, order=2)
        search.compile(run_eagerly=True)
        search.fit(pairs, shuffle=False, verbose=0)
        alphas.append(supernet.alpha_values())
    for name, values in alphas[0].items():
        np.testing.assert_array_equal(alphas[1][name], values)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("network", ["cells", "densenet_bc"])
def test_a_classifier_is_of_its_own_precision(network, policy):
    keras.config.set_dtype_policy(policy)
    keras.config.set_image_data_format("channels_first")
    changes = {"depth": 10, "genotype": None}
    if network == "cells":
        changes = {"auxiliary_weight": 0.4, "drop_path_rate": 0.1}
    config = dataclasses.replace(
        tiny_training.TRAINING, network=network, **changes
    )
    genotype = tfdarts.genotypes.get("DARTS_V2")
    built = build_network(config, genotype, 3, (8, 8, 3))
    model = compile_network(config, built, steps_per_epoch=1)
    assert computes_in(model) == {"float32"}
    assert type(model.optimizer) is SGD
    served = classifier(built)
    assert computes_in(served) >= {"float32"}
    assert built in served.layers  # It is no copy in another precision.
    pixels = np.zeros((2, 8, 8, 3), "uint8")
    assert served(pixels)["probabilities"].shape == (2, 3)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("cell", ["genotype", "lstm", "gru"])
def test_a_language_model_is_of_its_own_precision(cell, policy):
    keras.config.set_dtype_policy(policy)
    config = dataclasses.replace(
        tiny_text.TRAINING, cell=cell, genotype=None, activation_l2=1.0
    )
    genotype = None
    if cell == "genotype":
        genotype = tfdarts.genotypes.get("DARTS_V2", "rnn")
    model = WithCarriedState(build_language_model(config, genotype, 5))
    model.compile(SGD(0.1))
    assert computes_in(model) == {"float32"}
    assert type(model.optimizer) is SGD


def test_images_are_augmented_in_their_own_precision():
    images = tf.constant(
        np.random.default_rng(0).integers(256, size=(4, 8, 8, 3)), "float32"
    )
    outputs = []
    for policy, data_format in (
        ("float32", "channels_last"),
        ("mixed_float16", "channels_first"),
    ):
        keras.config.set_dtype_policy(policy)
        keras.config.set_image_data_format(data_format)
        outputs.append(rand_augment(0.5)(images, tf.constant([1, 2])))
    np.testing.assert_array_equal(outputs[1], outputs[0])


@pytest.mark.slow
def test_a_search_of_texts_under_a_policy(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    genotype = tfdarts.search(
        dataclasses.replace(
            tiny_text.SEARCH, order=2, epochs=1, run_dir=str(tmp_path)
        )
    )
    assert genotype.space == "rnn"


@pytest.mark.parametrize("floatx", ["float16", "float64"])
@pytest.mark.parametrize(
    ("run", "config"),
    [
        (tfdarts.search, tiny_search.TINY),
        (tfdarts.train, tiny_training.TRAINING),
        (tfdarts.search, tiny_text.SEARCH),
        (tfdarts.train, tiny_text.TRAINING),
    ],
)
def test_another_floatx_is_refused(run, config, floatx, tmp_path):
    keras.config.set_floatx(floatx)
    with pytest.raises(ValueError, match=f"float32, but it is {floatx}"):
        run(dataclasses.replace(config, run_dir=str(tmp_path / "run")))
