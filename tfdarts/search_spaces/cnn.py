"""The space of convolutional cells that DARTS searches."""

import dataclasses
import math

import numpy as np

from tfdarts.genotypes import EDGES_PER_NODE
from tfdarts.genotypes import NUM_INPUTS
from tfdarts.genotypes import PRIMITIVES
from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.relaxation import log_softmax


class CNNSearchSpace:
    """Cells of intermediate nodes, each fed by every node before it.

    Edges are numbered by node, then by predecessor: edges `0` and `1` lead
    from the two inputs to the first intermediate node, edges `2` to `4` lead
    to the second, and so on. Row `e` of an alpha matrix belongs to edge `e`,
    column `k` to `primitives[k]`.

    Args:
        num_nodes: Integer, intermediate nodes of a cell. Defaults to `4`.
        primitives: Sequence of primitive names. Defaults to the eight of the
            paper, `tfdarts.genotypes.PRIMITIVES`.

    Example:

    >>> space = CNNSearchSpace()
    >>> space.num_edges, space.alpha_shape
    (14, (14, 8))
    >>> f"{space.size:,}"
    '1,037,664,180'

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), sections 2.1, 2.4
    """

    cell_types = ("normal", "reduce")

    def __init__(self, num_nodes=4, primitives=PRIMITIVES):
        unknown = [name for name in primitives if name not in PRIMITIVES]
        if (
            unknown
            or set(primitives) <= {"none"}
            or len(set(primitives)) != len(primitives)
        ):
            raise ValueError(
                f"`primitives` must be different names out of "
                f"{', '.join(PRIMITIVES)}, and at least one besides 'none'. "
                f"Received: {list(primitives)}."
            )
        if num_nodes < 1:
            raise ValueError(
                f"A cell must have at least one intermediate node. "
                f"Received: num_nodes={num_nodes}."
            )
        self.num_nodes = num_nodes
        self.primitives = tuple(primitives)
        self.edges = tuple(
            (node, predecessor)
            for node in range(NUM_INPUTS, NUM_INPUTS + num_nodes)
            for predecessor in range(node)
        )

    @property
    def num_edges(self):
        """Edges of a cell before derivation."""
        return len(self.edges)

    @property
    def alpha_shape(self):
        """Shape of the alphas of one cell type: `(edges, primitives)`."""
        return (self.num_edges, len(self.primitives))

    @property
    def concat(self):
        """The nodes that make a cell's output: all intermediate ones."""
        return tuple(range(NUM_INPUTS, NUM_INPUTS + self.num_nodes))

    @property
    def size(self):
        """Number of different derived cells of one type."""
        operations = len(self._choices) ** (EDGES_PER_NODE * self.num_nodes)
        return operations * math.prod(
            math.comb(node, EDGES_PER_NODE) for node in self.concat
        )

    def outgoing_edges(self, predecessor):
        """Returns the numbers of the edges that leave a node, in order."""
        return [
            edge
            for edge, (_, source) in enumerate(self.edges)
            if source == predecessor
        ]

    def derive(self, alphas):
        """Returns the genotype that the alphas stand for.

        An edge is as strong as the largest softmax weight of its primitives
        other than `"none"`. Each node keeps its two strongest edges, the
        stronger first, each with its strongest primitive other than
        `"none"`. Of equals the earlier wins. The mass that `"none"` takes in
        the softmax weakens an edge, so ranking raw alphas would be another
        rule.

        Args:
            alphas: Dict with keys `"normal"` and `"reduce"`, values arrays of
                shape `alpha_shape`: raw alphas, before the softmax.

        Raises:
            ValueError: If a shape is wrong or an alpha is not finite.

        Reference:

        - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 2.4
        """
        normal, reduce = (
            self._derive_cell(cell_type, alphas[cell_type])
            for cell_type in self.cell_types
        )
        return Genotype(normal, self.concat, reduce, self.concat)

    def sample(self, seed):
        """Returns a genotype drawn uniformly from the space.

        Args:
            seed: Integer. The same seed gives the same genotype.
        """
        generator = np.random.default_rng(seed)
        normal, reduce = (self._sample_cell(generator) for _ in self.cell_types)
        return Genotype(
            normal, self.concat, reduce, self.concat, name=f"random:{seed}"
        )

    def neighbors(self, genotype):
        """Returns the genotypes that one edit leads to.

        An edit gives one edge another primitive or another predecessor; the
        two edges of a node keep different predecessors.

        Args:
            genotype: `Genotype` of this space.

        Returns:
            List of genotypes: 120 in the paper's space.

        Raises:
            ValueError: If the genotype is not of this space.

        Example:

        >>> space = CNNSearchSpace()
        >>> len(space.neighbors(space.sample(seed=0)))
        120
        """
        self._check(genotype)
        return [
            dataclasses.replace(genotype, **{cell_type: cell}, name=None)
            for cell_type in self.cell_types
            for cell in self._edited_cells(getattr(genotype, cell_type))
        ]

    def mutate(self, genotype, seed):
        """Returns one of the neighbors, drawn uniformly.

        Args:
            genotype: `Genotype` of this space.
            seed: Integer. The same seed gives the same neighbor.
        """
        neighbors = self.neighbors(genotype)
        return neighbors[np.random.default_rng(seed).integers(len(neighbors))]

    def __contains__(self, genotype):
        """Whether a genotype is of this space."""
        cells = [getattr(genotype, cell_type) for cell_type in self.cell_types]
        return (
            genotype.normal_concat == genotype.reduce_concat == self.concat
            and all(p in self._choices for cell in cells for p, _ in cell)
            and all(
                first != second
                for cell in cells
                for (_, first), (_, second) in zip(cell[::2], cell[1::2])
            )
        )

    @property
    def _choices(self):
        return [name for name in self.primitives if name != "none"]

    def _derive_cell(self, cell_type, alphas):
        alphas = np.asarray(alphas, dtype="float64")
        if alphas.shape != self.alpha_shape or not np.isfinite(alphas).all():
            raise ValueError(
                f"The alphas of the {cell_type} cell must be finite numbers of "
                f"shape {self.alpha_shape}. Received shape {alphas.shape}, "
                f"{np.isfinite(alphas).sum()} of them finite."
            )
        columns = [self.primitives.index(name) for name in self._choices]
        # Logarithms rank as the softmax does, and none of them vanishes.
        candidates = log_softmax(alphas)[:, columns]
        strength = candidates.max(axis=1)
        best = candidates.argmax(axis=1)
        cell = []
        for node in self.concat:
            incoming = [e for e, (to, _) in enumerate(self.edges) if to == node]
            incoming.sort(key=lambda edge: -strength[edge])
            for edge in incoming[:EDGES_PER_NODE]:
                cell.append((self._choices[best[edge]], self.edges[edge][1]))
        return cell

    def _check(self, genotype):
        if genotype not in self:
            raise ValueError(
                f"The genotype is not of the space of cells with "
                f"{self.num_nodes} nodes, two different predecessors each, "
                f"all of them in the output. Received: {genotype}."
            )

    def _edited_cells(self, cell):
        for position, (primitive, predecessor) in enumerate(cell):
            first = position - position % EDGES_PER_NODE
            taken = {source for _, source in cell[first : first + 2]}
            node = position // EDGES_PER_NODE + NUM_INPUTS
            edits = [
                (other, predecessor)
                for other in self._choices
                if other != primitive
            ] + [
                (primitive, source)
                for source in range(node)
                if source not in taken
            ]
            for edit in edits:
                yield (*cell[:position], edit, *cell[position + 1 :])

    def _sample_cell(self, generator):
        cell = []
        for node in self.concat:
            predecessors = generator.choice(node, EDGES_PER_NODE, replace=False)
            for predecessor in sorted(predecessors.tolist()):
                cell.append((str(generator.choice(self._choices)), predecessor))
        return cell
