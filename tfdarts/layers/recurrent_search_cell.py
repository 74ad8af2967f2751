"""The recurrent cell of the supernet, which contains every candidate cell."""

import contextlib

import keras
import tensorflow as tf

from tfdarts.genotypes import RECURRENT_PRIMITIVES
from tfdarts.layers.alphas import Alphas
from tfdarts.layers.batch_norm import normalize
from tfdarts.layers.dropout import DropoutRNNCell
from tfdarts.layers.recurrent_cell import activation
from tfdarts.layers.recurrent_cell import add_kernels
from tfdarts.layers.recurrent_cell import gate_and_candidate
from tfdarts.layers.recurrent_cell import highway
from tfdarts.search_spaces.rnn import RNNSearchSpace
from tfdarts.search_spaces.space_registry import as_space


@keras.saving.register_keras_serializable(package="tfdarts")
class RecurrentSearchCell(DropoutRNNCell, keras.layers.Layer):
    """A recurrent cell with every primitive on every edge.

    The cell resembles `RecurrentCell`, but each node is a sum over all earlier
    nodes and all primitives, weighted by the alphas. All edges into a node
    share one kernel. One batch norm without scale and offset normalizes all
    nodes in all steps.

    The cell passes the moving statistics of the batch norm from step to step
    as states. `SearchRNN` assigns them after the last step.

    Args:
        units: Integer, the size of the state.
        num_nodes: Integer, intermediate nodes. Defaults to `8`.
        primitives: Sequence of primitive names. Defaults to the five of the
            paper.
        dropout, recurrent_dropout, seed: See `RecurrentCell`.
        momentum: Float, the momentum of the moving statistics. Defaults to
            `0.9`.
        epsilon: Float, added to the variance. Defaults to `1e-5`.
        relaxation: `tfdarts.Relaxation` or its name; see `Alphas`. All steps
            of a sequence have the same sample. Defaults to `"softmax"`.
        space: Search space, or its config; then `num_nodes` and `primitives`
            are those of the space. Defaults to the paper's.

    Call arguments:
        inputs: 2D tensor `(batch, features)`.
        states: List of the state, `(batch, units)`, the moving mean and the
            moving variance, `(units,)` each.
        training: Boolean, whether to normalize by the batch statistics.

    Returns:
        The output, `(batch, units)`, and the list of the new states.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), sections 2.1 and
      A.1.2
    """

    def __init__(
        self,
        units,
        num_nodes=8,
        primitives=RECURRENT_PRIMITIVES,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        momentum=0.9,
        epsilon=1e-5,
        relaxation="softmax",
        space=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.space = as_space(space) or RNNSearchSpace(num_nodes, primitives)
        self.alphas = Alphas(
            *self.space.alpha_shape,
            relaxation=relaxation,
            mask=self.space.mask("recurrent"),
            name="recurrent",
            dtype=self.dtype_policy,
        )
        self._edge_weights = None
        self.units = units
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.momentum = momentum
        self.epsilon = epsilon
        self.output_size = units
        self.state_size = [units, units, units]

    def build(self, input_shape):
        self.input_kernel, *self.node_kernels = add_kernels(
            self, input_shape[-1], self.space.concat
        )
        for name, initializer in (("mean", "zeros"), ("variance", "ones")):
            variable = self.add_weight(
                name=f"moving_{name}",
                shape=(self.units,),
                initializer=initializer,
                trainable=False,
            )
            setattr(self, f"moving_{name}", variable)

    def call(self, inputs, states, training=False):
        state, *statistics = states
        mask = self.get_recurrent_dropout_mask(state) if training else None
        if training and self.dropout:
            inputs *= self.get_dropout_mask(inputs)

        def apply_recurrent_dropout(tensor):
            return tensor if mask is None else tensor * mask

        def normalize_node(tensor):
            nonlocal statistics
            tensor, statistics = self._normalize(tensor, statistics, training)
            return tensor

        both = tf.concat([inputs, apply_recurrent_dropout(state)], axis=-1)
        gate, candidate = gate_and_candidate(both, self.input_kernel)
        nodes = normalize_node(highway(state, gate, tf.tanh(candidate)))[None]
        edge_weights = self._edge_weights
        if edge_weights is None:
            edge_weights = self.alphas.edge_weights(training)
        edge_weights = tf.split(
            edge_weights, [*range(1, 1 + len(self.node_kernels))]
        )
        for weights, kernel in zip(edge_weights, self.node_kernels):
            gate, candidate = gate_and_candidate(
                apply_recurrent_dropout(nodes), kernel
            )
            node = normalize_node(self._mix(nodes, gate, candidate, weights))
            nodes = tf.concat([nodes, node[None]], axis=0)
        output = tf.reduce_mean(nodes[1:], axis=0)
        return output, [output, *statistics]

    @contextlib.contextmanager
    def share_edge_weights(self, training):
        """Computes the edge weights once for all steps inside this context."""
        self._edge_weights = self.alphas.edge_weights(training)
        try:
            yield
        finally:
            self._edge_weights = None

    def _mix(self, nodes, gate, candidate, weights):
        """Returns a node, the sum of its incoming edges.

        Args:
            nodes, gate, candidate: Tensors `(edges, batch, units)`.
            weights: Tensor `(edges, primitives)`.
        """
        columns = {
            primitive: weights[:, column, None, None]
            for column, primitive in enumerate(self.space.primitives)
            if primitive != "none"
        }
        # Highways with the same gate are linear in their candidates, so it is
        # enough to mix the candidates.
        mixed = tf.add_n(
            [w * activation(name)(candidate) for name, w in columns.items()]
        )
        # Not `tf.add_n`: the columns are used above too; see `RecurrentCell`.
        total = tf.reduce_sum(tf.stack([*columns.values()]), axis=0)
        return tf.reduce_sum(highway(total * nodes, gate, mixed), axis=0)

    def _normalize(self, inputs, statistics, training):
        mean, variance = moving = statistics
        if not training:
            scale = tf.math.rsqrt(variance + self.epsilon)
            return (inputs - mean) * scale, statistics
        outputs, mean, variance, count = normalize(inputs, [0], self.epsilon)
        # The moving variance is unbiased, as in PyTorch.
        unbiased = variance * count / tf.maximum(count - 1, 1)
        statistics = [
            old * self.momentum + tf.stop_gradient(new) * (1 - self.momentum)
            for old, new in zip(moving, (mean, unbiased))
        ]
        return outputs, statistics

    def get_initial_state(self, batch_size=None):
        """Returns a state of zeros and the moving statistics."""
        state = tf.zeros((batch_size, self.units), self.compute_dtype)
        return [state, self.moving_mean.value, self.moving_variance.value]

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "space": self.space.get_config(),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "relaxation": keras.saving.serialize_keras_object(
                self.alphas.relaxation
            ),
        }


@keras.saving.register_keras_serializable(package="tfdarts")
class SearchRNN(keras.layers.RNN):
    """A `keras.layers.RNN` whose cell is a `RecurrentSearchCell`.

    After the last step the layer assigns the moving statistics, which the
    cell passes on as states.

    Args:
        cell: `RecurrentSearchCell`.

    Call arguments:
        sequences: 3D tensor `(batch, steps, features)`.
        initial_state: Tensor `(batch, units)`, or a list of it. Defaults to
            zeros.
        training: Boolean.

    Returns:
        The outputs, `(batch, steps, units)`, and the last state, `(batch,
        units)`.

    Example:

    >>> layer = SearchRNN(RecurrentSearchCell(units=4, num_nodes=2))
    >>> outputs, state = layer(keras.ops.ones((2, 7, 3)))
    >>> outputs.shape, state.shape
    (TensorShape([2, 7, 4]), TensorShape([2, 4]))
    """

    def __init__(self, cell, **kwargs):
        super().__init__(
            cell, **{**kwargs, "return_sequences": True, "return_state": True}
        )

    def call(self, sequences, initial_state=None, mask=None, training=False):
        states = self.cell.get_initial_state(tf.shape(sequences)[0])
        if initial_state is not None:
            (states[0],) = keras.tree.flatten(initial_state)
        with self.cell.share_edge_weights(training):
            outputs, state, mean, variance = super().call(
                sequences, states, mask, training
            )
        if training:
            self.cell.moving_mean.assign(mean)
            self.cell.moving_variance.assign(variance)
        return outputs, state

    def get_initial_state(self, batch_size):
        """Returns a state of zeros, `(batch_size, units)`."""
        return self.cell.get_initial_state(batch_size)[0]

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        batch, steps, _ = sequences_shape
        units = self.cell.units
        return (batch, steps, units), (batch, units)
