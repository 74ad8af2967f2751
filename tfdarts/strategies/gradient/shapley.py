"""A search whose alphas follow the Shapley values of the operations."""

from collections.abc import Callable
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfdarts.layers.alphas import alphas_of
from tfdarts.layers.relaxations import StraightThrough
from tfdarts.strategies.darts import DARTS
from tfdarts.training.optimizers import SGD


def contributions(
    order: Sequence[int],
    value: Callable[[np.ndarray], float],
    least_share: float = 0.0,
) -> np.ndarray:
    """Returns by how much each player's leaving lowers the value of a game.

    The mean over all orders is the Shapley value.

    Args:
        order: Permutation of the players, in which they leave.
        value: Function of a boolean array, which players are there.
        least_share: Float. Once the value is below this share of the value
            with all players, the others count 0. Defaults to `0.0`.

    Example:

    >>> contributions([1, 0], lambda present: present @ [3.0, 5.0])
    array([3., 5.])

    Reference:

    - [Castro et al., 2009](https://doi.org/10.1016/j.cor.2008.04.004)
    """
    present = np.ones(len(order), bool)
    found = np.zeros(len(order))
    first = before = value(present)
    for player in order:
        present[player] = False
        after = value(present)
        found[player] = before - after
        before = after
        if after < least_share * first:
            break
    return found


@keras.saving.register_keras_serializable(package="tfdarts")
class ShapleySearch(DARTS):
    """`DARTS` whose alphas follow Shapley values in place of gradients.

    The players are the operations of all edges; the value of a game is the
    accuracy on validation examples. Each epoch samples some orders in which
    operations leave the supernet, each order on the next batches. At the end
    of the epoch, alpha moves by the mean less the standard deviation over the
    samples, normalized over each cell type.

    Args:
        supernet: See `DARTS`.
        samples: Integer, orders per epoch. Defaults to `10`.
        batches: Integer, the validation batches that each order is valued
            on. Defaults to `4`.
        least_accuracy: Float, the share of the accuracy of the whole supernet
            below which no more operations leave. Defaults to `0.5`.
        momentum: Float, the share of the earlier epochs in the values that
            alpha moves by. Defaults to `0.8`.
        seed: Integer. The orders depend on the seed and the step only.
        **kwargs: Arguments of `DARTS`; `order` is 1.

    Raises:
        ValueError: If `order` is 2, a regularizer of alpha is given, or the
            edge weights are normalized or of one operation only.

    Reference:

    - [Xiao et al., 2022](https://arxiv.org/abs/2206.09811), and their code
    """

    def __init__(
        self,
        supernet,
        samples=10,
        batches=4,
        least_accuracy=0.5,
        momentum=0.8,
        seed=0,
        order=1,
        **kwargs,
    ):
        super().__init__(supernet, order=order, **kwargs)
        alphas = alphas_of(supernet)
        if order != 1 or self.alpha_regularizer is not None:
            raise ValueError(
                "Shapley values are no gradients of alpha: leave out `order` "
                "and `alpha_regularizer`."
            )
        if any(each.beta is not None for each in alphas):
            raise ValueError(
                "Shapley values value operations, not edges: leave out "
                "`edge_normalization`."
            )
        if any(isinstance(each.relaxation, StraightThrough) for each in alphas):
            raise ValueError(
                "Operations leave one after the other, so all must be "
                "computed: give another relaxation than 'straight_through'."
            )
        self.samples = samples
        self.batches = batches
        self.least_accuracy = least_accuracy
        self.momentum = momentum
        self.seed = seed
        self.values = [
            keras.Variable(
                np.zeros(each.alpha.shape, "float32"),
                trainable=False,
                name=f"shapley_{number}",
            )
            for number, each in enumerate(alphas)
        ]
        self._waiting, self._sampled = [], []

    def compile(self, weight_optimizer=None, alpha_optimizer=None, **kwargs):
        """See `DARTS.compile`; alpha's optimizer defaults to `SGD(0.1)`.

        Raises:
            ValueError: If there is no accuracy to value operations by.
        """
        alpha_optimizer = alpha_optimizer or SGD(0.1, momentum=0.0)
        super().compile(weight_optimizer, alpha_optimizer, **kwargs)
        if self.accuracy_function is None:
            raise ValueError(
                "Operations are valued by the accuracy of the model: give "
                "`accuracy` to `compile`."
            )

    def fit(self, x=None, y=None, *args, callbacks=None, **kwargs):
        """See `DARTS.fit`; alpha moves before other callbacks see an epoch."""
        move = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: self._forget(),
            on_epoch_end=lambda epoch, logs: self.move_alphas(),
        )
        callbacks = [move, *keras.tree.flatten(callbacks or [])]
        return super().fit(x, y, *args, callbacks=callbacks, **kwargs)

    def _forget(self):
        self._waiting, self._sampled = [], []

    def update_alphas(self, train_parts, val_parts, learning_rate):
        """Samples an order once there are enough batches; alpha stays."""
        if len(self._sampled) < self.samples:
            self._waiting.append(val_parts)
            if len(self._waiting) == self.batches:
                self._sample()

    def _sample(self):
        loss = self._compiled_loss.of_edge_weights
        values = self._compiled_loss.values()
        weights = loss.edge_weights(training=False)
        flat = np.concatenate([np.ravel(each) for each in weights])
        players = np.flatnonzero(flat)

        def accuracy(present):
            left = np.zeros_like(flat)
            left[players] = flat[players] * present
            outcomes = [
                loss.evaluate(values, self._split(left), parts)
                for parts in self._waiting
            ]
            mean, accuracy = np.mean(outcomes, axis=0)
            if present.all():
                self.alpha_loss_tracker.update_state(mean)
            return accuracy

        step = int(self.optimizer.iterations.numpy())
        order = np.random.default_rng((self.seed, step)).permutation(
            len(players)
        )
        found = np.zeros(len(flat))
        found[players] = contributions(order, accuracy, self.least_accuracy)
        # An operation that an edge cannot have has no value.
        found[flat == 0] = np.nan
        self._sampled.append(found)
        self._waiting = []

    def _split(self, flat):
        """Returns the parts of a vector, in the shapes of the alphas."""
        shapes = [each.alpha.shape for each in alphas_of(self.supernet)]
        cuts = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
        return [
            part.reshape(shape)
            for part, shape in zip(np.split(flat, cuts), shapes)
        ]

    def move_alphas(self):
        """Moves alpha by the values of the epoch's samples, if any."""
        if self._waiting and not self._sampled:
            self._sample()
        if not self._sampled:
            return
        sampled = np.array(self._sampled)
        found = self._split(sampled.mean(axis=0) - sampled.std(axis=0))
        for kept, values in zip(self.values, found):
            new = standardize(values)
            kept.assign(self.momentum * kept + (1 - self.momentum) * new)
        self._apply_alphas(
            [-tf.cast(each, self._dtype_of_weights) for each in self.values]
        )
        self._forget()

    def get_config(self):
        return {
            **super().get_config(),
            "samples": self.samples,
            "batches": self.batches,
            "least_accuracy": self.least_accuracy,
            "momentum": self.momentum,
            "seed": self.seed,
        }


def standardize(values):
    """Returns values of mean 0 and standard deviation 1; 0 for NaN.

    Equal values become 0.

    Args:
        values: Array.

    Example:

    >>> standardize(np.array([1.0, 3.0, 5.0, np.nan])).tolist()
    [-1.0, 0.0, 1.0, 0.0]
    """
    valued = ~np.isnan(values)
    centered = np.where(valued, values - values[valued].mean(), 0.0)
    deviation = np.sqrt(np.sum(centered**2) / max(valued.sum() - 1, 1))
    return centered / deviation if deviation else centered
