"""A choice between layers in any Keras model."""

from collections.abc import Callable
from collections.abc import Sequence

import keras
import tensorflow as tf

from tfdarts.layers.alphas import Alphas
from tfdarts.layers.choice import Choice
from tfdarts.layers.choice import as_inputs
from tfdarts.layers.choice import output_shape_of
from tfdarts.layers.choice import require_own_names
from tfdarts.layers.choice import validate_layers
from tfdarts.layers.relaxations import Relaxation
from tfdarts.layers.size_choice import SizeChoice
from tfdarts.layers.tensor_masks import masks_of
from tfdarts.layers.tensor_masks import set_masks


@keras.saving.register_keras_serializable(package="tfdarts")
class LayerChoice(Choice):
    """A choice between layers, for a search in any Keras model.

    In a search, the output is the sum of the outputs of all candidates,
    weighted by the alphas. `tfdarts.derive_model` replaces the choice by the
    candidate with the highest probability.

    Args:
        layers: Sequence of Keras layers or models, the candidates. For the
            same arguments they must return outputs of the same shape.
        alphas: `tfdarts.Alphas` that several choices share; see `Choice`.
        relaxation: `tfdarts.Relaxation` or its name. Defaults to `"softmax"`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        inputs, *others, **options: The arguments of each candidate, such as
            query and value of `keras.layers.MultiHeadAttention`.

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
        layers = validate_layers(layers)
        require_own_names(layers)
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

    def __call__(self, *args, **kwargs):
        if not self.built:
            # Keras gives `build` only the shape of the first argument.
            with keras.name_scope(self.name):
                self._build_candidates(*args, **kwargs)
            self.built = len(args) + len(kwargs) > 1
        return super().__call__(*args, **kwargs)

    def build(self, input_shape):
        if not all(layer.built for layer in self.layers):
            self._build_candidates(as_inputs(input_shape, self.compute_dtype))

    def _build_candidates(self, *args, **kwargs):
        shapes = [self._shape_of(each, args, kwargs) for each in self.layers]
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

    def _shape_of(self, layer, args, kwargs):
        try:
            return output_shape_of(layer, *args, **kwargs)
        except TypeError as error:
            raise ValueError(
                f"The candidate {layer.name} of the choice {self.name} cannot "
                "be called with the arguments of the choice; all candidates "
                f"take the same arguments. {error}"
            ) from error

    def compute_output_spec(self, *args, **kwargs):
        return keras.tree.map_structure(
            lambda tensor: keras.KerasTensor(tensor.shape, self.compute_dtype),
            self.layers[0](*args, **kwargs),
        )

    def compute_output_shape(self, input_shape):
        inputs = as_inputs(input_shape, self.compute_dtype)
        return output_shape_of(self.layers[0], inputs)

    def call(self, inputs, *others, training=None, **options):
        weights = tf.unstack(self.option_weights(training))
        masks, outputs = masks_of((inputs, others, options)), []
        for layer in self.layers:
            set_masks(masks)  # An attention layer removes them.
            outputs.append(layer(inputs, *others, **options))

        def weighted_sum(*tensors):
            return tf.add_n(
                [
                    weight * tf.cast(tensor, weight.dtype)
                    for weight, tensor in zip(weights, tensors)
                ]
            )

        summed = keras.tree.map_structure(weighted_sum, *outputs)
        self.attach_masks(summed, outputs, [mask for _, mask in masks])
        return summed

    def get_config(self):
        # The layers themselves: only then does Keras save shared ones once.
        return {**super().get_config(), "layers": self.layers}
