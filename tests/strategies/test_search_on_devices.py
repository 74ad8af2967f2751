"""A search on N devices is one of N micro-batches on one device."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.layers.batch_norm import synchronize_batch_norms
from tfdarts.layers.chosen_mixed_op import ChosenMixedOp
from tfdarts.layers.drop_path import DropPath
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.partial_mixed_op import PartialMixedOp
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.models.rnn_supernet import RNNSupernet
from tfdarts.strategies.darts import DARTS
from tfdarts.strategies.gradient.greedy_decisions import GreedyDecisions
from tfdarts.strategies.gradient.search_stages import keep_strongest
from tfdarts.strategies.gradient.widening import widen
from tfdarts.strategies.phase import Phase
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam

BATCH, WORDS = 8, 7
CLASS_WEIGHT = {0: 0.5, 1: 1.0, 2: 3.0}
ROUNDING = 1e-12
KEPT = ("skip_connect", "max_pool_3x3", "dil_conv_3x3")


class WithDropPath(CNNSupernet):
    """A supernet that leaves out images at random."""

    def build(self, input_shape):
        if not self.built:
            self.drop_path = DropPath(seed=5, dtype=self.dtype_policy)
            self.drop_path.rate.assign(0.3)
        super().build(input_shape)

    def call(self, inputs, training=None):
        kept = self.drop_path(inputs, training=training)
        return super().call(kept, training=training)


def images(random, rows=BATCH):
    x = random.normal(1.0, 1.0, (rows, 4, 4, 1))
    return tf.constant(x), tf.constant(random.integers(0, 3, rows))


def words(random, steps):
    tokens = random.integers(0, WORDS, (BATCH, steps + 1))
    return tf.constant(tokens[:, :-1]), tf.constant(tokens[:, 1:])


def built(supernet, method, **arguments):
    """Its clipping is always at work."""
    recurrent = isinstance(supernet, RNNSupernet)
    order = {"order": 1} if method == "first_order" else {"method": method}
    search = DARTS(supernet, clip_virtual_step=recurrent, **order, **arguments)
    search.compile(
        SGD(0.1, momentum=0.0 if recurrent else 0.9, l2=1e-3, clip_norm=0.2),
        Adam(0.01, l2=1e-3),
        class_weight=None if recurrent else CLASS_WEIGHT,
    )
    return search


def cnn_search(
    method,
    kind=CNNSupernet,
    synchronized=False,
    steps=5,
    rows=BATCH,
    relaxation="softmax",
    **arguments,
):
    keras.utils.set_random_seed(0)
    supernet = kind(
        2,
        3,
        3,
        (4, 4, 1),
        num_nodes=1,
        primitives=("none", "max_pool_3x3", "sep_conv_3x3"),
        relaxation=relaxation,
        dtype="float64",
    )
    if synchronized:
        synchronize_batch_norms(supernet)
    search = built(supernet, method, **arguments)
    random = np.random.default_rng(0)
    for _ in range(steps):
        pairs = images(random, rows), images(random, rows)
        logs = search.train_step(pairs)
    # Two replicas have 4 and 4 rows, 2 and 3, none and 1.
    tested = [search.test_step(images(random, rows)) for rows in (BATCH, 5, 1)]
    return found(search, logs, *tested)


def rnn_search(method, **arguments):
    keras.utils.set_random_seed(0)
    supernet = RNNSupernet(
        WORDS,
        3,
        2,
        input_dropout=0.3,
        recurrent_dropout=0.3,
        word_dropout=0.2,
        embedding_dropout=0.2,
        output_dropout=0.2,
        temporal_l2=0.1,
        dtype="float64",
    )
    search = built(supernet, method, **arguments)
    random = np.random.default_rng(0)
    for steps in (4, 2, 5, 3, 4):
        pairs = words(random, steps), words(random, steps)
        logs = search.train_step(pairs)
    tested = []
    for steps in (4, 3):
        x, y = words(random, steps)
        tested.append(search.test_step((x[:5], y[:5])))
    return found(search, logs, *tested)


def found(search, *logs):
    """All that a search moves, and what was said of it."""
    supernet = search.supernet
    return {
        "alphas": [v.numpy() for v in supernet.alpha_variables],
        "weights": [v.numpy() for v in supernet.network_weights],
        "statistics": [v.numpy() for v in supernet.non_trainable_variables],
        "slots": [
            v.numpy()
            for optimizer in (search.optimizer, search.alpha_optimizer)
            for v in optimizer.variables
        ],
        "figures": [float(value) for each in logs for value in each.values()],
    }


def require_the_same(one, other, tolerance=ROUNDING):
    assert {*one} == {*other}
    for name in one:
        for a, b in zip(one[name], other[name], strict=True):
            # Metrics are float32.
            bound = max(tolerance, 1e-6) if name == "figures" else tolerance
            np.testing.assert_allclose(a, b, rtol=bound, atol=bound)


def slow(*values):
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


METHODS = pytest.mark.parametrize(
    "method",
    [
        "central_difference",
        *slow("first_order", "one_sided_difference", "exact"),
    ],
)


@METHODS
def test_two_devices_search_images_as_two_micro_batches(method, two_replicas):
    require_the_same(
        cnn_search(method, WithDropPath, micro_batches=2),
        cnn_search(method, WithDropPath, distribution=two_replicas),
    )


@pytest.mark.parametrize(
    "method",
    [
        "first_order",
        *slow("central_difference", "one_sided_difference", "exact"),
    ],
)
def test_two_devices_search_texts_as_two_micro_batches(method, two_replicas):
    require_the_same(
        rnn_search(method, micro_batches=2),
        rnn_search(method, distribution=two_replicas),
    )


@pytest.mark.parametrize(
    ("relaxation", "mixed_op"),
    [
        ("concrete", MixedOp),
        pytest.param(
            *("straight_through", ChosenMixedOp), marks=pytest.mark.slow
        ),
    ],
)
def test_all_parts_have_the_same_random_weights_of_primitives(
    relaxation, mixed_op, two_replicas
):
    arguments = {
        "kind": functools.partial(CNNSupernet, mixed_op=mixed_op),
        "steps": 2,
        "relaxation": relaxation,
    }
    require_the_same(
        cnn_search("first_order", micro_batches=2, **arguments),
        cnn_search("first_order", distribution=two_replicas, **arguments),
    )


@pytest.mark.slow
def test_devices_and_micro_batches_are_parts_together(two_replicas):
    # Sums of four are rounded otherwise. Differences would amplify that, and
    # so would batch norms of the last map of two images, a pixel each.
    arguments = {"update_order": "weights_first", "rows": 2 * BATCH}
    require_the_same(
        cnn_search("exact", micro_batches=4, **arguments),
        cnn_search(
            "exact", micro_batches=2, distribution=two_replicas, **arguments
        ),
        1e-10,
    )


@pytest.mark.parametrize(
    "method", slow("first_order", "exact", "central_difference")
)
def test_global_batch_norm_is_that_of_the_whole_batch(method, two_replicas):
    require_the_same(
        cnn_search(method, steps=3),
        cnn_search(
            method, synchronized=True, steps=3, distribution=two_replicas
        ),
    )


def meetings_in(compiled):
    """How often replicas meet in what has been compiled, of all of them."""
    return sum(
        "Collective" in kind
        for function in compiled._list_all_concrete_functions()
        for kind in (
            *(op.type for op in function.graph.get_operations()),
            *(
                node.op
                for body in function.graph.as_graph_def().library.function
                for node in body.node_def
            ),
        )
    )


@pytest.mark.parametrize("synchronized", [False, *slow(True)])
def test_replicas_meet_five_times_a_step(synchronized, two_replicas):
    """Once a phase, each of both; nowhere within, unless batch norms do."""
    supernet = CNNSupernet(
        *(2, 3, 3, (4, 4, 1)),
        num_nodes=1,
        primitives=("skip_connect", "max_pool_3x3"),
    )
    if synchronized:
        synchronize_batch_norms(supernet)
    search = built(supernet, "central_difference", distribution=two_replicas)
    loss, called = search._compiled_loss, []
    phases = [v for v in vars(loss).values() if isinstance(v, Phase)]
    assert len(phases) == 5
    averages = {phase: phase._average for phase in phases}
    for phase, average in averages.items():

        def counted(vectors, phase=phase, average=average):
            called.append(phase)
            return average(vectors)

        phase._average = counted
    x, y = images(np.random.default_rng(0))
    batch = tf.cast(x, tf.float32), y
    search.train_step((batch, batch))
    assert len(called) == 5
    for phase in {*called}:
        assert meetings_in(averages[phase]) == 2
        assert (meetings_in(phase._compute) > 0) == synchronized
    search.train_step((batch, batch))
    assert len(called) == 10


def test_a_process_may_have_no_row_of_a_test(two_replicas):
    """As of three processes that share a last batch of two images."""
    x, y = images(np.random.default_rng(0), rows=3)
    x = tf.cast(x, tf.float32)
    for how in ({}, {"distribution": two_replicas}):
        search = built(
            CNNSupernet(2, 3, 3, (4, 4, 1), num_nodes=1), "first_order", **how
        )
        before = search.test_step((x, y))
        after = search.test_step((x[:0], y[:0]))
        assert {k: float(v) for k, v in before.items()} == {
            k: float(v) for k, v in after.items()
        }
    with pytest.raises(ValueError, match="must have at least one example"):
        search.train_step(((x[:0], y[:0]), (x, y)))


def test_a_search_is_made_outside_of_a_scope(two_replicas):
    supernet = CNNSupernet(2, 3, 3, (4, 4, 1), num_nodes=1)
    with two_replicas.scope():
        with pytest.raises(ValueError, match="give the strategy as `distr"):
            DARTS(supernet)


def test_accuracy_may_be_one_number_a_text(two_replicas):
    def nearness(y, logits):
        return tf.reduce_mean(-tf.abs(logits[..., 0]), axis=1)

    figures = []
    for distribution in (None, two_replicas):
        keras.utils.set_random_seed(0)
        search = DARTS(
            RNNSupernet(WORDS, 3, 2, dtype="float64"), distribution=distribution
        )
        search.compile(SGD(0.1, momentum=0.0), Adam(0.01), accuracy=nearness)
        x, y = words(np.random.default_rng(0), 4)
        logs = search.test_step((x[:5], y[:5]))
        figures.append([float(value) for value in logs.values()])
    assert figures[1] == pytest.approx(figures[0], rel=1e-6)


def test_labels_may_be_vectors(two_replicas):
    search = DARTS(
        CNNSupernet(2, 3, 3, (4, 4, 1), num_nodes=1), distribution=two_replicas
    )
    search.compile(
        SGD(0.1),
        Adam(0.01),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        accuracy=keras.metrics.categorical_accuracy,
    )
    x, y = images(np.random.default_rng(0))
    logits = search.supernet(x[:5], training=False).numpy()
    labels = logits.argmax(1)
    labels[:2] = (labels[:2] + 1) % 3

    logs = search.test_step((x[:5], tf.one_hot(labels, 3)))
    assert float(logs["supernet_accuracy"]) == pytest.approx(3 / 5)
    of_labels = np.take_along_axis(logits, labels[:, None], 1)[:, 0]
    loss = np.log(np.exp(logits).sum(1)) - of_labels
    assert float(logs["loss"]) == pytest.approx(loss.mean(), rel=1e-5)


def take_steps(search, steps):
    random = np.random.default_rng(0)
    return [
        search.train_step((images(random), images(random)))
        for _ in range(steps)
    ]


def test_edges_are_decided_as_with_micro_batches(two_replicas):
    """Between two steps of each."""
    outcomes = []
    for how in ({"micro_batches": 2}, {"distribution": two_replicas}):
        keras.utils.set_random_seed(0)
        supernet = CNNSupernet(
            *(2, 3, 3, (4, 4, 1)),
            num_nodes=1,
            primitives=("none", "skip_connect", "max_pool_3x3"),
            dtype="float64",
        )
        search = built(supernet, "first_order", **how)
        decisions = GreedyDecisions(search)
        decisions.set_params({"epochs": 2})
        logs = take_steps(search, 2)
        decisions.on_epoch_end(0)
        logs += take_steps(search, 2)
        decided = [
            alphas.allowed().sum(axis=1).tolist()
            for alphas in supernet.alphas.values()
        ]
        assert all(1 in counts and 3 in counts for counts in decided)
        outcomes.append(found(search, *logs))
    require_the_same(*outcomes)


def test_a_stage_follows_as_with_micro_batches(two_replicas):
    """As in DrNAS, fewer primitives of twice the channels."""
    outcomes = []
    for how in ({"micro_batches": 2}, {"distribution": two_replicas}):
        space, parts = tfdarts.CNNSearchSpace(1, KEPT), {}
        for stage in (4, 2):
            keras.utils.set_random_seed(stage)
            parts[stage] = built(
                CNNSupernet(
                    *(8, 3, 3, (4, 4, 1)),
                    space=space,
                    mixed_op=functools.partial(
                        PartialMixedOp, channel_parts=stage
                    ),
                    dtype="float64",
                ),
                "first_order",
                **how,
            )
            if stage == 2:
                widen(parts[4], parts[2])
            logs = take_steps(parts[stage], 2)
            kept = keep_strongest(
                space, parts[stage].supernet.probabilities(), 2
            )
            space = space.narrow(kept)
        outcomes.append(found(parts[2], *logs))
    require_the_same(*outcomes)


@pytest.mark.slow
def test_curvature_is_that_of_micro_batches(two_replicas):
    batch = images(np.random.default_rng(3))
    eigenvalues = []
    for how in ({"micro_batches": 2}, {"distribution": two_replicas}):
        keras.utils.set_random_seed(0)
        supernet = CNNSupernet(
            *(2, 3, 3, (4, 4, 1)),
            num_nodes=1,
            primitives=("skip_connect", "sep_conv_3x3"),
            dtype="float64",
        )
        search = built(supernet, "exact", **how)
        eigenvalues.append(search.alpha_curvature(batch))
    assert eigenvalues[1] == pytest.approx(eigenvalues[0], rel=1e-8)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [({"micro_batches": 2}, {}), ({}, {"jit_compile": True})],
)
def test_global_batch_norm_is_of_a_plain_step(arguments, options, two_replicas):
    def compile_on(distribution):
        supernet = CNNSupernet(2, 3, 3, (4, 4, 1), num_nodes=1)
        synchronize_batch_norms(supernet)
        search = DARTS(supernet, distribution=distribution, **arguments)
        search.compile(**options)

    compile_on(None)
    with pytest.raises(ValueError, match="Global batch norms on several devi"):
        compile_on(two_replicas)


def test_what_cannot_be_shared_is_refused(two_replicas):
    with pytest.raises(ValueError, match="leave out `run_eagerly`"):
        search = DARTS(RNNSupernet(WORDS, 3, 2), distribution=two_replicas)
        search.compile(SGD(0.1), Adam(0.1), run_eagerly=True)
    search = built(RNNSupernet(WORDS, 3, 2), "exact", distribution=two_replicas)
    x, y = words(np.random.default_rng(0), 3)
    with pytest.raises(ValueError, match="this process, 2. Received a"):
        search.train_step(((x[:7], y[:7]), (x[:7], y[:7])))
    with pytest.raises(ValueError, match="this process, 2. Received a"):
        search.alpha_curvature((x[:7], y[:7]))
