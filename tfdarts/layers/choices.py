"""Choices between layers, sizes and inputs in any Keras model."""

from collections.abc import Callable
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfdarts.layers.alphas import Alphas
from tfdarts.layers.relaxations import Relaxation


class Choice(keras.layers.Layer):
    """Base class of the layers that choose among options.

    In a search, a choice is the sum of all options, weighted by its alphas.

    Args:
        num_options: Integer.
        alphas: `Alphas` with one row and a column for each option, for
            several places that make the same choice. Defaults to alphas of
            its own.
        relaxation: `tfdarts.Relaxation` or its name; see `Alphas`. Only for
            alphas of its own. Defaults to `"softmax"`.
    """

    def __init__(self, num_options, alphas=None, relaxation=None, **kwargs):
        super().__init__(**kwargs)
        if num_options < 2:
            raise ValueError(
                f"A choice needs at least two options. Received: {num_options}."
            )
        if alphas is None:
            alphas = Alphas(
                *(1, num_options),
                relaxation=relaxation or "softmax",
                name=f"{self.name}_alphas",
                dtype=self.dtype_policy.variable_dtype,
            )
        elif relaxation is not None:
            raise ValueError(
                "`relaxation` belongs to the alphas: give it to the `Alphas` "
                "that the choices share."
            )
        if (alphas.num_edges, alphas.num_primitives) != (1, num_options):
            raise ValueError(
                f"The choice has {num_options} options, so its alphas must "
                f"have 1 row and {num_options} columns. Received alphas of "
                f"{alphas.num_edges} rows and {alphas.num_primitives} columns."
            )
        self.alphas = alphas
        self.supports_masking = True

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

    def get_config(self):
        # The object itself: only then does Keras save shared alphas once.
        return {**super().get_config(), "alphas": self.alphas}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for name in ("alphas", "layers"):
            if isinstance(config.get(name), (dict, list)):
                config[name] = keras.saving.deserialize_keras_object(
                    config[name]
                )
        return cls(**config)


@keras.saving.register_keras_serializable(package="tfdarts")
class LayerChoice(Choice):
    """A choice between layers, for a search in any Keras model.

    In a search, the output is the sum of the outputs of all candidates,
    weighted by the alphas. `tfdarts.derive_model` replaces the choice by the
    candidate with the highest probability.

    Args:
        layers: Sequence of Keras layers or models, the candidates. For the
            same inputs they must return outputs of the same shape.
        alphas: `tfdarts.Alphas` that several choices share; see `Choice`.
        relaxation: `tfdarts.Relaxation` or its name. Defaults to `"softmax"`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Raises:
        ValueError: If there are fewer than two candidates, if one is not a
            Keras layer or is given twice, or if their outputs differ in shape.

    Example:

    >>> choice = LayerChoice(
    ...     [
    ...         keras.layers.Dense(4, activation="relu"),
    ...         keras.layers.Dense(4, activation="tanh"),
    ...     ],
    ...     name="block1",
    ... )
    >>> choice(keras.ops.ones((2, 3))).shape
    TensorShape([2, 4])

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), equation 2
    """

    def __init__(
        self,
        layers: Sequence[keras.Layer],
        alphas: Alphas | None = None,
        relaxation: str | Relaxation | None = None,
        **kwargs,
    ):
        layers = _validate_layers(layers)
        super().__init__(len(layers), alphas, relaxation, **kwargs)
        self.layers = layers

    @staticmethod
    def of_sizes(
        make_layer: Callable[[int], keras.Layer],
        sizes: Sequence[int],
        **kwargs,
    ) -> "SizeChoice":
        """Returns a choice of the number of units or filters of a layer.

        Args:
            make_layer: Function from a size to a layer of that size, such as
                `lambda units: keras.layers.Dense(units)`.
            sizes: Sequence of integers.
            **kwargs: Further arguments of `SizeChoice`.

        Example:

        >>> choice = LayerChoice.of_sizes(keras.layers.Dense, (16, 32))
        >>> choice(keras.ops.ones((2, 3))).shape
        TensorShape([2, 32])
        """
        return SizeChoice([make_layer(size) for size in sizes], sizes, **kwargs)

    @property
    def options(self):
        return [layer.name for layer in self.layers]

    def build(self, input_shape):
        shapes = [_output_shape(layer, input_shape) for layer in self.layers]
        if any(shape != shapes[0] for shape in shapes):
            listed = ", ".join(
                f"{layer.name} {shape}"
                for layer, shape in zip(self.layers, shapes)
            )
            raise ValueError(
                f"The candidates of the choice {self.name} must return "
                f"outputs of the same shape, so that the outputs can be "
                f"added. They return: {listed}. LayerChoice.of_sizes chooses "
                f"among sizes."
            )

    def compute_output_shape(self, input_shape):
        return _output_shape(self.layers[0], input_shape)

    def compute_mask(self, inputs, previous_mask):
        return self.layers[0].compute_mask(inputs, previous_mask)

    def call(self, inputs, training=None):
        weights = tf.unstack(self.option_weights(training))
        outputs = [layer(inputs) for layer in self.layers]

        def weighted_sum(*tensors):
            return tf.add_n(
                [
                    weight * tf.cast(tensor, weight.dtype)
                    for weight, tensor in zip(weights, tensors)
                ]
            )

        return keras.tree.map_structure(weighted_sum, *outputs)

    def get_config(self):
        layers = map(keras.saving.serialize_keras_object, self.layers)
        return {**super().get_config(), "layers": [*layers]}


@keras.saving.register_keras_serializable(package="tfdarts")
class SizeChoice(Choice):
    """A choice of the number of units or filters of one layer.

    Only the widest layer is computed. Each size is the widest layer whose last
    channels are zero, as in single-path search.

    Args:
        layers: Sequence of Keras layers that differ only in their size.
        sizes: Sequence of integers, the last axis of their outputs.
        alphas, relaxation: See `LayerChoice`.

    Raises:
        ValueError: If the sizes do not increase, or the layer is recurrent:
            some units of a recurrent layer are not a smaller layer.

    Reference:

    - [Stamoulis et al., 2019](https://arxiv.org/abs/1904.02877)
    - [Wan et al., 2020](https://arxiv.org/abs/2004.05565), section 3.1
    """

    def __init__(
        self,
        layers: Sequence[keras.Layer],
        sizes: Sequence[int],
        alphas: Alphas | None = None,
        relaxation: str | Relaxation | None = None,
        **kwargs,
    ):
        layers, sizes = _validate_layers(layers), [int(size) for size in sizes]
        if sizes != sorted({*sizes}) or len(sizes) != len(layers):
            raise ValueError(
                f"The sizes of a choice must increase, and there must be one "
                f"for each layer. Received: sizes={sizes} and {len(layers)} "
                f"layers."
            )
        if isinstance(
            layers[-1], (keras.layers.RNN, keras.layers.Bidirectional)
        ):
            raise ValueError(
                "The first units of a recurrent layer are not a smaller "
                "recurrent layer, because all units depend on one another. "
                "Use a LayerChoice of layers of equal size, or a choice of "
                "the size of a Dense layer after it."
            )
        super().__init__(len(sizes), alphas, relaxation, **kwargs)
        self.sizes = sizes
        self.layer = layers[-1]
        # Their weights are not needed, so they are only descriptions.
        self.descriptions = [
            keras.saving.serialize_keras_object(layer) for layer in layers
        ]

    @property
    def options(self):
        return [str(size) for size in self.sizes]

    def build(self, input_shape):
        self.input_shape_of_layer = tuple(input_shape)
        shape = _output_shape(self.layer, input_shape)
        if shape[-1] != self.sizes[-1]:
            raise ValueError(
                f"The largest size of the choice {self.name} is "
                f"{self.sizes[-1]}, but its layer returns outputs of shape "
                f"{shape}: the last axis must have that size."
            )

    def compute_output_shape(self, input_shape):
        return _output_shape(self.layer, input_shape)

    def compute_mask(self, inputs, previous_mask):
        return self.layer.compute_mask(inputs, previous_mask)

    def call(self, inputs, training=None):
        weights = self.option_weights(training)
        positions = np.arange(self.sizes[-1])
        masks = [positions < size for size in self.sizes]
        masks = tf.constant(np.stack(masks), weights.dtype)
        outputs = self.layer(inputs)
        scale = tf.linalg.matvec(masks, weights, transpose_a=True)
        return outputs * tf.cast(scale, outputs.dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "layers": self.descriptions,
            "sizes": self.sizes,
        }


@keras.saving.register_keras_serializable(package="tfdarts")
class InputChoice(Choice):
    """A choice among several inputs of the same shape.

    In a search, the output is the sum of all inputs, weighted by the alphas,
    times `num_chosen`. `tfdarts.derive_model` replaces it by the sum of the
    chosen inputs.

    Args:
        num_inputs: Integer.
        num_chosen: Integer, how many inputs are chosen. Defaults to `1`.
        alphas, relaxation: See `LayerChoice`.

    Call arguments:
        inputs: List of `num_inputs` tensors of the same shape.

    Example:

    >>> choice = InputChoice(2)
    >>> both = choice([keras.ops.zeros((1, 3)), keras.ops.ones((1, 3))])
    >>> [round(float(number), 1) for number in both[0]]
    [0.5, 0.5, 0.5]
    """

    def __init__(
        self,
        num_inputs: int,
        num_chosen: int = 1,
        alphas: Alphas | None = None,
        relaxation: str | Relaxation | None = None,
        **kwargs,
    ):
        if not 1 <= num_chosen < num_inputs:
            raise ValueError(
                f"`num_chosen` must be at least 1 and below `num_inputs`, "
                f"{num_inputs}. Received: {num_chosen}."
            )
        super().__init__(num_inputs, alphas, relaxation, **kwargs)
        self.num_inputs = num_inputs
        self.num_chosen = num_chosen

    @property
    def options(self):
        return [str(position) for position in range(self.num_inputs)]

    @property
    def chosen_inputs(self) -> list[int]:
        """The positions of the chosen inputs, in order."""
        order = np.argsort(-self.probabilities(), kind="stable")
        return sorted(order[: self.num_chosen].tolist())

    def build(self, inputs_shape):
        shapes = [tuple(shape) for shape in inputs_shape]
        if len(shapes) != self.num_inputs or len({*shapes}) > 1:
            raise ValueError(
                f"The choice {self.name} takes a list of {self.num_inputs} "
                f"inputs of the same shape. Received inputs of shapes "
                f"{', '.join(map(str, shapes))}."
            )

    def call(self, inputs, training=None):
        weights = self.option_weights(training)
        if self.num_chosen > 1:
            # The weights of a softmax have the sum 1, of others any sum.
            weights *= self.num_chosen / tf.reduce_sum(weights)
        weights = tf.unstack(weights)
        return tf.add_n(
            [w * tf.cast(x, w.dtype) for w, x in zip(weights, inputs)]
        )

    def compute_mask(self, inputs, previous_mask):
        # Where one input has no mask, the sum has none.
        masks = previous_mask or [None]
        return None if any(mask is None for mask in masks) else masks[0]

    def compute_output_shape(self, inputs_shape):
        return tuple(inputs_shape[0])

    def get_config(self):
        return {
            **super().get_config(),
            "num_inputs": self.num_inputs,
            "num_chosen": self.num_chosen,
        }


def _validate_layers(layers):
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
    names = [layer.name for layer in layers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice and len({id(layer) for layer in layers}) == len(layers):
        raise ValueError(
            f"Two candidates have the name {twice[0]!r}, so that choices could "
            "not say which is chosen. Give each candidate a name of its own."
        )
    if len({id(layer) for layer in layers}) < len(layers):
        raise ValueError(
            "A candidate is given twice. Create a layer of its own for each "
            f"candidate. Received: {[layer.name for layer in layers]}."
        )
    return layers


def _output_shape(layer, input_shape):
    """Builds a layer; returns the shape of its outputs, or a structure."""
    inputs = keras.tree.map_shape_structure(
        lambda shape: keras.KerasTensor(shape, layer.compute_dtype), input_shape
    )
    outputs = keras.tree.map_structure(
        lambda tensor: tuple(tensor.shape), layer(inputs)
    )
    return outputs
