"""Callbacks of Keras on a search of a model with choices."""

import csv

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard_events import events

from tfdarts.layers.layer_choice import LayerChoice
from tfdarts.strategies.darts import DARTS

layers = keras.layers
callbacks = keras.callbacks
EPOCHS = 4


def build(order=1):
    keras.utils.set_random_seed(2)
    inputs = keras.Input((3,))
    candidates = [layers.Dense(3, "tanh"), layers.BatchNormalization()]
    x = LayerChoice(candidates, name="choice")(inputs)
    search = DARTS(keras.Model(inputs, layers.Dense(2)(x)), order=order)
    search.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.optimizers.Adam(0.1),
    )
    return search


def data():
    random = np.random.default_rng(1)
    x = random.normal(size=(24, 3)).astype("float32")
    y = (x.sum(1) > 0).astype("int32")
    return (x[:16], y[:16]), (x[8:], y[8:])


def fit(search, *callbacks, **options):
    train, validation = data()
    options = {"epochs": EPOCHS, "shuffle": False, **options}
    return search.fit(
        *(train, validation),
        batch_size=8,
        validation_data=validation,
        callbacks=callbacks,
        verbose=0,
        **options,
    ).history


def values(search):
    return [variable.numpy() for variable in search.supernet.variables]


class Recorder(keras.callbacks.Callback):
    """The values of the model after each epoch."""

    def on_train_begin(self, logs=None):
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(values(self.model))


def require_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_early_stopping_restores_weights_and_alphas():
    """The loss of validation is made to rise after the second epoch."""

    class Worsen(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = [2.0, 1.0, 3.0, 4.0][epoch]

    recorder, search = Recorder(), build()
    stop = callbacks.EarlyStopping(
        "val_loss", patience=2, restore_best_weights=True
    )
    fit(search, Worsen(), recorder, stop)
    assert len(recorder.epochs) == 4 and stop.best_epoch == 1
    require_equal(values(search), recorder.epochs[1])
    names = [variable.path for variable in search.supernet.variables]
    (alpha,) = [n for n, path in enumerate(names) if path.endswith("alpha")]
    assert (recorder.epochs[1][alpha] != recorder.epochs[3][alpha]).any()


def test_a_checkpoint_of_the_best_epoch_is_a_search(tmp_path):
    recorder, search = Recorder(), build()
    path, weights = tmp_path / "best.keras", tmp_path / "{epoch}.weights.h5"
    history = fit(
        search,
        recorder,
        callbacks.ModelCheckpoint(path, "alpha_loss", 0, True, mode="min"),
        callbacks.ModelCheckpoint(weights, save_weights_only=True),
    )
    best = int(np.argmin(history["alpha_loss"]))
    loaded = keras.models.load_model(path)
    require_equal(values(loaded), recorder.epochs[best])
    assert loaded.choices().keys() == {"choice"}
    other = build()
    other.load_weights(tmp_path / f"{EPOCHS}.weights.h5")
    require_equal(values(other), values(search))


def test_logs_are_written_in_full(tmp_path):
    search = build()
    history = fit(
        search,
        callbacks.CSVLogger(tmp_path / "log.csv"),
        callbacks.TensorBoard(tmp_path / "board", histogram_freq=1),
        callbacks.TerminateOnNaN(),
    )
    with open(tmp_path / "log.csv") as file:
        rows = [*csv.DictReader(file)]
    names = {"loss", "alpha_loss", "supernet_accuracy", "val_loss"}
    assert names <= {*rows[0]} and len(rows) == EPOCHS
    for name in names:
        assert [float(row[name]) for row in rows] == history[name]
    written = events(tmp_path / "board" / "train").Tensors("epoch_alpha_loss")
    losses = [float(tf.make_ndarray(each.tensor_proto)) for each in written]
    np.testing.assert_allclose(losses, history["alpha_loss"], rtol=1e-6)


def test_learning_rates_of_the_weights_are_scheduled():
    search = build()
    fit(
        search,
        callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)),
        callbacks.ReduceLROnPlateau("loss", patience=9),
    )
    assert float(search.optimizer.learning_rate) == pytest.approx(0.1 / EPOCHS)
    assert float(search.alpha_optimizer.learning_rate) == pytest.approx(0.1)


def test_a_backup_resumes_bit_for_bit(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                raise KeyboardInterrupt

    backup = callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    with pytest.raises(KeyboardInterrupt):
        fit(build(order=2), backup, Stop(), epochs=2)
    resumed, whole = build(order=2), build(order=2)
    fit(resumed, callbacks.BackupAndRestore(tmp_path), epochs=2)
    fit(whole, epochs=2)
    require_equal(values(resumed), values(whole))
    for one, other in (
        (resumed.optimizer, whole.optimizer),
        (resumed.alpha_optimizer, whole.alpha_optimizer),
    ):
        require_equal(one.variables, other.variables)
