"""How good a supernet is with other edge weights."""

from collections.abc import Iterable
from collections.abc import Sequence

import tensorflow as tf

from tfdarts.models.supernet import carries_state
from tfdarts.strategies.pairs import validate_batch


class EdgeWeightScore:
    """Mixin of searches that scores a supernet with other edge weights."""

    def edge_weights(self) -> list:
        """Returns the weights of each `Alphas` outside of training, a list."""
        return self._compiled_loss.of_edge_weights.edge_weights(training=False)

    @property
    def scores_loss(self) -> bool:
        """Whether `score_of` returns the negative loss, not the accuracy."""
        return self.accuracy_function is None or carries_state(self.supernet)

    def score_of(self, edge_weights: Sequence, batches: Iterable) -> float:
        """Returns the accuracy with other edge weights; changes nothing.

        For language models, and without `accuracy` in `compile`, the negative
        loss is returned. Batch norms take the statistics of each batch.

        Args:
            edge_weights: List of arrays in the form of `edge_weights`.
            batches: Iterable of batches `(x, y)`. A last batch of fewer
                examples is left out.
        """
        loss = self._compiled_loss
        values, scores, rows = loss.values(), [], 0
        for batch in batches:
            batch = validate_batch(batch, self.supernet, self.loss_function)
            rows = rows or len(tf.nest.flatten(batch[1])[0])
            if len(tf.nest.flatten(batch[1])[0]) < rows:
                break
            # This stream has no carried state: it starts from the initial one.
            parts = self._parts(batch, "score")
            means = loss.of_edge_weights.evaluate(
                values, edge_weights, parts, training=True
            )
            scores.append(-means[0] if self.scores_loss else means[1])
        return float(tf.reduce_mean(scores))
