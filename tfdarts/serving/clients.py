"""Whoever answers what an image shows: what they have in common."""

import re
import typing
import urllib.parse

import numpy as np

SIGNATURE = "serving_bytes"
SCHEMES = {"http": 8501, "https": 443, "grpc": 8500, "grpcs": 443}
"""How a server is spoken to, and its port unless one is said."""


# How TensorFlow begins one of several errors.
_NUMBERED = re.compile(r"^\(\d+\) [A-Z_]+: ")


class ServerError(ValueError):
    """A server refuses, or there is none."""


class InvalidImage(ServerError):
    """Something in the request, such as an image, cannot be used."""


class Unavailable(ServerError):
    """There is no answer now; there may be one later."""


class Answer(typing.NamedTuple):
    """What is said of a batch of images.

    Args:
        labels: List of strings.
        class_ids: List of integers.
        probabilities: Array `(batch, num_classes)`.
    """

    labels: list
    class_ids: list
    probabilities: np.ndarray


def checked_url(server):
    """Returns the parts of a server's URL, with a port.

    Raises:
        ValueError: If it is none, or of another scheme.

    Example:

    >>> url = checked_url("grpc://localhost")
    >>> url.scheme, url.netloc
    ('grpc', 'localhost:8500')
    """
    url = urllib.parse.urlsplit(server)
    try:
        port = url.port or SCHEMES[url.scheme]
        if not url.hostname:
            raise ValueError
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"--server must be http://host:8501 (REST) or grpc://host:8500, "
            f"or https:// and grpcs:// of either. Received: {server!r}."
        ) from error
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return url._replace(netloc=f"{host}:{port}")


def too_late(server, seconds):
    """Returns the error to raise where an answer takes too long."""
    return Unavailable(
        f"{server} has not answered within {seconds:g} s. Give a longer "
        f"--timeout or a smaller --batch_size."
    )


def plain(message):
    """Returns the sentence in an error of TensorFlow.

    What stands around it says where in a graph it was, which helps nobody
    here.

    Example:

    >>> plain("Graph execution error:\\nIt is no image.\\n [[{{node map}}]]")
    'It is no image.'
    """
    lines = message.partition("[[")[0].splitlines()
    sentence = [line.strip() for line in lines if line.strip()][-1:]
    return _NUMBERED.sub("", *sentence) if sentence else message
