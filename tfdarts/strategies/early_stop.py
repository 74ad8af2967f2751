"""When a search had better end: the signs of a collapse.

Searched for too long, DARTS fills its cells with skip connections, and the
networks get worse while the validation loss still falls. Each rule looks at
the history of a search and says after which epoch the genotype is to be
taken; it stops at the first epoch at which a rule says so.
"""

import collections
import statistics

import numpy as np

from tfdarts.primitive_table import primitive_entry

MOST_SKIPS = 2
"""With so many skip connections in the normal cell `skips` stops."""

WINDOW = 5
"""Epochs over which `hessian` averages, and that it looks back."""

GROWTH = 1.3
"""By how much the averaged eigenvalue may have grown over the window."""

History = collections.namedtuple(
    "History", ["genotypes", "probabilities", "primitives", "eigenvalues"]
)
History.__doc__ = """What a search has been until now, one entry an epoch.

Args:
    genotypes: List of `Genotype`.
    probabilities: Dict of lists of arrays `(edges, primitives)`, by cell
        type. The first ones are those of the initial alphas.
    primitives: Sequence of primitive names.
    eigenvalues: List of floats, the largest of ∇²α L_val after each epoch;
        only `hessian` looks at it.
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
    """Stops once the order of alpha has not changed for `patience` epochs.

    It is the order of the operations that learn, as convolutions do, on each
    edge of each cell.

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
        # That of `patience` epochs ago, and all since.
        recent = np.stack(values[-patience - 1 :])[..., learnable]
        ranking = recent.argsort(axis=-1)
        if (ranking != ranking[0]).any():
            return None
    return epochs


def hessian(history, patience):
    """Stops once the validation loss curves more sharply in alpha.

    The largest eigenvalue of its Hessian, averaged over five epochs, is
    compared with what it was five epochs before. Where it has grown by more
    than 1.3 the genotype of those five epochs before is the result.

    Reference:

    - [Zela et al., 2020](https://arxiv.org/abs/1909.09656), section 4.3
    """
    epochs = len(history.eigenvalues)
    if epochs < 2 * WINDOW:
        return None
    now = local_mean(history.eigenvalues)
    before = local_mean(history.eigenvalues[:-WINDOW])
    return epochs - WINDOW if now > GROWTH * before else None


def local_mean(eigenvalues):
    """Returns the mean of the last five."""
    return statistics.fmean(eigenvalues[-WINDOW:])


RULES = {"skips": skips, "stable": stable, "hessian": hessian}
