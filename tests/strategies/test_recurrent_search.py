"""A search of a recurrent cell, in float64: hypergradient and carried state."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.models.rnn_supernet import RNNSupernet
from tfdarts.strategies import hypergradient
from tfdarts.strategies.darts import DARTS
from tfdarts.strategies.virtual_step import clip_step
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam

WORDS, UNITS, BATCH, STEPS = 7, 3, 4, 5
XI, L2 = 0.5, 1e-2


def batch(seed, steps=STEPS):
    random = np.random.default_rng(seed)
    tokens = random.integers(0, WORDS, (BATCH, steps + 1))
    return tf.constant(tokens[:, :-1]), tf.constant(tokens[:, 1:])


def built(
    clip_norm=None, run_eagerly=False, order=2, micro_batches=1, **arguments
):
    keras.utils.set_random_seed(0)
    supernet = RNNSupernet(WORDS, UNITS, 2, dtype="float64", **arguments)
    random = np.random.default_rng(1)
    for weight in supernet.trainable_weights + supernet.alpha_variables:
        weight.assign(random.normal(size=weight.shape))
    search = DARTS(
        supernet,
        order=order,
        method="exact",
        micro_batches=micro_batches,
        clip_virtual_step=clip_norm is not None,
        dtype="float64",
    )
    search.compile(
        SGD(XI, l2=L2, clip_norm=clip_norm), Adam(0.05), run_eagerly=run_eagerly
    )
    return search


def plain_loss(supernet, inputs, y):
    """The loss as a function of weights and alphas, by Keras alone."""
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, dtype="float64"
    )

    def loss(weights, alphas):
        variables = supernet.network_weights + supernet.alpha_variables
        values = {
            id(v): value for v, value in zip(variables, [*weights, *alphas])
        }
        (logits, _), _ = supernet.stateless_call(
            [values[id(v)] for v in supernet.trainable_variables],
            [
                values.get(id(v), v.value)
                for v in supernet.non_trainable_variables
            ],
            *inputs,
            training=True,
        )
        return cross_entropy(y, logits)

    return loss


def by_tapes(supernet, train, val, clip_norm):
    """The derivative, by tapes in tapes; c and what clips v are constants."""
    train_loss, val_loss = (
        plain_loss(supernet, *train),
        plain_loss(supernet, *val),
    )
    weights = [tf.constant(v.numpy()) for v in supernet.network_weights]
    alphas = [tf.constant(v.numpy()) for v in supernet.alpha_variables]

    def norm(tensors):
        return np.sqrt(sum(np.sum(np.square(t)) for t in tensors))

    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = train_loss(weights, alphas)
    gradients = tape.gradient(loss, weights)
    c = min(1.0, clip_norm / norm(gradients)) if clip_norm else 1.0
    virtual = [w - XI * (c * g + L2 * w) for w, g in zip(weights, gradients)]
    with tf.GradientTape() as tape:
        tape.watch([virtual, alphas])
        loss = val_loss(virtual, alphas)
    v, explicit = tape.gradient(loss, (virtual, alphas))
    shrink = min(1.0, clip_norm / norm(v)) if clip_norm else 1.0
    with tf.GradientTape() as outer:
        outer.watch(alphas)
        with tf.GradientTape() as inner:
            inner.watch(weights)
            loss = train_loss(weights, alphas)
        gradients = inner.gradient(loss, weights)
        product = sum(
            tf.reduce_sum(g * shrink * d) for g, d in zip(gradients, v)
        )
    implicit = outer.gradient(product, alphas)
    return explicit, [-XI * c * i for i in implicit], (c, shrink)


@pytest.mark.parametrize("clip_norm", [None, 0.1])
@pytest.mark.parametrize(
    ("method", "ratio", "bound"),
    [
        ("exact", None, 1e-9),
        ("central_difference", 1e-6, 1e-4),
        ("one_sided_difference", 1e-6, 1e-3),
    ],
)
def test_hypergradient_is_the_derivative(
    monkeypatch, clip_norm, method, ratio, bound
):
    if ratio:
        monkeypatch.setattr(hypergradient, "EPSILON_RATIO", ratio)
    search = built(clip_norm, run_eagerly=True)
    monkeypatch.setattr(search, "method", method)
    zeros = [tf.zeros((BATCH, UNITS), "float64")]
    train, val = [((x, zeros), y) for x, y in (batch(2), batch(3))]
    explicit, implicit, constants = by_tapes(
        search.supernet, train, val, clip_norm
    )
    assert (max(constants) < 1) == (clip_norm is not None)
    _, gradients = search.alpha_gradients(batch(2), batch(3), XI)
    for gradient, first, second in zip(gradients, explicit, implicit):
        found = (gradient - first).numpy()
        size = np.linalg.norm(second)
        assert size > 1e-5 * np.linalg.norm(first)
        assert np.linalg.norm(found - second) < bound * size


@pytest.mark.slow
def test_compiled_is_eager_over_steps_of_many_lengths():
    """Weights, alphas, statistics and states of both streams."""
    searches = [built(0.1, run_eagerly=eager) for eager in (False, True)]
    for search in searches:
        for seed, steps in enumerate((5, 3, 4, 6)):
            search.train_step((batch(seed, steps), batch(9 + seed, steps)))
    one, other = searches
    for name in ("gradients", "mixed_product"):
        phase = getattr(one._compiled_loss, name)._compute.function
        assert phase.experimental_get_tracing_count() == 1
    for a, b in zip(one.supernet.variables, other.supernet.variables):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)
    for stream in ("train", "val"):
        ((a,),), ((b,),) = one._states[stream], other._states[stream]
        np.testing.assert_allclose(a, b, atol=1e-9)


@pytest.mark.parametrize("order", [1, 2])
def test_each_stream_carries_its_own_state(order):
    search = built(order=order, run_eagerly=True)
    supernet = search.supernet
    assert search._states == {}
    seen = []
    forward = search._compiled_loss._forward

    def noted(weights, alphas, state, penalty, batch, *mode):
        outcome = forward(weights, alphas, state, penalty, batch, *mode)
        seen.append((batch[0], outcome[2]))
        return outcome

    search._compiled_loss._forward = noted
    first, second = batch(1), batch(2)
    for step in range(2):
        search.train_step((first, second))
    of_val = [each for each in seen if np.array_equal(each[0][0], second[0])]
    of_train = [each for each in seen if np.array_equal(each[0][0], first[0])]
    assert len(of_val) == 2
    zeros = np.zeros((BATCH, UNITS))
    (begun, (carried,)), (later, _) = of_val
    np.testing.assert_array_equal(begun[1][0], zeros)
    np.testing.assert_array_equal(later[1][0], carried)
    np.testing.assert_array_equal(of_train[0][0][1][0], zeros)
    # What the weights' own pass, the last of a step, has left.
    passes = len(of_train) // 2
    np.testing.assert_array_equal(
        of_train[passes][0][1][0], of_train[passes - 1][1][0]
    )
    assert np.abs(of_train[passes][0][1][0] - carried).max() > 1e-6
    search.reset_states()
    search.train_step((first, second))
    np.testing.assert_array_equal(seen[-1][0][1][0], zeros)
    assert supernet.alpha_variables[0].shape == (3, 5)


def test_a_test_carries_its_state_on():
    """Two parts are the whole, each by the number of its words."""
    search = built(run_eagerly=True)
    x, y = batch(4, 6)
    logits, _ = search.supernet(x)
    whole = search.loss_function(y, logits)
    for part in (slice(None, 2), slice(2, None)):
        results = search.test_step((x[:, part], y[:, part]))
    assert float(results["loss"]) == pytest.approx(float(whole), rel=1e-6)
    assert {*search._states} == {"test"}


def test_penalties_move_the_weights_and_no_alpha():
    plain, penalised = (
        built(run_eagerly=True, temporal_l2=factor) for factor in (0.0, 50.0)
    )
    for search in (plain, penalised):
        search.train_step((batch(1), batch(2)))
    for a, b in zip(
        plain.supernet.alpha_variables, penalised.supernet.alpha_variables
    ):
        np.testing.assert_array_equal(a, b)
    moved = [
        np.abs(np.array(a) - np.array(b)).max()
        for a, b in zip(
            plain.supernet.network_weights, penalised.supernet.network_weights
        )
    ]
    assert max(moved) > 1e-3


def test_micro_batches_carry_the_state_of_the_whole_batch():
    search = built(run_eagerly=True, micro_batches=2)
    search.train_step((batch(1), batch(2)))
    for stream in ("train", "val"):
        (first,), (second,) = search._states[stream]
        assert first.shape == second.shape == (BATCH // 2, UNITS)
        assert not np.allclose(first, second)
    search.train_step((batch(3), batch(4)))


def test_a_search_through_fit_learns():
    random = np.random.default_rng(0)
    text = np.tile([0, 1, 2, 3, 4, 5, 6], 200)
    start = random.integers(0, 7, BATCH)
    columns = np.stack([text[s : s + 20 * STEPS + 1] for s in start])
    pairs = []
    for k in range(20):
        part = columns[:, k * STEPS : (k + 1) * STEPS + 1]
        pairs.append((part[:, :-1], part[:, 1:]))
    x, y = (np.stack(parts) for parts in zip(*pairs))
    dataset = tf.data.Dataset.from_tensor_slices(((x, y), (x, y)))
    search = built(order=1)
    # Larger rates and weights are chaotic: another last digit, another loss.
    supernet = search.supernet
    for weight in supernet.trainable_weights + supernet.alpha_variables:
        weight.assign(0.3 * weight)
    search.compile(SGD(0.2, l2=L2), Adam(0.05))
    history = search.fit(dataset, epochs=6, shuffle=False, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    search.reset_states()
    val = tf.data.Dataset.from_tensor_slices((x, y))
    results = search.evaluate(val, verbose=0, return_dict=True)
    assert results["supernet_accuracy"] > 3 / 7


def test_clipping_needs_a_norm():
    search = built()
    search.clip_virtual_step = True
    with pytest.raises(ValueError, match="needs a weight optimizer with a"):
        search.compile(SGD(0.1), Adam(0.05))


def test_a_clipped_virtual_step_clips_both_ways():
    def step(gradients, weights):
        return [w - 0.5 * g for w, g in zip(weights, gradients)]

    g = [tf.constant([3.0, 0.0]), tf.constant(4.0)]
    w = [tf.constant([1.0, 1.0]), tf.constant(1.0)]
    with tf.GradientTape() as tape:
        tape.watch(g)
        outcome = clip_step(step, clip_norm=1.0)(g, w)
    np.testing.assert_allclose(outcome[0], [1 - 0.3, 1.0], atol=1e-6)
    np.testing.assert_allclose(outcome[1], 1 - 0.4, atol=1e-6)
    direction = [tf.constant([0.0, 12.0]), tf.constant(5.0)]
    pulled = tape.gradient(outcome, g, output_gradients=direction)
    # Of norm 13, clipped to 1, times the -0.5 * 0.2 of the step.
    np.testing.assert_allclose(pulled[0], [0.0, -0.1 * 12 / 13], atol=1e-6)
    np.testing.assert_allclose(pulled[1], -0.1 * 5 / 13, atol=1e-6)
