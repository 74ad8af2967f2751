"""Relaxations: functions from alphas to the weights of the primitives."""

import keras
import tensorflow as tf

from tfdarts.signatures import takes

LEAST_CONCENTRATION = 1e-20
"""The least concentration that `Dirichlet` draws with; at 0 it has no samples.

Such a sample is 0.
"""


class Relaxation(keras.layers.Layer):
    """Maps alphas to the weights of the primitives.

    Subclass `Relaxation` and implement `weights_of` for your own relaxation.
    Keep state, such as a temperature or a seed, in variables of the layer, so
    that checkpoints include it. All cells of a supernet share one relaxation,
    so do not keep state of one cell in it.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.built = True

    def weights_of(self, alpha: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the weights of the primitives in one pass.

        Args:
            alpha: Tensor `(num_edges, num_primitives)`.
            training: Boolean. In training the weights may be random.

        Returns:
            Tensor `(num_edges, num_primitives)`.
        """
        raise NotImplementedError

    def probabilities(self, alpha: tf.Tensor) -> tf.Tensor:
        """Returns the probabilities of the primitives.

        Derivation, records and pictures use these probabilities. By default
        they are the weights that `weights_of` returns outside of training.

        Args:
            alpha: Array `(num_edges, num_primitives)`.

        Returns:
            NumPy array of the same shape, float64.
        """
        alpha = keras.ops.convert_to_tensor(alpha, "float64")
        return keras.ops.convert_to_numpy(self.expected_weights(alpha))

    def expected_weights(self, alpha: tf.Tensor) -> tf.Tensor:
        """Returns what `probabilities` returns, with a gradient in alpha.

        The expected cost of a network is computed from these weights. By
        default they are the weights that `weights_of` returns outside of
        training.

        Args:
            alpha: Tensor `(num_edges, num_primitives)`.
        """
        return self.weights_of(alpha)


@keras.saving.register_keras_serializable(package="tfdarts")
class Softmax(Relaxation):
    """The softmax of the alphas of each edge.

    Example:

    >>> Softmax().probabilities([[0.0, 0.0]])
    array([[0.5, 0.5]])

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), equation 2
    """

    def weights_of(self, alpha, training=False):
        # Not Keras' softmax: it warns of edges with only one primitive.
        return tf.nn.softmax(alpha)


class RandomRelaxation(Relaxation):
    """A relaxation that draws noise, with a seed that Keras saves.

    Args:
        seed: Integer. Defaults to a seed drawn from Keras' global seed.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def save_own_variables(self, store):
        super().save_own_variables(store)
        # Keras does not save the state of a seed generator itself.
        store["seed"] = keras.ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store):
        own = {name: store[name] for name in store.keys() if name != "seed"}
        super().load_own_variables(own)
        self.seed_generator.state.assign(store["seed"])

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="tfdarts")
class Concrete(RandomRelaxation, Softmax):
    """A sample of the concrete (Gumbel-softmax) distribution.

    In training the weights are `softmax((alpha + G) / temperature)`, where G
    is Gumbel noise, drawn again in each pass. Outside of training the weights
    are the probabilities of the primitives, `softmax(alpha)`.

    Args:
        temperature: Float, above 0. The lower the temperature, the closer a
            sample is to one primitive. You may assign the variable
            `temperature` between steps. Defaults to `1.0`.
        seed: Integer. Defaults to a seed drawn from Keras' global seed.

    Example:

    >>> relaxation = Concrete(temperature=1e-3, seed=0)
    >>> sample = relaxation.weights_of(keras.ops.zeros((1, 3)), training=True)
    >>> sorted(sample.numpy()[0].round(3).tolist())
    [0.0, 0.0, 1.0]

    Reference:

    - [Maddison et al., 2017](https://arxiv.org/abs/1611.00712)
    - [Xie et al., 2019](https://arxiv.org/abs/1812.09926), equation 6
    """

    def __init__(self, temperature=1.0, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        if temperature <= 0:
            raise ValueError(
                f"`temperature` must be above 0. Received: {temperature}."
            )
        self.initial_temperature = temperature
        self.temperature = self.add_weight(
            name="temperature",
            shape=(),
            initializer=keras.initializers.Constant(temperature),
            trainable=False,
        )

    def weights_of(self, alpha, training=False):
        if not training:
            return super().weights_of(alpha)
        dtype = keras.backend.standardize_dtype(alpha.dtype)
        uniform = keras.random.uniform(
            keras.ops.shape(alpha),
            minval=1e-30,
            seed=self.seed_generator,
            dtype=dtype,
        )
        noise = -keras.ops.log(-keras.ops.log(uniform))
        temperature = keras.ops.cast(self.temperature, dtype)
        return super().weights_of((alpha + noise) / temperature)

    def get_config(self):
        return {
            **super().get_config(),
            "temperature": self.initial_temperature,
        }


@keras.saving.register_keras_serializable(package="tfdarts")
class StraightThrough(Concrete):
    """One primitive of each edge, drawn by Gumbel noise.

    In training the weights are 1 for the largest entry of a concrete sample
    and otherwise 0. Their gradient is that of the concrete sample. Outside of
    training the weights are 1 for the most probable primitive.

    Args:
        temperature, seed: See `Concrete`.

    Example:

    >>> relaxation = StraightThrough(temperature=10.0, seed=0)
    >>> weights = relaxation.weights_of(keras.ops.zeros((1, 3)), training=True)
    >>> sorted(weights.numpy()[0].tolist())
    [0.0, 0.0, 1.0]

    Reference:

    - [Jang et al., 2017](https://arxiv.org/abs/1611.01144), section 2.2
    - [Dong and Yang, 2019](https://arxiv.org/abs/1910.04465), equations 3 to 5
    """

    def weights_of(self, alpha, training=False):
        soft = super().weights_of(alpha, training)
        strongest = tf.argmax(soft, axis=-1)
        hard = tf.one_hot(strongest, soft.shape[-1], dtype=soft.dtype)
        # The difference is exactly 0; only its gradient counts.
        return hard + (soft - tf.stop_gradient(soft))

    def expected_weights(self, alpha):
        return tf.nn.softmax(alpha)


@keras.saving.register_keras_serializable(package="tfdarts")
class Dirichlet(RandomRelaxation):
    """A sample of a Dirichlet distribution.

    The concentrations are `elu(alpha) + 1`. In training the weights are drawn
    again in each pass, and gradients of alpha are those of the samples. Outside
    of training the weights are the mean of the distribution. The probabilities
    are `softmax(alpha)`, by which the authors' code ranks operations and edges.

    Samples have no second derivative in alpha, which
    `tfdarts.DARTS.alpha_curvature` needs.

    Args:
        seed: Integer. Defaults to a seed drawn from Keras' global seed.

    Example:

    >>> relaxation = Dirichlet(seed=0)
    >>> relaxation.weights_of(tf.constant([[1.0, 0.0, 0.0]])).numpy().tolist()
    [[0.5, 0.25, 0.25]]
    >>> sample = relaxation.weights_of(tf.zeros((1, 3)), training=True)
    >>> round(float(tf.reduce_sum(sample)), 4)
    1.0

    Reference:

    - [Chen et al., 2021](https://arxiv.org/abs/2006.10355), section 3.1, and
      their code
    """

    def weights_of(self, alpha, training=False):
        # Logarithms, because elu(alpha) + 1 is rounded to 0 below -17.
        logs = tf.where(alpha > 0, tf.math.log1p(tf.nn.relu(alpha)), alpha)
        if not training:
            return tf.nn.softmax(logs)
        # TensorFlow has no samples in bfloat16.
        dtype = tf.float64 if alpha.dtype == tf.float64 else tf.float32
        samples = tf.random.stateless_gamma(
            tf.shape(alpha),
            tf.cast(self.seed_generator.next(), tf.int32),
            tf.maximum(tf.exp(tf.cast(logs, dtype)), LEAST_CONCENTRATION),
            dtype=dtype,
        )
        weights = samples / tf.reduce_sum(samples, axis=-1, keepdims=True)
        return tf.cast(weights, alpha.dtype)

    def expected_weights(self, alpha):
        return tf.nn.softmax(alpha)


@keras.saving.register_keras_serializable(package="tfdarts")
class Sigmoid(Relaxation):
    """The sigmoid of each alpha: operations do not compete.

    Example:

    >>> Sigmoid().probabilities([[0.0, 0.0]])
    array([[0.5, 0.5]])

    Reference:

    - [Chu et al., 2020](https://arxiv.org/abs/1911.12126), equation 3
    """

    def weights_of(self, alpha, training=False):
        return tf.sigmoid(alpha)


RELAXATIONS = {
    "softmax": Softmax,
    "sigmoid": Sigmoid,
    "concrete": Concrete,
    "straight_through": StraightThrough,
    "dirichlet": Dirichlet,
}
"""The relaxations by name."""


def get(identifier):
    """Returns a `Relaxation`.

    Args:
        identifier: Name in `RELAXATIONS`, `Relaxation`, or the dict of a
            `Relaxation` serialized by Keras.

    Raises:
        ValueError: If the identifier is none of these.
    """
    if isinstance(identifier, dict):
        return keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, Relaxation):
        _require_weights_of(identifier)
        return identifier
    if not isinstance(identifier, str) or identifier not in RELAXATIONS:
        raise ValueError(
            f"`relaxation` must be a tfdarts.Relaxation or one of "
            f"{', '.join(RELAXATIONS)}. Received: {identifier!r}."
        )
    return RELAXATIONS[identifier]()


def _require_weights_of(relaxation):
    """Raises `ValueError` if a relaxation cannot be called."""
    own = type(relaxation).weights_of
    if own is Relaxation.weights_of or not takes(own, relaxation, None, True):
        raise ValueError(
            f"The relaxation {type(relaxation).__name__} must have a method "
            "`weights_of(self, alpha, training=False)`."
        )
