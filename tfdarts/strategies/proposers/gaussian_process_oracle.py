"""The base class of oracles that predict results by a Gaussian process."""

import numpy as np

from tfdarts.cells import Cell
from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.neighbors import edit_edge
from tfdarts.search_spaces.neighbors import replace_item
from tfdarts.strategies.proposers.gaussian_process import GaussianProcess
from tfdarts.strategies.proposers.pairwise_distances import PairwiseDistances
from tfdarts.strategies.proposers.proposer import Proposer
from tfdarts.strategies.proposers.space_encoding import SpaceEncoding

REFIT_AFTER = 7
"""Results after which the parameters of the kernel are fitted again."""

ATTEMPTS = 100
"""Random genotypes to draw before nothing untried seems to be left."""


class GaussianProcessOracle(Proposer):
    """Proposes the genotype that a Gaussian process finds most promising.

    The first trials are random. The kernel is a function of distances between
    genotypes. A subclass implements `candidates`.

    Args:
        space: `tfdarts.CellSearchSpace`.
        metric: See `PairwiseDistances`. Its attribute `powers` is that of
            `GaussianProcess`.
        num_initial: Integer, the number of random trials at the beginning.
        **kwargs: See `keras_tuner.Oracle`. The hyperparameters are those of
            the space.
    """

    draws = False

    def __init__(self, space, metric, num_initial, **kwargs):
        space.require_equal_cells()
        self.space = space
        self.encoding = SpaceEncoding(space)
        super().__init__(
            hyperparameters=self.encoding.hyperparameters(), **kwargs
        )
        self.powers = metric.powers
        self.num_initial = num_initial
        self.pairs = self.examples = PairwiseDistances(metric)
        self.results = []
        self.fitted = {"parameters": None, "results": 0}

    def candidates(self, process, targets, generator):
        """Returns genotypes to try, the most promising one first.

        Args:
            process: `GaussianProcess` that knows all results.
            targets: Array, the losses of the results, with mean 0 and
                variance 1.
            generator: `numpy.random.Generator`.

        Returns:
            List of tuples of `Cell`.
        """
        raise NotImplementedError

    def propose(self, generator: np.random.Generator) -> dict | None:
        if len(self.start_order) < self.num_initial or not self.results:
            return self.sample(generator)
        losses = np.array([result["loss"] for result in self.results])
        targets = (losses - losses.mean()) / (losses.std() or 1)
        process = self._process(targets)
        for cells in self.candidates(process, targets, generator):
            values = self._encode(cells)
            if not self._duplicate(values) and self.accepts(values):
                self.pairs.forget()
                return values
        return self._sample_untried(generator)

    def learn(self, values: dict, loss: float) -> None:
        self.results.append({"values": values, "loss": loss})

    @property
    def evaluated(self):
        """The genotypes of all results, a list of tuples of `Cell`."""
        return [self._decode(result["values"]) for result in self.results]

    def predict(self, process, genotypes):
        """Returns the means and the deviations of genotypes, two arrays.

        Args:
            process: See `candidates`.
            genotypes: List of tuples of `Cell`.
        """
        return process.predict(self.examples.to_known(genotypes))

    def mutate_cells(self, cells, generator):
        """Returns a genotype with one edit, or the same one if it has none.

        Each edge has the same chance to change, and then each of its edits.

        Args:
            cells: Tuple of `Cell`.
            generator: `numpy.random.Generator`.
        """
        edges = [
            (place, position, number)
            for place, cell in enumerate(cells)
            for position, edges in enumerate(cell.nodes)
            for number in range(len(edges))
        ]
        for drawn in generator.permutation(len(edges)):
            place, position, number = edges[drawn]
            nodes = cells[place].nodes
            edits = [
                *edit_edge(
                    self.space,
                    self.space.cell_types[place],
                    self.space.nodes[position],
                    nodes[position][number],
                    nodes[position],
                )
            ]
            if edits:
                edit = edits[generator.integers(len(edits))]
                changed = replace_item(nodes[position], number, edit)
                nodes = replace_item(nodes, position, changed)
                edited = Cell(nodes, self.space.concat_of(nodes))
                return replace_item(cells, place, edited)
        return cells

    def _process(self, targets):
        """Returns a Gaussian process that knows all results.

        Its examples are those of `self.examples`.
        """
        for result in self.results[len(self.pairs.known) :]:
            self.pairs.add(self._decode(result["values"]))
        distances = self.pairs.among_known()
        process = GaussianProcess(self.powers, self.fitted["parameters"])
        age = len(targets) - self.fitted["results"]
        if process.parameters is None or age >= REFIT_AFTER:
            process.fit(distances, targets)
            self.fitted = {
                "parameters": process.parameters,
                "results": len(targets),
            }
        self.examples = self.pairs
        process.condition(distances, targets)
        return self._imagine_pending(process, targets)

    def _imagine_pending(self, process, targets):
        """Adds the predictions for pending trials to what a process knows.

        So several workers do not all evaluate neighbors of one genotype.
        """
        trials = self.ongoing_trials.values()
        pending = [self._decode(t.hyperparameters.values) for t in trials]
        if not pending:
            return process
        imagined, _ = self.predict(process, pending)
        self.examples = self.pairs.with_others(pending)
        targets = np.concatenate([targets, imagined])
        return process.condition(self.examples.among_known(), targets)

    def _sample_untried(self, generator):
        """Returns random values that were not tried; `None` if there are none.

        Only small spaces need this.
        """
        for _ in range(ATTEMPTS):
            values = self.sample(generator)
            if not self._duplicate(values):
                return values
        return None

    def _decode(self, values):
        return tuple(self.encoding.decode(values).cells.values())

    def _encode(self, cells):
        cells = dict(zip(self.space.cell_types, cells, strict=True))
        return self.encoding.encode(Genotype(cells=cells))

    def get_state(self) -> dict:
        return {
            **super().get_state(),
            "results": self.results,
            "fitted": self.fitted,
        }

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        self.results, self.fitted = state["results"], state["fitted"]
