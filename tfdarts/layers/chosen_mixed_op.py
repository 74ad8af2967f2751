"""The mixed operation that computes one primitive on each edge."""

import functools
import math

import keras
import tensorflow as tf

from tfdarts.layers.bundles import LayerBundle
from tfdarts.layers.custom_gradient import custom_gradient
from tfdarts.layers.mixed_op import MixedOp


@keras.saving.register_keras_serializable(package="tfdarts")
class ChosenMixedOp(MixedOp):
    """The chosen primitive of each edge, times its weight.

    For one-hot edge weights the outputs are those of `MixedOp`, at the cost of
    one primitive on each edge. An edge whose weights are all 0 is cut: it
    computes nothing. Only the chosen primitive receives gradients
    and updates its moving statistics. The gradient of an edge weight is that
    of `MixedOp` for the chosen primitive, and 0 for the others. The gradient
    computes the chosen primitive again instead of keeping its activations.

    The weights of all primitives of an edge are one vector, and so are their
    moving statistics.

    Args:
        num_edges, filters, strides, primitives: See `MixedOp`.

    Call arguments:
        inputs: The node.
        edge_weights: Tensor of shape `(num_edges, len(primitives))`, with a 1
            for the chosen primitive of each edge that is not cut, otherwise
            0; see `tfdarts.layers.relaxations.StraightThrough`.

    Raises:
        ValueError: If a primitive has state of another type than its weights,
            such as the seed of a random layer.

    Example:

    >>> mixed_op = ChosenMixedOp(num_edges=2, filters=4)
    >>> chosen = keras.ops.one_hot([3, 5], 8)
    >>> mixed_op(keras.ops.ones((2, 8, 8, 4)), chosen).shape
    TensorShape([2, 8, 8, 8])

    Reference:

    - [Dong and Yang, 2019](https://arxiv.org/abs/1910.04465), equation 7
    """

    def _operation(self, name):
        return _Primitive(
            name, 1, self.filters, self.strides, dtype=self.dtype_policy
        )

    def build(self, inputs_shape, edge_weights_shape=None):
        self._of_cut = self._operation("none")
        self._of_cut.build(inputs_shape)
        self.vectors = []
        for edge in range(self.num_edges):
            super().build(inputs_shape, edge_weights_shape)
            self._require_one_type()
            self.vectors.append(
                [
                    self._add_vector(f"edge{edge}_{name}", variables, trainable)
                    for name, variables, trainable in (
                        ("weights", self._weights, True),
                        ("statistics", self._statistics, False),
                    )
                ]
            )

    def _add_vector(self, name, variables, trainable):
        value = _join([tf.convert_to_tensor(v) for v in variables])
        return self.add_weight(
            name=name,
            shape=value.shape,
            initializer=lambda shape, dtype: value,
            trainable=trainable,
        )

    def _require_one_type(self):
        for variable in self._statistics:
            if variable.dtype != self.variable_dtype:
                raise ValueError(
                    f"A primitive has the state {variable.path} of type "
                    f"{variable.dtype}, such as the seed of a random layer, "
                    "which a mixed operation of chosen primitives cannot "
                    "update: leave the primitive out, or choose another "
                    "relaxation."
                )

    @property
    def _weights(self):
        layers = [operation.layer for operation in self.operations]
        return [v for layer in layers for v in layer.trainable_variables]

    @property
    def _statistics(self):
        layers = [operation.layer for operation in self.operations]
        return [v for layer in layers for v in layer.non_trainable_variables]

    def call(self, inputs, edge_weights=None, training=None):
        if edge_weights is None:
            edge_weights = self.alphas.edge_weights(training)
        chosen = tf.argmax(edge_weights, axis=1, output_type=tf.int32)
        weights = tf.gather(edge_weights, chosen, axis=1, batch_dims=1)
        weights = tf.unstack(tf.cast(weights, self.compute_dtype))
        is_cut = tf.reduce_all(edge_weights == 0, axis=1)
        chosen = tf.where(is_cut, len(self.operations), chosen)
        forward, backward = self._functions(training)
        outputs = []
        for edge, index in enumerate(tf.unstack(chosen)):
            output, statistics = _call(
                *(forward, backward, index, inputs),
                *map(tf.convert_to_tensor, self.vectors[edge]),
            )
            outputs.append(weights[edge] * output)
            if training:
                self.vectors[edge][1].assign(statistics)
        return tf.concat(outputs, axis=3)

    def _functions(self, training):
        """Returns the chosen primitive and its gradient as pure functions.

        Args:
            training: Boolean.

        Returns:
            A function `(index, inputs, weights, statistics) -> (outputs,
            statistics)`, and one `(index, inputs, weights, statistics,
            upstream) -> (gradient of inputs, gradient of weights)`.
        """
        if tf.executing_eagerly():
            return self._make_functions(training)
        # All equal edges of a graph share one graph of all primitives.
        graph = tf.compat.v1.get_default_graph()
        if not hasattr(graph, "tfdarts_chosen"):
            graph.tfdarts_chosen = {}
        key = self.primitives, self.filters, self.strides, training
        if key not in graph.tfdarts_chosen:
            compile = tf.function(experimental_attributes={"_noinline": True})
            functions = self._make_functions(training)
            graph.tfdarts_chosen[key] = [*map(compile, functions)]
        return graph.tfdarts_chosen[key]

    def _make_functions(self, training):
        variables, moving = self._weights, self._statistics

        def apply(layer, inputs, weights, statistics):
            values = [*_split(weights, variables), *_split(statistics, moving)]
            mapping = [*zip([*variables, *moving], values)]
            with keras.StatelessScope(mapping) as scope:
                outputs = layer(inputs, training=training)
                moved = [scope.get_current_value(v) for v in moving]
            return outputs, _join(moved)

        def differentiate(layer, inputs, weights, statistics, upstream):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([inputs, weights])
                outputs, _ = apply(layer, inputs, weights, statistics)
            return tape.gradient(outputs, [inputs, weights], upstream, "zero")

        def of_chosen(function):
            def compute(index, *arguments):
                branches = [
                    functools.partial(function, operation.layer, *arguments)
                    for operation in (*self.operations, self._of_cut)
                ]
                return tf.switch_case(index, branches)

            return compute

        return of_chosen(apply), of_chosen(differentiate)

    def operation_of(self, edge, name):
        operation = self._operation(name)
        operation.build((None, None, None, self.filters))
        (layer,) = operation.layer.layers_of_edges
        position = self.primitives.index(name)
        before = [each.layer for each in self.operations[:position]]
        for vector, all_of_edge, own in zip(
            self.vectors[edge],
            (self._weights, self._statistics),
            ("trainable_variables", "non_trainable_variables"),
        ):
            values = _split(tf.convert_to_tensor(vector), all_of_edge)
            first = sum(len(getattr(each, own)) for each in before)
            for variable, value in zip(getattr(layer, own), values[first:]):
                variable.assign(value)
        return layer


class _Primitive:
    """A layer on one edge, whose variables are arguments.

    It is no Keras layer, so that Keras does not track the variables, which
    only hold initial values.

    Args:
        *args, **kwargs: See `LayerBundle`.
    """

    def __init__(self, *args, **kwargs):
        self._make_layer = functools.partial(LayerBundle, *args, **kwargs)

    def build(self, inputs_shape):
        """Makes a new layer, with new initial values."""
        self.layer = self._make_layer()
        self.layer.build(inputs_shape)


def _call(forward, backward, index, inputs, weights, statistics):
    """Returns the results of `forward`, whose gradient is `backward`."""

    @custom_gradient
    def compute(inputs, weights):
        def gradients(upstream, _):
            return backward(index, inputs, weights, statistics, upstream)

        return forward(index, inputs, weights, statistics), gradients

    return compute(inputs, weights)


def _join(tensors):
    vectors = [tf.reshape(tensor, [-1]) for tensor in tensors]
    return tf.concat(vectors, axis=0) if vectors else tf.zeros([0])


def _split(vector, variables):
    shapes = [tuple(variable.shape) for variable in variables]
    parts = tf.split(vector, [*map(math.prod, shapes)]) if shapes else []
    return [tf.reshape(*each) for each in zip(parts, shapes)]
