"""Progressive search as an oracle of keras-tuner."""

import json
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from tfdarts.strategies.proposers.growing_cells import GrowingCells
from tfdarts.strategies.proposers.proposer import Proposer
from tfdarts.strategies.proposers.space_encoding import SpaceEncoding

ENSEMBLE = 5
"""Predictors, each of which does not see one of as many parts of the data."""

UNITS = 100
"""Units of the layer of a predictor."""


class PNASOracle(Proposer):
    """Proposes cells of few different nodes first, and larger ones later.

    All cells of one node are tried. Then predictors are fitted to all results
    so far and rank all cells with one node more; the best of them are tried,
    and so on. After the last node, the next best follow.

    Args:
        space: `tfdarts.CellSearchSpace`.
        beam: Integer, the number of cells to try at each step.
        **kwargs: See `keras_tuner.Oracle`. The hyperparameters are those of
            the space.

    Raises:
        ValueError: If cells of the space cannot grow.

    Reference:

    - [Liu et al., 2018](https://arxiv.org/abs/1712.00559)
    """

    draws = False

    def __init__(self, space, beam, **kwargs):
        self.encoding = SpaceEncoding(space)
        self.cells = GrowingCells(space)
        super().__init__(
            hyperparameters=self.encoding.hyperparameters(), **kwargs
        )
        self.beam = beam
        self.level = 1
        self.queue = self.cells.extensions([])
        self.tried = []
        self.results = []

    def populate_space(self, trial_id):
        if not self.queue and self.ongoing_trials:
            return {"status": "IDLE", "values": None}
        return super().populate_space(trial_id)

    def propose(self, generator: np.random.Generator) -> dict | None:
        if not self.queue:
            self._grow()
        if not self.queue:
            return None
        cell = self.queue.pop(0)
        self.tried.append(cell)
        return self.encoding.encode(self.cells.genotype(cell))

    def learn(self, values: dict, loss: float) -> None:
        cell, *_ = self.encoding.decode(values).cells.values()
        self.results.append({"cell": cell.nodes, "loss": loss})

    def _key(self, cell):
        return json.dumps(self.cells.complete(cell))

    def _grow(self):
        """Queues the cells that promise the best results, one level up."""
        last = self.encoding.space.num_nodes
        parents_level = min(self.level, last - 1)
        self.level = parents_level + 1
        known = {self._key(cell) for cell in self.tried}
        candidates = [
            child
            for parent in self.tried
            if len(parent) == parents_level
            for child in self.cells.extensions(parent)
            if self._key(child) not in known
        ]
        if not candidates or not self.results:
            return
        order = np.argsort(self._predict(candidates), kind="stable")
        self.queue = [candidates[n] for n in order[: self.beam]]

    def _predict(self, candidates):
        """Returns the losses of cells, as the predictors see them."""
        x = np.array([self.cells.features(r["cell"]) for r in self.results])
        y = np.array([result["loss"] for result in self.results])
        y = (y - y.mean()) / (y.std() or 1)
        features = np.array([self.cells.features(cell) for cell in candidates])
        part = np.random.default_rng([self.seed, len(y)]).permutation(len(y))
        predicted = 0
        for number in range(ENSEMBLE):
            # Of fewer results, each predictor sees all.
            seen = (part % ENSEMBLE != number) | (len(y) < ENSEMBLE)
            model = MLPRegressor(
                hidden_layer_sizes=(UNITS,),
                learning_rate_init=0.01,
                random_state=ENSEMBLE * self.seed + number,
            )
            with warnings.catch_warnings():
                # The published predictors are not trained to the end either.
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(x[seen], y[seen])
            predicted = predicted + model.predict(features)
        return predicted / ENSEMBLE

    def get_state(self) -> dict:
        return {
            **super().get_state(),
            "level": self.level,
            "queue": self.queue,
            "tried": self.tried,
            "results": self.results,
        }

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        for name in ("level", "queue", "tried", "results"):
            setattr(self, name, state[name])
