"""The recurrent cell of a genotype."""

import functools

import keras
import tensorflow as tf

from tfdarts.genotypes import of_space
from tfdarts.layers.dropout import DropoutRNNCell
from tfdarts.primitive_table import as_function
from tfdarts.primitive_table import primitive_entry

INITIAL_RANGE = 0.04


def activation(primitive):
    """Returns the activation function of a recurrent primitive."""
    return as_function(primitive_entry(primitive, "activations").layer)


def initial_weights():
    """Returns the initializer of the authors' recurrent networks."""
    return keras.initializers.RandomUniform(-INITIAL_RANGE, INITIAL_RANGE)


def add_kernels(cell, features, nodes):
    """Adds the input kernel of a cell and the kernels of nodes.

    Args:
        cell: Keras layer with `units`.
        features: Integer, the size of the cell's inputs.
        nodes: Iterable of integers, the nodes that have a kernel.

    Returns:
        List of the variables, the input kernel first.
    """
    sizes = {"input": features + cell.units}
    sizes |= {f"node{node}": cell.units for node in nodes}
    return [
        cell.add_weight(
            name=f"{name}_kernel",
            shape=(size, 2 * cell.units),
            initializer=initial_weights(),
        )
        for name, size in sizes.items()
    ]


def gate_and_candidate(inputs, kernel):
    """Returns the gate, after a sigmoid, and the candidate of a highway.

    Args:
        inputs: Tensor `(..., units)`.
        kernel: Tensor `(units, 2 * filters)`.
    """
    gate, candidate = tf.split(tf.matmul(inputs, kernel), 2, axis=-1)
    return tf.sigmoid(gate), candidate


def highway(state, gate, candidate):
    """Returns the state, moved toward the candidate by the gate."""
    return state + gate * (candidate - state)


@keras.saving.register_keras_serializable(package="tfdarts")
class RecurrentCell(DropoutRNNCell, keras.layers.Layer):
    """The recurrent cell that a genotype describes.

    The cell follows Keras' protocol of RNN cells, like
    `keras.layers.LSTMCell`.

    Node 0 is a highway from the last state; its gate and candidate come from
    the input and the last state. Each further node is a highway from its
    predecessor in the genotype, or the sum of the highways from its
    predecessors, which share the node's kernel. The mean of the nodes in the
    genotype's concat is both the new state and the output. The cell has no
    biases.

    Args:
        genotype: `Genotype` of a recurrent cell, the dict that its `to_dict`
            returns, or a published name such as `"DARTS_V2"`.
        units: Integer, the size of the state.
        dropout: Float, the share of the inputs dropped in training.
        recurrent_dropout: Float, the share dropped in training from the
            state and from each node that feeds another node. All steps of a
            sequence have the same mask, drawn before the first step.
        seed: Integer. Defaults to a seed drawn from Keras' global seed.

    Call arguments:
        inputs: 2D tensor `(batch, features)`.
        states: List of one tensor `(batch, units)`.
        training: Boolean.

    Returns:
        The output, `(batch, units)`, and a list of the new state.

    Raises:
        ValueError: If the genotype does not describe a recurrent cell.

    Example:

    >>> genotype = tfdarts.genotypes.get("DARTS_V2", space="rnn")
    >>> layer = keras.layers.RNN(RecurrentCell(genotype, units=4))
    >>> layer(keras.ops.ones((2, 7, 3))).shape
    TensorShape([2, 4])

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 2.1
    - [Gal and Ghahramani, 2016](https://arxiv.org/abs/1512.05287), on dropout
    """

    def __init__(
        self,
        genotype,
        units,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.genotype = of_space(genotype, "rnn")
        self.units = units
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.state_size = self.output_size = units

    @property
    def _nodes(self):
        """For each node, its edges except those with the primitive `none`."""
        return [
            [edge for edge in edges if edge[0] != "none"]
            for edges in self.genotype.cells["recurrent"].nodes
        ]

    @property
    def edges_with_kernel(self):
        """The edges of each node that has a kernel, a dict by node."""
        return {
            node: edges for node, edges in enumerate(self._nodes, 1) if edges
        }

    def build(self, input_shape):
        self.input_kernel, *self.node_kernels = add_kernels(
            self, input_shape[-1], self.edges_with_kernel
        )

    def call(self, inputs, states, training=False):
        (state,) = states
        mask = self.get_recurrent_dropout_mask(state) if training else None
        if training and self.dropout:
            inputs *= self.get_dropout_mask(inputs)
        both = tf.concat([inputs, _apply_mask(state, mask)], axis=-1)
        gate, candidate = gate_and_candidate(both, self.input_kernel)
        nodes = [highway(state, gate, tf.tanh(candidate))]
        kernels = iter(self.node_kernels)
        for edges in self._nodes:
            kernel = next(kernels) if edges else None
            outputs = [
                _compute_edge(nodes[source], primitive, kernel, mask)
                for primitive, source in edges
            ] or [tf.zeros_like(state)]
            nodes.append(functools.reduce(tf.add, outputs))
        # Not `tf.add_n`: its order of addition depends on which input's buffer
        # it can reuse, so results would not be reproducible.
        concat = [nodes[node] for node in self.genotype.recurrent_concat]
        output = tf.reduce_mean(tf.stack(concat), axis=0)
        return output, [output]

    def get_initial_state(self, batch_size=None):
        """Returns a state of zeros."""
        return [tf.zeros((batch_size, self.units), self.compute_dtype)]

    def get_config(self):
        return {
            **super().get_config(),
            "genotype": self.genotype.to_dict(),
            "units": self.units,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }


def _compute_edge(state, primitive, kernel, mask):
    gate, candidate = gate_and_candidate(_apply_mask(state, mask), kernel)
    return highway(state, gate, activation(primitive)(candidate))


def _apply_mask(state, mask):
    return state if mask is None else state * mask
