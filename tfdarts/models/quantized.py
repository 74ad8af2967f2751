"""The quantized layers of a model, as part of the model's config."""

import keras

from tfdarts.layers.nested import nested_layers


def quantized_layers(model):
    """Returns the quantized layers of a model, for the model's config.

    Args:
        model: Keras model.

    Returns:
        Dict with `quantized_layers`, a dict from the positions of layers to
        the mode and config of each quantization; empty if no layer is
        quantized.
    """
    quantized = {
        str(position): {
            "mode": layer.quantization_mode,
            "config": keras.saving.serialize_keras_object(
                layer.quantization_config
            ),
        }
        for position, layer in enumerate(nested_layers(model))
        if getattr(layer, "_is_quantized", False)
    }
    return {"quantized_layers": quantized} if quantized else {}


def quantize_layers(model, quantized_layers):
    """Quantizes layers of a new model, before its weights are loaded.

    Args:
        model: Keras model, built.
        quantized_layers: The value that the function `quantized_layers`
            stored in the config of a model of the same architecture.

    Returns:
        The model.
    """
    layers = nested_layers(model)
    for position, how in quantized_layers.items():
        layer = layers[int(position)]
        # The config of an inner model has already quantized its layers.
        if not getattr(layer, "_is_quantized", False):
            config = keras.saving.deserialize_keras_object(how["config"])
            layer.quantize(how["mode"], config=config)
    return model
