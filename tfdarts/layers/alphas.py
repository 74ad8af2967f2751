"""The architecture parameters."""

import contextlib
import contextvars
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfdarts.layers import relaxations
from tfdarts.layers.constants import shared_constant
from tfdarts.layers.nested import nested_layers
from tfdarts.layers.relaxations import Relaxation

EXCLUDED = -1e9
"""The alpha of a primitive that an edge may not have."""

DECIDED = 40.0
"""The alpha of the only primitive of an edge: its sigmoid is 1."""

_as_edge_weights = contextvars.ContextVar("as_edge_weights", default=False)
_shifts = contextvars.ContextVar("shifts", default=())


@contextlib.contextmanager
def alphas_as_edge_weights():
    """Makes functions traced inside read edge weights in place of alphas."""
    token = _as_edge_weights.set(True)
    try:
        yield
    finally:
        _as_edge_weights.reset(token)


@contextlib.contextmanager
def shifted_edge_weights(shifts: Sequence[tf.Tensor]):
    """Makes functions traced inside shift the edge weights of single cells.

    Cells of one type share their alphas. The shifts tell them apart, so that
    the loss has a gradient in the edge weights of each cell.

    Args:
        shifts: List of tensors `(edges, primitives)`, one for each cell that
            is searched; or an empty list, for none.
    """
    token = _shifts.set(shifts)
    try:
        yield
    finally:
        _shifts.reset(token)


def shift_edge_weights(of_cells: list) -> list:
    """Returns the edge weights of all searched cells with their shifts.

    Args:
        of_cells: List of tensors `(edges, primitives)`.
    """
    shifts = _shifts.get()
    if not shifts:
        return of_cells
    return [w + s for w, s in zip(of_cells, shifts, strict=True)]


@keras.saving.register_keras_serializable(package="tfdarts")
class Alphas(keras.layers.Layer):
    """The alphas, one for each edge and primitive.

    The layer owns the variable `alpha`, with `edge_groups` also the variable
    `beta`, and has no inputs. Do not call the layer: `edge_weights()` returns
    the weights of the primitives.

    Alphas are not trainable weights of a Keras model, because `fit` of the
    model would train them on the training loss. Only a search changes them.

    Args:
        num_edges: Integer.
        num_primitives: Integer.
        initializer: Keras initializer. Defaults to a normal distribution of
            standard deviation `0.001`, as in the authors' code.
        relaxation: `Relaxation`, or its name: `"softmax"`, `"sigmoid"`,
            `"concrete"` or `"dirichlet"`. Several `Alphas` may share one.
            Defaults to `"softmax"`.
        mask: Boolean array `(num_edges, num_primitives)`, which primitives an
            edge may have. The others have the alpha -1e9, so their weights
            are 0. Defaults to all.
        edge_groups: Sequence of the group of each edge, such as the node that
            the edge enters. The weights of each edge are then multiplied by
            the softmax of `beta` over its group (edge normalization).
            Defaults to no such factor.

    Raises:
        ValueError: If the relaxation has trainable variables, or
            `edge_groups` has another length than `num_edges`.

    Example:

    >>> alphas = Alphas(num_edges=14, num_primitives=8)
    >>> alphas.edge_weights().shape
    TensorShape([14, 8])

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), equation 2
    - [Xu et al., 2020](https://arxiv.org/abs/1907.05737), equation 4
    """

    def __init__(
        self,
        num_edges: int,
        num_primitives: int,
        initializer: str | keras.initializers.Initializer | None = None,
        relaxation: str | Relaxation = "softmax",
        mask: np.ndarray | None = None,
        edge_groups: Sequence[int] | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_edges = num_edges
        self.num_primitives = num_primitives
        self.initializer = keras.initializers.get(
            initializer or keras.initializers.RandomNormal(stddev=1e-3)
        )
        self.relaxation = relaxations.get(relaxation)
        if self.relaxation.trainable_variables:
            raise ValueError(
                "A relaxation must not have trainable variables, because they "
                "would count as weights of the network: create them with "
                f"trainable=False. Received: {self.relaxation}."
            )
        mask = np.asarray(True if mask is None else mask)
        self.mask = None if mask.all() else mask
        self.edge_groups = None if edge_groups is None else [*edge_groups]
        if self.edge_groups and len(self.edge_groups) != num_edges:
            raise ValueError(
                "`edge_groups` must have a group for each of the "
                f"{num_edges} edges. Received: {self.edge_groups}."
            )
        self.build()

    def build(self, input_shape=None):
        if self.built:
            return
        self.alpha = self.add_weight(
            name="alpha",
            shape=(self.num_edges, self.num_primitives),
            initializer=self.initializer,
            trainable=False,
        )
        if self.mask is not None:  # Regularizers read the variable.
            self.alpha.assign(self._masked(self.alpha))
        self.beta = None
        if self.edge_groups:
            self.beta = self.add_weight(
                name="beta",
                shape=(self.num_edges,),
                initializer=self.initializer,
                trainable=False,
            )
        self.built = True

    @property
    def alpha_variables(self):
        """The variables that a search optimizes as architecture, a list."""
        return [self.alpha] if self.beta is None else [self.alpha, self.beta]

    def decide(self, edge: int, primitive: int | None = None) -> None:
        """Gives an edge one primitive for good, or cuts the edge.

        The alphas of the other primitives become -1e9, so that they have no
        weight. A search does not move the alphas of this edge any more.

        Args:
            edge: Integer.
            primitive: Integer, the primitive whose weight becomes 1. Defaults
                to none: all weights of the edge become 0.

        Example:

        >>> alphas = Alphas(num_edges=3, num_primitives=2)
        >>> alphas.decide(0, primitive=1)
        >>> alphas.decide(1)
        >>> alphas.edge_weights()[:2].numpy()
        array([[0., 1.],
               [0., 0.]], dtype=float32)
        """
        values = keras.ops.convert_to_numpy(self.alpha).copy()
        values[edge] = EXCLUDED
        if primitive is not None:
            values[edge, primitive] = DECIDED
        self.alpha.assign(values)

    def allowed(self) -> np.ndarray:
        """Returns which primitives the edges still have, a boolean array.

        Edges with one of them are decided, and edges without are cut.
        """
        return is_allowed(self._masked(self.alpha)).numpy()

    def edge_weights(self, training: bool = False) -> tf.Tensor:
        """Returns the weights of the primitives in one pass.

        Args:
            training: Boolean. A relaxation may sample weights in training.

        Returns:
            A tensor of shape `(num_edges, num_primitives)`.
        """
        weights = self.relaxed(training)
        if self.beta is None:
            return weights
        return weights * self._weights_in_groups(self.beta, weights.dtype)

    def relaxed(self, training: bool = False) -> tf.Tensor:
        """Returns the weights that the relaxation makes of the alphas.

        Args:
            training: Boolean. A relaxation may sample weights in training.
        """
        if _as_edge_weights.get():
            return tf.convert_to_tensor(self.alpha)
        alpha = self._masked(self.alpha)
        weights = self.relaxation.weights_of(alpha, training)
        if weights.shape != alpha.shape:
            raise ValueError(
                f"`weights_of` of {type(self.relaxation).__name__} must return "
                f"weights of the shape of `alpha`, {tuple(alpha.shape)}. "
                f"Received: {tuple(weights.shape)}."
            )
        return weights * tf.cast(_is_connected(alpha), weights.dtype)

    def probabilities(self) -> tf.Tensor:
        """Returns the probabilities of the primitives, a float64 array.

        The shape is `(num_edges, num_primitives)`. Genotypes are derived from
        these probabilities.
        """
        alpha = self._masked(self.alpha).numpy()
        probabilities = self.relaxation.probabilities(alpha)
        probabilities = probabilities * _is_connected(alpha).numpy()
        if self.beta is None:
            return probabilities
        factors = self._weights_in_groups(self.beta, "float64")
        return probabilities * factors.numpy()

    def expected_weights(self) -> tf.Tensor:
        """Returns what `probabilities` returns, with a gradient in alpha.

        The dtype is that of alpha.
        """
        alpha = self._masked(self.alpha)
        weights = self.relaxation.expected_weights(alpha)
        weights *= tf.cast(_is_connected(alpha), weights.dtype)
        if self.beta is None:
            return weights
        return weights * self._weights_in_groups(self.beta, weights.dtype)

    def _masked(self, alpha):
        """Returns alphas; those that the mask excludes are -1e9."""
        alpha = keras.ops.convert_to_tensor(alpha)
        if self.mask is None:
            return alpha
        return keras.ops.where(self.mask, alpha, EXCLUDED)

    def _weights_in_groups(self, beta, dtype):
        """Returns the softmax of beta over each group, `(edges, 1)`."""
        beta = tf.cast(keras.ops.convert_to_tensor(beta), dtype)
        members = np.equal.outer([*{*self.edge_groups}], self.edge_groups)
        connected = _is_connected(self._masked(self.alpha))[:, 0]
        members = shared_constant(members, tf.bool) & connected
        weights = tf.nn.softmax(tf.where(members, beta, beta.dtype.min))
        return tf.reduce_sum(weights, axis=0)[:, tf.newaxis]

    def get_config(self):
        return {
            **super().get_config(),
            "num_edges": self.num_edges,
            "num_primitives": self.num_primitives,
            "initializer": keras.initializers.serialize(self.initializer),
            "relaxation": keras.saving.serialize_keras_object(self.relaxation),
            "mask": None if self.mask is None else self.mask.tolist(),
            "edge_groups": self.edge_groups,
        }


def is_allowed(alpha: tf.Tensor) -> tf.Tensor:
    """Returns which primitives edges may have, by their alphas."""
    return tf.convert_to_tensor(alpha) > EXCLUDED / 2


def is_decided(alpha: tf.Tensor) -> tf.Tensor:
    """Returns which edges have one primitive or none, of shape `(edges,)`.

    Args:
        alpha: Tensor `(edges, primitives)`.
    """
    return tf.math.count_nonzero(is_allowed(alpha), axis=-1) < 2


def _is_connected(alpha):
    """Returns which edges are not cut, of shape `(edges, 1)`."""
    return tf.reduce_any(is_allowed(alpha), axis=-1, keepdims=True)


def alpha_variables_of(model: keras.Layer) -> list[keras.Variable]:
    """Returns the variables of all `Alphas` inside a model or layer."""
    return [v for alphas in alphas_of(model) for v in alphas.alpha_variables]


def alphas_of(model: keras.Layer) -> list[Alphas]:
    """Returns all `Alphas` inside a model or layer, each once.

    Args:
        model: Keras model or layer.

    Example:

    >>> len(alphas_of(CNNSupernet(2, 3, 10, (8, 8, 1))))
    2
    """
    found = (each for each in nested_layers(model) if isinstance(each, Alphas))
    return [*{id(each): each for each in found}.values()]
