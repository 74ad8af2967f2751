"""The mixed operation on the edges that leave one node."""

import functools
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.alphas import Alphas
from tfdarts.layers.bundle import Bundle
from tfdarts.layers.bundles import bundle_of
from tfdarts.layers.constants import shared_constant
from tfdarts.layers.edge_functions import repeat_channels
from tfdarts.layers.edge_functions import separate_edges
from tfdarts.layers.edge_functions import sum_of_shared
from tfdarts.layers.edge_subset import EdgeSubset
from tfdarts.layers.edge_subset import belongs_to_edges
from tfdarts.layers.node_edges import NodeEdges
from tfdarts.layers.primitives import primitive
from tfdarts.layers.subsample import every_second_pixel
from tfdarts.signatures import parameter_names


@keras.saving.register_keras_serializable(package="tfdarts")
class MixedOp(NodeEdges):
    """The weighted sum of all primitives, on each edge out of one node.

    One layer computes all edges of a node, because they have the same input.
    With one edge, the layer is the mixed operation of the paper and fits into
    any Keras model.

    Args:
        num_edges: Integer, how many edges leave the node.
        filters: Integer, channels of the input and of each output.
        strides: Integer, `1` or `2`. Defaults to `1`.
        primitives: Sequence of primitive names. Defaults to the eight of the
            paper.

    Call arguments:
        inputs: The node.
        edge_weights: Tensor of shape `(num_edges, len(primitives))`. By
            default the layer owns an `Alphas` layer and uses its weights.

    Input shape:
        4D tensor `(batch, height, width, filters)`.

    Output shape:
        4D tensor `(batch, height / strides, width / strides,
        num_edges * filters)`, sizes rounded up; the channels of the edges are
        concatenated.

    Example:

    >>> mixed_op = MixedOp(num_edges=1, filters=4)
    >>> mixed_op(keras.ops.ones((2, 8, 8, 4))).shape
    TensorShape([2, 8, 8, 4])

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), equation 2
    """

    def __init__(
        self,
        num_edges: int,
        filters: int,
        strides: int = 1,
        primitives: Sequence[str] = PRIMITIVES,
        **kwargs,
    ):
        super().__init__(num_edges, filters, strides, primitives, **kwargs)
        self.relu = keras.layers.ReLU(dtype=self.dtype_policy)
        self.operations = [self._operation(name) for name in self.primitives]
        self.alphas = None
        self._subsets = {}

    def _operation(self, name):
        """Returns the bundle of a primitive, or the layer all edges share."""
        return bundle_of(
            name,
            self.num_edges,
            self.filters,
            self.strides,
            name=name,
            dtype=self.dtype_policy,
        )

    def build(self, inputs_shape, edge_weights_shape=None):
        self.require_filters(inputs_shape)
        if edge_weights_shape is None:
            self.alphas = Alphas(
                self.num_edges,
                len(self.primitives),
                dtype=self.dtype_policy,
            )
        self.inputs_shape = inputs_shape
        self.relu.build(inputs_shape)
        for operation in self.operations:
            operation.build(inputs_shape)

    def call(
        self,
        inputs: tf.Tensor,
        edge_weights: tf.Tensor | None = None,
        training: bool | None = None,
    ) -> tf.Tensor:
        """Computes equation 2 on each edge; skips `none`, which adds zero."""
        if edge_weights is None:
            edge_weights = self.alphas.edge_weights(training)
        scales = self._scales(edge_weights)
        sources = self._sources(inputs)
        products = self._products()
        terms, shared = [], {}
        for name, operation in self._computed.items():
            if not isinstance(operation, Bundle | EdgeSubset):
                shared[name] = operation(inputs, training=training)
                continue
            source = sources[operation.source]
            # Batch norm multiplies by the edge weights at no extra cost.
            terms.append(
                operation(
                    source,
                    scales[name],
                    training=training,
                    **products.get(name, {}),
                )
            )
        if shared:
            weights = self._select(edge_weights, shared)
            weights = tf.cast(weights, self.compute_dtype)
            terms.append(sum_of_shared([*shared.values()], weights))
        if not terms:
            return self._zeros(inputs)
        return tf.add_n(terms)

    def compute_only(self, allowed: np.ndarray) -> None:
        """Leaves out the primitives that edges do not have any more.

        Functions that are traced later compute the others alone, with equal
        results. A primitive with values that belong to no edge, such as a seed,
        is left out when no edge has it.

        Args:
            allowed: Boolean array `(num_edges, primitives)`. Edges must have
                no weight for the others.
        """
        subsets = {}
        for name, operation, column in zip(
            self.primitives, self.operations, np.transpose(allowed)
        ):
            edges = np.flatnonzero(column)
            if not len(edges):
                subsets[name] = None
            elif (
                len(edges) < self.num_edges
                and isinstance(operation, Bundle)
                and belongs_to_edges(operation)
            ):
                subsets[name] = EdgeSubset(operation, edges, self.inputs_shape)
        self._subsets = subsets

    @property
    def _computed(self):
        """The layers and subsets to compute by primitive, a dict."""
        computed = dict(zip(self.primitives, self.operations)) | self._subsets
        return {
            name: operation
            for name, operation in computed.items()
            if name != "none" and operation is not None
        }

    def _zeros(self, inputs):
        """Returns the outputs of edges that are all cut."""
        if self.strides == 2:
            inputs = every_second_pixel(inputs)
        return tf.zeros_like(repeat_channels(inputs, self.num_edges))

    def _sources(self, inputs):
        """Returns a dict from `Bundle.source` to the inputs of bundles."""
        active = self.relu(inputs)
        sources = {"node": inputs, "active": active}
        computed = self._computed.values()
        needed = {getattr(each, "source", None) for each in computed}
        if "spread" in needed:
            sources["spread"] = repeat_channels(active, self.num_edges)
        if "subsampled" in needed:
            sources["subsampled"] = repeat_channels(
                every_second_pixel(active), self.num_edges
            )
        return sources

    def _products(self):
        """Returns the argument `products` of the bundles that take it."""
        kernels = {
            name: kernels
            for name, operation in self._computed.items()
            if isinstance(operation, Bundle)
            and (kernels := operation.edge_kernels())
        }
        products = iter(separate_edges(sum(kernels.values(), [])))
        return {
            name: {"products": [next(products) for _ in own]}
            for name, own in kernels.items()
        }

    def _scales(self, edge_weights):
        """Returns a dict from each bundle to the weights of its channels."""
        names = [
            name
            for name, operation in self._computed.items()
            if isinstance(operation, Bundle | EdgeSubset)
        ]
        if not names:
            return {}
        # Products with constants are fewer operations than `tf.repeat`.
        repeated = np.repeat(np.eye(self.num_edges), self.filters, axis=1)
        repeated = shared_constant(repeated, edge_weights.dtype)
        weights = self._select(edge_weights, names)
        return dict(zip(names, tf.unstack(tf.matmul(weights, repeated))))

    def _select(self, edge_weights, names):
        """Returns the weights of some primitives, `(primitives, edges)`."""
        rows = [
            [float(name == each) for each in self.primitives] for name in names
        ]
        rows = shared_constant(rows, edge_weights.dtype)
        return tf.matmul(rows, edge_weights, transpose_b=True)

    def operation_of(self, edge: int, name: str) -> keras.Layer:
        """Returns the layer of a primitive on one edge, with its weights.

        Args:
            edge: Integer.
            name: String, one of the primitives.
        """
        operation = self.operations[self.primitives.index(name)]
        layer = primitive(
            name,
            self.filters,
            self.strides,
            search=True,
            dtype=self.dtype_policy,
        )
        layer.build((None, None, None, self.filters))
        layer.set_weights(
            operation.weights_of(edge)
            if isinstance(operation, Bundle)
            else operation.get_weights()
        )
        return layer


def as_mixed_op(identifier):
    """Returns the class of a mixed operation, or a partial of the class.

    Args:
        identifier: The class, a `functools.partial` of the class and some of
            its arguments, or what `mixed_op_config` returns for one of them.

    Raises:
        ValueError: If it is no such class, or no class is registered under
            the name.
    """
    if isinstance(identifier, dict):
        options = dict(identifier)
        return functools.partial(as_mixed_op(options.pop("name")), **options)
    if isinstance(identifier, str):
        found = keras.saving.get_registered_object(identifier)
        if found is None:
            raise ValueError(
                f"There is no mixed operation {identifier!r}: give a class, "
                "such as tfdarts.MixedOp, or import the module that registers "
                "it with Keras first."
            )
        return found
    if not _is_mixed_op(identifier):
        raise ValueError(
            "`mixed_op` must be the class of a mixed operation, such as a "
            "subclass of tfdarts.MixedOp, or a functools.partial of it. "
            f"Received: {identifier!r}."
        )
    return identifier


def _is_mixed_op(value):
    """Returns whether a value is the class of a mixed operation."""
    if isinstance(value, functools.partial):
        value = value.func
    if not isinstance(value, type) or not issubclass(value, keras.layers.Layer):
        return False
    named = {"num_edges", "filters", "strides", "primitives"}
    return named <= parameter_names(value)


def mixed_op_config(mixed_op):
    """Returns a mixed operation in the form that Keras saves.

    Args:
        mixed_op: The result of `as_mixed_op`.

    Example:

    >>> mixed_op_config(functools.partial(MixedOp, primitives=["skip_connect"]))
    {'name': 'tfdarts>MixedOp', 'primitives': ['skip_connect']}
    """
    if isinstance(mixed_op, functools.partial):
        return {"name": mixed_op_config(mixed_op.func), **mixed_op.keywords}
    return keras.saving.get_registered_name(mixed_op)
