"""The search step: what it computes, what it moves and what it leaves."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from plain_loss import plain_loss

from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.strategies.darts import DARTS
from tfdarts.strategies.hypergradient import hypergradient
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam
from tfdarts.training.schedules import EpochCosine

PRIMITIVES = ("none", "skip_connect", "sep_conv_3x3")
LEARNING_RATE = 0.1


def tiny_search(
    learning_rate=LEARNING_RATE,
    run_eagerly=False,
    jit_compile=False,
    loss=None,
    class_weight=None,
    **kwargs,
):
    supernet = CNNSupernet(
        2, 3, 3, (4, 4, 1), num_nodes=1, primitives=PRIMITIVES
    )
    search = DARTS(supernet, **kwargs)
    search.compile(
        SGD(learning_rate, momentum=0.9, l2=3e-3, clip_norm=0.1),
        Adam(0.05, l2=1e-3),
        loss=loss,
        class_weight=class_weight,
        run_eagerly=run_eagerly,
        jit_compile=jit_compile,
    )
    return search


def batch(seed):
    random = np.random.default_rng(seed)
    images = random.normal(1.0, 1.0, (8, 4, 4, 1)).astype("float32")
    labels = random.integers(0, 3, 8)
    return tf.constant(images), tf.constant(labels)


def values(variables):
    return [variable.numpy() for variable in variables]


def buffers_of(search):
    """The momentum of each weight; the optimizer has them as one vector."""
    (vector,) = values(search.optimizer.momentums)
    sizes = [w.size for w in values(search.supernet.network_weights)]
    parts = np.split(vector, np.cumsum(sizes)[:-1])
    weights = search.supernet.network_weights
    return [p.reshape(w.shape) for p, w in zip(parts, weights)]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.fixture(scope="module")
def second_order():
    search = tiny_search(order=2)
    search.train_step((batch(0), batch(1)))  # momentum is not zero any more
    return search


@pytest.fixture(scope="module")
def first_order():
    return tiny_search(order=1)


def test_alpha_gradients_change_nothing(second_order):
    search = second_order
    everything = [
        *search.supernet.variables,
        *search.optimizer.variables,
        *search.alpha_optimizer.variables,
    ]
    before = values(everything)
    search.alpha_gradients(batch(2), batch(3), LEARNING_RATE)
    assert same(before, values(everything))


def test_alpha_step_moves_alphas_only_and_weight_step_all_else(second_order):
    search, supernet = second_order, second_order.supernet
    of_alpha = {id(v) for v in supernet.alpha_variables}
    rest = [v for v in supernet.variables if id(v) not in of_alpha]
    rest += search.optimizer.variables
    weights, alphas = values(rest), values(supernet.alpha_variables)

    search.update_alphas([batch(2)], [batch(3)], LEARNING_RATE)
    moved = values(supernet.alpha_variables)
    assert same(weights, values(rest))
    assert not any(np.array_equal(a, b) for a, b in zip(alphas, moved))

    search.update_weights([batch(2)])
    assert same(moved, values(supernet.alpha_variables))
    assert not same(weights, values(rest))
    statistics = [
        v for v in supernet.non_trainable_variables if id(v) not in of_alpha
    ]
    assert len(statistics) == 2 * sum(
        isinstance(layer, keras.layers.BatchNormalization)
        for layer in supernet._flatten_layers()
    )


def test_gradients_are_those_of_the_pure_function(second_order):
    """Through flat vectors and compiled phases the same comes out."""
    search, supernet = second_order, second_order.supernet
    train, val = batch(2), batch(3)
    weights = [tf.constant(w) for w in values(supernet.network_weights)]
    alphas = [tf.constant(a) for a in values(supernet.alpha_variables)]
    buffers = buffers_of(search)
    assert any(np.abs(buffer).max() > 0 for buffer in buffers)

    def virtual_step(gradients, weights):
        return [
            w - LEARNING_RATE * (0.9 * b + g + 3e-3 * w)
            for w, g, b in zip(weights, gradients, buffers)
        ]

    expected = hypergradient(
        plain_loss(supernet, *train),
        plain_loss(supernet, *val),
        weights,
        alphas,
        virtual_step,
    )
    _, gradients = search.alpha_gradients(train, val, LEARNING_RATE)
    for one, other in zip(gradients, expected):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-5)


def test_first_order_is_the_gradient_at_the_weights(first_order):
    search, supernet = first_order, first_order.supernet
    train, val = batch(2), batch(3)
    weights = [tf.constant(w) for w in values(supernet.network_weights)]
    alphas = [tf.constant(a) for a in values(supernet.alpha_variables)]
    with tf.GradientTape() as tape:
        tape.watch(alphas)
        loss = plain_loss(supernet, *val)(weights, alphas)
    expected = tape.gradient(loss, alphas)
    alpha_loss, gradients = search.alpha_gradients(train, val, LEARNING_RATE)
    assert float(alpha_loss) == pytest.approx(float(loss), rel=1e-5)
    for one, other in zip(gradients, expected):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_weight_step_clips_adds_l2_and_moves_statistics(first_order):
    """One step against NumPy, from the plain gradient."""
    search, supernet = first_order, first_order.supernet
    x, y = batch(4)
    weights = [tf.constant(w) for w in values(supernet.network_weights)]
    alphas = [tf.constant(a) for a in values(supernet.alpha_variables)]
    buffers = buffers_of(search)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = plain_loss(supernet, x, y)(weights, alphas)
    gradients = [g.numpy() for g in tape.gradient(loss, weights)]
    norm = np.sqrt(sum(np.square(g).sum() for g in gradients))
    assert norm > 0.1
    stem_mean = supernet.stem_norm.moving_mean.numpy()
    stem_kernel = supernet.stem_conv.kernel.numpy()

    search.update_weights([(x, y)])

    for variable, weight, gradient, buffer in zip(
        supernet.network_weights, weights, gradients, buffers
    ):
        step = 0.9 * buffer + gradient * 0.1 / norm + 3e-3 * weight.numpy()
        np.testing.assert_allclose(
            variable.numpy(), weight - LEARNING_RATE * step, atol=1e-5
        )
    stem = np.asarray(keras.ops.conv(x, stem_kernel, padding="same"))
    np.testing.assert_allclose(
        supernet.stem_norm.moving_mean.numpy(),
        0.9 * stem_mean + 0.1 * stem.mean((0, 1, 2)),
        rtol=1e-4,
        atol=1e-6,
    )


def test_no_function_is_converted_by_autograph():
    """Converting takes time, and nothing needs it."""
    files = set()

    def loss(labels, logits):
        files.update(frame.filename for frame in inspect.stack())
        return tf.reduce_mean(logits)

    search = tiny_search(loss=loss)
    search.gradient_graph(batch(0))
    assert __file__ in files
    assert not [file for file in files if "__autograph" in file]


def test_the_loss_may_be_a_function_of_labels_and_logits():
    def cross_entropy(labels, logits):
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return tf.reduce_mean(each)

    results = []
    for loss in (None, cross_entropy):
        keras.utils.set_random_seed(0)
        search = tiny_search(run_eagerly=True, loss=loss)
        search.train_step((batch(0), batch(1)))
        search.test_step(batch(2))
        results.append(values(search.variables))
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="`class_weight` needs a `loss` that"):
        tiny_search(loss=cross_entropy, class_weight={0: 2.0})


def test_class_weights_count_in_both_losses_as_keras_has_it():
    """A batch's weighted losses are summed and divided by its size."""
    class_weight = {0: 0.25, 2: 3.0}  # One that is not given counts 1.
    search = tiny_search(
        method="exact", run_eagerly=True, class_weight=class_weight
    )
    supernet, train, val = search.supernet, batch(2), batch(3)
    weights = [tf.constant(w) for w in values(supernet.network_weights)]
    alphas = [tf.constant(a) for a in values(supernet.alpha_variables)]
    losses = [
        plain_loss(supernet, *pair, class_weight) for pair in (train, val)
    ]
    expected = hypergradient(
        *losses,
        weights,
        alphas,
        lambda gradients, weights: [
            w - LEARNING_RATE * (g + 3e-3 * w)
            for w, g in zip(weights, gradients)
        ],
        method="exact",
    )
    _, gradients = search.alpha_gradients(train, val, LEARNING_RATE)
    for one, other in zip(gradients, expected):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)

    class Plain(keras.Model):
        """The supernet, trained by Keras alone."""

        def __init__(self):
            super().__init__()
            self.supernet = supernet

        def call(self, x, training=None):
            return self.supernet(x, training=True)

    model = Plain()
    model.compile(
        keras.optimizers.SGD(0.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=True,
    )
    arrays = [tensor.numpy() for tensor in train]
    history = model.fit(*arrays, class_weight=class_weight, verbose=0).history
    search.update_weights([train])
    assert float(search.loss_tracker.result()) == pytest.approx(
        history["loss"][0], rel=1e-5
    )
    x, y = val
    log = tf.nn.log_softmax(supernet(x, training=False)).numpy()
    unweighted = -log[np.arange(len(y)), y].mean()
    evaluated = search.evaluate(x, y, verbose=0, return_dict=True)
    assert evaluated["loss"] == pytest.approx(unweighted, rel=1e-5)


class Noisy(CNNSupernet):
    """A supernet with a seed among its variables."""

    def build(self, input_shape):
        if not self.built:
            self.dropout = keras.layers.Dropout(0.5)
        super().build(input_shape)

    def call(self, inputs, training=None):
        noisy = self.dropout(inputs, training=training)
        return super().call(noisy, training=training)


def test_seeds_move_with_the_weights_alone():
    """And all passes of an alpha step see the same noise."""
    supernet = Noisy(2, 3, 3, (4, 4, 1), num_nodes=1, primitives=PRIMITIVES)
    search = DARTS(supernet, order=2, method="exact")
    search.compile(
        SGD(LEARNING_RATE, momentum=0.0), Adam(0.05), run_eagerly=True
    )
    train, val = batch(2), batch(3)
    (seed,) = supernet.dropout.variables
    assert seed.dtype == "int64"
    before = seed.numpy()
    expected = hypergradient(
        plain_loss(supernet, *train),
        plain_loss(supernet, *val),
        [tf.constant(w) for w in values(supernet.network_weights)],
        [tf.constant(a) for a in values(supernet.alpha_variables)],
        lambda gradients, weights: [
            w - LEARNING_RATE * g for w, g in zip(weights, gradients)
        ],
        method="exact",
    )
    _, gradients = search.alpha_gradients(train, val, LEARNING_RATE)
    for one, other in zip(gradients, expected):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)
    search.update_alphas([train], [val], LEARNING_RATE)
    np.testing.assert_array_equal(seed.numpy(), before)
    search.update_weights([train])
    assert not np.array_equal(seed.numpy(), before)


def test_keras_own_sgd_takes_its_own_virtual_step():
    """Its momentum holds the learning rate and its decay is apart."""
    search = tiny_search(order=2, method="exact")
    momentum, decay = 0.8, 0.02
    search.compile(
        keras.optimizers.SGD(
            LEARNING_RATE, momentum=momentum, weight_decay=decay
        ),
        Adam(0.05),
        run_eagerly=True,
    )
    search.train_step((batch(0), batch(1)))
    supernet, train, val = search.supernet, batch(2), batch(3)
    buffers = buffers_of(search)

    def virtual_step(gradients, weights):
        return [
            w * (1 - LEARNING_RATE * decay) + momentum * m - LEARNING_RATE * g
            for w, g, m in zip(weights, gradients, buffers)
        ]

    expected = hypergradient(
        plain_loss(supernet, *train),
        plain_loss(supernet, *val),
        [tf.constant(w) for w in values(supernet.network_weights)],
        [tf.constant(a) for a in values(supernet.alpha_variables)],
        virtual_step,
        method="exact",
    )
    _, gradients = search.alpha_gradients(train, val, LEARNING_RATE)
    for one, other in zip(gradients, expected):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


def test_gradients_do_not_hang_on_how_many_layers_there_were():
    """TensorFlow sorts sums by names; Keras' own would count on past 9."""
    search = tiny_search(order=1)
    weights, alphas, state = search._compiled_loss.values()

    def gradients(search):
        objective = search._compiled_loss.objective([batch(2)], state)
        _, (gradient,), alpha_gradients = objective.gradients([weights], alphas)
        return values([gradient, *alpha_gradients])

    expected = gradients(search)
    while keras.backend.get_uid("search_cell") < 9:
        pass
    assert same(gradients(tiny_search(order=1)), expected)


class ByHand:
    """Algorithm 1 in tapes and NumPy: one step from where a search stands."""

    def __init__(self, search, train, val, learning_rate):
        supernet = search.supernet
        self.train_loss = plain_loss(supernet, *train)
        self.val_loss = plain_loss(supernet, *val)
        self.rate = learning_rate
        self.weights = values(supernet.network_weights)
        self.buffers = buffers_of(search)
        self.alphas = values(supernet.alpha_variables)
        self.adam = zip(
            values(search.alpha_optimizer._momentums),
            values(search.alpha_optimizer._velocities),
        )
        self.step = search.optimizer.iterations.numpy() + 1

    def weight_step(self):
        """Clipped to 0.1, with L2 and momentum."""
        weights, alphas = tensors(self.weights), tensors(self.alphas)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = self.train_loss(weights, alphas)
        gradients = [g.numpy() for g in tape.gradient(loss, weights)]
        norm = np.sqrt(sum(np.square(g).sum() for g in gradients))
        clip = min(1, 0.1 / norm)
        self.buffers = [
            0.9 * b + clip * g + 3e-3 * w
            for w, g, b in zip(self.weights, gradients, self.buffers)
        ]
        self.weights = [
            w - self.rate * b for w, b in zip(self.weights, self.buffers)
        ]

    def alpha_step(self):
        """Adam along dL_val(w'(α), α)/dα, w' not clipped."""
        weights, alphas = tensors(self.weights), tensors(self.alphas)
        with tf.GradientTape() as outer:
            outer.watch(alphas)
            with tf.GradientTape() as inner:
                inner.watch(weights)
                loss = self.train_loss(weights, alphas)
            virtual = [
                w - self.rate * (0.9 * b + g + 3e-3 * w)
                for w, g, b in zip(
                    weights, inner.gradient(loss, weights), self.buffers
                )
            ]
            val_loss = self.val_loss(virtual, alphas)
        gradients = outer.gradient(val_loss, alphas)
        correction = np.sqrt(1 - 0.999**self.step) / (1 - 0.5**self.step)
        moved = []
        for a, gradient, (m, v) in zip(self.alphas, gradients, self.adam):
            g = gradient.numpy() + 1e-3 * a
            m, v = 0.5 * m + 0.5 * g, 0.999 * v + 0.001 * g * g
            moved.append(a - 0.05 * correction * m / (np.sqrt(v) + 1e-8))
        self.alphas = moved


def tensors(arrays):
    return [tf.constant(array) for array in arrays]


@pytest.mark.parametrize("update_order", ["alpha_first", "weights_first"])
def test_a_step_is_algorithm_1_by_hand(update_order):
    """The second one: slots are not zero, and the rate is its epoch's."""
    search = tiny_search(
        EpochCosine(0.2, 0.1, epochs=2, steps_per_epoch=1),
        run_eagerly=True,
        method="exact",
        update_order=update_order,
    )
    search.train_step((batch(0), batch(1)))
    hand = ByHand(search, batch(2), batch(3), learning_rate=0.15)
    before = hand.alphas
    if update_order == "alpha_first":
        hand.alpha_step()
        hand.weight_step()
    else:
        hand.weight_step()
        hand.alpha_step()

    search.train_step((batch(2), batch(3)))

    supernet = search.supernet
    for result, expected, start in zip(
        values(supernet.alpha_variables), hand.alphas, before
    ):
        np.testing.assert_allclose(result, expected, atol=1e-5)
        assert np.abs(result - start).max() > 0.01
    for result, expected in zip(values(supernet.network_weights), hand.weights):
        np.testing.assert_allclose(result, expected, atol=1e-6)


def test_fit_warms_up_evaluates_and_learns():
    search = tiny_search(order=1, alpha_warmup_steps=4)
    supernet = search.supernet
    x, y = batch(0)
    pairs = tf.data.Dataset.from_tensors(((x, y), batch(1))).repeat()
    initial = values(supernet.alpha_variables)

    history = search.fit(
        pairs, epochs=2, steps_per_epoch=2, verbose=0, shuffle=False
    )
    assert same(initial, values(supernet.alpha_variables))
    assert search.optimizer.iterations.numpy() == 4
    later = search.fit(
        pairs, epochs=1, steps_per_epoch=1, verbose=0, shuffle=False
    )
    assert set(later.history) == {"loss", "alpha_loss", "supernet_accuracy"}
    assert not same(initial, values(supernet.alpha_variables))
    assert set(history.history) == {"loss", "supernet_accuracy"}
    assert history.history["loss"][1] < history.history["loss"][0]

    evaluated = search.evaluate(x, y, verbose=0, return_dict=True)
    logits = supernet(x, training=False).numpy()
    accuracy = (logits.argmax(1) == y.numpy()).mean()
    assert evaluated["supernet_accuracy"] == pytest.approx(accuracy)


def parts_alike(seed):
    """A batch whose two halves are alike, so that batch norm sees the same."""
    return [tf.concat([tensor, tensor], axis=0) for tensor in batch(seed)]


@pytest.mark.parametrize("method", ["central_difference", "exact"])
def test_micro_batches_give_what_the_whole_gives(method):
    """To 1e-5, where batch norm sees the same in each part.

    Its moving variances differ: they are the unbiased ones of fewer examples.
    """
    whole, parts = (
        tiny_search(run_eagerly=True, method=method, micro_batches=count)
        for count in (1, 2)
    )
    parts.supernet.set_weights(whole.supernet.get_weights())
    for step in range(2):
        data = parts_alike(2 * step), parts_alike(2 * step + 1)
        logs = [search.train_step(data) for search in (whole, parts)]
        for name, value in logs[0].items():
            assert float(logs[1][name]) == pytest.approx(float(value), 1e-5)
    for ours, wanted in zip(
        parts.supernet.variables, whole.supernet.variables, strict=True
    ):
        if wanted.name != "moving_variance":
            np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-5)


def test_micro_batches_may_differ_where_batch_norm_is_frozen():
    """Then the mean of the parts is the whole, whatever is in the parts."""
    train, val = (
        [tf.concat(t, axis=0) for t in zip(batch(seed), batch(seed + 1))]
        for seed in (2, 4)
    )
    results = []
    for count in (1, 2):
        keras.utils.set_random_seed(0)
        search = tiny_search(
            run_eagerly=True, method="exact", micro_batches=count
        )
        for layer in search.supernet._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
        search.compile(SGD(LEARNING_RATE), Adam(), run_eagerly=True)
        results.append(search.alpha_gradients(train, val, LEARNING_RATE))
    (loss, gradients), (loss_in_parts, in_parts) = results
    assert float(loss_in_parts) == pytest.approx(float(loss), 1e-5)
    for ours, wanted in zip(in_parts, gradients, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-6)


def test_moving_statistics_move_by_the_mean_of_the_micro_batches():
    search = tiny_search(order=1, run_eagerly=True, micro_batches=2)
    halves = batch(0), batch(1)
    norm = search.supernet.stem_norm
    kernel = search.supernet.stem_conv.kernel
    means = [
        tf.reduce_mean(tf.nn.conv2d(x, kernel, 1, "SAME"), [0, 1, 2])
        for x, _ in halves
    ]
    search.update_weights([*halves])
    np.testing.assert_allclose(
        norm.moving_mean, 0.1 * (means[0] + means[1]) / 2, rtol=1e-4
    )
    assert search.accuracy.count.numpy() == 16


def test_the_largest_graph_is_that_of_a_micro_batch():
    whole, parts = (
        tiny_search(order=1, micro_batches=count) for count in (1, 4)
    )
    spec = tf.TensorSpec((8, 4, 4, 1)), tf.TensorSpec((8,), tf.int64)
    shapes = [
        {tuple(tensor.shape) for tensor in search.gradient_graph(spec).inputs}
        for search in (whole, parts)
    ]
    assert (8, 4, 4, 1) in shapes[0]
    assert (2, 4, 4, 1) in shapes[1]


def test_half_precision_is_refused_for_differences_only():
    supernet = CNNSupernet(
        2,
        3,
        3,
        (4, 4, 1),
        num_nodes=1,
        primitives=PRIMITIVES,
        dtype="mixed_bfloat16",
    )
    for method in ("central_difference", "one_sided_difference"):
        with pytest.raises(ValueError, match="would be only rounding"):
            DARTS(supernet, method=method)
    DARTS(supernet, order=1)
    DARTS(supernet, method="exact")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["first_order", "exact"])
def test_half_precision_points_the_same_way(method):
    random = np.random.default_rng(0)
    train, val = (
        (
            tf.constant(random.normal(size=(32, 12, 12, 3)), tf.float32),
            tf.constant(random.integers(0, 3, 32)),
        )
        for _ in range(2)
    )
    gradients = []
    for dtype in ("float32", "mixed_bfloat16"):
        keras.utils.set_random_seed(0)
        supernet = CNNSupernet(4, 3, 3, (12, 12, 3), num_nodes=1, dtype=dtype)
        order = 1 if method == "first_order" else 2
        search = DARTS(supernet, order=order, method="exact")
        search.compile(SGD(LEARNING_RATE), Adam())
        _, parts = search.alpha_gradients(train, val, LEARNING_RATE)
        assert all(part.dtype == "float32" for part in parts)
        gradients.append(np.concatenate([np.ravel(part) for part in parts]))
    lengths = [np.linalg.norm(gradient) for gradient in gradients]
    assert gradients[0] @ gradients[1] / np.prod(lengths) > 0.95


@pytest.mark.slow
def test_xla_gives_the_same():
    plain, compiled = (tiny_search(jit_compile=flag) for flag in (False, True))
    compiled.supernet.set_weights(plain.supernet.get_weights())
    for search in (plain, compiled):
        search.train_step((batch(0), batch(1)))
    assert compiled._compiled_loss.gradients._compute._jit_compile
    for ours, wanted in zip(
        values(compiled.supernet.variables),
        values(plain.supernet.variables),
        strict=True,
    ):
        np.testing.assert_allclose(ours, wanted, atol=1e-4)


def test_refusals():
    supernet = CNNSupernet(
        2, 3, 3, (4, 4, 1), num_nodes=1, primitives=PRIMITIVES
    )
    with pytest.raises(ValueError, match="`order` must be one of 1, 2"):
        DARTS(supernet, order=3)
    with pytest.raises(ValueError, match="`update_order` must be one of"):
        DARTS(supernet, update_order="both")
    again = CNNSupernet.from_config({**supernet.get_config(), "recompute": 1})
    with pytest.raises(ValueError, match="Leave out one of `recompute`"):
        DARTS(again).compile(SGD(), Adam(), jit_compile=True)
    with pytest.raises(ValueError, match="`micro_batches` must be at least 1"):
        DARTS(supernet, micro_batches=0)
    with pytest.raises(
        ValueError, match="must be a multiple of the number of micro"
    ):
        tiny_search(order=1, micro_batches=3).train_step((batch(0), batch(1)))
    with pytest.raises(
        ValueError, match="`alpha_warmup_steps` must be at least 0"
    ):
        DARTS(supernet, alpha_warmup_steps=-1)
    with pytest.raises(ValueError, match="virtual step.*RMSprop"):
        DARTS(supernet).compile(keras.optimizers.RMSprop(), Adam())
    accumulating = keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)
    clipping = keras.optimizers.SGD(0.1, clipnorm=1.0)
    excluding = keras.optimizers.SGD(0.1, weight_decay=0.1)
    excluding.exclude_from_weight_decay(var_names=["kernel"])
    for optimizer in (accumulating, clipping, excluding):
        with pytest.raises(ValueError, match="cannot take a virtual step with"):
            DARTS(supernet).compile(optimizer, Adam())
