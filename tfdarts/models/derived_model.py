"""The plain Keras model that a model with choices becomes."""

from typing import Any

import keras
import tensorflow as tf

from tfdarts.layers.choice import Choice
from tfdarts.layers.input_choice import InputChoice
from tfdarts.layers.layer_choice import LayerChoice
from tfdarts.layers.nested import is_functional
from tfdarts.layers.nested import nested_layers
from tfdarts.layers.size_choice import SizeChoice
from tfdarts.models.chosen_options import require_model
from tfdarts.models.chosen_size import copy_first_weights
from tfdarts.models.chosen_size import padding_layers
from tfdarts.models.layer_states import copy_states
from tfdarts.models.layer_states import copy_trainable
from tfdarts.models.layer_states import is_fixed
from tfdarts.models.traced import trace
from tfdarts.models.traced import trace_model


def derive_model(
    model: keras.Model, copy_weights: bool = False, inputs: Any = None
) -> keras.Model:
    """Returns a plain Keras model in which each choice is made.

    The candidate with the highest probability replaces a choice. Nothing of
    tfdarts is in the model, so that it can be loaded and served without
    tfdarts. Frozen layers and adapted preprocessing keep their state, and are
    the layers of the searched model themselves unless they are candidates.

    Args:
        model: Keras model with choices, also inside its layers and
            candidates. A model or layer of a class of its own must compute
            everything by layers and by functions of `keras.ops`; it becomes a
            functional model.
        copy_weights: Boolean, whether the model gets the weights of the
            searched model. A layer of a chosen size is then followed by zeros
            up to the largest size, because the layers behind it have weights
            for them. By default all weights are new, and narrow layers make
            the layers behind them smaller.
        inputs: `keras.Input`, or a structure of several, of a model of a
            class of its own. Defaults to floats of the shapes that the model
            was built with.

    Raises:
        ValueError: If the model has no choices, or a choice stands where it
            cannot be replaced, such as in a layer that computes something
            else in training.

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
    require_model(model)
    if not _has_choices(model):
        raise ValueError(
            f"The model {model.name} has no choices, so there is nothing to "
            "derive: see tfdarts.LayerChoice."
        )
    _see_masks(model)
    derivation = _Derivation(copy_weights)
    sizes = [*_names_of_sizes(model)]
    try:
        derived = derivation.clone(model)
        if derivation.is_stand_in(derived):
            derived = derivation.clone(trace_model(model, inputs))
    except ValueError as error:
        if not sizes or copy_weights or "tfdarts" in str(error):
            raise
        raise ValueError(
            f"With the chosen sizes of {', '.join(sizes)}, the layers of the "
            f"model do not fit one another: {error} Let choices of sizes that "
            "must be equal share their `alphas`, or give copy_weights=True."
        ) from error
    derivation.copy_state()
    return derived


def _see_masks(model):
    """Traces a model that was never called: only then are masks known."""
    inputs = getattr(model, "inputs", None)
    if inputs and any(
        isinstance(each, Choice) and each.unmasked_outputs is None
        for each in nested_layers(model)
    ):
        specs = keras.tree.map_structure(
            lambda tensor: tf.TensorSpec(tensor.shape, tensor.dtype),
            model.input if is_functional(model) else inputs[0],
        )
        tf.function(model).get_concrete_function(specs)


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
        self.unmasked = {}
        self.untraced = {}
        self.traced = {}
        self.beside = {}

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
        if name == layer.name and is_fixed(layer) and not _has_choices(layer):
            return layer  # Both models share it.
        match layer:
            case LayerChoice():
                clone = self.clone(layer.layers[layer.chosen], name)
                outputs = self.unmasked.setdefault(id(clone), set())
                outputs |= layer.unmasked_outputs or set()
                return clone
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
            case keras.Model() if is_functional(layer):
                clone = keras.models.clone_model(
                    layer,
                    input_tensors=_new_inputs(layer),
                    clone_function=self.clone,
                    call_function=self._call,
                )
                clone.name = name
                return clone
            case keras.layers.Wrapper() if _has_choices(layer.layer):
                return self._clone_wrapper(layer, name)
        if _has_choices(layer):
            return self._stand_in(layer, name)
        try:
            config = {**layer.get_config(), "name": name}
        except NotImplementedError:  # A class of its own without a config.
            return self._stand_in(layer, name)
        return type(layer).from_config(config)

    def _stand_in(self, layer, name):
        """Returns a stand-in of a layer, which `_call` replaces."""
        stand_in = keras.layers.Identity(name=name)
        self.untraced[id(stand_in)] = layer
        return stand_in

    def is_stand_in(self, clone):
        """Returns whether a clone stands for a layer that `_call` traces."""
        return id(clone) in self.untraced

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
        if self.is_stand_in(inner):
            raise ValueError(
                f"The choices inside {wrapper.name} of the class "
                f"{type(wrapper).__name__} cannot be replaced, because its "
                f"layer {inner.name} is of a class of its own."
            )
        config = {**wrapper.get_config(), "name": name}
        config["layer"] = keras.saving.serialize_keras_object(inner)
        clone = type(wrapper).from_config(config)
        # The wrapper has made a copy of the clone.
        inside = zip(
            nested_layers(inner), nested_layers(clone.layer), strict=True
        )
        copies = {id(each): copy for each, copy in inside}
        for key, (layer, each) in self.clones.items():
            self.clones[key] = layer, copies.get(id(each), each)
        return self._of_choice(self.choices.get(id(inner)), clone)

    def _clone_sequential(self, model, name):
        clones = [self.clone(layer) for layer in model.layers]
        if any(self.is_stand_in(c) or self.unmasked.get(id(c)) for c in clones):
            return self._stand_in(model, name)
        clone = keras.Sequential(name=name)
        if model.inputs:
            (inputs,) = model.inputs
            clone.add(keras.Input(inputs.shape[1:], dtype=inputs.dtype))
        for layer in clones:
            clone.add(layer)
            choice = self.choices.get(id(clone.layers[-1]))
            if self.copies and isinstance(choice, SizeChoice):
                for padding in self._padding(choice, clone.output_shape):
                    clone.add(padding)
        return clone

    def _call(self, layer, *args, **kwargs):
        """Calls a clone as the layer of which it is a clone was called."""
        choice = self.choices.get(id(layer))
        if isinstance(choice, InputChoice):
            return self._call_input_choice(choice, *args)
        if self.is_stand_in(layer):
            outputs = self._call_traced(layer, args, kwargs)
        else:
            outputs = layer(*args, **kwargs)
        if self.copies and isinstance(choice, SizeChoice):
            for padding in self._padding(choice, outputs.shape):
                outputs = padding(outputs)
        return _unmask(outputs, self.unmasked.get(id(layer)))

    def _call_input_choice(self, choice, inputs):
        chosen = [inputs[position] for position in choice.chosen_inputs]
        outputs = chosen[0]
        if len(chosen) > 1:
            add = self._once(choice, lambda: keras.layers.Add(name=choice.name))
            outputs = add(chosen)
        return _unmask(outputs, choice.unmasked_outputs)

    def _padding(self, choice, shape):
        return self._once(choice, lambda: padding_layers(choice, shape))

    def _once(self, choice, make):
        """Returns the layers beside a choice, the same for each call of it."""
        if id(choice) not in self.beside:
            self.beside[id(choice)] = make()
        return self.beside[id(choice)]

    def _call_traced(self, stand_in, args, kwargs):
        """Calls the derived model of what a layer computes."""
        layer = self.untraced[id(stand_in)]
        kwargs = {k: v for k, v in kwargs.items() if k != "training"}
        arguments = keras.tree.flatten((args, kwargs))
        tensors = [t for t in arguments if isinstance(t, keras.KerasTensor)]
        forms = self.traced.setdefault(id(layer), {})
        form = str(keras.tree.map_structure(_form_of, (args, kwargs)))
        if form not in forms:
            inputs = {
                id(t): keras.Input(batch_shape=t.shape, dtype=t.dtype)
                for t in tensors
            }
            args, kwargs = keras.tree.map_structure(
                lambda value: inputs.get(id(value), value), (args, kwargs)
            )
            model = trace(layer, [*inputs.values()], args, kwargs)
            name = stand_in.name + (f"_{len(forms)}" if forms else "")
            forms[form] = self.clone(model, name)
        return forms[form](tensors)

    def copy_state(self):
        """Freezes clones of frozen layers and copies states.

        The states are those of fixed layers, or of all if `copies`.
        """
        for layer, clone in self.clones.values():
            if clone is layer or self.is_stand_in(clone):
                continue
            if isinstance(layer, SizeChoice):
                copy_trainable(layer.layer, clone)
                if self.copies or is_fixed(layer.layer):
                    copy_first_weights(layer, clone)
            elif not _is_made_of_layers(layer):
                copy_states(layer, clone, only_fixed=not self.copies)


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


def _unmask(structure, positions):
    """Returns a structure of tensors, those at some positions without mask."""
    if not positions:
        return structure
    tensors = [
        # The functions of Keras pass no mask on.
        keras.ops.copy(tensor) if position in positions else tensor
        for position, tensor in enumerate(keras.tree.flatten(structure))
    ]
    return keras.tree.pack_sequence_as(structure, tensors)


def _form_of(value):
    """Returns shape and type of a symbolic tensor; other values unchanged."""
    if isinstance(value, keras.KerasTensor):
        return f"{value.dtype} {value.shape}"
    return value


def _has_choices(layer):
    return any(isinstance(each, Choice) for each in nested_layers(layer))


def _is_made_of_layers(layer):
    """Returns whether other clones have the weights of a layer's clone."""
    if isinstance(layer, keras.layers.Wrapper):
        return _has_choices(layer.layer)
    return isinstance(layer, (Choice, keras.Sequential)) or is_functional(layer)
