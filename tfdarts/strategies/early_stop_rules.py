"""Early stopping rules, which look for signs of a collapse.

If DARTS searches for too long, skip connections fill its cells, and the
networks get worse while the validation loss still falls. Each rule maps the
history of a search to the epoch whose genotype is the result, or to `None`.
The search stops as soon as a rule returns an epoch.
"""

import collections
import statistics

import numpy as np

from tfdarts.primitive_table import primitive_entry

MOST_SKIPS = 2
"""The number of skip connections in the normal cell at which `skips` stops."""

WINDOW = 5
"""Epochs over which `hessian` averages, and between the two averages."""

GROWTH = 1.3
"""Ratio of the two averaged eigenvalues above which a search stops."""

ROLLBACK = 12
"""Epochs from the result of `robust_darts` to the end of the search."""

LEAST_EPOCHS = {"hessian": 2 * WINDOW, "robust_darts": 11 + ROLLBACK}
"""The fewest epochs after which a rule can stop, by the name of the rule."""

History = collections.namedtuple(
    "History", ["genotypes", "probabilities", "primitives", "eigenvalues"]
)
History.__doc__ = """The history of a search, one entry per epoch.

Args:
    genotypes: List of `Genotype`.
    probabilities: Dict of lists of arrays `(edges, primitives)`, by cell
        type. Each list begins with the probabilities of the initial alphas.
    primitives: Sequence of primitive names.
    eigenvalues: List of floats, the largest eigenvalue of ∇²α L_val after
        each epoch; only the rules in `OF_CURVATURE` use it.
"""


def skips(history, patience):
    """Stops at the first normal cell with two or more skip connections.

    Reference:

    - [Liang et al., 2019](https://arxiv.org/abs/1909.06035), criterion 1
    """
    if history.genotypes[-1].num_skip_connections >= MOST_SKIPS:
        return len(history.genotypes)
    return None


def stable(history, patience):
    """Stops once the ranking by alpha is unchanged for `patience` epochs.

    The rule ranks the learnable primitives, such as convolutions, on each edge
    of each cell.

    Reference:

    - [Liang et al., 2019](https://arxiv.org/abs/1909.06035), criterion 1*
    """
    epochs = len(history.genotypes)
    if epochs <= patience:
        return None
    learnable = [
        column
        for column, primitive in enumerate(history.primitives)
        if primitive_entry(primitive).learns
    ]
    for values in history.probabilities.values():
        # The probabilities of `patience` epochs ago and of all later epochs.
        recent = np.stack(values[-patience - 1 :])[..., learnable]
        ranking = recent.argsort(axis=-1)
        if (ranking != ranking[0]).any():
            return None
    return epochs


def hessian(history, patience):
    """Stops once the curvature of the validation loss in alpha has grown.

    The rule averages the largest eigenvalue of the Hessian over five epochs
    and compares the average with the average of five epochs before. If it has
    grown by more than a factor of 1.3, the result is the genotype of five
    epochs before.

    Reference:

    - [Zela et al., 2020](https://arxiv.org/abs/1909.09656), section 4.3
    """
    epochs = len(history.eigenvalues)
    if epochs < LEAST_EPOCHS["hessian"]:
        return None
    now = local_mean(history.eigenvalues)
    before = local_mean(history.eigenvalues[:-WINDOW])
    return epochs - WINDOW if now > GROWTH * before else None


def robust_darts(history, patience):
    """Stops as `hessian` does, with the means of the authors' code.

    The code measures the curvature in every second epoch, from the first, and
    compares the mean of five measurements with that of four measurements
    before. The result is the genotype of the epoch in the middle of the
    earlier five, which is at least the eleventh.

    Reference:

    - [Zela et al., 2020](https://arxiv.org/abs/1909.09656), their code
    """
    epochs = len(history.eigenvalues)
    if epochs % 2 == 0 or epochs < LEAST_EPOCHS["robust_darts"]:
        return None
    measured = history.eigenvalues[::2]
    now, before = local_mean(measured), local_mean(measured[:-4])
    return epochs - ROLLBACK if now > GROWTH * before else None


def local_mean(eigenvalues):
    """Returns the mean of the last five eigenvalues."""
    return statistics.fmean(eigenvalues[-WINDOW:])


OF_CURVATURE = {"hessian": hessian, "robust_darts": robust_darts}
"""The rules that read the curvature, by name."""

RULES = {"skips": skips, "stable": stable, **OF_CURVATURE}
"""All rules, by name."""
