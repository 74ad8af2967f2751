"""A search finds the operation that made its targets.

One edge mixes the paper's primitives. Its targets are what one of them, the
planted operation, makes of the same images with weights of its own. A search
that works ranks it first. In the control each image has its neighbour's
target, so there is nothing to find: an operation that is found there too is
not found because it was planted.

`none` has nothing to find. `dil_conv_3x3` is not planted, for `dil_conv_5x5`
contains it. `sep_conv_5x5` contains `sep_conv_3x3` too, but with more weights
to learn from few examples it falls behind on the validation examples.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.primitives import primitive
from tfdarts.strategies.darts import DARTS
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam

pytestmark = pytest.mark.slow

PLANTED = [p for p in PRIMITIVES if p not in ("none", "dil_conv_3x3")]
BATCH_SIZE = 12
IMAGE_SHAPE = (8, 8, 8)
STEPS = 60


class OneEdge(keras.Model):
    """A supernet of one edge, with what `DARTS` asks of a supernet."""

    def __init__(self):
        super().__init__()
        self.mixed_op = MixedOp(num_edges=1, filters=IMAGE_SHAPE[-1])
        self.build((None, *IMAGE_SHAPE))

    def build(self, input_shape):
        self.mixed_op.build(input_shape)
        self.built = True

    def call(self, inputs, training=None):
        return self.mixed_op(inputs, training=training)

    @property
    def alpha_variables(self):
        return [self.mixed_op.alphas.alpha]

    @property
    def network_weights(self):
        return self.trainable_variables


def variance_of_error(targets, outputs):
    """The mean squared error without what all examples have in common.

    Padding gives an operation's outputs a frame that is the same in all of
    them. By it alone the operation could be told in the control too.
    """
    return tf.reduce_mean(tf.math.reduce_variance(targets - outputs, axis=0))


def traced_once(order):
    """Returns a function that searches, anew for each seed."""
    supernet = OneEdge()
    search = DARTS(supernet, order=order)
    search.compile(
        SGD(1.0, momentum=0.9, l2=0.01),
        Adam(0.03),
        loss=variance_of_error,
        # Of targets that are images there is no accuracy.
        accuracy=keras.metrics.mean_squared_error,
    )
    state = search.optimizer.variables + search.alpha_optimizer.variables
    initial_state = [variable.numpy() for variable in state]

    def alphas_after_search(train_batch, val_batch):
        supernet.set_weights(OneEdge().get_weights())
        for variable, value in zip(state, initial_state, strict=True):
            variable.assign(value)
        for _ in range(STEPS):
            search.train_step((train_batch, val_batch))
        (alphas,) = supernet.alpha_variables
        return alphas.numpy()[0]

    return alphas_after_search


@pytest.fixture(scope="module")
def first_order():
    return traced_once(order=1)


@pytest.fixture(scope="module")
def second_order():
    return traced_once(order=2)


def batch(planted, random, shuffled):
    """Images, and what the planted operation makes of them."""
    images = random.normal(size=(BATCH_SIZE, *IMAGE_SHAPE))
    images = tf.constant(images, "float32")
    targets = planted(images, training=True)
    return images, tf.roll(targets, 1, axis=0) if shuffled else targets


def times_first(search, name, shuffled=False):
    """In how many of ten searches the operation ranks first."""
    found = []
    for seed in range(10):
        keras.utils.set_random_seed(seed)
        random = np.random.default_rng(seed)
        planted = primitive(name, IMAGE_SHAPE[-1], search=True)
        alphas = search(*(batch(planted, random, shuffled) for _ in range(2)))
        choice = max(
            (p for p in PRIMITIVES if p != "none"),
            key=dict(zip(PRIMITIVES, alphas, strict=True)).get,
        )
        found.append(choice == name)
    return sum(found)


@pytest.mark.parametrize("name", PLANTED)
def test_planted_operation_is_found(first_order, name):
    assert times_first(first_order, name) >= 9


def test_second_order_finds_the_planted_operation(second_order):
    assert times_first(second_order, "dil_conv_5x5") >= 9


@pytest.mark.parametrize("name", PLANTED)
def test_nothing_is_found_in_shuffled_targets(first_order, name):
    assert times_first(first_order, name, shuffled=True) <= 4
