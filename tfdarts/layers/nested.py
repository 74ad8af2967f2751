"""All layers inside a model."""

import keras


def nested_layers(model):
    """Returns a model or layer and all layers inside it, as a list.

    `model.layers` lists only the outermost layers of a model, and a layer has
    no such list.

    Args:
        model: Keras model or layer.

    Example:

    >>> inner = keras.Sequential([keras.layers.Dense(1), keras.layers.ReLU()])
    >>> len(nested_layers(keras.Sequential([inner])))
    4
    """
    return [*model._flatten_layers()]


def is_functional(layer):
    """Returns whether a layer is a functional Keras model."""
    return isinstance(layer, keras.Model) and bool(
        getattr(layer, "operations", None)
    )
