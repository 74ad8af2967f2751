"""Choosing the best of many genotypes by their scores with shared weights."""

import csv
import io
import itertools
import json
import logging
import os
from collections.abc import Callable
from collections.abc import Iterable

import keras
import numpy as np

from tfdarts.files import write_atomically
from tfdarts.models.supernet import Supernet
from tfdarts.search_spaces.derivation import edge_weights_of
from tfdarts.strategies.sampling.path_scores import score_path
from tfdarts.strategies.strategy import MOST_CANDIDATES
from tfdarts.training.time_limit import TimeLimit

logger = logging.getLogger("tfdarts")

KEPT_FOR_SCORES = 0.2
"""The share of a time limit that is kept for work after the training."""

LOGGED = 100
"""The log has a line each time that so many genotypes are scored."""


class PathSelection(keras.callbacks.Callback):
    """Decides all edges of a supernet after the last epoch of a search.

    Genotypes are drawn from the search space. The supernet scores each with
    its path alone, on the first validation batches. All validation batches
    score the best of them again, and the edges of the winner are decided. The
    first of equal scores wins.

    Batch norms take the statistics of each batch, as in training.

    Args:
        search: Search of a `Supernet`, compiled.
        batches: Iterable of batches `(x, y)` of validation examples. A last
            batch of fewer examples is left out.
        num_candidates: Integer, the genotypes to draw. Equal ones are scored
            once. Defaults to `1000`.
        score_batches: Integer, the batches that score each of them. Defaults
            to `10`.
        num_finalists: Integer, the genotypes to score on all batches.
            Defaults to `10`.
        seed: Integer. Defaults to `0`.
        path: Path of a CSV file for all scores. Defaults to none.
        draw: Function of a number that returns as many genotypes. Defaults to
            uniform draws.
        limit: `tfdarts.training.time_limit.TimeLimit`. A fifth of its time is
            kept for the scores, of at least one genotype. Defaults to none.

    Reference:

    - [Li and Talwalkar, 2019](https://arxiv.org/abs/1902.07638), section 3.2,
      and their code
    """

    def __init__(
        self,
        search: keras.Model,
        batches: Iterable,
        num_candidates: int = 1000,
        score_batches: int = 10,
        num_finalists: int = 10,
        seed: int = 0,
        path: str | os.PathLike | None = None,
        draw: Callable | None = None,
        limit: TimeLimit | None = None,
    ):
        super().__init__()
        if not isinstance(search.supernet, Supernet):
            raise ValueError(
                "Genotypes are paths of a supernet of cells: search a "
                "tfdarts.CNNSupernet or tfdarts.RNNSupernet."
            )
        self.search = search
        self.space = search.supernet.space
        self.batches = batches
        self.num_candidates = num_candidates
        self.score_batches = score_batches
        self.num_finalists = num_finalists
        self.seed = seed
        self.path = path
        self.draw = draw or self._draw_uniformly
        self.limit = limit or TimeLimit(0, float)
        self.limit.kept_back = KEPT_FOR_SCORES * self.limit.seconds

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 < self.params["epochs"]:
            if not self.limit.has_ended:
                return
            # The decisions are not part of the state to resume from.
            self.limit.end(cut=True)
        self._select()

    def _select(self):
        """Scores genotypes while there is time, and decides all edges."""
        candidates = [*dict.fromkeys(self.draw(self.num_candidates))]
        logger.info(
            "search: scoring %d genotypes with the shared weights",
            len(candidates),
        )
        batches = [*itertools.islice(self.batches, self.score_batches)]
        scores = []
        for number, genotype in enumerate(candidates, 1):
            if scores and self.limit.left < self.limit.kept_back / 2:
                self._tell_end(len(scores), len(candidates))
                break
            scores.append(score_path(self.search, genotype, batches))
            if number % LOGGED == 0:
                logger.info(
                    "search: scored %d of %d genotypes", number, len(candidates)
                )
        best_first = np.argsort(np.negative(scores), kind="stable")
        finals = {}
        for position in best_first[: self.num_finalists]:
            if finals and self.limit.left < 0:
                self._tell_end(len(finals), self.num_finalists)
                break
            finals[int(position)] = score_path(
                self.search, candidates[position], self.batches
            )
        if self.path is not None:
            self._write(candidates, scores, finals)
        self._decide(candidates[max(finals, key=finals.get)])

    def _tell_end(self, done, total):
        self.limit.end(cut=True)
        logger.info(
            "search: scored only %d of %d genotypes, because time is up",
            *(done, total),
        )

    def _draw_uniformly(self, count):
        first = self.seed * MOST_CANDIDATES
        return [*map(self.space.sample, range(first, first + count))]

    def _decide(self, genotype):
        by_cell_type = edge_weights_of(self.space, genotype)
        for cell_type, alphas in self.search.supernet.alphas.items():
            for edge, weights in enumerate(by_cell_type[cell_type]):
                chosen = int(weights.argmax()) if weights.any() else None
                alphas.decide(edge, chosen)

    def _write(self, candidates, scores, finals):
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["candidate", "score", "final_score", "genotype"])
        for number, (genotype, score) in enumerate(zip(candidates, scores)):
            cells = json.dumps(genotype.to_dict())
            final = finals.get(number, "")
            writer.writerow([number + 1, score, final, cells])
        write_atomically(self.path, text.getvalue())
