"""Choosing operations and edges by what the supernet loses without them."""

from collections.abc import Callable
from collections.abc import Iterable

import keras
import numpy as np

from tfdarts.layers.alphas import alphas_of
from tfdarts.models.supernet import Supernet
from tfdarts.search_spaces.cell_space import CellSearchSpace


class Projection(keras.callbacks.Callback):
    """Projects the supernet of a finished search onto one of its cells.

    At the beginning of every few epochs, one edge of each cell type is
    projected onto the operation whose removal costs the most accuracy on the
    validation examples. When all edges are projected, one node after the other
    keeps the edges whose removal costs the most. The epochs between train the
    rest of the supernet. Edges and nodes are taken in random order.

    Batch norms take the statistics of each batch, as in training.

    Args:
        search: Search of a `Supernet`, compiled.
        batches: Iterable of batches `(x, y)` of validation examples. A last
            batch of fewer examples is left out.
        every: Integer, the epochs from one decision to the next. Defaults to
            `5`.
        seed: Integer. The order depends on the seed and the decision only.

    Raises:
        ValueError: If the search has no cells.

    Reference:

    - [Wang et al., 2021](https://arxiv.org/abs/2108.04392), algorithm 1, and
      their code
    """

    def __init__(
        self,
        search: keras.Model,
        batches: Iterable,
        every: int = 5,
        seed: int = 0,
    ):
        super().__init__()
        if not isinstance(search.supernet, Supernet):
            raise ValueError(
                "A projection decides the edges of cells: search a "
                "tfdarts.CNNSupernet or tfdarts.RNNSupernet."
            )
        self.search = search
        self.supernet = search.supernet
        self.space = search.supernet.space
        self.batches = batches
        self.every = every
        self.seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        if epoch % self.every:
            return
        for number, alphas in enumerate(self.supernet.alphas.values()):
            random = np.random.default_rng((self.seed, epoch, number))
            undecided = np.flatnonzero(alphas.allowed().sum(axis=1) > 1)
            if len(undecided):
                self._project_edge(alphas, random.choice(undecided))
                continue
            nodes = [n for n in self.space.nodes if self._surplus(alphas, n)]
            if nodes:
                self._project_node(alphas, random.choice(nodes))

    def _project_edge(self, alphas, edge):
        choices = np.flatnonzero(alphas.allowed()[edge])
        chosen = most_missed(
            choices, lambda choice: self._score_without(alphas, edge, choice)
        )
        alphas.decide(edge, int(chosen))

    def _project_node(self, alphas, node):
        while self._surplus(alphas, node):
            into = self._connected(alphas, node)
            every = slice(None)
            alphas.decide(
                least_missed(
                    into, lambda edge: self._score_without(alphas, edge, every)
                )
            )

    def _connected(self, alphas, node):
        """Returns the edges into a node that are not cut, a list."""
        is_connected = alphas.allowed().any(axis=1)
        return [
            edge
            for edge, (to, _) in enumerate(self.space.edges)
            if to == node and is_connected[edge]
        ]

    def _surplus(self, alphas, node):
        """Returns the number of edges into a node that are to be cut."""
        return len(self._connected(alphas, node)) - self.space.num_kept(node)

    def _score_without(self, alphas, edge, primitives):
        """Returns the score of the supernet without some edge weights."""
        weights = self.search.edge_weights()
        position = [*map(id, alphas_of(self.supernet))].index(id(alphas))
        weights[position] = weights[position].numpy()
        weights[position][edge, primitives] = 0
        return self.search.score_of(weights, self.batches)


def most_missed(choices: Iterable, score_without: Callable) -> int:
    """Returns the choice whose removal leaves the lowest score.

    The first of equal choices wins.

    Args:
        choices: Iterable of integers.
        score_without: Function of a choice.
    """
    return min(choices, key=score_without)


def least_missed(choices: Iterable, score_without: Callable) -> int:
    """Returns the choice whose removal leaves the highest score.

    The last of equal choices wins, as in the authors' code.

    Args:
        choices: List of integers.
        score_without: Function of a choice.
    """
    return max(reversed(choices), key=score_without)


def num_decisions(space: CellSearchSpace) -> int:
    """Returns the number of decisions of a projection.

    Example:

    >>> num_decisions(tfdarts.CNNSearchSpace())  # 14 edges, 3 nodes
    17
    """
    nodes = [node for node in space.nodes if node > space.num_kept(node)]
    return space.num_edges + len(nodes)
