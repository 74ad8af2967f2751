"""A supernet's loss and its derivatives in the edge weights."""

import functools

import tensorflow as tf

from tfdarts.layers.alphas import alphas_as_edge_weights
from tfdarts.layers.alphas import alphas_of
from tfdarts.strategies.batch_objective import BatchObjective


class EdgeWeightLoss:
    """A `CompiledLoss` whose alphas are edge weights, not to be relaxed.

    `alpha_gradients` and `evaluate` compute the loss in evaluation mode,
    `gradients` in training mode.

    Args:
        loss: `tfdarts.strategies.compiled_loss.CompiledLoss`.
    """

    def __init__(self, loss):
        self.loss = loss
        self.gradients = loss.phase(_with_edge_weights(loss.gradients.function))
        self.evaluation = loss.phase(
            _with_edge_weights(loss.evaluation_of_batch)
        )
        self.evaluation_of_batches = loss.phase(
            _with_edge_weights(
                functools.partial(loss.evaluation_of_batch, training=True)
            )
        )
        self.alpha_gradients = loss.phase(
            _with_edge_weights(
                functools.partial(loss.alpha_gradients.function, training=False)
            )
        )

    def objective(self, parts, state, penalty=0.0):
        """See `CompiledLoss.objective`."""
        penalty = tf.constant(penalty, self.loss.model.dtype)
        return BatchObjective(self, parts, state, penalty)

    def perturbed(self, perturbation, step, parts, values):
        """Returns the perturbed edge weights in place of the alphas.

        Args:
            perturbation: See `DARTS`.
            step: Integer, the number of the step.
            parts: See `CompiledLoss.objective`.
            values: `Values`.
        """
        objective = self.objective(parts, values.state)

        def loss(edge_weights):
            loss, gradients = objective.alpha_gradients(
                [values.weights], self.in_place(values, edge_weights)
            )
            # Gradients of gathered rows are sparse, and rows may repeat.
            gradients = map(tf.convert_to_tensor, gradients)
            variables = map(id, self.loss.alpha_variables)
            gradients = dict(zip(variables, gradients))
            return loss, [gradients[id(each.alpha)] for each in self._alphas]

        edge_weights = self.edge_weights(training=True)
        return self.in_place(values, perturbation(edge_weights, step, loss))

    def edge_weights(self, training):
        """Returns the edge weights of each `Alphas`, before edges' factors.

        Args:
            training: Boolean; see `tfdarts.Alphas.relaxed`.
        """
        return [each.relaxed(training) for each in self._alphas]

    def evaluate(self, values, edge_weights, parts, training=False):
        """Returns loss and accuracy of a batch; changes nothing.

        Args:
            values: `Values`.
            edge_weights: List of arrays, in the form of `edge_weights`.
            parts: See `CompiledLoss.objective`.
            training: Boolean, whether batch norms take the statistics of the
                batch. Defaults to `False`.
        """
        alphas = self.in_place(values, edge_weights)
        evaluate = self.evaluation_of_batches if training else self.evaluation
        means, _, _ = evaluate((values.weights, alphas, values.state), parts)
        return means

    @property
    def _alphas(self):
        return alphas_of(self.loss.model.model)

    def in_place(self, values, edge_weights):
        """Returns edge weights in place of the alphas, betas as they are."""
        given = dict(
            zip((id(each.alpha) for each in self._alphas), edge_weights)
        )
        return [
            tf.convert_to_tensor(given.get(id(variable), value))
            for variable, value in zip(self.loss.alpha_variables, values.alphas)
        ]


def _with_edge_weights(function):
    def with_edge_weights(*values):
        with alphas_as_edge_weights():
            return function(*values)

    return with_edge_weights
