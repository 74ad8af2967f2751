"""The search space of hierarchical representations: cells of motifs."""

import numpy as np

from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.cell_space import CellSearchSpace
from tfdarts.structures import HIERARCHICAL

NUM_MUTATIONS = 1000
"""Mutations that turn the genotype of identities into a random one."""


class HierarchicalSearchSpace(CellSearchSpace):
    """A cell whose operations are motifs, small graphs of primitives.

    Each edge of a motif has a primitive. Each edge of the cell has one of the
    motifs, or `"none"`. Node `0` of a graph is its input, the last node its
    output. A random genotype is the one of identities after 1000 mutations.

    Args:
        num_nodes: Integer, nodes of a motif besides its input; the cell has
            one more. Defaults to `3`.
        primitives: Sequence of names, the operations of motifs, among them
            `"none"` and `"skip_connect"`. Defaults to the seven of the paper.
        **kwargs: See `CellSearchSpace`.

    Raises:
        ValueError: If `"none"` or `"skip_connect"` is missing.

    Example:

    >>> space = HierarchicalSearchSpace()
    >>> genotype = space.identity()
    >>> genotype.motif_1
    (('skip_connect', 0), ('none', 0), ('skip_connect', 1), ('none', 0), \
('none', 1), ('skip_connect', 2))
    >>> genotype.cells["cell_of_motifs"].nodes[1]
    (('none', 0), ('motif_1', 1))
    >>> space.mutate(genotype, seed=0) in space.neighbors(genotype)
    True

    Reference:

    - [Liu et al., 2018](https://arxiv.org/abs/1711.00436), sections 2 and 3
    """

    name = "hierarchical"
    structure = HIERARCHICAL
    num_nodes = 3
    primitives = (
        "none",
        "skip_connect",
        "conv_bn_relu_1x1",
        "depthwise_bn_relu_3x3",
        "separable_bn_relu_3x3",
        "max_pool_3x3",
        "avg_pool_3x3",
    )
    derive_none = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        missing = {"none", "skip_connect"} - {*self.primitives}
        if missing:
            raise ValueError(
                f"The space {self.name} needs the primitives none and "
                "skip_connect, because random genotypes are mutations of a "
                "genotype of these. Add them to `primitives`. Received: "
                f"{', '.join(self.primitives)}."
            )

    @property
    def concat(self) -> tuple[int, ...]:
        """The node of a motif's output: the last one."""
        return self.nodes[-1:]

    @property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        """The names of the graphs of each level, motifs first."""
        motifs = self.structure.motifs
        return motifs, tuple(n for n in self.cell_types if n not in motifs)

    def nodes_of(self, cell_type: str) -> tuple[int, ...]:
        nodes = self.nodes
        if cell_type in self.structure.motifs:
            return nodes
        return (*nodes, nodes[-1] + 1)

    def concat_of(self, nodes) -> tuple[int, ...]:
        return (len(nodes),)

    def choices(self, cell_type, node, predecessor):
        if cell_type in self.structure.motifs:
            return super().choices(cell_type, node, predecessor)
        return ["none", *self.structure.motifs]

    def identity(self) -> Genotype:
        """Returns the genotype whose graphs are chains of identities."""
        first, *_ = self.structure.motifs
        identities = dict.fromkeys(self.cell_types, first)
        identities |= dict.fromkeys(self.structure.motifs, "skip_connect")
        return self._genotype(
            [
                [
                    *(("none", source) for source in range(node - 1)),
                    (identity, node - 1),
                ]
                for node in self.nodes_of(cell_type)
            ]
            for cell_type, identity in identities.items()
        )

    def sample(self, seed: int) -> Genotype:
        """Returns a random genotype: 1000 mutations of that of identities.

        Args:
            seed: Integer. The same seed gives the same genotype.
        """
        return self.draw(np.random.default_rng(seed), f"random:{seed}")

    def draw(self, generator, name=None) -> Genotype:
        """Returns a random genotype; see `sample`.

        Args:
            generator: `numpy.random.Generator`.
            name: Optional string, the name of the genotype.
        """
        return self.mutate_often(
            self.identity(), generator, NUM_MUTATIONS, name
        )

    def mutate(self, genotype: Genotype, seed: int) -> Genotype:
        """Returns a mutation of a genotype; see `mutate_often`.

        Args:
            genotype: `Genotype` of this space.
            seed: Integer. The same seed gives the same mutation.
        """
        return self.mutate_often(genotype, np.random.default_rng(seed), 1)

    def mutate_often(self, genotype, generator, count, name=None) -> Genotype:
        """Returns a genotype after some mutations.

        A mutation draws a level, one of its graphs, two of the graph's nodes
        and another operation for the edge between these, all uniformly.

        Args:
            genotype: `Genotype` of this space.
            generator: `numpy.random.Generator`.
            count: Integer, the number of mutations.
            name: Optional string, the name of the new genotype.
        """
        self._check(genotype)
        graphs = {
            cell_type: [dict(map(reversed, edges)) for edges in cell.nodes]
            for cell_type, cell in genotype.cells.items()
        }
        for _ in range(count):
            level = _choose(self.levels, generator)
            cell_type = _choose(level, generator)
            position, source = _choose(self._pairs(cell_type), generator)
            edges = graphs[cell_type][position]
            node = self.nodes_of(cell_type)[position]
            others = self.choices(cell_type, node, source)
            others.remove(edges[source])
            edges[source] = _choose(others, generator)
        return self._genotype(
            (
                [[(name, s) for s, name in edges.items()] for edges in nodes]
                for nodes in graphs.values()
            ),
            name,
        )

    def _pairs(self, cell_type):
        """Returns the edges of a graph: positions of nodes and predecessors."""
        return [
            (position, source)
            for position, node in enumerate(self.nodes_of(cell_type))
            for source in range(node)
        ]

    def _check(self, genotype):
        if genotype not in self:
            raise ValueError(
                f"The genotype is not in the search space {self.name}: its "
                f"motifs must have {self.num_nodes} nodes and the primitives "
                f"{', '.join(self.primitives)}, and its cell "
                f"{self.num_nodes + 1} nodes. Received: {genotype}."
            )

    def require_equal_cells(self) -> None:
        raise ValueError(
            f"The graphs of the space {self.name} differ in size and "
            "operations, which this strategy cannot propose. Search the space "
            "with hierarchical_evolution, or with evolution, local_search, "
            "random, bayesian or the tabular nas_rl."
        )


def _choose(options, generator):
    return options[generator.integers(len(options))]
