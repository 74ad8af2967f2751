"""The bundles of primitives by name; see `tfdarts.layers.bundle`."""

import keras
import tensorflow as tf

from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.bundle import Bundle
from tfdarts.layers.bundle import statistics_of
from tfdarts.layers.convolutions import uniform
from tfdarts.layers.edge_functions import pointwise
from tfdarts.layers.primitives import primitive as new_layer
from tfdarts.layers.subsample import Subsample
from tfdarts.layers.subsample import every_second_pixel
from tfdarts.layers.subsample import strided_shape
from tfdarts.primitive_table import as_function
from tfdarts.primitive_table import primitive_entry


@keras.saving.register_keras_serializable(package="tfdarts")
class LayerBundle(Bundle):
    """A bundle of any primitive: one layer for each edge.

    Args:
        primitive: String, the name of the primitive.
        num_edges: Integer.
        filters: Integer, channels of the input and of an edge.
        strides: Integer, `1` or `2`.

    Raises:
        ValueError: If the layer returns outputs of an unexpected shape.
    """

    def __init__(self, primitive, num_edges, filters, strides, **kwargs):
        super().__init__(**kwargs)
        self.primitive = primitive
        self.num_edges = num_edges
        self.filters = filters
        self.strides = strides
        self.layers_of_edges = [
            new_layer(
                primitive,
                filters,
                strides,
                search=True,
                name=f"edge{edge}",
                dtype=self.dtype_policy,
            )
            for edge in range(num_edges)
        ]

    def build(self, inputs_shape):
        expected = strided_shape(inputs_shape, self.strides)
        for layer in self.layers_of_edges:
            layer.build(inputs_shape)
            shape = layer.compute_output_shape(inputs_shape)
            if tuple(shape) != tuple(expected):
                raise ValueError(
                    f"The layer of the primitive {self.primitive} must turn "
                    f"inputs of shape {tuple(inputs_shape)} into "
                    f"{tuple(expected)} with strides={self.strides}. It "
                    f"returns {tuple(shape)}."
                )

    def call(self, inputs, scale=None, training=None):
        outputs = tf.concat(
            [
                layer(inputs, training=training)
                for layer in self.layers_of_edges
            ],
            axis=3,
        )
        if scale is None:
            return outputs
        return outputs * tf.cast(scale, outputs.dtype)

    def compute_output_shape(self, inputs_shape, scale_shape=None):
        *shape, _ = strided_shape(inputs_shape, self.strides)
        return (*shape, self.num_edges * self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "primitive": self.primitive,
            "num_edges": self.num_edges,
            "filters": self.filters,
            "strides": self.strides,
        }

    def weights_of(self, edge):
        return self.layers_of_edges[edge].get_weights()


@keras.saving.register_keras_serializable(package="tfdarts")
class FactorizedReduceBundle(Bundle):
    """`skip_connect` of stride 2 on each edge, applied after a ReLU.

    Args:
        num_edges: Integer.
        filters: Integer, channels of the input and of an edge.
    """

    source = "active"

    def __init__(self, num_edges, filters, **kwargs):
        super().__init__(**kwargs)
        self.num_edges = num_edges
        self.filters = filters
        self.odd = Subsample(offset=1, dtype=self.dtype_policy)
        self.batch_norm = BatchNorm(affine=False, dtype=self.dtype_policy)

    def build(self, inputs_shape):
        edges, filters = self.num_edges, self.filters
        self.odd.build(inputs_shape)
        half = filters // 2
        self.even_kernel, self.odd_kernel = (
            self.add_weight(
                name=f"{name}_kernel",
                shape=(filters, edges, size),
                initializer=uniform(filters),
            )
            for name, size in (("even", half), ("odd", filters - half))
        )
        self.batch_norm.build((None, None, None, edges * filters))

    def call(self, inputs, scale=None, training=None):
        """Computes both convolutions as one, on concatenated pixel sets."""
        even, odd = every_second_pixel(inputs), self.odd(inputs)
        half = self.filters // 2
        kernel = tf.concat(
            [
                tf.pad(
                    self.even_kernel, [[0, 0], [0, 0], [0, self.filters - half]]
                ),
                tf.pad(self.odd_kernel, [[0, 0], [0, 0], [half, 0]]),
            ],
            axis=0,
        )
        outputs = pointwise(tf.concat([even, odd], axis=3), kernel)
        return self.batch_norm(outputs, training=training, scale=scale)

    def compute_output_shape(self, inputs_shape, scale_shape=None):
        *shape, _ = strided_shape(inputs_shape, 2)
        return (*shape, self.num_edges * self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "num_edges": self.num_edges,
            "filters": self.filters,
        }

    def weights_of(self, edge):
        """Returns an edge's weights, in the order of `FactorizedReduce`."""
        channels = slice(edge * self.filters, (edge + 1) * self.filters)
        return [
            self.even_kernel.numpy()[None, None, :, edge],
            self.odd_kernel.numpy()[None, None, :, edge],
            *statistics_of(self.batch_norm, channels),
        ]


def bundle_of(primitive, num_edges, filters, strides, **kwargs):
    """Returns the layer of a primitive on all edges out of a node.

    Args:
        primitive: String, the name of the primitive.
        num_edges: Integer.
        filters: Integer, channels of the node and of an edge.
        strides: Integer, `1` or `2`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Returns:
        `Bundle`, or one plain layer that all edges share.
    """
    entry = primitive_entry(primitive, "layers")
    if entry.bundle is None:
        return LayerBundle(primitive, num_edges, filters, strides, **kwargs)
    bundle = as_function(entry.bundle)(
        num_edges=num_edges,
        filters=filters,
        strides=strides,
        **entry.options,
        **kwargs,
    )
    if bundle is not None:
        return bundle
    return new_layer(primitive, filters, strides, search=True, **kwargs)


def shared_by_all_edges(**kwargs):
    """Returns `None`: all edges share a layer without weights."""


def skip_bundle(num_edges, filters, strides, **kwargs):
    """Returns the bundle of `skip_connect`; see `bundle_of`."""
    if strides == 1:
        return None
    return FactorizedReduceBundle(num_edges, filters, **kwargs)
