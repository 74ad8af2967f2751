"""Random models with choices equal their derivations.

The models are functional or of a class of their own, with choices of layers,
sizes and inputs, one inside another, in layers of any kind, some of them
shared.
"""

import keras
import numpy as np
import pytest
from samples import image

from tfdarts.layers.alphas import Alphas
from tfdarts.layers.choice import Choice
from tfdarts.layers.input_choice import InputChoice
from tfdarts.layers.layer_choice import LayerChoice
from tfdarts.layers.nested import nested_layers
from tfdarts.models.chosen_options import choices_of
from tfdarts.models.derived_model import derive_model

layers = keras.layers
SIZE = 4


class Residual(keras.layers.Layer):
    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, inputs, training=None):
        return inputs + self.inner(inputs, training=training)


class Branches(keras.layers.Layer):
    """Layers in a dict, whose outputs one choice or their mean joins."""

    def __init__(self, branches, choice=None, **kwargs):
        super().__init__(**kwargs)
        self.branches = {str(n): each for n, each in enumerate(branches)}
        self.choice = choice

    def call(self, inputs, training=None):
        outputs = [
            each(inputs, training=training) for each in self.branches.values()
        ]
        if self.choice is not None:
            return self.choice(outputs)
        return keras.ops.mean(keras.ops.stack(outputs), axis=0)


class Steps(keras.Model):
    """Calls layers one after the other, some of them twice."""

    def __init__(self, steps, order):
        super().__init__()
        self.steps = steps
        self.order = order

    def call(self, inputs, training=None):
        for number in self.order:
            inputs = self.steps[number](inputs, training=training)
        return {"last": inputs}


class Maker:
    """Makes random layers from vectors to vectors of one size."""

    KINDS = ("dense", "norm", "sizes", "layers", "layers", "sequence")
    KINDS += ("residual", "branches", "functional")
    SHAPE = (SIZE,)

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.numbers = iter(range(1000))
        self.alphas = {}

    def name(self, kind):
        return f"{kind}{next(self.numbers)}"

    def layer(self, depth):
        kinds = self.KINDS if depth else self.KINDS[:3]
        kind = str(self.random.choice(kinds))
        return getattr(self, kind)(depth - 1, name=self.name(kind))

    def several(self, depth):
        return [self.layer(depth) for _ in range(self.random.integers(2, 4))]

    def dense(self, depth, name):
        activation = str(self.random.choice(["linear", "tanh", "relu", "gelu"]))
        return layers.Dense(SIZE, activation, name=name)

    def norm(self, depth, name):
        return layers.BatchNormalization(name=name)

    def sizes(self, depth, name):
        sizes = sorted({int(self.random.integers(1, SIZE)), SIZE})
        return LayerChoice.of_sizes(layers.Dense, sizes, name=name)

    def layers(self, depth, name):
        candidates = self.several(depth)
        alphas = None
        if self.random.random() < 0.5:
            count = len(candidates)
            shared = Alphas(1, count, name=f"shared{count}")
            alphas = self.alphas.setdefault(count, shared)
        return LayerChoice(candidates, alphas, name=name)

    def sequence(self, depth, name):
        return keras.Sequential(self.several(depth), name=name)

    def residual(self, depth, name):
        return Residual(self.layer(depth), name=name)

    def branches(self, depth, name):
        branches, choice = self.several(depth), None
        if self.random.random() < 0.7:
            number = int(self.random.integers(1, len(branches)))
            choice = InputChoice(len(branches), number, name=self.name("skip"))
        return Branches(branches, choice, name=name)

    def functional(self, depth, name):
        inputs = keras.Input(self.SHAPE)
        hidden = self.layer(depth)(inputs)
        both = [hidden, self.layer(depth)(hidden)]
        number = int(self.random.integers(1, 2))
        outputs = InputChoice(2, number, name=self.name("skip"))(both)
        return keras.Model(inputs, outputs + inputs, name=name)

    def model(self):
        steps = self.several(2)
        order = [*range(len(steps)), int(self.random.integers(len(steps)))]
        if self.random.random() < 0.5:
            return Steps(steps, order)
        inputs = x = keras.Input((SIZE,))
        for number in order:
            x = steps[number](x)
        return keras.Model(inputs, {"last": x})


class MaskedMaker(Maker):
    """Makes random models of sequences, some of whose layers make masks."""

    KINDS = ("dense", "masking", "masking", "layers", "sequence", "functional")
    SHAPE = (5, SIZE)

    def masking(self, depth, name):
        return layers.Masking(float(self.random.integers(2)), name=name)

    def model(self):
        x = inputs = keras.Input(self.SHAPE)
        for layer in [*self.several(1), self.layers(1, self.name("layers"))]:
            x = layer(x)
        x = layers.GlobalAveragePooling1D()(x)
        return keras.Model(inputs, {"last": x})


def choose(model, random):
    """Sets one-hot weights at random, several for several inputs."""
    for layer in nested_layers(model):
        if isinstance(layer, Choice):
            number = getattr(layer, "num_chosen", 1)
            alpha = np.full((1, len(layer.options)), -1e4)
            alpha[0, random.permutation(alpha.size)[:number]] = 0
            layer.alphas.alpha.assign(alpha)


@pytest.mark.parametrize("seed", range(14))
def test_random_models_equal_their_derivations(seed):
    require_equal_derivation(Maker(seed), image(5, SIZE, seed=seed))


@pytest.mark.filterwarnings(
    "ignore:.*or their masks differ",
    "ignore:.*does not support masking",
)
@pytest.mark.parametrize("seed", range(8))
def test_random_models_with_masks_equal_their_derivations(seed):
    x = image(3, *MaskedMaker.SHAPE, seed=seed)
    x[0, 1:3], x[1, 2:4] = 0, 1
    require_equal_derivation(MaskedMaker(seed), x)


def require_equal_derivation(maker, x):
    model, x = maker.model(), x.astype("float32")
    model(x)
    choose(model, maker.random)
    assert any(isinstance(each, Choice) for each in nested_layers(model))
    derived = derive_model(model, copy_weights=True)
    for training in (False, True):
        np.testing.assert_allclose(
            derived(x, training=training)["last"],
            model(x, training=training)["last"],
            rtol=1e-3,
            atol=1e-4,
        )
    classes = {type(layer).__module__ for layer in nested_layers(derived)}
    assert not any(each.startswith("tfdarts") for each in classes)
    choices = choices_of(model)
    assert all(choice["chosen"] for choice in choices.values())
