"""A search on two replicas is that on one device with the whole batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.models.rnn_supernet import RNNSupernet
from tfdarts.strategies.darts import DARTS
from tfdarts.training.devices import Replicas
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam

BATCH, WORDS = 8, 7
CLASS_WEIGHT = {0: 0.5, 1: 1.0, 2: 3.0}
ROUNDING = {"float32": 1e-5, "float64": 1e-12}


def images(random, dtype):
    x = random.normal(1.0, 1.0, (BATCH, 4, 4, 1))
    return tf.constant(x, dtype), tf.constant(random.integers(0, 3, BATCH))


def words(random, steps):
    tokens = random.integers(0, WORDS, (BATCH, steps + 1))
    return tf.constant(tokens[:, :-1]), tf.constant(tokens[:, 1:])


def built(supernet, replicas, method, **arguments):
    """Its clipping is always at work."""
    recurrent = isinstance(supernet, RNNSupernet)
    order = {"order": 1} if method == "first_order" else {"method": method}
    search = DARTS(
        supernet,
        clip_virtual_step=recurrent,
        replicas=replicas,
        **order,
        **arguments,
    )
    search.compile(
        SGD(0.1, momentum=0.0 if recurrent else 0.9, l2=1e-3, clip_norm=0.2),
        Adam(0.01, l2=1e-3),
        class_weight=None if recurrent else CLASS_WEIGHT,
    )
    return search


def cnn_search(replicas, method, dtype="float32", **arguments):
    keras.utils.set_random_seed(0)
    supernet = CNNSupernet(
        2,
        3,
        3,
        (4, 4, 1),
        num_nodes=1,
        primitives=("none", "max_pool_3x3", "skip_connect", "sep_conv_3x3"),
        dtype=dtype,
    )
    search = built(supernet, replicas, method, **arguments)
    random = np.random.default_rng(0)
    for _ in range(5):
        logs = search.train_step((images(random, dtype), images(random, dtype)))
    tested = []
    for rows in (BATCH, 5):
        x, y = images(random, dtype)
        tested.append(search.test_step((x[:rows], y[:rows])))
    return found(search, logs, *tested)


def rnn_search(replicas, method, dtype="float64"):
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
        dtype=dtype,
    )
    search = built(supernet, replicas, method)
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
    """Alphas, weights, statistics and what was said of them."""
    figures = [float(value) for each in logs for value in each.values()]
    supernet = search.supernet
    return {
        "alphas": [v.numpy() for v in supernet.alpha_variables],
        "weights": [v.numpy() for v in supernet.network_weights],
        "the rest": [v.numpy() for v in supernet.non_trainable_variables],
        "figures": figures,
    }


def require_the_same(one, other, tolerance):
    assert {*one} == {*other}
    for name in one:
        for a, b in zip(one[name], other[name], strict=True):
            # Metrics are float32.
            bound = max(tolerance, 1e-6) if name == "figures" else tolerance
            np.testing.assert_allclose(a, b, rtol=bound, atol=bound)


def two():
    return Replicas(["CPU:0", "CPU:1"])


def slow(*values):
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


OTHER_METHODS = slow("first_order", "one_sided_difference", "exact")


@pytest.mark.parametrize("dtype", ["float32", *slow("float64")])
@pytest.mark.parametrize("method", ["central_difference", *OTHER_METHODS])
def test_two_replicas_search_images_as_one(method, dtype):
    expected = cnn_search(Replicas(), method, dtype)
    result = cnn_search(two(), method, dtype)
    require_the_same(expected, result, ROUNDING[dtype])


@pytest.mark.parametrize("method", ["central_difference", *OTHER_METHODS])
def test_two_replicas_search_texts_as_one(method):
    expected = rnn_search(Replicas(), method)
    result = rnn_search(two(), method)
    require_the_same(expected, result, ROUNDING["float64"])


@pytest.mark.slow
def test_micro_batches_are_cut_before_they_are_shared():
    arguments = {"dtype": "float64", "micro_batches": 2}
    arguments["update_order"] = "weights_first"
    expected = cnn_search(Replicas(), "central_difference", **arguments)
    result = cnn_search(two(), "central_difference", **arguments)
    require_the_same(expected, result, 1e-10)


def test_accuracy_may_be_one_number_a_text():
    def nearness(y, logits):
        return tf.reduce_mean(-tf.abs(logits[..., 0]), axis=1)

    figures = []
    for replicas in (Replicas(), two()):
        keras.utils.set_random_seed(0)
        search = DARTS(
            RNNSupernet(WORDS, 3, 2, dtype="float64"), replicas=replicas
        )
        search.compile(SGD(0.1, momentum=0.0), Adam(0.01), accuracy=nearness)
        x, y = words(np.random.default_rng(0), 4)
        logs = search.test_step((x[:5], y[:5]))
        figures.append([float(value) for value in logs.values()])
    assert figures[1] == pytest.approx(figures[0], rel=1e-6)


def test_labels_may_be_vectors():
    search = DARTS(CNNSupernet(2, 3, 3, (4, 4, 1), num_nodes=1), replicas=two())
    search.compile(
        SGD(0.1),
        Adam(0.01),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        accuracy=keras.metrics.categorical_accuracy,
    )
    random = np.random.default_rng(0)
    x, y = images(random, "float32")
    logits = search.supernet(x[:5], training=False).numpy()
    labels = logits.argmax(1)
    labels[:2] = (labels[:2] + 1) % 3

    logs = search.test_step((x[:5], tf.one_hot(labels, 3)))
    assert float(logs["supernet_accuracy"]) == pytest.approx(3 / 5)
    of_labels = np.take_along_axis(logits, labels[:, None], 1)[:, 0]
    loss = np.log(np.exp(logits).sum(1)) - of_labels
    assert float(logs["loss"]) == pytest.approx(loss.mean(), rel=1e-5)


@pytest.mark.slow
def test_curvature_is_that_of_the_whole_batch():
    random = np.random.default_rng(3)
    batch = images(random, "float64")
    eigenvalues = []
    for replicas in (Replicas(), two()):
        keras.utils.set_random_seed(0)
        supernet = CNNSupernet(
            *(2, 3, 3, (4, 4, 1)),
            num_nodes=1,
            primitives=("skip_connect", "sep_conv_3x3"),
            dtype="float64",
        )
        search = built(supernet, replicas, "exact")
        eigenvalues.append(search.alpha_curvature(batch))
    assert eigenvalues[1] == pytest.approx(eigenvalues[0], rel=1e-8)


def test_what_cannot_be_shared_is_refused():
    with pytest.raises(ValueError, match="leave out `run_eagerly` and"):
        search = DARTS(RNNSupernet(WORDS, 3, 2), replicas=two())
        search.compile(SGD(0.1), Adam(0.1), run_eagerly=True)
    search = built(RNNSupernet(WORDS, 3, 2), two(), "exact")
    x, y = words(np.random.default_rng(0), 3)
    with pytest.raises(ValueError, match="multiple of their number, 2"):
        search.train_step(((x[:7], y[:7]), (x[:7], y[:7])))
