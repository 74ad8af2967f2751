"""REINFORCE and PPO against closed forms, on small controllers."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace
from tfdarts.search_spaces.rnn import RNNSearchSpace
from tfdarts.strategies.controllers.moving_baseline import MovingBaseline
from tfdarts.strategies.controllers.policy_gradient import PolicyGradient
from tfdarts.strategies.controllers.policy_gradient import clipped_objective
from tfdarts.strategies.controllers.recurrent_controller import (
    RecurrentController,
)

ONE_DECISION = RNNSearchSpace(1, ("tanh", "relu", "sigmoid"))


def policy_of(space, learning_rate=0.1, dtype="float64", **arguments):
    controller = RecurrentController(space, 3, dtype=dtype, seed=2)
    optimizer = keras.optimizers.SGD(learning_rate)
    return PolicyGradient(controller, optimizer, **arguments)


def loss_of(policy, choices, advantages, first=None):
    """The loss, and the log-probabilities of now."""
    logs, entropies = policy.evaluate(np.array(choices))
    first = tf.stop_gradient(logs) if first is None else first
    return policy.loss(logs, first, np.array(advantages), entropies), logs


def gradient_in_bias(policy, choices, advantages, first=None):
    bias = policy.controller.operation_logits.bias
    with tf.GradientTape() as tape:
        loss, _ = loss_of(policy, choices, advantages, first)
    return tape.gradient(loss, bias.value).numpy()


def softmax_of(policy):
    """The probabilities of the only decision."""
    found, _ = policy.controller(np.array([[0], [1], [2]]))
    return np.exp(found[:, 0])


def test_the_gradient_of_reinforce_is_its_closed_form():
    policy = policy_of(ONE_DECISION)
    policy.controller.operation_logits.bias.assign([0.3, -0.2, 0.9])
    probabilities = softmax_of(policy)
    assert probabilities.sum() == pytest.approx(1)
    chosen, advantages = [2, 0, 2, 1], [0.5, -1.5, 2.0, 0.25]
    found = gradient_in_bias(policy, np.array(chosen)[:, None], advantages)
    expected = -np.mean(
        [
            a * (np.eye(3)[c] - probabilities)
            for c, a in zip(chosen, advantages)
        ],
        axis=0,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_expected_gradients_climb_the_expected_reward():
    """Over all sequences, weighted, it is the gradient of the mean reward."""
    policy = policy_of(RNNSearchSpace(2, ("tanh", "relu")))
    everything = np.array(
        [[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    )
    rewards = np.random.default_rng(0).normal(size=8)
    weights = [w.value for w in policy.controller.trainable_variables]

    def probabilities():
        found, _ = policy.controller(everything)
        return tf.exp(tf.reduce_sum(found, axis=1))

    with tf.GradientTape() as tape:
        mean_reward = tf.reduce_sum(rewards * probabilities())
    expected = tape.gradient(mean_reward, weights, unconnected_gradients="zero")
    advantages = 8 * (rewards - 0.3) * probabilities()
    with tf.GradientTape() as tape:
        loss, _ = loss_of(policy, everything, advantages)
    found = tape.gradient(loss, weights, unconnected_gradients="zero")
    found, expected = (
        [*map(tf.convert_to_tensor, each)] for each in (found, expected)
    )
    assert any(np.abs(each).max() > 1e-4 for each in expected)
    for one, other in zip(found, expected):
        np.testing.assert_allclose(-one, other, rtol=1e-8, atol=1e-14)


def test_the_clipped_objective_is_its_closed_form():
    ratios = np.array([0.5, 0.9, 1.0, 1.1, 1.5, 0.5, 0.9, 1.0, 1.1, 1.5])
    advantages = np.array([2.0] * 5 + [-2.0] * 5)
    first = np.log(np.linspace(0.05, 0.5, 10))
    logs = tf.Variable(np.log(ratios) + first)
    with tf.GradientTape() as tape:
        objective = clipped_objective(logs, first, advantages, 0.2)
    values = [1.0, 1.8, 2.0, 2.2, 2.4, -1.6, -1.8, -2.0, -2.2, -3.0]
    assert float(objective) == pytest.approx(np.mean(values), rel=1e-12)
    # Constant where the ratio has gone further than the clip, in the
    # direction of the advantage.
    slopes = [1.0, 1.8, 2.0, 2.2, 0.0, 0.0, -1.8, -2.0, -2.2, -3.0]
    found = tape.gradient(objective, logs)
    np.testing.assert_allclose(found, np.array(slopes) / 10, rtol=1e-12)


def test_the_gradient_of_ppo_is_its_closed_form():
    policy = policy_of(ONE_DECISION)
    policy.controller.operation_logits.bias.assign([0.3, -0.2, 0.9])
    probabilities = softmax_of(policy)
    chosen = np.array([0, 1, 2, 0])
    advantages = np.array([1.0, -1.0, 2.0, -0.5])
    ratios = np.array([1.3, 0.7, 1.1, 1.05])
    first = np.log(probabilities[chosen] / ratios)
    found = gradient_in_bias(policy, chosen[:, None], advantages, first)
    is_free = np.array([0, 0, 1, 1])  # The first two are clipped.
    slopes = is_free * ratios * advantages
    expected = -np.mean(
        slopes[:, None] * (np.eye(3)[chosen] - probabilities), axis=0
    )
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_the_entropy_is_maximized_too():
    policy = policy_of(ONE_DECISION, entropy_weight=0.5)
    policy.controller.operation_logits.bias.assign([0.3, -0.2, 0.9])
    p = softmax_of(policy)
    found = gradient_in_bias(policy, [[1], [2]], [0.0, 0.0])
    entropy = -np.sum(p * np.log(p))
    expected = 0.5 * p * (np.log(p) + entropy)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("epochs", [1, 3])
def test_an_update_descends_the_gradient_of_each_epoch(epochs):
    choices, advantages = np.array([[2], [0]]), np.array([1.0, -0.5])
    policy = policy_of(ONE_DECISION, 5.0, epochs=epochs, clip=0.2)
    by_hand = policy_of(ONE_DECISION, 5.0)
    assert (softmax_of(policy) == softmax_of(by_hand)).all()
    first, _ = by_hand.evaluate(choices)
    weights = by_hand.controller.trainable_variables
    for _ in range(epochs):
        with tf.GradientTape() as tape:
            loss, logs = loss_of(by_hand, choices, advantages, first)
        gradients = tape.gradient(
            loss, [w.value for w in weights], unconnected_gradients="zero"
        )
        for weight, gradient in zip(weights, gradients):
            weight.assign_sub(5.0 * tf.convert_to_tensor(gradient))
    # The last epochs are clipped.
    assert epochs == 1 or np.abs(np.exp(logs - first) - 1).max() > 0.2
    policy.update(choices, advantages)
    for one, other in zip(
        policy.controller.get_weights(), by_hand.controller.get_weights()
    ):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-14)


def test_a_policy_that_comes_back_from_json_goes_on_bit_for_bit():
    space = NASBench201SearchSpace()

    def made():
        controller = RecurrentController(space, 4)
        return PolicyGradient(controller, keras.optimizers.Adam(0.01), epochs=2)

    policy, again = made(), made()
    choices = policy.controller.sample(np.random.default_rng(0), 4)
    advantages = [1.0, -0.3, 0.2, 0.9]
    policy.update(choices, advantages)
    again.set_state(json.loads(json.dumps(policy.get_state())))
    for one in (policy, again):
        one.update(choices, advantages)
    for one, other in zip(policy.variables, again.variables):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert int(again.optimizer.iterations) == 4
    with pytest.raises(ValueError):
        again.set_state(policy.get_state()[1:])


def test_the_baseline_is_an_average_without_bias():
    baseline, rewards = MovingBaseline(0.8), []
    for reward in (3.0, -1.0, 4.0, 1.0, -5.0):
        rewards.append(reward)
        weights = 0.8 ** np.arange(len(rewards))[::-1]
        expected = reward - np.average(rewards, weights=weights)
        assert baseline.advantage(reward) == pytest.approx(expected)
