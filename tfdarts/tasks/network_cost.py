"""What a network for images costs: weights, arithmetic, memory, time."""

import re

import tensorflow as tf

from tfdarts.models.multiply_adds import multiply_adds
from tfdarts.models.multiply_adds import multiply_adds_of_layer
from tfdarts.tasks.latency import has_litert
from tfdarts.tasks.latency import litert_milliseconds
from tfdarts.tasks.latency import median_seconds
from tfdarts.tasks.networks import count_parameters
from tfdarts.training.memory import peak_bytes

_NAME_OF_EDGE = re.compile(r"^cell\d+_node\d+_\d+_(.+)$")


def count_cost(network):
    """Returns the parameters, multiply-adds and activation memory.

    Args:
        network: Functional Keras model of images of one size.

    Returns:
        Dict of integers: `parameters`, the trainable ones; `multiply_adds`
        and `activation_bytes`, both for one image. The memory is the largest
        sum of the tensors that are needed at one time, without weights.
    """
    return {
        "parameters": count_parameters(network),
        "multiply_adds": multiply_adds(network),
        "activation_bytes": activation_bytes(network),
    }


def activation_bytes(network):
    """Returns the peak memory of the activations for one image, bytes.

    A result is freed after its last use; see
    `tfdarts.training.memory.peak_bytes`.

    Args:
        network: Functional Keras model of images of one size.
    """
    graph = _forward(network).get_concrete_function(_one_image(network)).graph
    return peak_bytes(graph, without=("ReadVariableOp", "Const"))


def milliseconds_of(network):
    """Returns the latency of a network for one image, milliseconds.

    Args:
        network: Functional Keras model of images of one size.
    """
    forward = _forward(network)
    images = tf.random.stateless_normal(_one_image(network).shape, (0, 0))
    return 1000 * median_seconds(lambda: forward(images).numpy())


def measure_cost(network, table):
    """Returns the latency of a network and of its layers.

    Args:
        network: Functional Keras model of images of one size.
        table: `LatencyTable`. New measurements are saved there.

    Returns:
        Dict: `milliseconds`, the median of 20 calls with one image;
        `milliseconds_of_layers`, the sum over the layers, each alone; with
        the extra `litert` also `litert_milliseconds`; and `layers`, a list
        of dicts, one for each primitive and for each kind of other layers:
        `layer`, `count`, `parameters`, `multiply_adds`, `milliseconds`.
    """
    rows = {}
    for node in nodes_of(network):
        layer = node.operation
        shapes = [tensor.shape[1:] for tensor in node.input_tensors]
        row = rows.setdefault(
            _kind_of(layer),
            dict(count=0, parameters=0, multiply_adds=0, milliseconds=0.0),
        )
        row["count"] += 1
        row["parameters"] += count_parameters(layer)
        row["multiply_adds"] += multiply_adds_of_layer(
            layer, node.input_tensors[0].shape
        )
        row["milliseconds"] += table.milliseconds(layer, shapes)
    table.save()
    litert = {}
    if has_litert():
        litert = {"litert_milliseconds": litert_milliseconds(network)}
    return {
        "milliseconds": milliseconds_of(network),
        "milliseconds_of_layers": sum(r["milliseconds"] for r in rows.values()),
        **litert,
        "layers": [{"layer": kind, **row} for kind, row in rows.items()],
    }


def predict_milliseconds(network, table):
    """Returns the sum of the latencies of a network's layers.

    Args:
        network, table: See `measure_cost`.
    """
    return sum(
        table.milliseconds(
            node.operation, [tensor.shape[1:] for tensor in node.input_tensors]
        )
        for node in nodes_of(network)
    )


def nodes_of(network):
    """Yields the calls of the layers of a functional model, in order."""
    for depth in sorted(network._nodes_by_depth, reverse=True):
        for node in network._nodes_by_depth[depth]:
            if not node.is_input:
                yield node


def _kind_of(layer):
    """Returns the primitive of a layer, or the class of another layer."""
    match = _NAME_OF_EDGE.match(layer.name)
    return match[1] if match else type(layer).__name__


def _forward(network):
    return tf.function(
        lambda images: network(images, training=False),
        autograph=False,
        jit_compile=False,
    )


def _one_image(network):
    return tf.TensorSpec((1, *network.input_shape[1:]), network.input.dtype)
