"""A supernet's loss and its derivatives in the edge weights."""

import functools

import tensorflow as tf

from tfdarts.layers.alphas import alphas_as_edge_weights
from tfdarts.layers.alphas import alphas_of
from tfdarts.strategies.batch_objective import BatchObjective


class EdgeWeightLoss:
    """A `CompiledLoss` whose alphas are edge weights, not to be relaxed.

    `alpha_gradients` computes the loss in evaluation mode, `gradients` in
    training mode.

    Args:
        loss: `tfdarts.strategies.compiled_loss.CompiledLoss`.
    """

    def __init__(self, loss):
        self.loss = loss
        self.gradients = loss.phase(_with_edge_weights(loss.gradients.function))
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
        alphas = alphas_of(self.loss.model.model)
        of_edges = {
            id(each.alpha): each.relaxed(training=True) for each in alphas
        }
        variables = [id(v) for v in self.loss.alpha_variables]

        def in_place(edge_weights):
            given = dict(zip(of_edges, edge_weights))
            return [
                given.get(variable, value)
                for variable, value in zip(variables, values.alphas)
            ]

        def loss(edge_weights):
            loss, gradients = objective.alpha_gradients(
                [values.weights], in_place(edge_weights)
            )
            # Gradients of gathered rows are sparse, and rows may repeat.
            gradients = map(tf.convert_to_tensor, gradients)
            gradients = dict(zip(variables, gradients))
            return loss, [gradients[variable] for variable in of_edges]

        return in_place(perturbation([*of_edges.values()], step, loss))


def _with_edge_weights(function):
    def with_edge_weights(*values):
        with alphas_as_edge_weights():
            return function(*values)

    return with_edge_weights
