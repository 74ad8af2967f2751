"""Genotypes of a search space as hyperparameters of keras-tuner."""

import itertools
from itertools import chain

from tfdarts.genotypes import Genotype


class SpaceEncoding:
    """The choices that make a genotype of a search space.

    A node that does not keep all its edges has a choice of predecessors, such
    as `"0,2"`. Each edge has a choice of primitives, which is active if the
    node keeps the edge. Where predecessors repeat, as in `"2,2"`, the second
    edge from a predecessor has a choice of its own.

    Args:
        space: `tfdarts.CellSearchSpace`.

    Example:

    >>> from tfdarts.search_spaces.cnn import CNNSearchSpace
    >>> space = CNNSearchSpace(num_nodes=2)
    >>> encoding = SpaceEncoding(space)
    >>> genotype = space.sample(0)
    >>> values = encoding.encode(genotype)
    >>> [name for name in values if name.startswith("normal")]
    ['normal_2_0', 'normal_2_1', 'normal_3', 'normal_3_0', 'normal_3_2']
    >>> encoding.decode(values) == genotype
    True
    """

    def __init__(self, space):
        self.space = space

    def hyperparameters(self):
        """Returns the choices, a `keras_tuner.HyperParameters`."""
        import keras_tuner

        hyperparameters = keras_tuner.HyperParameters()
        for cell_type, node in self._nodes():
            kept = self._kept(node)
            name = f"{cell_type}_{node}"
            if len(kept) > 1:
                hyperparameters.Choice(name, [*map(_join, kept)])
            for source, repeat in sorted({*chain(*map(_places, kept))}):
                hyperparameters.Choice(
                    _edge_name(name, source, repeat),
                    self.space.choices(cell_type, node, source),
                    parent_name=name if len(kept) > 1 else None,
                    parent_values=[
                        _join(k) for k in kept if k.count(source) > repeat
                    ],
                )
        return hyperparameters

    def encode(self, genotype):
        """Returns the values of a genotype, a dict.

        Args:
            genotype: `Genotype` of the space.
        """
        values = {}
        for cell_type, node in self._nodes():
            edges = genotype.cells[cell_type].nodes[self._position(node)]
            edges = sorted(edges, key=lambda edge: edge[1])
            sources = tuple(source for _, source in edges)
            name = f"{cell_type}_{node}"
            if len(self._kept(node)) > 1:
                values[name] = _join(sources)
            for (primitive, _), place in zip(edges, _places(sources)):
                values[_edge_name(name, *place)] = primitive
        return values

    def decode(self, values):
        """Returns the genotype of values.

        Args:
            values: Dict, as `encode` returns.
        """
        cells = {cell_type: [] for cell_type in self.space.cell_types}
        for cell_type, node in self._nodes():
            name = f"{cell_type}_{node}"
            (kept, *others) = self._kept(node)
            if others:
                kept = tuple(map(int, values[name].split(",")))
            edges = [
                (values[_edge_name(name, *place)], source)
                for source, place in zip(kept, _places(kept))
            ]
            cells[cell_type].append(edges)
        return Genotype(
            cells={
                name: {"nodes": nodes, "concat": self.space.concat_of(nodes)}
                for name, nodes in cells.items()
            }
        )

    def _nodes(self):
        return [
            (cell_type, node)
            for cell_type in self.space.cell_types
            for node in self.space.nodes_of(cell_type)
        ]

    def _position(self, node):
        return node - self.space.nodes[0]

    def _kept(self, node):
        """Returns all sets of predecessors that a node may keep."""
        choose = itertools.combinations
        if self.space.repeats_predecessors:
            choose = itertools.combinations_with_replacement
        return [*choose(range(node), self.space.num_kept(node))]


def _join(predecessors):
    return ",".join(map(str, predecessors))


def _places(predecessors):
    """Returns for each edge its predecessor, and how many came from it before.

    Args:
        predecessors: Sorted tuple of integers.
    """
    return [
        (source, place - predecessors.index(source))
        for place, source in enumerate(predecessors)
    ]


def _edge_name(name, source, repeat):
    """Returns the name of the choice of an edge's primitive."""
    return f"{name}_{source}" + f"_{repeat + 1}" * bool(repeat)
