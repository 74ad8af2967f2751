"""The sets of edges that a node of a derived cell may have."""

import itertools
import math


def count_sets(space, cell_type, node):
    """Returns the number of sets of edges that a node may have.

    Args:
        space: `CellSearchSpace`.
        cell_type: String.
        node: Integer.
    """
    count = space.num_kept(node)
    choices = [
        len(space.choices(cell_type, node, source)) for source in range(node)
    ]
    if space.repeats_predecessors:
        return math.comb(sum(choices) + count - 1, count)
    return sum(map(math.prod, itertools.combinations(choices, count)))


def draw_set(space, cell_type, node, generator):
    """Returns edges of a node, a list, drawn uniformly.

    Args:
        space: `CellSearchSpace`.
        cell_type: String.
        node: Integer.
        generator: `numpy.random.Generator`.
    """
    count = space.num_kept(node)
    if space.repeats_predecessors:
        edges = [
            (primitive, source)
            for source in range(node)
            for primitive in space.choices(cell_type, node, source)
        ]
        # Each set of these numbers stands for one multiset of edges.
        drawn = generator.choice(len(edges) + count - 1, count, replace=False)
        return [edges[n - i] for i, n in enumerate(sorted(drawn.tolist()))]
    sources = generator.choice(node, count, replace=False)
    return [
        (str(generator.choice(space.choices(cell_type, node, source))), source)
        for source in sorted(sources.tolist())
    ]


def is_set(space, cell_type, node, edges):
    """Returns whether a node may have these edges.

    Args:
        space: `CellSearchSpace`.
        cell_type: String.
        node: Integer.
        edges: Sequence of pairs `(primitive, predecessor)`.
    """
    sources = [source for _, source in edges]
    return (
        len(edges) == space.num_kept(node)
        and (space.repeats_predecessors or len({*sources}) == len(sources))
        and all(
            primitive in space.choices(cell_type, node, source)
            for primitive, source in edges
        )
    )


def validate_edges_per_node(space):
    """Raises `ValueError` if a node cannot keep so many edges."""
    number = space.edges_per_node
    if number == "all" and space.repeats_predecessors:
        raise ValueError(
            "If `repeats_predecessors` is true, `edges_per_node` must be an "
            "integer. Received: 'all'."
        )
    if number != "all" and not (type(number) is int and number > 0):
        raise ValueError(
            f"`edges_per_node` must be a positive integer or 'all'. "
            f"Received: {number!r}."
        )
