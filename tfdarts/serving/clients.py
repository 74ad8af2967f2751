"""The interface of clients, which ask a model for predictions.

It is shared by local models, REST and gRPC.
"""

import re
import typing
import urllib.parse

import numpy as np

from tfdarts.arguments import scalar

OF_IMAGES = "serving_bytes"
OF_PIXELS = OF_TEXTS = "serving_default"
OF_CLASSES = "class_labels"
SCHEMES = {"http": 8501, "https": 443, "grpc": 8500, "grpcs": 443}
"""The URL schemes of servers, and their default ports."""


# TensorFlow's prefix of one among several errors.
_NUMBERED = re.compile(r"^\(\d+\) [A-Z_]+: ")
# The reason why `tfdarts.decoding` refuses an image.
_REFUSED = re.compile(r".*assertion failed: \[([^]]+)\]")


class ServerError(ValueError):
    """The server refuses the request, or there is no server."""


class InvalidArgument(ServerError):
    """A part of the request, such as an image, is unusable."""


class Unavailable(ServerError):
    """The server does not answer now; a later request may succeed."""


class Answer(typing.NamedTuple):
    """The answer to a batch of images.

    Args:
        labels: List of strings.
        class_ids: List of integers.
        probabilities: Array `(batch, num_classes)`.
    """

    labels: list
    class_ids: list
    probabilities: np.ndarray


class TextAnswer(typing.NamedTuple):
    """The answer to a batch of texts.

    Args:
        top_words: List of lists of strings, the likeliest first.
        top_probabilities: List of lists of floats.
        log_probabilities: List of floats, one per text, in nats.
        num_words: List of integers, the number of words of each text.
    """

    top_words: list
    top_probabilities: list
    log_probabilities: list
    num_words: list


class Client:
    """Asks a model; subclasses define where the model runs.

    A subclass has `who`, a string that names the model or server, and
    `ask(signature, inputs, outputs)`. `ask` takes the name of a signature, a
    dict of lists of bytes or of arrays of numbers, and the names of outputs.
    It returns a list of these outputs, lists or arrays whose strings may be
    bytes, and raises the errors of this module.
    """

    def predict(self, contents):
        """Returns the `Answer` to the contents of image files.

        Args:
            contents: List of bytes.

        Raises:
            ServerError: If there is no valid answer; or a subclass of it.
        """
        return self._classify(OF_IMAGES, {"image_bytes": contents})

    def predict_pixels(self, images):
        """Returns the `Answer` to images.

        Args:
            images: Float32 array `(images, height, width, channels)`, pixels
                from 0 to 255.

        Raises:
            ServerError: If there is no valid answer; or a subclass of it.
        """
        return self._classify(OF_PIXELS, {"images": images})

    def _classify(self, signature, inputs):
        (examples,) = inputs.values()
        outputs = ("label", "class_id", "probabilities")
        answer = self.ask(signature, inputs, outputs)
        return validate_answer(self.who, len(examples), *answer)

    def class_names(self, count):
        """Returns the names of a model's classes, in order.

        Args:
            count: Integer, the number of classes.

        Raises:
            ServerError: If there is no valid answer, as from models that
                tfdarts 0.1.0 exported.
        """
        inputs = {"class_id": np.arange(count)}
        (names,) = self.ask(OF_CLASSES, inputs, ("label",))
        try:
            names = [_text(name) for name in names]
        except (TypeError, ValueError):
            names = []
        if len(names) != count:
            raise foreign_answer_error(self.who)
        return names

    def predict_next_words(self, texts):
        """Returns the `TextAnswer` to texts.

        Args:
            texts: List of strings.

        Raises:
            ServerError: If there is no valid answer; or a subclass of it.
        """
        outputs = (
            "top_words",
            "top_probabilities",
            "log_probability",
            "num_words",
        )
        texts = [text.encode() for text in texts]
        answer = self.ask(OF_TEXTS, {"text": texts}, outputs)
        return validate_text_answer(self.who, len(texts), *answer)


def validate_text_answer(who, count, words, probabilities, logs, num_words):
    """Returns a `TextAnswer`, after checking its form and length.

    Args:
        who: String, the name of the model or server.
        count: Integer, the number of texts in the request.
        words, probabilities, logs, num_words: The outputs; see `TextAnswer`.

    Raises:
        ServerError: If the answer is invalid.
    """
    try:
        words = [[_text(word) for word in row] for row in words]
        probabilities = np.array(probabilities, "float32")
        logs = np.array(logs, "float32")
        num_words = [int(number) for number in num_words]
        fits = (
            probabilities.shape == (count, len(words[0]))
            and logs.shape == (count,)
            and len(words) == len(num_words) == count
            and all(len(row) == len(words[0]) for row in words)
            and np.isfinite(probabilities).all()
            and not np.isnan(logs).any()
        )
    except (IndexError, TypeError, ValueError):
        fits = False
    if not fits:
        raise foreign_answer_error(who)
    return TextAnswer(words, probabilities.tolist(), logs.tolist(), num_words)


def _text(value):
    """Returns a string, decoding the bytes that some protocols return."""
    value = value.decode() if isinstance(value, bytes) else value
    if not isinstance(value, str):
        raise TypeError
    return value


def validate_answer(who, count, labels, class_ids, probabilities):
    """Returns an `Answer`, after checking its form and length.

    Args:
        who: String, the name of the model or server.
        count: Integer, the number of images in the request.
        labels, class_ids, probabilities: The outputs; see `Answer`.

    Raises:
        ServerError: If the answer is invalid.
    """
    try:
        labels = [_text(label) for label in labels]
        array = np.array(probabilities, "float32")
        fits = (
            array.ndim == 2
            and len(array) == len(labels) == len(class_ids) == count
            and np.isfinite(array).all()
            and all(0 <= number < array.shape[1] for number in class_ids)
        )
        class_ids = [int(number) for number in class_ids]
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise foreign_answer_error(who)
    return Answer(labels, class_ids, array)


def foreign_answer_error(who):
    """Returns the error for an answer that is not of a tfdarts model."""
    return ServerError(
        f"{who} answers, but not as a model of tfdarts does. Check --server "
        f"and --name."
    )


_NAME = re.compile(r"\w[\w.-]*")
_VERSION = re.compile(r"\d{1,18}|[^\W\d][\w.-]*")


def validate_name(name):
    """Returns the name of a model, if paths and URLs may contain it.

    Raises:
        ValueError: If they may not.

    Example:

    >>> validate_name("digits-2.0")
    'digits-2.0'
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            "--name must consist of letters and digits, with _ . or - between "
            f"them. Received: {name!r}."
        )
    return name


def validate_version(version):
    """Returns the number of a version, its label, or `None`.

    Raises:
        ValueError: If the version is none of these.

    Example:

    >>> [validate_version(version) for version in ("2", "stable", None)]
    [2, 'stable', None]
    """
    version = scalar(version)
    if version is None or type(version) is int and version >= 0:
        return version
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise ValueError(
            f"--model_version must be the number of a version, or a label. "
            f"Received: {version!r}."
        )
    return int(version) if version.isdecimal() else version


def validate_url(server):
    """Returns the parts of a server's URL, with a port.

    Raises:
        ValueError: If it is no URL, has another scheme, or has parts that do
            not locate a server.

    Example:

    >>> url = validate_url("grpc://localhost")
    >>> url.scheme, url.netloc
    ('grpc', 'localhost:8500')
    """
    url = urllib.parse.urlsplit(server)
    try:
        port = SCHEMES[url.scheme] if url.port is None else url.port
        path = url.scheme.startswith("grpc") and url.path.strip("/")
        more = url.username, url.password, url.query, url.fragment, path
        if not url.hostname or not port or "/v1/" in url.path or any(more):
            raise ValueError
    except (KeyError, ValueError) as error:
        raise ValueError(
            "--server must be http://host:8501 (REST) or grpc://host:8500, or "
            "the same with https:// or grpcs://, without a path. Give the "
            f"name of the model as --name. Received: {server!r}."
        ) from error
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return url._replace(netloc=f"{host}:{port}")


def timeout_error(server, seconds):
    """Returns the error for an answer that takes too long."""
    return Unavailable(
        f"{server} has not answered within {seconds:g} s. Give a longer "
        f"--timeout or a smaller --batch_size."
    )


def strip_context(message):
    """Returns the sentence of a TensorFlow error, without its context.

    The context names positions in a graph, which do not help the user.

    Example:

    >>> strip_context("Graph error:\\nIt is no image.\\n [[{{node map}}]]")
    'It is no image.'
    """
    refused = _REFUSED.match(message.replace("\n", " "))
    if refused:
        reason = refused[1]
        return f"{reason[0].upper()}{reason[1:]}."
    lines = message.partition("[[")[0].splitlines()
    sentence = [line.strip() for line in lines if line.strip()][-1:]
    return _NUMBERED.sub("", *sentence) if sentence else message
