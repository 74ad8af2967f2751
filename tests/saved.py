"""What each layer and model of tfdarts must survive, in every precision."""

import json

import keras
import numpy as np
import tensorflow as tf

PRECISIONS = (
    "float32",
    "float64",
    "bfloat16",
    "mixed_bfloat16",
    "mixed_float16",
)


def numbers(outputs):
    """Returns outputs, of any structure and precision, as float64 arrays."""
    return [
        np.asarray(tf.cast(tensor, "float64"))
        for tensor in tf.nest.flatten(outputs)
    ]


def require_same(one, other):
    """Fails unless two outputs are the same numbers."""
    for a, b in zip(numbers(one), numbers(other), strict=True):
        np.testing.assert_array_equal(a, b)


def randomize(model):
    """Sets all variables in floating point, so that none is at its default."""
    random = np.random.default_rng(0)
    for variable in model.variables:
        if "seed" not in variable.path and "rate" not in variable.path:
            variable.assign(random.uniform(0.1, 0.9, variable.shape))


def through_json(thing):
    """Returns a copy that knows only what a config says, as JSON."""
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(thing)))
    return keras.saving.deserialize_keras_object(config)


def saved_and_loaded(model, directory):
    path = directory / "model.keras"
    model.save(path)
    return keras.saving.load_model(path)


def with_loaded_weights(copy, model, directory):
    """Returns a copy of a model with the weights that the model has saved."""
    path = directory / "model.weights.h5"
    model.save_weights(path)
    copy.load_weights(path)
    return copy
