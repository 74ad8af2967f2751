"""Distances between genotypes, each computed once."""

import copy

import numpy as np


class PairwiseDistances:
    """The distances of genotypes to those that are known.

    The distances of a cell to those of the known genotypes are kept while it
    is asked for, and are only extended when more genotypes become known.

    Args:
        metric: Object with three methods. `describe(cell)` returns what the
            distance of a cell depends on. `compare(described, others)` returns
            numbers for a list of described cells, an array `(numbers,
            others)`. `combine(sums)` returns distances of genotypes, of the
            sums of these numbers over their cells.

    Example:

    >>> from tfdarts.search_spaces.cnn import CNNSearchSpace
    >>> from tfdarts.strategies.proposers.edit_distance import EditDistance
    >>> space = CNNSearchSpace()
    >>> distances = PairwiseDistances(EditDistance(space))
    >>> genotypes = [tuple(space.sample(n).cells.values()) for n in range(3)]
    >>> for cells in genotypes:
    ...     distances.add(cells)
    >>> distances.among_known().shape, distances.to_known(genotypes[:1]).shape
    ((1, 3, 3), (1, 1, 3))
    """

    def __init__(self, metric):
        self.metric = metric
        self.known = []
        self._rows = []
        self._kept, self._asked = {}, {}

    def add(self, cells):
        """Makes a genotype known.

        Args:
            cells: Tuple of `Cell`, one for each type.
        """
        self._rows.append(self._sum(cells))
        self.known.append([self.metric.describe(cell) for cell in cells])

    def among_known(self):
        """Returns the distances of the known genotypes.

        Returns:
            Array `(distances, known, known)`.
        """
        size = len(self.known)
        sums = np.zeros((len(self._rows[-1]), size, size))
        for number, row in enumerate(self._rows):
            sums[:, number, :number] = sums[:, :number, number] = row
        return self.metric.combine(sums)

    def to_known(self, genotypes):
        """Returns the distances of genotypes to the known ones.

        Args:
            genotypes: List of tuples of `Cell`.

        Returns:
            Array `(distances, genotypes, known)`.
        """
        sums = np.stack([*map(self._sum, genotypes)], axis=1)
        return self.metric.combine(sums)

    def with_others(self, genotypes):
        """Returns distances to more genotypes, which do not become known here.

        Args:
            genotypes: List of tuples of `Cell`.

        Returns:
            `PairwiseDistances` that also knows these genotypes.
        """
        more = copy.copy(self)
        more.known, more._rows = [*self.known], [*self._rows]
        more._kept, more._asked = {}, {}
        for cells in genotypes:
            more.add(cells)
        return more

    def forget(self):
        """Forgets the distances of cells not asked for since the last call."""
        self._kept, self._asked = self._asked, {}

    def _sum(self, cells):
        """Returns the sums over cells of the numbers of the metric."""
        return sum(self._row(place, cell) for place, cell in enumerate(cells))

    def _row(self, place, cell):
        """Returns the numbers of a cell and the known ones of its type."""
        key = place, cell
        entry = self._asked.get(key) or self._kept.get(key)
        if entry is None:
            described = self.metric.describe(cell)
            entry = described, self.metric.compare(described, [])
        described, row = entry
        others = [known[place] for known in self.known[row.shape[1] :]]
        if others:
            more = self.metric.compare(described, others)
            row = np.concatenate([row, more], axis=1)
        self._asked[key] = described, row
        return row
