"""Which layers of a model Keras has quantized, as part of its config."""

import keras


def quantized_layers(model):
    """Returns what `quantize` has done to a model, for the model's config.

    Args:
        model: Keras model.

    Returns:
        Dict with `quantized_layers`, a dict from the positions of layers to
        how each is quantized; it is empty if none is.
    """
    quantized = {
        str(position): {
            "mode": layer.quantization_mode,
            "config": keras.saving.serialize_keras_object(
                layer.quantization_config
            ),
        }
        for position, layer in enumerate(model._flatten_layers())
        if getattr(layer, "_is_quantized", False)
    }
    return {"quantized_layers": quantized} if quantized else {}


def quantize_layers(model, quantized_layers):
    """Quantizes layers of a new model, whose weights will be loaded.

    Args:
        model: Keras model, built.
        quantized_layers: What `quantized_layers` found in a model like it.

    Returns:
        The model.
    """
    layers = [*model._flatten_layers()]
    for position, how in quantized_layers.items():
        layer = layers[int(position)]
        # Those of a model inside are in its own config, too.
        if not getattr(layer, "_is_quantized", False):
            config = keras.saving.deserialize_keras_object(how["config"])
            layer.quantize(how["mode"], config=config)
    return model
