"""Keras optimizers in PyTorch's form, which published settings assume.

Keras' own optimizers differ in three ways that change published settings:
momentum includes the learning rate of the step that added the gradient, weight
decay is decoupled, and gradients are clipped before their all-reduce.
"""

import keras
import numpy as np
import tensorflow as tf

from tfdarts.arguments import scalar
from tfdarts.replicas import num_replicas

_OTHER_STEPS = (
    "clipnorm",
    "global_clipnorm",
    "clipvalue",
    "gradient_accumulation_steps",
)


class _GlobalClipping:
    """Clips the global norm of the gradient after its all-reduce.

    A constant learning rate is stored in the precision of the weights.
    """

    def __init__(self, learning_rate, *args, clip_norm=None, **kwargs):
        given = [name for name in _OTHER_STEPS if kwargs.get(name)]
        if given:
            raise ValueError(
                "tfdarts' optimizers have `clip_norm`, but do not take Keras' "
                f"{', '.join(_OTHER_STEPS)}. Received: {', '.join(given)}."
            )
        learning_rate, clip_norm = scalar(learning_rate), scalar(clip_norm)
        kwargs = {name: scalar(value) for name, value in kwargs.items()}
        super().__init__(learning_rate, *args, **kwargs)
        self._given_rate = learning_rate
        if clip_norm is not None and clip_norm <= 0:
            raise ValueError(
                f"`clip_norm` must be positive or None. "
                f"Received: clip_norm={clip_norm}."
            )
        self.clip_norm = clip_norm

    @property
    def learning_rate(self):
        return super().learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        keras.Optimizer.learning_rate.fset(self, learning_rate)
        self._given_rate = learning_rate

    def build(self, variables):
        is_constant = isinstance(self._learning_rate, keras.Variable)
        is_double = any(variable.dtype == "float64" for variable in variables)
        if not self.built and is_constant and is_double:
            self._make_rate_double()
        super().build(variables)

    def _make_rate_double(self):
        """Keeps the learning rate in float64; Keras keeps it in `floatx`."""
        rounded = self._learning_rate
        rate = float(rounded.numpy())
        # Unless another learning rate has been assigned since.
        if np.dtype(rounded.dtype).type(self._given_rate) == rate:
            rate = self._given_rate
        self._untrack_variable(rounded)
        with keras.name_scope(self.name):
            variable = keras.Variable(
                rate,
                name="learning_rate",
                dtype="float64",
                trainable=False,
                aggregation="only_first_replica",
            )
        self._track_variable(variable)
        self._learning_rate = variable

    def _all_reduce_sum_gradients(self, grads_and_vars):
        """All-reduces the gradients as Keras does, and clips the sum."""
        pairs = [*grads_and_vars]
        if num_replicas() > 1:
            # TensorFlow keeps the graph of each all-reduce, also of one
            # replica, as long as the process lives.
            pairs = super()._all_reduce_sum_gradients(pairs)
        if self.clip_norm is None:
            return pairs
        gradients, variables = zip(*pairs)
        gradients, _ = tf.clip_by_global_norm(gradients, self.clip_norm)
        return [*zip(gradients, variables)]

    def get_config(self):
        return {**super().get_config(), "clip_norm": self.clip_norm}


class _CoupledL2(_GlobalClipping):
    """Adds L2 to the gradient, after clipping."""

    def __init__(self, learning_rate, *args, l2=0.0, **kwargs):
        if kwargs.get("weight_decay"):
            raise ValueError(
                "This optimizer adds `l2` to the gradient and has no "
                "decoupled weight decay: leave out `weight_decay`. Received: "
                f"weight_decay={kwargs['weight_decay']}."
            )
        super().__init__(learning_rate, *args, **kwargs)
        if l2 < 0:
            raise ValueError(f"`l2` must not be negative. Received: l2={l2}.")
        self.l2 = scalar(l2)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}


@keras.saving.register_keras_serializable(package="tfdarts")
class SGD(_CoupledL2, keras.optimizers.SGD):
    """Stochastic gradient descent with PyTorch's momentum.

    With gradient g (clipped), L2 λ, momentum μ and learning rate η:

        b ← μ b + g + λ w
        w ← w − η b

    and with Nesterov's momentum, in PyTorch's form, w ← w − η (g + λ w + μ b).

    Args:
        learning_rate: Float or a Keras schedule.
        momentum: Float. Defaults to `0.9`.
        nesterov: Boolean. Defaults to `False`.
        l2: Float, λ, added to the gradient as `λ w`. Defaults to `0.0`.
        clip_norm: Float or `None`: largest global norm of the gradients.

    Example:

    >>> optimizer = SGD(learning_rate=0.1, momentum=0.9, l2=0.5)
    >>> weight = keras.Variable([1.0])
    >>> optimizer.apply([keras.ops.array([1.0])], [weight])
    >>> round(float(weight[0]), 6)  # 1 - 0.1 * (1 + 0.5)
    0.85

    Reference:

    - [Sutskever et al., 2013](https://proceedings.mlr.press/v28/sutskever13)
    """

    def __init__(
        self,
        learning_rate: float
        | keras.optimizers.schedules.LearningRateSchedule = 0.025,
        momentum: float = 0.9,
        **kwargs,
    ):
        super().__init__(learning_rate, momentum=momentum, **kwargs)

    def update_step(self, gradient, variable, learning_rate):
        step = gradient + self.l2 * variable
        if self.momentum:
            slot = self.momentums[self._get_variable_index(variable)]
            buffer, step = self._with_momentum(step, slot)
            self.assign(slot, buffer)
        self.assign_sub(
            variable, keras.ops.cast(learning_rate, variable.dtype) * step
        )

    def _with_momentum(self, step, buffer):
        """Returns the new momentum buffer and the step."""
        buffer = self.momentum * buffer + step
        return (
            buffer,
            step + self.momentum * buffer if self.nesterov else buffer,
        )

    def virtual_step(
        self,
        gradients: list[tf.Tensor],
        weights: list[tf.Tensor],
        momentums: list[tf.Tensor],
        learning_rate: tf.Tensor | float,
    ) -> list[tf.Tensor]:
        """Returns the weights after a step without clipping; changes nothing.

        Args:
            gradients: List of tensors, g.
            weights: List of tensors, w.
            momentums: List of tensors, b. Unused without momentum.
            learning_rate: Scalar, ξ.

        Returns:
            List of tensors: w − ξ (μ b + g + λ w), unless `nesterov`.
        """
        steps = [g + self.l2 * w for w, g in zip(weights, gradients)]
        if self.momentum:
            steps = [
                self._with_momentum(s, b)[1] for b, s in zip(momentums, steps)
            ]
        return [w - learning_rate * s for w, s in zip(weights, steps)]


class _AdamStep:
    """Keras' step of Adam, with β in the precision of the weights.

    Keras rounds β to float32 first, which distorts the small 1 - β^t of the
    first steps t.
    """

    def update_step(self, gradient, variable, learning_rate):
        ops, dtype = keras.ops, variable.dtype
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        step = ops.cast(self.iterations + 1, dtype)
        correction_1, correction_2 = (
            1 - ops.power(ops.convert_to_tensor(beta, dtype), step)
            for beta in (self.beta_1, self.beta_2)
        )
        rate = ops.cast(learning_rate, dtype) * ops.sqrt(correction_2)
        rate = rate / correction_1
        self.assign_add(m, (gradient - m) * (1 - self.beta_1))
        self.assign_add(v, (ops.square(gradient) - v) * (1 - self.beta_2))
        if self.amsgrad:
            largest = self._velocity_hats[index]
            self.assign(largest, ops.maximum(largest, v))
            v = largest
        self.assign_sub(variable, m * rate / (ops.sqrt(v) + self.epsilon))


@keras.saving.register_keras_serializable(package="tfdarts")
class Adam(_CoupledL2, _AdamStep, keras.optimizers.Adam):
    """Adam with L2 in the gradient and the paper's settings for alpha.

    Args:
        learning_rate: Float or a Keras schedule. Defaults to `3e-4`.
        beta_1: Float. Defaults to `0.5`.
        beta_2: Float. Defaults to `0.999`.
        epsilon: Float. Defaults to `1e-8`, as in PyTorch.
        l2: Float, added to the gradient as `l2 * w`. Defaults to `0.0`.
        clip_norm: Float or `None`: largest global norm of the gradients.

    Example:

    >>> optimizer = Adam(learning_rate=0.1)
    >>> alpha = keras.Variable([0.0])
    >>> optimizer.apply([keras.ops.array([5.0])], [alpha])
    >>> round(float(alpha[0]), 4)  # the first step is the rate's
    -0.1

    Reference:

    - [Kingma and Ba, 2015](https://arxiv.org/abs/1412.6980)
    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.1.1
    """

    def __init__(
        self,
        learning_rate: float
        | keras.optimizers.schedules.LearningRateSchedule = 3e-4,
        beta_1: float = 0.5,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        **kwargs,
    ):
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            **kwargs,
        )

    def update_step(self, gradient, variable, learning_rate):
        gradient = gradient + self.l2 * variable
        super().update_step(gradient, variable, learning_rate)


@keras.saving.register_keras_serializable(package="tfdarts")
class AdamW(_GlobalClipping, _AdamStep, keras.optimizers.AdamW):
    """Keras' AdamW, with clipping after the gradients' all-reduce.

    Args:
        learning_rate: Float or a Keras schedule.
        weight_decay: Float, decoupled from the gradient.
        clip_norm: Float or `None`: largest global norm of the gradients.

    Reference:

    - [Loshchilov and Hutter, 2019](https://arxiv.org/abs/1711.05101)
    """

    def __init__(self, learning_rate=0.001, **kwargs):
        super().__init__(learning_rate, **kwargs)
        # Keras' `cast` would round a Python float to float32 first.
        self.weight_decay = np.float64(self.weight_decay)
