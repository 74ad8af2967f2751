"""The plain Keras model that a model with choices becomes."""

import keras
import numpy as np

from tfdarts.layers.choice import Choice
from tfdarts.layers.input_choice import InputChoice
from tfdarts.layers.layer_choice import LayerChoice
from tfdarts.layers.nested import nested_layers
from tfdarts.layers.size_choice import SizeChoice


def choices_of(model: keras.Model) -> dict[str, dict]:
    """Returns what a model would choose now.

    Args:
        model: Keras model with choices.

    Returns:
        Dict by the names of the choices. Each value is a dict that can be
        written as JSON: `chosen`, a string, or a list of strings if several
        inputs are chosen, and `probabilities` of all options.

    Example:

    >>> inputs = keras.Input((3,))
    >>> choice = tfdarts.LayerChoice.of_sizes(
    ...     keras.layers.Dense, (2, 4), name="width"
    ... )
    >>> model = keras.Model(inputs, choice(inputs))
    >>> _ = choice.alphas.alpha.assign([[0.0, 2.0]])
    >>> choices_of(model)["width"]["chosen"]
    '4'
    """
    found = {}
    for layer in nested_layers(model):
        if isinstance(layer, Choice):
            if layer.name in found:
                raise ValueError(
                    f"Two choices have the name {layer.name!r}. Give each "
                    "choice of a model a name of its own."
                )
            found[layer.name] = _description(layer)
    return found


def _description(choice):
    probabilities = choice.probabilities().tolist()
    chosen = choice.options[choice.chosen]
    if isinstance(choice, InputChoice) and choice.num_chosen > 1:
        chosen = [choice.options[i] for i in choice.chosen_inputs]
    return {
        "chosen": chosen,
        "probabilities": dict(zip(choice.options, probabilities)),
    }


def derive_model(model: keras.Model, copy_weights: bool = False) -> keras.Model:
    """Returns a plain Keras model in which each choice is made.

    The candidate with the highest probability replaces a choice. Nothing of
    tfdarts is in the model, so that it can be loaded and served without
    tfdarts. Frozen layers and adapted preprocessing are the layers of the
    searched model themselves.

    Args:
        model: Functional or sequential Keras model with choices, also inside
            its layers and candidates that are such models.
        copy_weights: Boolean, whether the model gets the weights of the
            searched model. A layer of a chosen size is then followed by zeros
            up to the largest size, because the layers behind it have weights
            for them. By default all weights are new, and narrow layers make
            the layers behind them smaller.

    Raises:
        ValueError: If the model has no choices, or a choice stands where it
            cannot be replaced, such as inside a subclassed model or layer.

    Example:

    >>> inputs = keras.Input((3,))
    >>> choice = tfdarts.LayerChoice(
    ...     [keras.layers.Dense(4), keras.layers.EinsumDense("ab,bc->ac", 4)],
    ...     name="block1",
    ... )
    >>> model = keras.Model(inputs, choice(inputs))
    >>> _ = choice.alphas.alpha.assign([[1.0, 0.0]])
    >>> type(derive_model(model).get_layer("block1")).__name__
    'Dense'
    """
    if not any(isinstance(each, Choice) for each in nested_layers(model)):
        raise ValueError(
            f"The model {model.name} has no choices, so there is nothing to "
            "derive: see tfdarts.LayerChoice."
        )
    derivation = _Derivation(copy_weights)
    sizes = [*_names_of_sizes(model)]
    try:
        derived = derivation.clone(model)
    except ValueError as error:
        if not sizes or copy_weights or "tfdarts" in str(error):
            raise
        raise ValueError(
            f"With the chosen sizes of {', '.join(sizes)}, the layers of the "
            f"model do not fit one another: {error} Let choices of sizes that "
            "must be equal share their `alphas`, or give copy_weights=True."
        ) from error
    if copy_weights:
        derivation.copy_weights()
    return derived


def _names_of_sizes(model):
    for layer in nested_layers(model):
        if isinstance(layer, SizeChoice):
            yield layer.name


class _Derivation:
    """Clones layers, with the chosen candidates instead of choices.

    Args:
        copies: Boolean, whether the weights will be copied.
    """

    def __init__(self, copies):
        self.copies = copies
        self.clones = {}
        self.choices = {}

    def clone(self, layer, name=None):
        """Returns the clone of a layer, the same for each call."""
        if id(layer) not in self.clones:
            clone = self._make(layer, name or layer.name)
            # The layer is kept, so that no other gets its id.
            self.clones[id(layer)] = layer, clone
        return self.clones[id(layer)][1]

    def _make(self, layer, name):
        if not isinstance(layer, keras.Layer):
            return layer  # An operation, such as a sum, has no state.
        if name == layer.name and _is_fixed(layer):
            return layer
        match layer:
            case LayerChoice():
                return self.clone(layer.layers[layer.chosen], name)
            case SizeChoice():
                return self._layer_of_size(layer, name)
            case InputChoice():
                # `_call` does without this layer.
                return self._of_choice(layer, keras.layers.Identity())
            case keras.layers.Lambda():
                # Keras makes none from a config, which may hold any code.
                return keras.layers.Lambda(
                    layer.function, name=name, arguments=layer.arguments
                )
            case keras.Sequential():
                return self._clone_sequential(layer, name)
            case keras.Model() if _is_functional(layer):
                clone = keras.models.clone_model(
                    layer,
                    input_tensors=_new_inputs(layer),
                    clone_function=self.clone,
                    call_function=self._call,
                )
                clone.name = name
                return clone
            case keras.layers.Wrapper() if isinstance(layer.layer, LayerChoice):
                return self._clone_wrapper(layer, name)
        if any(isinstance(each, Choice) for each in nested_layers(layer)):
            raise ValueError(
                f"A choice inside the layer {layer.name} of the class "
                f"{type(layer).__name__} cannot be replaced: only functional "
                "and sequential models say how their layers are connected. "
                "Make it a functional model, or build the model anew with "
                "what tfdarts.choices_of(model) says."
            )
        config = {**layer.get_config(), "name": name}
        clone = type(layer).from_config(config)
        clone.trainable = layer.trainable
        return clone

    def _of_choice(self, choice, clone):
        self.choices[id(clone)] = choice
        return clone

    def _layer_of_size(self, choice, name):
        layer = keras.saving.deserialize_keras_object(
            choice.descriptions[choice.chosen]
        )
        config = {**layer.get_config(), "name": name}
        return self._of_choice(choice, type(layer).from_config(config))

    def _clone_wrapper(self, wrapper, name):
        """Returns the clone of a layer around a choice."""
        inner = self.clone(wrapper.layer)
        config = {**wrapper.get_config(), "name": name}
        config["layer"] = keras.saving.serialize_keras_object(inner)
        clone = type(wrapper).from_config(config)
        # The wrapper has made a copy of the clone.
        for key, (layer, each) in self.clones.items():
            if each is inner:
                self.clones[key] = layer, clone.layer
        return clone

    def _clone_sequential(self, model, name):
        clone = keras.Sequential(name=name)
        if model.inputs:
            (inputs,) = model.inputs
            clone.add(keras.Input(inputs.shape[1:], dtype=inputs.dtype))
        for layer in model.layers:
            clone.add(self.clone(layer))
            choice = self.choices.get(id(clone.layers[-1]))
            if self.copies and isinstance(choice, SizeChoice):
                for padding in _padding_layers(choice, clone.output_shape):
                    clone.add(padding)
        return clone

    def _call(self, layer, *args, **kwargs):
        """Calls a clone as the layer of which it is a clone was called."""
        choice = self.choices.get(id(layer))
        if isinstance(choice, InputChoice):
            (inputs,) = args
            chosen = [inputs[position] for position in choice.chosen_inputs]
            if len(chosen) == 1:
                return chosen[0]
            return keras.layers.Add(name=choice.name)(chosen)
        outputs = layer(*args, **kwargs)
        if self.copies and isinstance(choice, SizeChoice):
            for padding in _padding_layers(choice, outputs.shape):
                outputs = padding(outputs)
        return outputs

    def copy_weights(self):
        """Copies the weights of all layers that are not made of clones."""
        for layer, clone in self.clones.values():
            if clone is layer:
                continue
            if isinstance(layer, SizeChoice):
                _copy_first(layer, clone)
            elif not _is_made_of_layers(layer):
                clone.set_weights(layer.get_weights())


def _new_inputs(model):
    """Returns inputs like those of a functional model, with their names."""
    names = {
        id(layer.output): layer.name
        for layer in model.layers
        if isinstance(layer, keras.layers.InputLayer)
    }
    return keras.tree.map_structure(
        lambda tensor: keras.Input(
            batch_shape=tensor.shape, dtype=tensor.dtype, name=names[id(tensor)]
        ),
        model.input,
    )


def _is_fixed(layer):
    """Returns whether a layer has learned all it will ever learn.

    Such are frozen layers of a pretrained model and adapted preprocessing.
    The derived model shares these layers with the searched model.
    """
    if any(isinstance(each, Choice) for each in nested_layers(layer)):
        return False
    adapts = callable(getattr(layer, "adapt", None))
    return not layer.trainable_weights and (adapts or bool(layer.weights))


def _is_functional(layer):
    """Returns whether a model is functional, so that it can be cloned."""
    return isinstance(layer, keras.Model) and bool(
        getattr(layer, "operations", None)
    )


def _is_made_of_layers(layer):
    """Returns whether other clones have the weights of a layer's clone."""
    if isinstance(layer, keras.layers.Wrapper):
        return isinstance(layer.layer, Choice)
    return isinstance(layer, (Choice, keras.Sequential)) or _is_functional(
        layer
    )


def _padding_layers(choice, shape):
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


def _copy_first(choice, clone):
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
