"""The evaluator that predicts the accuracy of a DARTS cell."""

import functools
import itertools

import numpy as np

from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.evaluators.evaluator import Evaluator
from tfdarts.evaluators.nas_bench_201_table import TABLES
from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.cnn import CNNSearchSpace

known_space = functools.cache(CNNSearchSpace)
"""Returns the search space; not at import, because it loads plugins."""

OPERATIONS = (
    "avg_pool_3x3",
    "dil_conv_3x3",
    "dil_conv_5x5",
    "max_pool_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "skip_connect",
)
"""The primitives in the order of the surrogate's codes."""

EPOCH = 98.0
"""The epoch whose accuracy is predicted, the last of NAS-Bench-301."""

MOST_SKIPS = 3
"""The most skip connections for which a prediction can be trusted."""

COLLAPSED = 0.9345
"""The accuracy of a cell with more: the 5 % quantile of random cells.

The surrogate gives a cell of nothing but skip connections an accuracy of 95 %.
Trained, such cells are among the worst.
"""


@functools.cache
def _weights():
    """Returns the weights of the surrogate, a dict of arrays."""
    path = TABLES / "darts_space_surrogate.npz"
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name].astype("float32") for name in file.files}


def encode(genotype: Genotype) -> np.ndarray:
    """Returns the 34 integers that the surrogate reads.

    Of each cell, 14 say which primitive an edge has, if any. The last 6 say
    which predecessors the nodes after the first have.
    """
    operations, pairs, space = [], [], known_space()
    for cell in genotype.cells.values():
        codes = dict.fromkeys(space.edges, 0)
        for node, edges in zip(space.nodes, cell.nodes, strict=True):
            for primitive, predecessor in edges:
                codes[node, predecessor] = 1 + OPERATIONS.index(primitive)
            kept = tuple(sorted(predecessor for _, predecessor in edges))
            choices = [*itertools.combinations(range(node), 2)]
            pairs.append(1 + choices.index(kept))
        operations += codes.values()
        # The first node has two predecessors, so it has no choice.
        del pairs[-space.num_nodes]
    return np.array(operations + pairs)


def predict(codes: np.ndarray) -> tuple[float, float]:
    """Returns the accuracy and the training seconds of an encoded genotype.

    Args:
        codes: The result of `encode`.
    """
    weights = _weights()

    def linear(x, name):
        return weights[f"{name}.weight"] @ x + weights[f"{name}.bias"]

    embedded = [
        weights[f"embds_fct.{position}.weight"][code]
        for position, code in enumerate(codes)
    ]
    x = np.concatenate([*embedded, [EPOCH / 52]], dtype="float32")
    deep = linear(
        _selu(linear(_selu(linear(x, "deep.0.1")), "deep.1.1")), "deep.2.0"
    )
    deeper = x
    for block in range(4):
        deeper = _selu(linear(deeper, f"deeper.{block}.1"))
    logits = linear(x, "wide.0") + deep + linear(deeper, "deeper.4.0")
    accuracy, time = 1 / (1 + np.exp(-logits))
    return float(accuracy), float(30.557993 + 13132.093 * (time - 0.01))


def _selu(x):
    negative = 1.6732632423543772 * np.expm1(np.minimum(x, 0))
    return 1.0507009873554805 * np.where(x > 0, x, negative)


class SurrogateEvaluator(Evaluator):
    """Predicts the accuracy of a cell of DARTS: no network is trained.

    A neural network that was fitted to NAS-Bench-301 predicts the validation
    accuracy on CIFAR-10 after 98 epochs, and the seconds of this training,
    which are the cost. A normal cell of more than three skip connections has
    collapsed and gets an accuracy of 93.45 % at most.

    Reference:

    - [Zela et al., 2022](https://arxiv.org/abs/2008.09777)
    """

    name = "surrogate"
    space = CNNSearchSpace.name
    score_name = "surrogate_accuracy"
    trains_networks = False

    def __call__(self, genotype, run_dir):
        if genotype not in known_space():
            raise ValueError(
                "The surrogate knows only cells of --space=darts. Received: "
                f"{genotype!r}."
            )
        accuracy, seconds = predict(encode(genotype))
        if genotype.num_skip_connections > MOST_SKIPS:
            accuracy = min(accuracy, COLLAPSED)
        return Evaluation(genotype, [-accuracy], accuracy, seconds)
