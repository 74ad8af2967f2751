"""Keras' callbacks, and a search that is saved and goes on."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.strategies.darts import DARTS
from tfdarts.training.optimizers import SGD
from tfdarts.training.schedules import EpochCosine

X = np.random.default_rng(0).normal(size=(6, 4, 4, 1)).astype("float32")
BATCH = X, np.arange(6) % 3
PAIRS = tf.data.Dataset.from_tensors((BATCH, BATCH)).repeat(2)


def variables_of(search):
    return [
        *search.supernet.variables,
        *search.optimizer.variables,
        *search.alpha_optimizer.variables,
    ]


def require_same_variables(one, other):
    for a, b in zip(variables_of(one), variables_of(other), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_keras_callbacks_save_a_search_that_goes_on(tmp_path):
    search = DARTS(
        CNNSupernet(
            2, 3, 3, (4, 4, 1), num_nodes=1, primitives=("none", "skip_connect")
        ),
        order=2,
        method="one_sided_difference",
        update_order="weights_first",
        alpha_warmup_steps=1,
    )
    search.compile(
        weight_optimizer=SGD(EpochCosine(0.1, 0.0, 3, steps_per_epoch=2)),
        alpha_optimizer=keras.optimizers.RMSprop(0.01),
        accuracy=keras.metrics.sparse_top_k_categorical_accuracy,
    )
    callbacks = keras.callbacks
    search.fit(
        PAIRS,
        epochs=2,
        verbose=0,
        callbacks=[
            callbacks.ModelCheckpoint(tmp_path / "search.keras"),
            callbacks.ModelCheckpoint(
                tmp_path / "search.weights.h5", save_weights_only=True
            ),
            callbacks.BackupAndRestore(tmp_path / "backup"),
            callbacks.CSVLogger(tmp_path / "log.csv"),
            callbacks.TensorBoard(tmp_path / "tensorboard"),
            callbacks.EarlyStopping("loss", restore_best_weights=True),
        ],
    )
    header, *rows = (tmp_path / "log.csv").read_text().splitlines()
    assert header.startswith("epoch,alpha_loss,loss,supernet_accuracy")
    assert len(rows) == 2
    search.load_weights(tmp_path / "search.weights.h5")
    loaded = keras.saving.load_model(tmp_path / "search.keras")
    assert type(loaded) is DARTS
    assert loaded.get_config() == search.get_config()
    require_same_variables(loaded, search)
    assert loaded.supernet.genotype() == search.supernet.genotype()
    search.fit(PAIRS, verbose=0)
    loaded.fit(PAIRS, verbose=0)
    require_same_variables(loaded, search)


@pytest.mark.slow
def test_a_search_is_restored_from_its_backup(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def fit(search, *others):
        search.compile()
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        search.fit(PAIRS, epochs=2, verbose=0, callbacks=[backup, *others])

    def search():
        supernet = CNNSupernet(
            2, 3, 3, (4, 4, 1), num_nodes=1, primitives=("none", "skip_connect")
        )
        if whole:
            supernet.set_weights(whole[0])
        return DARTS(supernet, order=1)

    whole = []
    straight = search()
    whole.append(straight.supernet.get_weights())
    straight.compile()
    straight.fit(PAIRS, epochs=2, verbose=0)
    try:
        fit(search(), Stop())
    except KeyboardInterrupt:
        pass
    resumed = search()
    fit(resumed)
    assert int(resumed.optimizer.iterations) == 4
    require_same_variables(resumed, straight)
