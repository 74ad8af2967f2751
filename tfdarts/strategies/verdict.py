"""A verdict on a search from its records: has it collapsed, has it decided?"""

import math
import typing

import numpy as np

from tfdarts.search_spaces.entropy import entropy
from tfdarts.search_spaces.entropy import largest_entropy
from tfdarts.strategies.early_stop_rules import GROWTH
from tfdarts.strategies.early_stop_rules import MOST_SKIPS
from tfdarts.strategies.early_stop_rules import WINDOW
from tfdarts.strategies.early_stop_rules import local_mean
from tfdarts.structures import title_of

UNDECIDED = 0.99
"""Share of the largest entropy above which alpha counts as undecided.

We chose the value: at this entropy, the largest of eight weights is at most
0.2, where equal weights are 0.125.
"""


LIMITS = {
    "skip_connections": (
        MOST_SKIPS,
        "DARTS+ stops here",
    )
}
"""Limits to draw in plots of `metrics.csv`, by column, with their source."""


class Verdict(typing.NamedTuple):
    """A verdict on the result of a search.

    Args:
        sound: Boolean, whether nothing speaks against the result.
        headline: String, a few words.
        reasons: List of strings, a sentence each, with the thresholds and
            their sources.
    """

    sound: bool
    headline: str
    reasons: list


def judge(probabilities, metrics):
    """Returns the `Verdict` on a search.

    Args:
        probabilities: Dict of arrays `(edges, primitives)` by cell type, from
            which the result was derived.
        metrics: Dict of lists with one value per epoch up to the result:
            `"skip_connections"` and `"dominant_eigenvalue"`, if measured.

    Example:

    >>> probabilities = {"normal": np.full((14, 8), 1 / 8)}
    >>> judge(probabilities, {"skip_connections": [0, 1]}).headline
    'The search has not decided'
    """
    undecided, of_entropy = _entropy_sign(probabilities)
    signs = [
        sign
        for sign in (
            _skips_sign(metrics, next(iter(probabilities))),
            _eigenvalue_sign(metrics),
        )
        if sign
    ]
    collapsed = any(holds for holds, _ in signs)
    headline = "No sign of a collapse"
    if collapsed:
        headline = "Signs of a collapse"
    elif undecided:
        headline = "The search has not decided"
    elif not signs:
        headline = "The search has decided"
    reasons = [sentence for _, sentence in signs]
    return Verdict(
        not collapsed and not undecided, headline, [*reasons, of_entropy]
    )


def _skips_sign(metrics, cell_type):
    if "skip_connections" not in metrics:
        return None
    skips = int(metrics["skip_connections"][-1])
    return skips > MOST_SKIPS, (
        f"{skips} skip connection{'s' * (skips != 1)} in the "
        f"{title_of(cell_type)}; more than {MOST_SKIPS} are a sign (Liang et "
        "al., 2019)."
    )


def _eigenvalue_sign(metrics):
    values = [v for v in metrics.get("dominant_eigenvalue", ()) if v == v]
    if len(values) < 2 * WINDOW:
        return None
    before, now = local_mean(values[:-WINDOW]), local_mean(values)
    growth = now / before if before > 0 else math.inf
    return growth > GROWTH, (
        f"The eigenvalue is {growth:.2f} times its value {WINDOW} epochs "
        f"before; more than {GROWTH} is a sign (Zela et al., 2020)."
    )


def _entropy_sign(probabilities):
    of_all = np.concatenate([*probabilities.values()])
    final, largest = entropy(of_all).mean(), largest_entropy(of_all)
    return final > UNDECIDED * largest, (
        f"Alpha's mean entropy is {final:.2f} of at most {largest:.2f} nats; "
        f"above {UNDECIDED:.0%} of this maximum, the search has not decided."
    )
