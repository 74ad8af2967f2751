"""Verdicts on searches, from records made up for each."""

import math

import numpy as np
import pytest

from tfdarts.strategies.verdict import judge

DECIDED = {"normal": np.tile([0.6, 0.2, 0.1, 0.1], (5, 1))}
UNDECIDED = {"normal": np.full((5, 4), 0.25)}


def metrics(skips, eigenvalues=()):
    found = {"skip_connections": [0, skips]}
    if len(eigenvalues):
        found["dominant_eigenvalue"] = [*eigenvalues]
    return found


@pytest.mark.parametrize(
    ("weights", "metrics", "sound", "headline"),
    [
        (DECIDED, metrics(2), True, "No sign of a collapse"),
        (DECIDED, metrics(3), False, "Signs of a collapse"),
        (UNDECIDED, metrics(0), False, "The search has not decided"),
        (UNDECIDED, metrics(3), False, "Signs of a collapse"),
        (DECIDED, {}, True, "The search has decided"),
        (
            DECIDED,
            metrics(0, [1.0] * 5 + [1.31] * 5),
            False,
            "Signs of a collapse",
        ),
        (
            DECIDED,
            metrics(0, [1.0] * 5 + [1.29] * 5),
            True,
            "No sign of a collapse",
        ),
        # While alpha waits nothing is measured.
        (
            DECIDED,
            metrics(0, [math.nan] * 5 + [1.0, *[9.0] * 4]),
            True,
            "No sign of a collapse",
        ),
    ],
)
def test_headlines(weights, metrics, sound, headline):
    verdict = judge(weights, metrics)
    assert (verdict.sound, verdict.headline) == (sound, headline)


def test_reasons_are_sentences_with_thresholds_and_their_sources():
    reasons = judge(DECIDED, metrics(1, [1.0] * 5 + [1.5] * 5)).reasons
    expected = -sum(p * math.log(p) for p in (0.6, 0.2, 0.1, 0.1))
    assert reasons == [
        "1 skip connection in the normal cell; more than 2 are a sign (Liang "
        "et al., 2019).",
        "The eigenvalue is 1.50 times its value 5 epochs before; more than 1.3 "
        "is a sign (Zela et al., 2020).",
        f"Alpha's mean entropy is {expected:.2f} of at most "
        f"{math.log(4):.2f} nats; above 99% of this maximum, the "
        "search has not decided.",
    ]
