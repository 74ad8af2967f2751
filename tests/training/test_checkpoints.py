"""What was saved after an epoch comes back, bit for bit."""

import keras
import numpy as np
import pytest

from tfdarts.layers.convolutions import SepConv
from tfdarts.training.checkpoints import EpochCheckpoint
from tfdarts.training.optimizers import SGD


class Training:
    """A layer that holds batch norms in a list, and its optimizer."""

    def __init__(self, directory):
        self.layer = SepConv(4, 3)
        self.layer.build((None, 4, 4, 4))
        self.optimizer = SGD(0.1)
        self.optimizer.build(self.layer.trainable_variables)
        self.checkpoint = EpochCheckpoint(
            directory,
            layer=self.layer.variables,
            optimizer=self.optimizer.variables,
        )

    def epoch(self, epoch):
        random = np.random.default_rng(epoch)
        x = random.normal(1.0, 2.0, (2, 4, 4, 4)).astype("float32")
        self.layer(x, training=True)
        variables = self.layer.trainable_variables
        gradients = [random.normal(size=v.shape) for v in variables]
        gradients = [keras.ops.array(g, "float32") for g in gradients]
        self.optimizer.apply(gradients, variables)
        self.checkpoint.on_epoch_end(epoch)

    def values(self):
        variables = self.layer.variables + self.optimizer.variables
        return [variable.numpy() for variable in variables]


def same(first, second):
    return [
        one.tobytes() == other.tobytes()
        for one, other in zip(first, second, strict=True)
    ]


def test_everything_comes_back(tmp_path):
    training = Training(tmp_path)
    new = training.values()
    for epoch in range(3):
        training.epoch(epoch)
    trained = training.values()
    changed = [not equal for equal in same(new, trained)]
    # All but the optimizer's learning rate.
    assert changed.count(False) == 1
    # Kernels, gammas, betas, momentums and moving statistics of two blocks.
    assert len(trained) == 2 * (4 + 4 + 2) + 2

    resumed = Training(tmp_path)
    assert not all(same(trained, resumed.values()))
    assert resumed.checkpoint.restore() == 3
    assert all(same(trained, resumed.values()))

    training.epoch(3)
    resumed.epoch(3)
    assert all(same(training.values(), resumed.values()))


def test_the_newest_two_are_kept(tmp_path):
    first, second = Training(tmp_path), None
    for epoch in range(3):
        first.epoch(epoch)
    assert names(tmp_path) == {"ckpt-2.index", "ckpt-3.index"}
    second = Training(tmp_path)
    second.checkpoint.restore()
    second.epoch(3)
    assert names(tmp_path) == {"ckpt-3.index", "ckpt-4.index"}


def names(directory):
    return {path.name for path in directory.glob("*.index")}


def test_without_a_checkpoint_nothing_changes(tmp_path):
    training = Training(tmp_path)
    before = training.values()
    assert training.checkpoint.restore() == 0
    assert all(same(before, training.values()))


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    Training(tmp_path).epoch(0)
    layer = SepConv(4, 3)
    layer.build((None, 4, 4, 4))
    other = EpochCheckpoint(tmp_path, layer=layer.variables)
    with pytest.raises(AssertionError):
        other.restore()


def test_fit_saves_after_each_epoch(tmp_path):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile("sgd", "mse", run_eagerly=True)
    checkpoint = EpochCheckpoint(tmp_path, model=model.variables)
    x, y = np.ones((4, 2)), np.ones((4, 1))
    model.fit(x, y, epochs=2, verbose=0, callbacks=[checkpoint])
    trained = model.get_weights()
    model.set_weights([np.zeros_like(w) for w in trained])
    assert checkpoint.restore() == 2
    assert all(same(trained, model.get_weights()))
