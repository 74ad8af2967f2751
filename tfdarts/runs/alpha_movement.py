"""Warnings about searches that cannot move alpha, or have not."""

import logging

import numpy as np

from tfdarts.search_spaces.entropy import entropy
from tfdarts.search_spaces.entropy import largest_entropy
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.verdict import UNDECIDED

logger = logging.getLogger("tfdarts")

LEAST_PATH = 1.0
"""The least distance that alpha must be able to move, in nats.

Between two alphas that differ by 1, the ratio of the weights is e.
"""

LEAST_STEPS = 50
"""The least number of alpha steps with which a search can choose.

With fewer steps, a high learning rate follows the noise of single batches.
We chose the value: `--preset=auto` takes more steps on the smallest data sets.
"""


def warn_of_short_path(config, steps_per_epoch):
    """Logs a warning if a search has too few steps to move alpha.

    Adam moves an alpha by about its learning rate each step, so alpha moves
    at most by steps times learning rate. A high learning rate does not
    replace steps.

    Args:
        config: The settings of a search, all of them resolved.
        steps_per_epoch: Integer.
    """
    if not get_strategy(config.strategy).moves_alphas:
        return
    epochs = max(config.epochs - config.alpha_warmup_epochs, 0)
    steps = epochs * steps_per_epoch
    path = steps * config.alpha_learning_rate * config.alpha_rate_share
    if steps >= LEAST_STEPS and path >= LEAST_PATH:
        return
    if not steps:
        logger.warning(
            "search: alpha does not move: --alpha_warmup_epochs=%d leaves "
            "none of the %d epochs. Raise --epochs.",
            config.alpha_warmup_epochs,
            config.epochs,
        )
        return
    if steps < LEAST_STEPS:
        logger.warning(
            "search: alpha can hardly move: %s steps (%d epochs of %d), but "
            "choosing operations takes at least %d steps. Raise --epochs, or "
            "lower --batch_size for more steps.",
            steps,
            epochs,
            steps_per_epoch,
            LEAST_STEPS,
        )
        return
    logger.warning(
        "search: alpha can hardly move: %s steps (%d epochs of %d), each of "
        "about --alpha_learning_rate=%g, move alpha by at most %.2g nats, "
        "but choosing an operation takes at least %g nats. Raise --epochs, "
        "or --alpha_learning_rate to %.1g or more, or lower --batch_size for "
        "more steps.",
        f"{steps:,}",
        epochs,
        steps_per_epoch,
        config.alpha_learning_rate,
        path,
        LEAST_PATH,
        5 * LEAST_PATH / steps / config.alpha_rate_share,
    )


def unmoved_warning(probabilities):
    """Returns a warning if the alphas have chosen no operations.

    Args:
        probabilities: Dict of arrays of shape `(edges, primitives)`.

    Returns:
        String, or `None` if the alphas have chosen.

    Example:

    >>> unmoved_warning({"normal": [[0.05, 0.95]]}) is None
    True
    """
    weights = np.sort(np.concatenate([*probabilities.values()]))
    mean, most = entropy(weights).mean(), largest_entropy(weights)
    if mean <= UNDECIDED * most:
        return None
    return (
        "The genotype is hardly better than chance: the mean entropy of "
        f"alpha is {mean:.4f} of at most {most:.4f} nats, and the average "
        "weight of the strongest operation of an edge is "
        f"{weights[:, -1].mean():.4f}, that of the second strongest "
        f"{weights[:, -2].mean():.4f}. Search again in another --run_dir "
        "with more --epochs, a higher --alpha_learning_rate or a smaller "
        "--batch_size."
    )
