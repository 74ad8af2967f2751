"""Genotypes of a search space as hyperparameters of keras-tuner."""

import itertools

from tfdarts.genotypes import Genotype


class SpaceEncoding:
    """The choices that make a genotype of a search space.

    A node that does not keep all its edges has a choice of predecessors, such
    as `"0,2"`. Each edge has a choice of primitives, which is active if the
    node keeps the edge.

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
            for source in range(node):
                hyperparameters.Choice(
                    f"{name}_{source}",
                    self.space.choices(cell_type, node, source),
                    parent_name=name if len(kept) > 1 else None,
                    parent_values=[_join(k) for k in kept if source in k],
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
            name = f"{cell_type}_{node}"
            if len(self._kept(node)) > 1:
                values[name] = _join(source for _, source in edges)
            for primitive, source in edges:
                values[f"{name}_{source}"] = primitive
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
                kept = map(int, values[name].split(","))
            edges = [(values[f"{name}_{source}"], source) for source in kept]
            cells[cell_type].append(edges)
        concat = self.space.concat
        return Genotype(
            cells={
                cell_type: {"nodes": nodes, "concat": concat}
                for cell_type, nodes in cells.items()
            }
        )

    def _nodes(self):
        return itertools.product(self.space.cell_types, self.space.nodes)

    def _position(self, node):
        return node - self.space.nodes[0]

    def _kept(self, node):
        """Returns all sets of predecessors that a node may keep."""
        count = self.space.num_kept(node)
        return [*itertools.combinations(range(node), count)]


def _join(predecessors):
    return ",".join(map(str, predecessors))
