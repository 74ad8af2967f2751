"""The recurrent controller: a policy that draws cells decision by decision."""

import functools

import keras
import numpy as np
import tensorflow as tf

from tfdarts.search_spaces.space_registry import as_space
from tfdarts.strategies.controllers.cell_decisions import CellDecisions
from tfdarts.strategies.controllers.controller_pass import ControllerPass
from tfdarts.strategies.controllers.controller_steps import steps_of


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
            seed=self.seed,
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
        passed = ControllerPass(self, options, lambda given, logs: given)
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

        return ControllerPass(self, noise, choose).options - self._offsets

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
