"""A search whose cells agree on the gradients of alpha."""

import keras
import tensorflow as tf

from tfdarts.strategies.darts import DARTS


@keras.saving.register_keras_serializable(package="tfdarts")
class LayerAlignment(DARTS):
    """`DARTS` whose weights descend L - λ Λ.

    Λ is the mean cosine between the gradients of the training loss L in the
    edge weights of each normal cell. The gradient of Λ in the weights is a
    central difference of two gradients, so a step of the weights has three
    passes.

    Args:
        supernet: `CNNSupernet` with at least two normal cells.
        alignment: Float, λ. You may assign the attribute `alignment` between
            steps. Defaults to `0.125`.
        alignment_epsilon: Float, the length of the change of all edge weights
            that the difference is over. Defaults to `1e-4`.
        **kwargs: Arguments of `DARTS`.

    Raises:
        ValueError: If the supernet has fewer than two cells that share
            alphas, or computes in half precision.

    Reference:

    - [Movahedi et al., 2023](https://arxiv.org/abs/2210.07998), section 4
    """

    def __init__(
        self, supernet, alignment=0.125, alignment_epsilon=1e-4, **kwargs
    ):
        super().__init__(supernet, **kwargs)
        cells = getattr(supernet, "searched_cells", ())
        types = [supernet.cell_type_of(cell) for cell in cells]
        self.aligned = [each == types[0] for each in types]
        if sum(self.aligned) < 2:
            raise ValueError(
                "The gradients of cells that share their alphas are aligned, "
                "so a tfdarts.CNNSupernet with at least two normal cells is "
                "needed: give it four cells or more. Received: "
                f"{supernet.name} with {sum(self.aligned)} of them."
            )
        if supernet.compute_dtype in ("bfloat16", "float16"):
            raise ValueError(
                f"A supernet that computes in {supernet.compute_dtype} has "
                "too few digits for the difference of two gradients: build "
                "it with dtype='float32'."
            )
        self.alignment = alignment
        self.alignment_epsilon = alignment_epsilon

    def weight_gradient(self, objective, weights, alphas):
        shape = self.supernet.space.alpha_shape
        cells = [tf.zeros(shape, alphas[0].dtype) for _ in self.aligned]
        loss, accuracy, gradient, gradients, state = objective.outputs(
            [weights], [*alphas, *cells]
        )
        carried = objective.carried
        # Gradients of gathered rows are sparse.
        gradients = [*map(tf.convert_to_tensor, gradients)]
        of_alphas, of_cells = gradients[: len(alphas)], gradients[len(alphas) :]
        if self.alignment:
            direction = self._direction(of_cells)
            epsilon = self.alignment_epsilon / tf.linalg.global_norm(direction)
            above, below = (
                objective.outputs(
                    [weights],
                    [*alphas, *(sign * epsilon * each for each in direction)],
                )[2]
                for sign in (1, -1)
            )
            change = (above - below) / (2 * epsilon)
            gradient -= self.alignment * change
        objective.carried = carried
        return loss, accuracy, gradient, of_alphas, state

    def _direction(self, of_cells):
        """Returns the gradient of Λ in the gradients of all cells."""
        with tf.GradientTape() as tape:
            tape.watch(of_cells)
            value = mean_cosine(
                [g for g, aligned in zip(of_cells, self.aligned) if aligned]
            )
        return tape.gradient(
            value, of_cells, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )

    def get_config(self):
        return {
            **super().get_config(),
            "alignment": self.alignment,
            "alignment_epsilon": self.alignment_epsilon,
        }


def mean_cosine(tensors):
    """Returns the mean cosine of all pairs of tensors.

    Args:
        tensors: List of at least two tensors of the same shape. One that is
            zero counts as orthogonal to all others.

    Example:

    >>> across, along = tf.constant([0.0, 3.0]), tf.constant([2.0, 0.0])
    >>> round(float(mean_cosine([along, across, along])), 4)
    0.3333
    """
    flat = tf.stack([tf.reshape(each, [-1]) for each in tensors])
    unit = tf.math.l2_normalize(flat, axis=1, epsilon=1e-30)
    of_sum = tf.reduce_sum(tf.square(tf.reduce_sum(unit, axis=0)))
    pairs = len(tensors) * (len(tensors) - 1)
    return (of_sum - tf.reduce_sum(tf.square(unit))) / pairs
