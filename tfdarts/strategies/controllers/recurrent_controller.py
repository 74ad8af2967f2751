"""The recurrent controller: a policy that draws cells decision by decision."""

import keras
import numpy as np
import tensorflow as tf

from tfdarts.search_spaces.space_registry import as_space
from tfdarts.strategies.controllers.cell_decisions import CellDecisions

FORBIDDEN = -1e9
"""The logit of what a decision may not choose; its probability is 0."""


@keras.saving.register_keras_serializable(package="tfdarts")
class RecurrentController(keras.layers.Layer):
    """An LSTM that draws the cells of a search space, decision by decision.

    Each decision is a softmax of the LSTM's output: over the primitives for an
    operation; over the earlier nodes, by attention, for a predecessor. The
    choice is the next input: the embedding of the primitive, or the output of
    the LSTM after the chosen node. Cells follow one another in one sequence.
    What a genotype of the space cannot have has probability 0: a predecessor
    that another edge of the node has, unless the space repeats predecessors,
    and a primitive that the edge may not have.

    Args:
        space: `tfdarts.CellSearchSpace`, or its config.
        units: Integer, the units of each layer of the LSTM. Defaults to `64`.
        num_layers: Integer, the layers of the LSTM. Defaults to `1`.
        init_range: Float. Initial weights are drawn uniformly from
            `(-init_range, init_range)`; biases begin at zero. Defaults to
            `0.1`.
        temperature: Float, by which logits are divided. Defaults to `1.0`.
        tanh_constant: Float or `None`. If a number, logits `x` become
            `tanh_constant * tanh(x)`, so that no probability is extreme.
        operation_tanh_constant: Float or `None`, the constant for the logits
            of operations. Defaults to `tanh_constant`.
        seed: Integer, of the initial weights. Defaults to `0`.

    Call arguments:
        choices: Integer array `(batch, num_decisions)`; see
            `CellDecisions`.

    Returns:
        Two arrays `(batch, num_decisions)`: the log-probabilities of the
        choices, and the entropies of the decisions.

    Example:

    >>> from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace
    >>> controller = RecurrentController(NASBench201SearchSpace(), units=8)
    >>> choices = controller.sample(np.random.default_rng(0), 2)
    >>> choices.shape
    (2, 6)
    >>> controller.decisions.genotype(choices[0]) in controller.space
    True
    >>> log_probabilities, entropies = controller(choices)
    >>> print(np.exp(log_probabilities[0]).round(1))
    [0.2 0.2 0.2 0.2 0.2 0.2]

    References:

    - [Zoph and Le, 2017](https://arxiv.org/abs/1611.01578)
    - [Pham et al., 2018](https://arxiv.org/abs/1802.03268), and their code,
      which has the attention, the temperature and the tanh constants
    """

    def __init__(
        self,
        space,
        units: int = 64,
        num_layers: int = 1,
        init_range: float = 0.1,
        temperature: float = 1.0,
        tanh_constant: float | None = None,
        operation_tanh_constant: float | None = None,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.space = as_space(space)
        self.units = units
        self.num_layers = num_layers
        self.init_range = init_range
        self.temperature = temperature
        self.tanh_constant = tanh_constant
        self.operation_tanh_constant = operation_tanh_constant
        self.seed = seed
        self.decisions = CellDecisions(self.space)
        self._seeds = np.random.SeedSequence(seed)
        self.cell = keras.layers.StackedRNNCells(
            [self._lstm_cell() for _ in range(num_layers)], dtype=self.dtype
        )
        num_primitives = len(self.space.primitives)
        self.embedding = keras.layers.Embedding(
            num_primitives + 1,
            units,
            embeddings_initializer=self._initializer(),
            dtype=self.dtype,
            name="embedding",
        )
        self.operation_logits = self._dense(
            num_primitives, "operation_logits", use_bias=True
        )
        self.anchor_keys = self._dense(units, "anchor_keys")
        self.queries = self._dense(units, "queries")
        self.attention = self._dense(1, "attention")
        self.build()

    def _initializer(self):
        # Keras draws the same numbers again for the same integer.
        (seed,) = self._seeds.spawn(1)
        return keras.initializers.RandomUniform(
            -self.init_range, self.init_range, seed=_integer(seed)
        )

    def _lstm_cell(self):
        return keras.layers.LSTMCell(
            self.units,
            use_bias=False,
            kernel_initializer=self._initializer(),
            recurrent_initializer=self._initializer(),
            dtype=self.dtype,
        )

    def _dense(self, units, name, use_bias=False):
        return keras.layers.Dense(
            units,
            use_bias=use_bias,
            kernel_initializer=self._initializer(),
            dtype=self.dtype,
            name=name,
        )

    def build(self, input_shape=None):
        shape = (None, self.units)
        for layer in (self.cell, self.operation_logits, self.anchor_keys):
            layer.build(shape)
        self.queries.build(shape)
        self.attention.build(shape)
        self.embedding.build((None,))
        self.built = True

    def call(self, choices):
        choices = tf.cast(choices, "int32")
        batch = tf.shape(choices)[0]
        passed = _Pass(self, batch, lambda number, logits: choices[:, number])
        return passed.log_probabilities, passed.entropies

    def draw(self, noise: tf.Tensor) -> tf.Tensor:
        """Returns choices that are drawn with given noise.

        Args:
            noise: Array `(batch, num_decisions, most_options)` of Gumbel's
                distribution.

        Returns:
            Integer array `(batch, num_decisions)`.
        """
        noise = tf.cast(noise, self.compute_dtype)

        def choose(number, logits):
            perturbed = logits + noise[:, number, : logits.shape[1]]
            return tf.argmax(perturbed, axis=1, output_type="int32")

        return _Pass(self, tf.shape(noise)[0], choose).choices

    def sample(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Returns choices that are drawn from the policy.

        Args:
            generator: `numpy.random.Generator`. The same state gives the same
                choices.
            count: Integer, the number of samples.

        Returns:
            Integer array `(count, num_decisions)`.
        """
        noise = generator.gumbel(size=(count, *self.noise_shape))
        return self.draw(noise).numpy()

    @property
    def noise_shape(self) -> tuple[int, int]:
        """The shape of the noise of one sample."""
        widest = max(len(self.space.primitives), self.space.nodes[-1])
        return len(self.decisions.sequence), widest

    def get_config(self):
        return {
            **super().get_config(),
            "space": self.space.get_config(),
            "units": self.units,
            "num_layers": self.num_layers,
            "init_range": self.init_range,
            "temperature": self.temperature,
            "tanh_constant": self.tanh_constant,
            "operation_tanh_constant": self.operation_tanh_constant,
            "seed": self.seed,
        }


def _integer(seed):
    """Returns a seed for Keras from a `numpy.random.SeedSequence`."""
    return int(seed.generate_state(1)[0])


class _Pass:
    """One pass through all decisions of a controller.

    Args:
        controller: `RecurrentController`.
        batch: Integer, the number of sequences.
        choose: Function of the number of a decision and of its
            log-probabilities `(batch, options)` that returns the choices
            `(batch,)`.

    Attributes:
        choices, log_probabilities, entropies: Arrays
            `(batch, num_decisions)`.
    """

    def __init__(self, controller, batch, choose):
        self.controller = controller
        self.choose = choose
        self.state = controller.cell.get_initial_state(batch)
        self.start = controller.embedding(
            tf.fill([batch], len(controller.space.primitives))
        )
        self.made = []
        for cell_type in controller.space.cell_types:
            self._decide_cell(cell_type)
        self.choices, self.log_probabilities, self.entropies = (
            tf.stack(each, axis=1) for each in zip(*self.made)
        )

    def _decide_cell(self, cell_type):
        anchors, keys = [], []

        def add(anchor, output):
            anchors.append(anchor)
            keys.append(self.controller.anchor_keys(output))

        space = self.controller.space
        for _ in range(space.nodes[0]):
            # The authors' code feeds zeros for the inputs of a cell.
            output = self._step(self.start)
            add(tf.zeros_like(output), output)
        for node in space.nodes:
            inputs, sources = self.start, []
            if self.controller.decisions.chooses_predecessors(node):
                inputs, sources = self._decide_predecessors(
                    node, tf.stack(anchors, axis=1), tf.stack(keys, axis=1)
                )
            inputs = self._decide_operations(cell_type, node, inputs, sources)
            output = self._step(inputs)
            add(output, output)

    def _decide_predecessors(self, node, anchors, keys):
        """Decides the predecessors of all edges of a node.

        Args:
            node: Integer.
            anchors: Array `(batch, node, units)`.
            keys: Array of the same shape.

        Returns:
            The next input, and the list of the chosen predecessors.
        """
        controller, space = self.controller, self.controller.space
        inputs, sources = self.start, []
        free = tf.ones(tf.shape(anchors)[:2], "bool")
        for _ in range(space.num_kept(node)):
            query = controller.queries(self._step(inputs))
            hidden = tf.tanh(keys + query[:, tf.newaxis])
            logits = controller.attention(hidden)[..., 0]
            source = self._decide(logits, free, controller.tanh_constant)
            sources.append(source)
            inputs = tf.gather(anchors, source, batch_dims=1)
            if not space.repeats_predecessors:
                free &= ~tf.one_hot(source, node, True, False)
        return inputs, sources

    def _decide_operations(self, cell_type, node, inputs, sources):
        """Decides the operations of all edges of a node.

        Args:
            cell_type: String.
            node: Integer.
            inputs: The first input.
            sources: List of the chosen predecessors; empty if the node keeps
                all its edges.

        Returns:
            The next input.
        """
        controller = self.controller
        constant = controller.operation_tanh_constant
        if constant is None:
            constant = controller.tanh_constant
        table = controller.decisions.allowed_operations(cell_type, node)
        for edge in range(controller.space.num_kept(node)):
            allowed = tf.gather(table, sources[edge] if sources else [edge])
            logits = controller.operation_logits(self._step(inputs))
            chosen = self._decide(logits, allowed, constant)
            inputs = controller.embedding(chosen)
        return inputs

    def _step(self, inputs):
        """Returns the output of the LSTM for one input."""
        output, self.state = self.controller.cell(inputs, self.state)
        return output

    def _decide(self, logits, allowed, tanh_constant):
        """Makes a decision, and returns the choices `(batch,)`."""
        logits = logits / self.controller.temperature
        if tanh_constant is not None:
            logits = tanh_constant * tf.tanh(logits)
        logits = tf.where(allowed, logits, tf.cast(FORBIDDEN, logits.dtype))
        logs = tf.nn.log_softmax(logits)
        chosen = self.choose(len(self.made), logs)
        log_probability = tf.gather(logs, chosen, batch_dims=1)
        entropy = -tf.reduce_sum(tf.exp(logs) * logs, axis=1)
        self.made.append((chosen, log_probability, entropy))
        return chosen
