"""Models and layers of classes of one's own become plain models."""

import json
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from samples import image

from tfdarts.layers.alphas import Alphas
from tfdarts.layers.choice import Choice
from tfdarts.layers.input_choice import InputChoice
from tfdarts.layers.layer_choice import LayerChoice
from tfdarts.layers.nested import nested_layers
from tfdarts.models.derived_model import derive_model

layers = keras.layers


def choose(model, seed):
    """Sets one-hot weights at random, two for a choice of two inputs."""
    random = np.random.default_rng(seed)
    for layer in nested_layers(model):
        if isinstance(layer, Choice):
            number = getattr(layer, "num_chosen", 1)
            alpha = np.full((1, len(layer.options)), -1e4)
            alpha[0, random.permutation(alpha.size)[:number]] = 0
            layer.alphas.alpha.assign(alpha)


def dense_or_not(name, size=4):
    dense = layers.Dense(size, "tanh", name="dense")
    candidates = [dense, layers.ReLU(name="relu")]
    return LayerChoice(candidates, name=name)


class Block(keras.layers.Layer):
    """A choice, and a part that is used only in training."""

    def __init__(self, size=4, **kwargs):
        super().__init__(**kwargs)
        self.choice = dense_or_not(f"choice_of_{self.name}", size)
        self.norm = layers.BatchNormalization()

    def call(self, inputs, training=None):
        return self.norm(self.choice(inputs), training=training) + inputs


class Sum(keras.layers.Layer):
    """Several arguments, choices in a dict."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.parts = {"left": dense_or_not("left"), "right": Block(name="b")}

    def call(self, left, right=None):
        both = [self.parts["left"](left), self.parts["right"](right)]
        return keras.ops.mean(keras.ops.stack(both), axis=0)


class Own(keras.Model):
    """Choices in lists, in layers of its own, shared, of sizes and inputs."""

    def __init__(self):
        super().__init__()
        self.first = LayerChoice.of_sizes(layers.Dense, (2, 4), name="width")
        self.second = layers.Dense(4)
        self.blocks = [Block(name=f"block{number}") for number in range(2)]
        self.shared = dense_or_not("shared")
        self.sum = Sum(name="sum")
        self.skip = InputChoice(3, num_chosen=2, name="skip")
        deep = keras.Sequential([layers.Dense(3), Block(3), layers.Dense(4)])
        self.nested = LayerChoice([deep, Block(name="plain")], name="nested")
        self.last = layers.Dense(2)

    def call(self, inputs, training=None):
        x = self.second(self.first(inputs["left"]))
        nodes = [x]
        for block in self.blocks:
            x = self.shared(block(x, training=training))
            nodes.append(x)
        x = self.sum(self.skip(nodes), right=x) + inputs["right"]
        x = self.nested(x)
        return {"scores": self.last(x), "hidden": x}


def inputs_of_own():
    return {
        "left": image(6, 3, seed=1).astype("float32"),
        "right": image(6, 4, seed=2).astype("float32"),
    }


def require_equal(derived, model, x):
    for training in (False, True):
        found, expected = (
            keras.tree.flatten(each(x, training=training))
            for each in (derived, model)
        )
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    classes = {type(layer) for layer in nested_layers(derived)}
    assert all(each.__module__.startswith("keras") for each in classes)


@pytest.mark.parametrize("seed", range(5))
def test_a_model_of_ones_own_equals_its_derivation(seed):
    keras.utils.set_random_seed(seed)
    model, x = Own(), inputs_of_own()
    model(x)
    for weight in model.trainable_weights:
        weight.assign(np.abs(image(*weight.shape, seed=seed)) + 0.1)
    choose(model, seed)
    require_equal(derive_model(model, copy_weights=True), model, x)


def test_it_is_saved_without_classes_of_its_own(tmp_path):
    model, x = Own(), inputs_of_own()
    model(x)
    choose(model, 0)
    derived = derive_model(model, copy_weights=True)
    derived.save(tmp_path / "derived.keras")
    with zipfile.ZipFile(tmp_path / "derived.keras") as file:
        config = json.loads(file.read("config.json"))
    assert "tfdarts" not in str(config) and "test_traced" not in str(config)
    loaded = keras.models.load_model(tmp_path / "derived.keras")
    found, expected = loaded(x), derived(x)
    np.testing.assert_array_equal(found["scores"], expected["scores"])


def test_new_weights_make_a_small_model():
    model, x = Own(), inputs_of_own()
    model(x)
    choose(model, 0)
    model.first.alphas.alpha.assign([[0.0, -1.0]])
    derived = derive_model(model)
    widths = {w.shape for w in derived.weights if len(w.shape) == 2}
    assert (3, 2) in widths and (2, 4) in widths
    assert derived(x)["scores"].shape == (6, 2)
    assert derived.trainable_weights


@pytest.mark.parametrize("seed", range(3))
def test_layers_of_ones_own_in_functional_and_sequential_models(seed):
    inputs = keras.Input((4,))
    block = Block(name="shared_block")
    x = keras.Sequential([block, layers.Dense(4), Block()], name="seq")(inputs)
    x = Sum(name="sum")(block(x), right=inputs)
    model = keras.Model(inputs, layers.Dense(2)(x))
    choose(model, seed)
    x = image(6, 4).astype("float32")
    derived = derive_model(model, copy_weights=True)
    require_equal(derived, model, x)
    assert {"shared_block", "seq", "sum"} <= {
        layer.name for layer in derived.layers
    }
    sequential = keras.Sequential([keras.Input((4,)), block, layers.Dense(2)])
    require_equal(derive_model(sequential, copy_weights=True), sequential, x)


class OfWords(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        form = {"dtype": self.dtype_policy}
        self.embed = layers.Embedding(3000, 4, mask_zero=True, **form)
        candidates = [layers.Dense(3, **form), layers.LSTM(3, **form)]
        candidates[0] = layers.GRU(3, **form)
        self.choice = LayerChoice(candidates, name="choice", **form)

    def call(self, words):
        return self.choice(self.embed(words))


def test_words_and_masks():
    model = OfWords()
    x = np.array([[1, 2, 0, 0], [3, 1, 4, 2999]])
    expected = model(x)
    choose(model, 0)
    expected = model(x)
    derived = derive_model(model, copy_weights=True)
    np.testing.assert_allclose(derived(x), expected, atol=1e-6)
    inputs = keras.Input((None,), dtype="int32")
    derived = derive_model(model, copy_weights=True, inputs=inputs)
    assert derived.input.dtype == "int32"
    np.testing.assert_allclose(derived(x[:, :2]), model(x[:, :2]), atol=1e-6)


def test_half_precision_knows_words_from_floats():
    """Words beyond 256 are no numbers of bfloat16."""
    model = OfWords(dtype="mixed_bfloat16")
    x = np.array([[1, 2, 0, 0], [3, 1, 4, 2999]])
    model(x)
    with pytest.raises(ValueError, match="shapes or types of the inputs"):
        derive_model(model)
    choose(model, 0)
    inputs = keras.Input((4,), dtype="int32")
    derived = derive_model(model, copy_weights=True, inputs=inputs)
    np.testing.assert_array_equal(derived(x), model(x))


def test_half_precision_of_functions_of_inputs():
    class Half(keras.Model):
        def __init__(self):
            super().__init__(dtype="mixed_bfloat16")
            form = {"dtype": self.dtype_policy}
            candidates = [layers.ReLU(**form), layers.Dense(4, **form)]
            self.choice = LayerChoice(candidates, **form)

        def call(self, x):
            return keras.ops.square(x) + self.choice(x)

    model, x = Half(), image(3, 4).astype("float32")
    model(x)
    choose(model, 0)
    derived = derive_model(model, True, inputs=keras.Input((4,)))
    assert derived(x).dtype == model(x).dtype
    np.testing.assert_array_equal(derived(x), model(x))


def test_shared_alphas_of_ones_own():
    class Shared(keras.Model):
        def __init__(self):
            super().__init__()
            self.alphas = Alphas(1, 2)
            candidates = [layers.Dense(4), layers.ReLU()]
            self.one = LayerChoice(candidates, alphas=self.alphas)
            candidates = [layers.Dense(4), layers.ReLU()]
            self.two = LayerChoice(candidates, alphas=self.alphas)

        def call(self, inputs):
            return self.two(self.one(inputs))

    model, x = Shared(), image(3, 4).astype("float32")
    model(x)
    model.alphas.alpha.assign([[0.0, -1e4]])
    derived = derive_model(model, copy_weights=True)
    assert len(derived.weights) == 4
    require_equal(derived, model, x)


class Mine(keras.Model):
    """Calls a function with itself and the inputs."""

    def __init__(self, function):
        super().__init__()
        self.choice = dense_or_not("choice")
        self.dense = layers.Dense(4)
        self.dense.build((None, 4))
        self.function = function

    def call(self, inputs, training=None):
        return self.function(self, self.choice(inputs), training)


class WithWeight(keras.Model):
    def __init__(self):
        super().__init__()
        self.choice = dense_or_not("choice")
        self.scale = self.add_weight(shape=(4,), name="scale")

    def call(self, inputs):
        return self.choice(inputs) * self.scale


class WithMask(keras.Model):
    def __init__(self):
        super().__init__()
        self.choice = dense_or_not("choice")

    def call(self, inputs, mask=None):
        return self.choice(inputs)


def switches(model, x, training):
    return model.dense(x) if training else x


def halves(model, x, training):
    return keras.ops.multiply(x, 0.5 if training else 1.0)


def with_kernel(model, x, training):
    return model.dense(x) + keras.ops.sum(model.dense.kernel)


def with_tensor(model, x, training):
    return x + model.dense(tf.ones((1, 4)))


def with_loss(model, x, training):
    model.add_loss(keras.ops.sum(x))
    return x


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Mine(lambda m, x, t: tf.tanh(x)), "its `call` fails: .*Tens"),
        (lambda: Mine(switches), "it computes something else in training"),
        (lambda: Mine(halves), "it computes something else in training"),
        (
            lambda: Mine(lambda m, x, t: m.choice(x, training=False)),
            "it sets `training` of a layer itself",
        ),
        (lambda: Mine(with_kernel), "it computes with weights or tensors"),
        (lambda: Mine(with_tensor), "it computes with weights or tensors"),
        (lambda: Mine(with_loss), "it adds losses itself"),
        (
            lambda: Mine(lambda m, x, t: x if keras.ops.sum(x) > 0 else -x),
            "The shapes or types of the inputs of mine",
        ),
        (WithWeight, "it has variables of its own: scale"),
        (WithMask, "its `call` takes a mask"),
        (
            lambda: keras.Sequential(
                [layers.TimeDistributed(keras.Sequential([Block()]))]
            ),
            "TimeDistributed",
        ),
    ],
)
def test_what_cannot_be_right_is_refused(make, message):
    model = make()
    model(image(2, 4, *[4] * isinstance(model, keras.Sequential)))
    with pytest.raises(ValueError, match=message):
        derive_model(model)
