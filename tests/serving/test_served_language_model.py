"""A language model that is served: against the network, in NumPy."""

import subprocess
import sys

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf

from tfdarts import genotypes
from tfdarts.models.rnn_network import RNNNetwork
from tfdarts.serving.saved_language_model import export_language_model
from tfdarts.serving.saved_language_model import split_words
from tfdarts.serving.saved_model import export_saved_model
from tfdarts.words import words_of

VOCABULARY = ["<unk>", *"abcdefghijk", "<eos>", "käfer"]
SIZE, UNITS = len(VOCABULARY), 5


@pytest.fixture(scope="module")
def network():
    model = RNNNetwork(genotypes.get("DARTS_V2", "rnn"), SIZE, UNITS)
    random = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(random.normal(size=weight.shape))
    return model


@pytest.fixture(scope="module")
def path(network, tmp_path_factory):
    return export_language_model(
        network, tmp_path_factory.mktemp("letters"), VOCABULARY, "spaces"
    )


@pytest.fixture(scope="module")
def model(path):
    return tf.saved_model.load(str(path))


def log_softmax(network, tokens):
    """Of every step of one row, in NumPy."""
    logits = network(np.array([tokens]))[0][0].numpy().astype("float64")
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


TEXTS = ["a b c", "", "käfer d zebra\nb", "a b c d e f g h i j k a b"]


def numbers(text):
    words = ["<eos>", *text.replace("\n", " <eos> ").split()]
    return [VOCABULARY.index(w) if w in VOCABULARY else 0 for w in words]


def test_texts_of_several_lengths_are_answered_together(network, model):
    answers = model.signatures["serving_default"](text=tf.constant(TEXTS))
    answers = {name: value.numpy() for name, value in answers.items()}
    for row, text in enumerate(TEXTS):
        tokens = numbers(text)
        log_p = log_softmax(network, tokens)
        said = log_p[np.arange(len(tokens) - 1), tokens[1:]].sum()
        assert answers["log_probability"][row] == pytest.approx(said, abs=1e-4)
        assert answers["num_words"][row] == len(tokens) - 1
        following = np.exp(log_p[-1])
        np.testing.assert_allclose(
            answers["probabilities"][row], following, atol=1e-5
        )
        best = np.argsort(-following)[:10]
        words = [word.decode() for word in answers["top_words"][row]]
        assert words == [VOCABULARY[k] for k in best]
        np.testing.assert_allclose(
            answers["top_probabilities"][row], following[best], atol=1e-5
        )


def test_a_text_piece_by_piece_is_the_whole(network, model):
    ask = model.signatures["serving_tokens"]
    tokens = np.random.default_rng(1).integers(0, SIZE, (2, 9), "int32")
    state = tf.zeros((2, UNITS))
    for piece in (tokens[:, :4], tokens[:, 4:5], tokens[:, 5:]):
        answer = ask(tokens=tf.constant(piece), state=state)
        state = answer["state"]
    for row in range(2):
        expected = np.exp(log_softmax(network, tokens[row])[-1])
        np.testing.assert_allclose(
            answer["probabilities"][row], expected, atol=1e-5
        )
    with pytest.raises(tf.errors.InvalidArgumentError, match="from 0 to 13"):
        ask(tokens=tf.constant([[14]]), state=tf.zeros((1, UNITS)))


def split(text):
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@hypothesis.settings(max_examples=100, deadline=None)
@hypothesis.given(text=st.text(st.characters(codec="utf-8"), max_size=30))
@hypothesis.example(text="It's\r\n\r\n  1 x\ty \x0b z\rÄb\u2028c\n")
def test_words_between_spaces_are_those_of_training(text):
    found = split_words(tf.constant([text]), "spaces").to_list()[0]
    # The text goes on in its last line, which may have no word yet.
    expected = ["<eos>"]
    for number, line in enumerate(split(text)):
        expected += ["<eos>"] * (number > 0) + words_of(line, "spaces")
    assert [word.decode() for word in found] == expected


@hypothesis.settings(max_examples=100, deadline=None)
@hypothesis.given(text=st.text("aBc \n\r\01ä'", max_size=20))
@hypothesis.example(text="\n\nIt's\r\n \r\n 1 x\n2\n")
@hypothesis.example(text="the value\0of the")
def test_letters_are_those_of_training(text):
    found = split_words(tf.constant([text]), "letters").to_list()[0]
    lines = [words_of(line, "letters") for line in split(text)]
    # Lines without a word are none; only the last may have none yet.
    kept = [line for line in lines[:-1] if line]
    expected = ["<eos>"]
    for line in kept:
        expected += [*line, "<eos>"]
    assert [word.decode() for word in found] == expected + lines[-1]


def test_it_needs_tensorflow_alone(path):
    program = f"""
import sys, tensorflow as tf
model = tf.saved_model.load({str(path)!r})
answer = model.signatures["serving_default"](text=tf.constant(["a b"]))
print(answer["num_words"].numpy()[0])
assert "tfdarts" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, check=True
    )
    assert done.stdout.decode().strip() == "2"


def test_the_vocabulary_lies_beside_the_graph(path):
    text = (path / "assets" / "vocabulary.txt").read_text(encoding="utf-8")
    assert text.splitlines() == VOCABULARY


@pytest.mark.parametrize(
    "vocabulary", [VOCABULARY[:-1], VOCABULARY[::-1], [*VOCABULARY, "x"]]
)
def test_another_vocabulary_is_refused(network, vocabulary, tmp_path):
    with pytest.raises(ValueError, match="each of the network's 14 words"):
        export_language_model(network, tmp_path, vocabulary, "spaces")
    assert not [*tmp_path.iterdir()]


def test_a_classifier_is_no_language_model_and_neither_the_other(
    path, tmp_path
):
    import served_models

    from tfdarts.runs.predict import predict
    from tfdarts.tasks.image_prediction import PIXEL

    image = tmp_path / "x.png"
    image.write_bytes(PIXEL)
    with pytest.raises(ValueError, match="--images is for models of images"):
        predict([image], export_dir=path)
    other = export_saved_model(
        served_models.network(1), tmp_path / "m", served_models.LABELS
    )
    with pytest.raises(ValueError, match="--text for language models"):
        predict(text="a", export_dir=other)
    with pytest.raises(ValueError, match="Give either images or text"):
        predict(export_dir=path)
