"""What all choices in Keras models have in common."""

import functools
import warnings
import weakref

import keras
import numpy as np
import tensorflow as tf

from tfdarts.layers.alphas import Alphas
from tfdarts.layers.tensor_masks import are_same
from tfdarts.layers.tensor_masks import masks_of
from tfdarts.layers.tensor_masks import set_masks


class Choice(keras.layers.Layer):
    """Base class of the layers that choose among options.

    In a search, a choice is the sum of all options, weighted by its alphas. It
    has a mask if all options have the same.

    Args:
        num_options: Integer, or `None` if only `build` knows it. Then `build`
            makes the alphas.
        alphas: `Alphas` with one row and a column for each option, for
            several places that make the same choice. Defaults to alphas of
            its own.
        relaxation: `tfdarts.Relaxation` or its name; see `Alphas`. Only for
            alphas of its own. Defaults to `"softmax"`.

    Attributes:
        unmasked_outputs: Set of the positions of the outputs whose masks
            differ between the options, so that the choice has none there;
            `None` before the first call.
    """

    def __init__(self, num_options, alphas=None, relaxation=None, **kwargs):
        super().__init__(**kwargs)
        if num_options is not None and num_options < 2:
            raise ValueError(
                f"A choice needs at least two options. Received: {num_options}."
            )
        # Not an attribute, because Keras would track the relaxation twice.
        self._make_alphas = functools.partial(
            Alphas,
            1,
            relaxation=relaxation or "softmax",
            name=f"{self.name}_alphas",
            dtype=self.dtype_policy.variable_dtype,
        )
        if alphas is None:
            if num_options is not None:
                self.alphas = self._make_alphas(num_options)
        elif relaxation is not None:
            raise ValueError(
                "`relaxation` belongs to the alphas: give it to the `Alphas` "
                "that the choices share."
            )
        elif (alphas.num_edges, alphas.num_primitives) != (1, num_options):
            raise ValueError(
                f"The choice has {num_options} options, so its alphas must "
                f"have 1 row and {num_options} columns. Received alphas of "
                f"{alphas.num_edges} rows and {alphas.num_primitives} columns."
            )
        else:
            self.alphas = alphas
        # `call` attaches the mask.
        self.supports_masking = True
        self.unmasked_outputs = None

    def __getattr__(self, name):
        # Only for attributes that are missing.
        if name == "alphas":
            raise AttributeError(
                f"The choice {self.name} has no alphas before it knows its "
                "inputs: call the model on a batch of examples first, or give "
                "the choice `num_inputs`."
            )
        return self.__getattribute__(name)

    @property
    def options(self) -> list[str]:
        """The names of the options, in the order of the alphas."""
        raise NotImplementedError

    def probabilities(self) -> np.ndarray:
        """Returns the probabilities of the options, a float64 vector."""
        return self.alphas.probabilities()[0]

    @property
    def chosen(self) -> int:
        """The index of the option with the highest probability."""
        return int(np.argmax(self.probabilities()))

    def option_weights(self, training):
        """Returns the weights of the options in one pass, a vector."""
        weights = self.alphas.edge_weights(training)[0]
        return tf.cast(weights, self.compute_dtype)

    def compute_mask(self, inputs, previous_mask):
        return None

    def attach_masks(self, outputs, options, inherited):
        """Attaches the masks of the options to outputs, where they agree.

        Args:
            outputs: Structure of the sums of the options.
            options: List of such structures, one for each option.
            inherited: List of masks or `None`, those of the inputs.
        """
        columns = zip(masks_of(outputs), *map(masks_of, options), strict=True)
        differing = set()
        for position, ((output, _), *column) in enumerate(columns):
            masks = [mask for _, mask in column]
            if are_same(masks, inherited):
                set_masks([(output, masks[0])])
            else:
                differing.add(position)
        known = self.unmasked_outputs or set()
        if differing - known:
            warnings.warn(
                f"Only some options of the choice {self.name} return a mask, "
                "or their masks differ. So the choice returns none, in the "
                "search and in the derived model, and the layers behind it "
                "see masked steps as others."
            )
        self.unmasked_outputs = known | differing

    def get_config(self):
        config = super().get_config()
        if "alphas" not in vars(self):
            relaxation = self._make_alphas.keywords["relaxation"]
            relaxation = keras.saving.serialize_keras_object(relaxation)
            return {**config, "relaxation": relaxation}
        # The object itself: only then does Keras save shared alphas once.
        return {**config, "alphas": self.alphas}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        name = config.get("name")
        config["alphas"] = _part(config.get("alphas"), name)
        if "layers" in config:
            config["layers"] = [_part(each, name) for each in config["layers"]]
        return cls(**config)


_COPIES = weakref.WeakKeyDictionary()
"""The last copy of a layer, and the names of the choices that share it."""


def _part(part, name):
    """Returns alphas or a candidate of the choice with this name.

    `keras.models.clone_model` clones one layer after the other and gives each
    clone the parts of the original. So clones of choices that share a part
    share a copy, until one of them is cloned again.
    """
    if not isinstance(part, keras.Layer):
        return keras.saving.deserialize_keras_object(part)
    copy, names = _COPIES.get(part, (None, set()))
    copied = copy and copy()
    if copied is None or name in names:
        copied, names = type(part).from_config(part.get_config()), set()
        _COPIES[part] = weakref.ref(copied), names
    names.add(name)
    return copied


def validate_layers(layers):
    """Returns candidates as a list; raises `ValueError` if one is unusable."""
    if not isinstance(layers, (list, tuple)):
        raise ValueError(
            f"The candidates must be a list of Keras layers. Received: "
            f"{layers!r}."
        )
    layers = [*layers]
    for layer in layers:
        if not isinstance(layer, keras.Layer):
            raise ValueError(
                f"A candidate must be a Keras layer or model, for a function "
                f"keras.layers.Activation or keras.layers.Lambda. Received: "
                f"{layer!r}."
            )
    if len({id(layer) for layer in layers}) < len(layers):
        raise ValueError(
            "A candidate is given twice. Create a layer of its own for each "
            f"candidate. Received: {[layer.name for layer in layers]}."
        )
    return layers


def require_own_names(layers):
    """Raises `ValueError` if two candidates have the same name."""
    names = [layer.name for layer in layers]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"Two candidates have the name {name!r}, so that choices could "
                "not say which is chosen. Give each candidate a name of its "
                "own."
            )


def as_inputs(shapes, dtype):
    """Returns symbolic inputs of a shape, or of a structure of shapes."""
    return keras.tree.map_shape_structure(
        lambda shape: keras.KerasTensor(shape, dtype), shapes
    )


def output_shape_of(layer, *args, **kwargs):
    """Builds a layer; returns the shape of its outputs, or a structure.

    Args:
        layer: Keras layer.
        *args, **kwargs: The arguments of a call, tensors or symbolic tensors.
    """
    args, kwargs = keras.tree.map_structure(_as_symbolic, (args, kwargs))
    return keras.tree.map_structure(
        lambda tensor: tuple(tensor.shape), layer(*args, **kwargs)
    )


def _as_symbolic(value):
    """Returns a symbolic tensor like a tensor; other values unchanged."""
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return value
    dtype = keras.backend.standardize_dtype(value.dtype)
    return keras.KerasTensor(value.shape, dtype)
