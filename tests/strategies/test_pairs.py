"""What a search may be given: right, or a sentence before it learns."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.models.rnn_supernet import RNNSupernet
from tfdarts.strategies.darts import DARTS
from tfdarts.strategies.pairs import validate_batch

X = np.random.default_rng(0).normal(size=(6, 4, 4, 1)).astype("float32")
Y = np.arange(6) % 3
ONE_HOT = np.eye(3, dtype="float32")[Y]
RIGHT = ((X, Y), (X[::-1], Y[::-1]))
TOKENS = np.arange(12).reshape(3, 4) % 5


@pytest.fixture(scope="module")
def search():
    search = DARTS(
        CNNSupernet(
            2, 3, 3, (4, 4, 1), num_nodes=1, primitives=("none", "skip_connect")
        ),
        order=1,
    )
    search.compile()
    return search


def repeated(*pair, times=2):
    return tf.data.Dataset.from_tensors(pair).repeat(times)


def generator():
    yield from [RIGHT, RIGHT]


def of_unknown_rank():
    batch = tf.TensorSpec(None, "float32"), tf.TensorSpec(None, "int64")
    return tf.data.Dataset.from_generator(
        generator, output_signature=(batch, batch)
    ).repeat()


@pytest.mark.parametrize(
    "data",
    [
        of_unknown_rank,
        lambda: repeated(*RIGHT).map(
            lambda *pair: tf.nest.map_structure(
                lambda x: tf.cast(x, "float64") if x.dtype == "float32" else x,
                pair,
            )
        ),
        lambda: repeated(*((x, y[:, None]) for x, y in RIGHT)),
        lambda: repeated(*((x, y.astype("uint8")) for x, y in RIGHT)),
    ],
)
def test_all_that_holds_the_same_gives_the_same(search, data):
    variables = [
        *search.supernet.variables,
        *search.optimizer.variables,
        *search.alpha_optimizer.variables,
    ]
    initial = [variable.numpy() for variable in variables]

    def result(data):
        for variable, value in zip(variables, initial):
            variable.assign(value)
        history = search.fit(data, steps_per_epoch=2, verbose=0).history
        return [*history["loss"], *history["alpha_loss"]]

    expected = result(repeated(*RIGHT))
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(result(data()), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "data, options, sentence",
    [
        (repeated(X, Y), {}, r"Received batches of \(float32 of shape"),
        (repeated(*RIGHT, Y), {}, "Received batches of"),
        (
            repeated(*((x, y, y) for x, y in RIGHT)),
            {},
            "without example weights. Received ",
        ),
        (RIGHT, {}, "Received arrays, but a search takes"),
        (X, {"y": Y}, "Received arrays, but a search takes"),
        (repeated(*RIGHT), {"class_weight": {0: 2.0}}, "to `compile`, because"),
        (repeated(*RIGHT), {"sample_weight": np.ones(6)}, "take sample_weight"),
        (repeated(*RIGHT), {"validation_split": 0.1}, "take validation_split"),
        (repeated(*RIGHT, times=0), {}, "data set of a search is empty"),
        (repeated((X[:0], Y[:0]), RIGHT[1]), {}, "have at least one example"),
        (repeated((X, Y[:3]), RIGHT[1]), {}, "a label for each"),
        (repeated((X, ONE_HOT), RIGHT[1]), {}, "give `compile` loss=keras"),
        (repeated(RIGHT[0], (X, Y + 1)), {}, "from 0 to 2.* from 1 to 3"),
        (repeated(RIGHT[0], (X, Y - 1)), {}, "from 0 to 2.* from -1 to 1"),
        (
            repeated((X.astype("uint8"), Y), RIGHT[1]),
            {},
            "Images must be floating point.*Received uint8 of shape",
        ),
        (
            repeated((X[..., 0], Y), RIGHT[1]),
            {},
            r"must be \(batch, height, width, 1\), .*Received float32",
        ),
        (
            repeated((X[:, :3], Y), RIGHT[1]),
            {},
            r"width of at least 4. Received float32 of shape \(6, 3, 4, 1\)",
        ),
        (
            repeated((X.astype("str"), Y), RIGHT[1]),
            {},
            "Images must be floating point.*Received string",
        ),
        (
            repeated((X, Y.astype("str")), RIGHT[1]),
            {},
            "Labels must be class numbers.*Received string",
        ),
        (repeated(RIGHT[0], (X, Y == 0)), {}, "not names or.*Received bool"),
        (
            repeated(RIGHT[0], (X, Y + 0.5)),
            {},
            "or probabilities. Received float64",
        ),
        (
            repeated(RIGHT[0], (X, Y * np.nan)),
            {},
            "or probabilities. Received float",
        ),
        (
            repeated(*RIGHT),
            {"validation_data": repeated(X, Y, Y)},
            "without example weights",
        ),
        (
            repeated(*RIGHT),
            {"validation_data": repeated(*RIGHT)},
            "without example weights",
        ),
    ],
)
def test_what_is_no_pair_of_batches_is_refused(search, data, options, sentence):
    before = search.supernet.get_weights()
    with pytest.raises(ValueError, match=sentence) as refusal:
        search.fit(data, verbose=0, **options)
    assert "\n" not in str(refusal.value)
    if "validation_data" not in options:
        for one, other in zip(before, search.supernet.get_weights()):
            np.testing.assert_array_equal(one, other)


def test_the_stem_of_imagenet_takes_one_size():
    supernet = CNNSupernet(
        *(2, 3, 3, (32, 32, 1)),
        num_nodes=1,
        primitives=("none", "skip_connect"),
        stem="imagenet",
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    validate_batch((np.zeros((1, 32, 32, 1)), [0]), supernet, loss)
    with pytest.raises(ValueError, match=r"\(batch, 32, 32, 1\)"):
        validate_batch((np.zeros((1, 64, 64, 1)), [0]), supernet, loss)


def test_one_hot_labels_have_their_loss():
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    supernet = CNNSupernet(
        2, 3, 3, (4, 4, 1), num_nodes=1, primitives=("none", "skip_connect")
    )
    validate_batch((X, ONE_HOT), supernet, loss)


def test_texts_are_of_words():
    supernet = RNNSupernet(vocabulary_size=5, units=3, num_nodes=1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    validate_batch((TOKENS, TOKENS), supernet, loss)
    with pytest.raises(ValueError, match="Words must be integers. Received fl"):
        validate_batch((TOKENS / 2, TOKENS), supernet, loss)
    with pytest.raises(ValueError, match=r"of shape \[3, 4\]"):
        validate_batch((TOKENS, TOKENS[:, 0]), supernet, loss)
    with pytest.raises(ValueError, match="Labels must be from 0 to 4"):
        validate_batch((TOKENS, TOKENS + 1), supernet, loss)


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        keras.losses.SparseCategoricalCrossentropy(),
    ],
)
def test_a_loss_of_probabilities_is_refused(search, loss):
    with pytest.raises(ValueError, match="A supernet returns logits, so"):
        search.compile(loss=loss)
