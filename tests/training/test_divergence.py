"""A run that diverges is stopped."""

import keras
import numpy as np
import pytest

from tfdarts.training.divergence import DivergedError
from tfdarts.training.divergence import StopOnNaN


@pytest.mark.parametrize("loss", [np.nan, np.inf, -np.inf, np.float32("nan")])
def test_loss_that_is_no_number_stops(loss):
    with pytest.raises(DivergedError, match=f"became {loss} at step 8"):
        StopOnNaN().on_train_batch_end(7, {"loss": loss})


def test_loss_of_the_alphas_stops_too():
    with pytest.raises(DivergedError, match="alpha loss became nan"):
        StopOnNaN().on_train_batch_end(
            0, {"loss": 1.0, "alpha_loss": float("nan")}
        )


@pytest.mark.parametrize("loss", [0.0, -1.0, 1e30, np.float32(3.4e38)])
def test_any_number_goes_on(loss):
    StopOnNaN().on_train_batch_end(0, {"loss": loss})


def test_fit_stops_at_the_step():
    """The weight grows by 1000 times with each of its steps."""
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile(keras.optimizers.SGD(1e30), "mse", run_eagerly=True)
    x = np.ones((8, 1), "float32")
    with pytest.raises(DivergedError, match="Lower the learning rate"):
        model.fit(x, x + 1, batch_size=1, verbose=0, callbacks=[StopOnNaN()])
    assert issubclass(DivergedError, ArithmeticError)


def test_an_epoch_whose_last_step_spoilt_a_weight_is_not_kept():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    callback = StopOnNaN()
    callback.set_model(model)
    callback.on_epoch_end(0, {"loss": 1.0})
    model.layers[0].kernel.assign([[float("nan")]])
    with pytest.raises(DivergedError, match="kernel is not finite.*epoch 3"):
        callback.on_epoch_end(2, {"loss": 1.0})
