"""Predicting the next word of a text, with a model or a server."""

import math

from tfdarts.table import table
from tfdarts.tasks.request_settings import RequestSettings
from tfdarts.tasks.server import client_for
from tfdarts.tasks.server import with_retries


def next_words(
    text,
    export_dir=None,
    server=None,
    name=None,
    version=None,
    timeout=10.0,
    retries=3,
):
    """Returns the likeliest next words of a text, and its own likelihood.

    Args:
        text: String, read as the beginning of a line.
        export_dir, server, name, version, timeout, retries: See
            `tfdarts.tasks.image_prediction.predictions`.

    Returns:
        A dict: `next_words`, a list of dicts of `word` and `probability`, the
        likeliest first; and of the text `log_probability`, in nats, and
        `num_words`, the number of its words.

    Raises:
        ValueError: If there is no such model or server, an argument is
            invalid, or the text is not UTF-8.
    """
    if not isinstance(text, str):
        raise ValueError(f"`text` must be one string. Received: {text!r}.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"The text is not UTF-8: {text!r}.") from error
    request_settings = RequestSettings(
        *(export_dir, server, name, version),
        timeout=timeout,
        retries=retries,
    )
    client = client_for(request_settings)
    answer = with_retries(client.predict_next_words, request_settings.retries)(
        [text]
    )
    words = zip(answer.top_words[0], answer.top_probabilities[0])
    return {
        "text": text,
        "next_words": [{"word": w, "probability": p} for w, p in words],
        "log_probability": answer.log_probabilities[0],
        "num_words": answer.num_words[0],
    }


def show_next_words(answer):
    """Returns a table of the next words, and the likelihood of the text.

    Args:
        answer: Dict, the result of `next_words`.
    """
    rows = [
        (w["word"], f"{w['probability']:.2%}") for w in answer["next_words"]
    ]
    shown = table(("next word", "probability"), rows)
    count, log_probability = answer["num_words"], answer["log_probability"]
    if not count:
        return shown
    return (
        f"{shown}\nThe text: {log_probability:.2f} nats, {count} words, "
        f"perplexity {math.exp(-log_probability / count):,.1f}"
    )
