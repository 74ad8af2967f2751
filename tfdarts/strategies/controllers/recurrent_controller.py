"""The recurrent controller: a policy that draws cells decision by decision."""

import functools

import keras
import numpy as np
import tensorflow as tf

from tfdarts.search_spaces.space_registry import as_space
from tfdarts.strategies.controllers.cell_decisions import CellDecisions
from tfdarts.strategies.controllers.controller_steps import ControllerSteps
from tfdarts.strategies.controllers.controller_steps import steps_of

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
        self.steps = steps_of(self.decisions)
        self._seeds = np.random.SeedSequence(seed)
        self.cells = [self._lstm_cell() for _ in range(num_layers)]
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
        layers = [*self.cells, self.operation_logits, self.anchor_keys]
        for layer in (*layers, self.queries, self.attention):
            layer.build(shape)
        self.embedding.build((None,))
        self.built = True

    def call(self, choices):
        options = self._to_options(choices)
        passed = _Pass(self, options, lambda given, logs: given)
        return passed.log_probabilities, passed.entropies

    def draw(self, noise: tf.Tensor) -> tf.Tensor:
        """Returns choices that are drawn with given noise.

        Args:
            noise: Array `(batch, *noise_shape)` of Gumbel's distribution.

        Returns:
            Integer array `(batch, num_decisions)`.
        """
        noise = tf.cast(noise, self.compute_dtype)

        def choose(given, logs):
            return tf.argmax(logs + given, axis=1, output_type="int32")

        return _Pass(self, noise, choose).options - self._offsets

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
        return self._compiled_draw(noise).numpy()

    @functools.cached_property
    def _compiled_draw(self):
        return tf.function(self.draw, autograph=False, reduce_retracing=True)

    @property
    def noise_shape(self) -> tuple[int, int]:
        """The shape of the noise of one sample."""
        _, nodes, primitives = self.steps.operations.shape
        return len(self.decisions.sequence), nodes + primitives

    @property
    def _offsets(self):
        """Where the options of each decision begin among those of all.

        The options of all decisions are the nodes and then the primitives.
        """
        _, nodes, _ = self.steps.operations.shape
        is_operation = self.steps.decides_operation[self.steps.decides]
        return np.where(is_operation, nodes, 0).astype("int32")

    def _to_options(self, choices):
        return tf.cast(choices, "int32") + self._offsets

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
    """One pass through all steps of a controller.

    Args:
        controller: `RecurrentController`.
        given: Array `(batch, num_decisions, ...)`, what `choose` gets of each
            decision.
        choose: Function of what is given for a decision, `(batch, ...)`, and
            of the log-probabilities `(batch, nodes + primitives)`, that
            returns the chosen options `(batch,)`.

    Attributes:
        options: Integer array `(batch, num_decisions)`.
        log_probabilities, entropies: Arrays `(batch, num_decisions)`.
    """

    def __init__(self, controller, given, choose):
        self.controller = controller
        self.choose = choose
        self.nodes = controller.steps.predecessors.shape[1]
        decides = controller.steps.decides
        # Steps without a decision get what is given for another, unused.
        decision = np.maximum(np.cumsum(decides) - 1, 0)
        given = tf.gather(given, decision, axis=1)
        self.steps = ControllerSteps(*map(tf.constant, controller.steps))
        batch = tf.shape(given)[0]
        *_, outputs = tf.while_loop(
            lambda number, *_: number < len(decides),
            lambda number, state, outputs: (
                number + 1,
                *self._step(number, state, outputs, given[:, number]),
            ),
            (0, self._first_state(batch), self._arrays(len(decides))),
        )
        self.options, self.log_probabilities, self.entropies = (
            tf.transpose(tf.gather(each.stack(), np.flatnonzero(decides)))
            for each in outputs
        )

    def _arrays(self, length):
        """Returns arrays for an option and two numbers of each step."""
        dtype = self.controller.compute_dtype
        return tuple(
            tf.TensorArray(each, length) for each in ("int32", dtype, dtype)
        )

    def _first_state(self, batch):
        controller = self.controller
        zeros = tf.zeros(
            (batch, self.nodes, controller.units), controller.compute_dtype
        )
        return {
            "inputs": self._start(batch),
            "lstm": [
                [*cell.get_initial_state(batch)] for cell in controller.cells
            ],
            "anchors": zeros,
            "keys": zeros,
            "sources": tf.fill((batch, self._most_edges), -1),
        }

    @property
    def _most_edges(self):
        return int(self.controller.steps.edge.max()) + 1

    def _start(self, batch):
        """Returns the input of a step that follows no decision."""
        last = self.controller.embedding.input_dim - 1
        return self.controller.embedding(tf.fill((batch,), last))

    def _step(self, number, state, outputs, given):
        """Returns the state and the outputs after a step."""
        step = ControllerSteps(*(each[number] for each in self.steps))
        output, lstm = self._run_lstm(state["inputs"], state["lstm"])
        logs = tf.nn.log_softmax(self._logits(step, state, output))
        option = self.choose(given, logs)
        found = (
            option,
            tf.gather(logs, option, batch_dims=1),
            -tf.reduce_sum(tf.exp(logs) * logs, axis=1),
        )
        outputs = tuple(
            array.write(number, value) for array, value in zip(outputs, found)
        )
        return self._next_state(step, state, output, lstm, option), outputs

    def _run_lstm(self, inputs, states):
        after = []
        for cell, state in zip(self.controller.cells, states):
            inputs, state = cell(inputs, state)
            after.append([*state])
        return inputs, after

    def _logits(self, step, state, output):
        """Returns the logits of all options `(batch, nodes + primitives)`."""
        controller, sources = self.controller, state["sources"]
        query = controller.queries(output)[:, tf.newaxis]
        attended = controller.attention(tf.tanh(state["keys"] + query))
        constant = controller.operation_tanh_constant
        if constant is None:
            constant = controller.tanh_constant
        logits = tf.concat(
            [
                self._shape(attended[..., 0], controller.tanh_constant),
                self._shape(controller.operation_logits(output), constant),
            ],
            axis=1,
        )
        batch = tf.shape(output)[0]
        predecessors = tf.tile(step.predecessors[tf.newaxis], (batch, 1))
        if not controller.space.repeats_predecessors:
            taken = tf.one_hot(sources, self.nodes, True, False)
            predecessors &= ~tf.reduce_any(taken, axis=1)
        source = tf.maximum(sources[:, step.edge], 0)
        operations = tf.gather(step.operations, source)
        allowed = tf.concat([predecessors, operations], axis=1)
        return tf.where(allowed, logits, tf.cast(FORBIDDEN, logits.dtype))

    def _shape(self, logits, tanh_constant):
        logits = logits / self.controller.temperature
        if tanh_constant is None:
            return logits
        return tanh_constant * tf.tanh(logits)

    def _next_state(self, step, state, output, lstm, option):
        controller = self.controller
        anchor = tf.where(step.ends_input, tf.zeros_like(output), output)
        ended = step.ended[:, tf.newaxis]
        anchors = tf.where(ended, anchor[:, tf.newaxis], state["anchors"])
        key = controller.anchor_keys(output)[:, tf.newaxis]
        node = tf.minimum(option, self.nodes - 1)
        primitive = tf.maximum(option - self.nodes, 0)
        inputs = tf.where(
            step.decides_predecessor,
            tf.gather(anchors, node, batch_dims=1),
            tf.where(
                step.decides_operation,
                controller.embedding(primitive),
                self._start(tf.shape(output)[0]),
            ),
        )
        is_edge = tf.range(self._most_edges) == step.edge
        sources = tf.where(
            is_edge & step.decides_predecessor,
            node[:, tf.newaxis],
            state["sources"],
        )
        # The next node has other predecessors.
        decides = step.decides_predecessor | step.decides_operation
        return {
            "inputs": inputs,
            "lstm": lstm,
            "anchors": anchors,
            "keys": tf.where(ended, key, state["keys"]),
            "sources": tf.where(decides, sources, -1),
        }
