"""Exporting a language model as a SavedModel that predicts next words."""

import keras
import tensorflow as tf

from tfdarts.arguments import as_path
from tfdarts.serving.saved_model import write_version
from tfdarts.words import END_OF_LINE
from tfdarts.words import UNKNOWN

MOST_WORDS = 10
"""The number of likeliest next words in an answer."""


def export_language_model(
    network, path, vocabulary, tokenizer, extra_files=None, version=None
):
    """Writes the next version of a language model for TF Serving.

    Only TensorFlow is needed to load the model. It has two signatures:

    - `serving_default` takes `text`: strings `(batch,)`, in UTF-8. A text is
      read as the beginning of a line. Words that are not in the vocabulary
      become `<unk>`, and the end of a line is a word. The signature also
      returns `log_probability` of the text, in nats, and `num_words`, the
      number of its words; both `(batch,)`.
    - `serving_tokens` takes `tokens`, int32 `(batch, steps)`, numbers of
      words, and `state`, float32 `(batch, state_size)`: zeros at the
      beginning of a text, and then the `state` of the previous answer. A
      stateful client can thus read a text in pieces without repeating any.

    Both return `probabilities`, float32 `(batch, vocabulary_size)`, of the
    next word, and, of the ten likeliest words (or all if there are fewer),
    `top_words` and `top_probabilities`, the likeliest first.

    The vocabulary is in the graph, and for people in `assets/vocabulary.txt`,
    one word per line, number 0 first.

    Args:
        network: `tfdarts.models.language_model.LanguageModel`.
        path: The directory of all versions. It is created if missing.
        vocabulary: Sequence of strings, the word of each number; `<unk>` has
            number 0.
        tokenizer: String, a key of `tfdarts.words.TOKENIZERS`.
        extra_files: Dict of bytes by relative path: files to write beside
            the graph.
        version: Integer. Defaults to the next one.

    Returns:
        The `pathlib.Path` of the new version, `<path>/<integer>`.

    Raises:
        ValueError: If the vocabulary does not fit the network.

    Example:

    >>> from tfdarts.models.language_model import LanguageModel
    >>> lstm = keras.layers.LSTM(4, return_sequences=True, return_state=True)
    >>> network = LanguageModel(lstm, vocabulary_size=3, units=4)
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as path:
    ...     words = ["<unk>", "<eos>", "word"]
    ...     export_language_model(network, path, words, "spaces").name
    '1'
    """
    vocabulary = _validate_vocabulary(vocabulary, network.vocabulary_size)
    lookup = keras.layers.StringLookup(
        vocabulary=vocabulary[1:], oov_token=UNKNOWN
    )
    lookup.build((None,))
    words = tf.constant(vocabulary)
    sizes = [int(s.shape[-1]) for s in network.initial_state(1)]

    def following(logits):
        probabilities = tf.nn.softmax(logits)
        most = min(MOST_WORDS, len(vocabulary))
        top = tf.math.top_k(probabilities, most)
        return {
            "probabilities": probabilities,
            "top_words": tf.gather(words, top.indices),
            "top_probabilities": top.values,
        }

    def serve(text):
        split = split_words(text, tokenizer)
        numbers = tf.ragged.map_flat_values(lookup, split)
        tokens = tf.cast(numbers.to_tensor(), tf.int32)
        logits, _ = network(tokens, training=False)
        lengths = numbers.row_lengths()
        last = tf.gather(logits, lengths - 1, batch_dims=1)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
            tokens[:, 1:], logits[:, :-1]
        )
        mask = tf.sequence_mask(lengths - 1, tf.shape(loss)[1], loss.dtype)
        return {
            **following(last),
            "log_probability": -tf.reduce_sum(loss * mask, axis=1),
            "num_words": tf.cast(lengths - 1, tf.int32),
        }

    def serve_tokens(tokens, state):
        size = len(vocabulary)
        inside = tf.reduce_all((tokens >= 0) & (tokens < size))
        inside &= tf.shape(tokens)[1] > 0
        message = (
            f"Tokens must be numbers of words, from 0 to {size - 1}, and at "
            "least one."
        )
        with tf.control_dependencies([tf.debugging.Assert(inside, [message])]):
            tokens = tf.identity(tokens)
        states = tf.split(state, sizes, axis=-1)
        logits, states = network(tokens, state=states, training=False)
        return {
            **following(logits[:, -1]),
            "state": tf.concat(states, axis=-1),
        }

    archive = keras.export.ExportArchive()
    archive.track(lookup)
    archive.add_endpoint(
        "serving_default", serve, [tf.TensorSpec((None,), tf.string, "text")]
    )
    archive.add_endpoint(
        "serving_tokens",
        serve_tokens,
        [
            tf.TensorSpec((None, None), tf.int32, "tokens"),
            tf.TensorSpec((None, sum(sizes)), tf.float32, "state"),
        ],
    )
    content = "".join(f"{word}\n" for word in vocabulary).encode()
    files = {"assets/vocabulary.txt": content, **(extra_files or {})}
    return write_version(archive, files, as_path(path), version)


def split_words(text, tokenizer):
    """Returns the words of texts, with an end of line before the first.

    Args:
        text: String tensor `(batch,)`.
        tokenizer: String, a key of `tfdarts.words.TOKENIZERS`.

    Returns:
        A `tf.RaggedTensor` of strings.

    Example:

    >>> split_words(tf.constant(["To be,\\nor not"]), "letters").to_list()
    [[b'<eos>', b'to', b'be', b'<eos>', b'or', b'not']]
    """
    end = f" {END_OF_LINE} "
    text = tf.strings.regex_replace(text, r"\r\n?", "\n")
    if tokenizer == "letters":
        # `lower` would cut a text at its first NUL.
        text = tf.strings.regex_replace(text, r"\x00", " ")
        text = tf.strings.lower(text, encoding="utf-8")
        text = tf.strings.regex_replace(text, r"[^a-z\n]+", " ")
        # Lines without words are dropped.
        text = tf.strings.regex_replace(text, r"^\s+", "")
        text = tf.strings.regex_replace(text, r"\s*\n\s*", "\n")
    text = tf.strings.regex_replace(text, "\n", end)
    return tf.strings.split(tf.strings.join([end, text]))


def _validate_vocabulary(vocabulary, size):
    vocabulary = list(vocabulary)
    if len(vocabulary) != size or vocabulary[:1] != [UNKNOWN]:
        raise ValueError(
            f"`vocabulary` must name each of the network's {size} words, "
            f"{UNKNOWN} first. Received {len(vocabulary)} words, "
            f"{vocabulary[:1]} first."
        )
    return vocabulary
