"""A Keras model as a pure function of its variables."""

import inspect

import keras
import tensorflow as tf

from tfdarts.training.flat_variables import FlatVariables


class PureModel:
    """A Keras model as a pure function of the values of its variables.

    All weights are one flat vector and all batch-norm statistics another, so
    that a device needs two copies of vectors, not thousands of small tensors.

    Args:
        model: Keras model, built.
        apart: List of variables that belong neither to the weights nor to
            the state, such as a supernet's alphas.

    Attributes:
        weights: `FlatVariables` of the weights.
        statistics: `FlatVariables` of the non-trainable variables that have
            the dtype of the weights.
        others: List of all other variables, such as seeds of random layers.

    Example:

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> pure = PureModel(model)
    >>> weights, state = pure.read()
    >>> weights = pure.weights.split(0 * weights)
    >>> outputs, state, losses = pure(weights, state, (tf.ones((1, 2)),))
    >>> float(outputs[0, 0])
    0.0
    """

    def __init__(self, model, apart=()):
        self.model = model
        self.apart = list(apart)
        ids = {id(variable) for variable in self.apart}
        self.weights = FlatVariables(
            v for v in model.trainable_variables if id(v) not in ids
        )
        self.dtype = self.weights.variables[0].dtype
        # As Keras does; a model without this argument behaves as in inference.
        self._takes_training = (
            "training" in inspect.signature(model.call).parameters
        )
        state = [v for v in model.non_trainable_variables if id(v) not in ids]
        self.statistics = FlatVariables(filter(self._is_statistic, state))
        self.others = [v for v in state if not self._is_statistic(v)]

    def read(self):
        """Returns the weights and the state, the non-trainable variables."""
        others = [tf.convert_to_tensor(variable) for variable in self.others]
        return self.weights.read(), (self.statistics.read(), others)

    @tf.autograph.experimental.do_not_convert
    def __call__(self, weights, state, inputs, apart=(), training=True):
        """Returns the outputs, the new state, and the losses added.

        Args:
            weights: List of tensors, the values of the weights.
            state: The state, in the form that `read` returns.
            inputs: Tuple of the inputs of the model.
            apart: List of tensors, the values of the variables `self.apart`.
            training: Boolean.
        """
        model = self.model
        by_id = {
            id(variable): value
            for variables, values in (
                (self.weights.variables, weights),
                (self.apart, apart),
                (self.statistics.variables, self.statistics.split(state[0])),
                (self.others, state[1]),
            )
            for variable, value in zip(variables, values, strict=True)
        }
        mode = {"training": training} if self._takes_training else {}
        outputs, variables, losses = model.stateless_call(
            [by_id[id(v)] for v in model.trainable_variables],
            [by_id[id(v)] for v in model.non_trainable_variables],
            *inputs,
            **mode,
            return_losses=True,
        )
        ids = {id(variable) for variable in self.apart}
        state = [
            value
            for variable, value in zip(model.non_trainable_variables, variables)
            if id(variable) not in ids
        ]
        statistics = self.statistics.join(filter(self._is_statistic, state))
        others = [v for v in state if not self._is_statistic(v)]
        return outputs, (statistics, others), losses

    def write_state(self, state):
        """Assigns a state to the model's variables."""
        statistics, others = state
        self.statistics.write(statistics)
        for variable, value in zip(self.others, others):
            variable.assign(value)

    def _is_statistic(self, value):
        return keras.backend.standardize_dtype(value.dtype) == self.dtype
