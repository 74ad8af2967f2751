"""Decisions for one edge after the other, during a search."""

from collections.abc import Sequence

import keras
import numpy as np

from tfdarts.models.supernet import Supernet
from tfdarts.search_spaces.cell_space import CellSearchSpace

FIRST = 0.2
"""The share of the epochs before the first decision: 10 of 50."""

LAST = 0.9
"""The share of the epochs before the last decision: 45 of 50."""

LEAST_STEPS = 100
"""The steps from one decision to the next that new graphs are worth.

On two cores, tracing takes as long as some 70 steps save, even of small cells.
"""

ROUNDING = 1e-9
"""Factors of edges that differ by less are equal."""


class GreedyDecisions(keras.callbacks.Callback):
    """Decides edges one by one, each for its strongest operation.

    A decided edge has one operation from then on. When a node has as many
    decided edges as it keeps, its others are cut. Decisions are spread evenly
    over the epochs, so that weights and alphas adapt to each.

    If there are many steps from one decision to the next, the supernet leaves
    out the operations that edges do not have any more, in graphs that are
    traced anew after each decision. Recurrent cells compute all operations.

    Create the callback before checkpoints are restored: it keeps the
    probabilities of earlier epochs in variables of the search.

    Args:
        search: Search of a `Supernet`, compiled.
        history: Integer, the number of earlier epochs with which the choice
            of an edge is compared; `0` for no such comparison. Defaults to
            `0`.

    Example:

    >>> primitives = ("none", "skip_connect", "max_pool_3x3")
    >>> supernet = CNNSupernet(2, 3, 10, (8, 8, 1), 1, primitives=primitives)
    >>> decisions = GreedyDecisions(tfdarts.DARTS(supernet, order=1))
    >>> decisions.set_params({"epochs": 2})
    >>> for epoch in range(2):
    ...     decisions.on_epoch_end(epoch)
    >>> supernet.alphas["normal"].allowed().sum(axis=1)
    array([1, 1])

    Reference:

    - [Li et al., 2020](https://arxiv.org/abs/1912.00195), section 3.2, and
      their code
    """

    def __init__(self, search: keras.Model, history: int = 0):
        super().__init__()
        if not isinstance(search.supernet, Supernet):
            raise ValueError(
                "Greedy decisions are about the edges of cells: search a "
                "tfdarts.CNNSupernet or tfdarts.RNNSupernet."
            )
        self.search = search
        self.supernet = search.supernet
        self.space = search.supernet.space
        self.history = history
        # The newest first; its rows of decided edges stay as they were.
        shape = (max(history, 1), *self.space.alpha_shape)
        search.probabilities_of_epochs = {
            name: keras.Variable(
                np.zeros(shape),
                dtype="float64",
                trainable=False,
                name=f"{name}_probabilities",
            )
            for name in self.supernet.alphas
        }
        self.earlier = search.probabilities_of_epochs
        self.num_decisions = sum(map(self.space.num_kept, self.space.nodes))
        self.computed = self._masks()
        self.leaves_out = False

    def on_train_begin(self, logs=None):
        steps = (self.params.get("steps") or 0) * self.params["epochs"]
        steps *= (LAST - FIRST) / max(self.num_decisions - 1, 1)
        self.leaves_out = steps >= LEAST_STEPS
        self._compute_only(self._allowed())

    def on_train_end(self, logs=None):
        self._compute_only(self._masks())

    def on_epoch_end(self, epoch, logs=None):
        due = num_due(
            epoch + 1,
            self.params["epochs"],
            self.num_decisions,
        )
        for cell_type, alphas in self.supernet.alphas.items():
            earlier = self.earlier[cell_type].numpy()
            decided = (alphas.allowed().sum(axis=1) < 2)[:, np.newaxis]
            decided &= earlier[0].any(axis=1, keepdims=True)
            now = np.where(decided, earlier[0], alphas.probabilities())
            known = [each for each in earlier[: self.history] if each.any()]
            score = edge_scores(self.space, cell_type, now, known)
            while _num_decided(alphas) < due:
                self._decide(cell_type, alphas, score, now)
            self.earlier[cell_type].assign([now, *earlier[:-1]])
        self._compute_only(self._allowed())

    def _masks(self):
        return {name: self.space.mask(name) for name in self.supernet.alphas}

    def _allowed(self):
        return {
            name: alphas.allowed()
            for name, alphas in self.supernet.alphas.items()
        }

    def _compute_only(self, allowed):
        """Makes the supernet leave out all other primitives of edges.

        Args:
            allowed: Dict from cell types to boolean arrays
                `(edges, primitives)`.
        """
        unchanged = all((allowed[n] == self.computed[n]).all() for n in allowed)
        if unchanged or not self.leaves_out:
            return
        self.computed = allowed
        for cell in getattr(self.supernet, "searched_cells", ()):
            rows = allowed[self.supernet.cell_type_of(cell)]
            for source, mixed_op in enumerate(cell.mixed_ops):
                if hasattr(mixed_op, "compute_only"):
                    own = rows[self.space.outgoing_edges(source)]
                    mixed_op.compute_only(own)
        self.search.trace_again()

    def _decide(self, cell_type, alphas, score, probabilities):
        """Decides the undecided edge of the largest score."""
        allowed = alphas.allowed()
        candidates = np.where(allowed.sum(axis=1) > 1, score, -np.inf)
        edge = int(candidates.argmax())
        names = self.space.primitives
        is_operation = np.array([name != "none" for name in names])
        choices = np.where(
            allowed[edge] & is_operation, probabilities[edge], -1.0
        )
        alphas.decide(edge, int(choices.argmax()))
        self._cut_others(alphas, self.space.edges[edge][0])

    def _cut_others(self, alphas, node):
        """Cuts the other edges of a node that has all edges that it keeps."""
        counts = alphas.allowed().sum(axis=1)
        into = [e for e, (to, _) in enumerate(self.space.edges) if to == node]
        if (counts[into] == 1).sum() < self.space.num_kept(node):
            return
        for edge in into:
            if counts[edge] > 1:
                alphas.decide(edge)


def num_due(epochs_done: int, epochs: int, decisions: int) -> int:
    """Returns how many decisions are made after a number of epochs.

    Args:
        epochs_done: Integer.
        epochs: Integer, epochs of the whole search.
        decisions: Integer, all decisions of a cell.

    Example:

    >>> [num_due(n, epochs=50, decisions=8) for n in (9, 10, 14, 15, 45)]
    [0, 1, 1, 2, 8]
    """
    times = np.linspace(FIRST * epochs, LAST * epochs, decisions)
    return int((times <= epochs_done + 1e-6).sum())


def edge_scores(
    space: CellSearchSpace,
    cell_type: str,
    probabilities: np.ndarray,
    history: Sequence[np.ndarray] = (),
) -> np.ndarray:
    """Returns how ready each edge is to be decided.

    The score is the product of the importance of the edge (the probability
    of all operations besides `"none"`), the certainty of its choice (1 less
    the relative entropy) and, with a history, its stability (the mean
    histogram intersection with earlier epochs). Each factor is scaled to
    [0, 1] over the edges of the cell. A factor that is equal for all edges is
    left out.

    Args:
        space: The search space.
        cell_type: String.
        probabilities: Array `(edges, primitives)`.
        history: Sequence of such arrays, of earlier epochs.

    Returns:
        Array `(edges,)`.
    """
    names = space.primitives
    is_operation = np.array([name != "none" for name in names])
    importance = probabilities[:, is_operation].sum(axis=1)
    choice = _choice(probabilities, is_operation)
    counts = space.mask(cell_type)[:, is_operation].sum(axis=1)
    logs = np.log(np.where(choice > 0, choice, 1.0))
    entropy = -(choice * logs).sum(axis=1) / np.log(np.maximum(counts, 2))
    factors = [importance, 1 - entropy]
    if history:
        stability = [
            np.minimum(choice, _choice(each, is_operation)).sum(axis=1)
            for each in history
        ]
        factors.append(np.mean(stability, axis=0))
    return np.prod([_scaled(factor) for factor in factors], axis=0)


def _choice(probabilities, is_operation):
    """Returns the shares of the operations besides `"none"` on each edge."""
    operations = probabilities[:, is_operation]
    total = operations.sum(axis=1, keepdims=True)
    return operations / np.maximum(total, np.finfo("float64").tiny)


def _scaled(values):
    least, span = values.min(), np.ptp(values)
    if span < ROUNDING:
        return np.ones_like(values)
    return (values - least) / span


def _num_decided(alphas):
    """Returns how many edges have one operation."""
    return int((alphas.allowed().sum(axis=1) == 1).sum())
