"""The layer of a chosen size, with the weights of the widest layer."""

import keras
import numpy as np


def padding_layers(choice, shape):
    """Returns layers that append zeros up to the largest size of a choice."""
    missing = choice.sizes[-1] - choice.sizes[choice.chosen]
    if not missing:
        return []
    name = f"{choice.name}_zeros"
    match len(shape):
        case 2:
            rows = keras.layers.Reshape((shape[-1], 1))
            zeros = keras.layers.ZeroPadding1D((0, missing), name=name)
            return [rows, zeros, keras.layers.Reshape((shape[-1] + missing,))]
        case 3 if choice.is_masked:
            # A layer of Keras that pads passes no mask on.
            padding = keras.layers.Dense(
                choice.sizes[-1],
                use_bias=False,
                kernel_initializer="identity",
                trainable=False,
                name=name,
            )
        case 3:
            padding = keras.layers.ZeroPadding1D(
                (0, missing), data_format="channels_first", name=name
            )
        case 4:
            padding = keras.layers.ZeroPadding2D(
                ((0, 0), (0, missing)), data_format="channels_first", name=name
            )
        case _:
            raise ValueError(
                f"The weights around the choice {choice.name} cannot be "
                f"copied: its outputs have {len(shape)} axes, and at most 4 "
                "are supported. Give copy_weights=False."
            )
    return [padding]


def copy_first_weights(choice, clone):
    """Copies the weights of the first units or filters of a choice."""
    weights = [
        widest[tuple(slice(size) for size in weight.shape)]
        for widest, weight in zip(
            choice.layer.get_weights(), clone.get_weights(), strict=True
        )
    ]
    clone.set_weights(weights)
    shape = [2, *(size or 3 for size in choice.input_shape_of_layer[1:])]
    inputs = np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")
    widest, narrow = choice.layer(inputs), clone(inputs)
    if not np.allclose(widest[..., : narrow.shape[-1]], narrow, atol=1e-3):
        raise ValueError(
            f"The choice {choice.name} is not a choice of sizes: the first "
            f"{narrow.shape[-1]} channels of {choice.layer.name} with "
            f"{choice.sizes[-1]} channels are not the same layer with "
            f"{narrow.shape[-1]} channels. Use a LayerChoice of layers of "
            "equal size."
        )
