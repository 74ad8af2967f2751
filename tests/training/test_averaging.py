"""Averaged SGD: when it begins, what it averages, what it leaves."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.training.averaging import AveragedWeights
from tfdarts.training.averaging import has_stalled


def authors_trigger(losses, nonmono):
    """Epochs, counted from 0, behind which the authors' loop switches."""
    best_val_loss = []
    for epoch, val_loss in enumerate(losses):
        if len(best_val_loss) > nonmono and val_loss > min(
            best_val_loss[:-nonmono]
        ):
            return epoch
        best_val_loss.append(val_loss)
    return None


@pytest.mark.parametrize("nonmonotone", [1, 2, 5])
def test_it_begins_when_the_authors_does(nonmonotone):
    random = np.random.default_rng(0)
    for trend in (0.0, -0.05, -1.0):
        losses = [*(trend * np.arange(40) + random.normal(0, 0.3, 40))]
        begun = [
            epoch
            for epoch in range(40)
            if has_stalled(losses[: epoch + 1], nonmonotone)
        ]
        expected = authors_trigger(losses, nonmonotone)
        assert begun[:1] == ([] if expected is None else [expected])


def test_five_epochs_without_a_gain_by_hand():
    losses = [5.0, 4.0, 4.5, 4.5, 4.5, 4.5, 4.5]
    assert not has_stalled(losses[:-1], 5)
    # Only the first epoch is more than five before: no stall against it.
    assert not has_stalled(losses, 5)
    assert has_stalled([*losses, 4.1], 5)
    assert not has_stalled([*losses, 4.0], 5)


class Walk(keras.Model):
    """A weight that is moved to given values, and validated at itself."""

    def __init__(self, values):
        super().__init__()
        self.values = values
        self.weight = self.add_weight(shape=(), initializer="zeros")
        self.step = 0
        self.built = True
        self.seen, self.begun = [], []
        self.loss_tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.loss_tracker]

    def call(self, inputs):
        return inputs

    def train_step(self, data):
        self.begun.append(float(self.weight.numpy()))
        self.weight.assign(self.values[self.step])
        self.step += 1
        return {"loss": tf.constant(0.0)}

    def test_step(self, data):
        value = float(self.weight.numpy())
        self.seen.append(value)
        self.loss_tracker.update_state(value)
        return {"loss": self.loss_tracker.result()}


def walked(values, nonmonotone, epochs, averaging=None, first=0):
    """Trains two steps an epoch; returns the model and the callback."""
    model = Walk(values)
    model.compile(keras.optimizers.SGD(), run_eagerly=True)
    model.step = 2 * first
    losses = []

    class Losses(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            losses.append(logs["val_loss"])

    averaging = averaging or (
        lambda model: AveragedWeights(
            [model.weight], nonmonotone, lambda: losses
        )
    )
    averaging = averaging(model)
    data = tf.data.Dataset.from_tensors(tf.zeros((1, 1)))
    model.fit(
        data.repeat(2),
        epochs=epochs,
        initial_epoch=first,
        validation_data=data,
        callbacks=[averaging, Losses()],
        shuffle=False,
        verbose=0,
    )
    return model, averaging


# Behind the third epoch the validation loss, the weight itself, has stalled.
VALUES = [3.0, 2.0, 2.5, 2.2, 2.9, 2.6, 1.0, 4.0, 0.5, 1.5, 0.2, 5.0]


def test_validation_is_of_the_mean_of_all_weights_since():
    model, averaging = walked(VALUES, 1, 6)
    since = VALUES[6:]
    means = [np.mean(since[: 2 * k]) for k in (1, 2, 3)]
    np.testing.assert_allclose(model.seen, [2.0, 2.2, 2.6, *means], rtol=1e-6)
    assert int(averaging.count) == 1 + len(since)
    assert model.history.history["averaged_steps"] == [0, 0, 0, 2, 4, 6]


def test_the_best_epochs_weights_are_left():
    model, _ = walked(VALUES, 1, 6)
    # The mean of four, behind the fifth epoch, is the lowest.
    assert float(model.weight) == pytest.approx(np.mean(VALUES[6:10]))
    model, averaging = walked(VALUES, 0, 5)
    assert model.seen == [2.0, pytest.approx(2.2), pytest.approx(2.6), 4.0, 1.5]
    assert float(model.weight) == 1.5 and not averaging.active


def test_training_goes_on_from_the_weights_themselves():
    """What validation was of is put aside after it."""
    model, _ = walked(VALUES, 1, 6)
    assert model.begun == pytest.approx([0.0, *VALUES[:-1]])


def test_what_is_saved_is_enough_to_go_on():
    _, before = walked(VALUES, 1, 5)
    losses = [2.0, 2.2, 2.6, 2.5, 1.75]

    def restored(model):
        averaging = AveragedWeights([model.weight], 1, lambda: losses)
        for variable, value in zip(
            averaging.variables, before.variables, strict=True
        ):
            variable.assign(value)
        return averaging

    model, _ = walked(VALUES, 1, 6, restored, first=5)
    assert model.seen == [pytest.approx(np.mean(VALUES[6:]))]
    assert float(model.weight) == pytest.approx(np.mean(VALUES[6:10]))
