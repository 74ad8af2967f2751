"""Cells: the parts of a genotype."""

import dataclasses
from collections.abc import Iterable
from collections.abc import Mapping

from tfdarts.arguments import items
from tfdarts.arguments import scalar
from tfdarts.primitive_table import names_of_edges
from tfdarts.structures import STRUCTURES
from tfdarts.structures import structure_of


@dataclasses.dataclass(frozen=True, eq=False)
class Cell:
    """A cell: the edges into each intermediate node, and the output.

    Nodes are numbered from the inputs on. A convolutional cell has the input
    nodes `0` and `1`, so its first intermediate node is node `2`. A node is
    the sum of its edges, so comparisons ignore the order of its edges.

    Args:
        nodes: Tuple with an entry for each intermediate node: a tuple of its
            edges, which are pairs `(primitive, predecessor)`. An edge with
            the primitive `"none"` carries nothing.
        concat: Tuple of the intermediate nodes that form the output.

    Example:

    >>> cell = Cell(nodes=((("tanh", 0),), (("relu", 1),)), concat=(1, 2))
    >>> cell.edges
    (('tanh', 0), ('relu', 1))
    >>> edges = ("skip_connect", 0), ("max_pool_3x3", 1)
    >>> Cell((edges,), (2,)) == Cell((edges[::-1],), (2,))
    True
    """

    nodes: tuple[tuple[tuple[str, int], ...], ...]
    concat: tuple[int, ...]

    def __eq__(self, other):
        if not isinstance(other, Cell):
            return NotImplemented
        return self._compared == other._compared

    def __hash__(self):
        return hash(self._compared)

    @property
    def _compared(self):
        return tuple(tuple(sorted(node)) for node in self.nodes), self.concat

    @property
    def edges(self) -> tuple[tuple[str, int], ...]:
        """The edges of all nodes, in order."""
        return tuple(edge for node in self.nodes for edge in node)

    def has(self, edges_per_node: int | str) -> bool:
        """Returns whether each node has this number of edges."""
        return all(len(node) == edges_per_node for node in self.nodes)


def validate_cell(space, cell_type, nodes, concat):
    """Returns the `Cell` of a user's arguments.

    Args:
        space: String, a key of `tfdarts.structures.STRUCTURES`.
        cell_type: String, the name of the cell in errors.
        nodes: Sequence of the edges of each node. Or a sequence of the edges
            of all nodes, if each node has the paper's number of edges.
        concat: Sequence of integers.

    Raises:
        ValueError: If a primitive is unknown, an edge does not come from an
            earlier node, or `concat` names a node that is not an intermediate
            node.
    """
    structure = STRUCTURES[space]
    if not is_list_of_nodes(nodes):
        nodes = _split(cell_type, nodes, structure.edges_per_node)
    known = names_of_edges(space, cell_type)
    checked = []
    for node, edges in enumerate(nodes, structure.num_inputs):
        edges = _validate_edges(cell_type, edges)
        for primitive, predecessor in edges:
            _check_primitive(cell_type, primitive, known)
            _check_predecessor(cell_type, predecessor, node)
        checked.append(edges)
    concat = _validate_concat(
        f"{cell_type}_concat", concat, structure.num_inputs, len(checked)
    )
    return Cell(tuple(checked), concat)


def is_list_of_nodes(value):
    """Returns whether a value lists the edges of each node separately."""
    return (
        isinstance(value, list | tuple)
        and len(value) > 0
        and all(
            isinstance(node, list | tuple)
            and all(isinstance(edge, list | tuple) for edge in node)
            for node in value
        )
    )


def _split(cell_type, edges, edges_per_node):
    """Returns a list of all edges as a list of the edges of each node."""
    edges = _validate_edges(cell_type, edges)
    if edges_per_node == "all" or len(edges) % edges_per_node:
        raise ValueError(
            f"`{cell_type}` must hold {edges_per_node} edges for each "
            f"intermediate node, or a list of edges for each node. Received "
            f"{len(edges)} edges."
        )
    return [
        edges[first : first + edges_per_node]
        for first in range(0, len(edges), edges_per_node)
    ]


def _validate_edges(cell_type, edges):
    try:
        checked = tuple(
            (scalar(primitive), scalar(predecessor))
            for primitive, predecessor in items(edges)
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{cell_type}` must be a list of pairs (primitive, predecessor). "
            f"Received: {edges!r}."
        ) from error
    if not checked:
        raise ValueError(
            f"`{cell_type}` must hold one or more edges for each intermediate "
            f"node. A node without input has an edge with the primitive "
            f"'none'. Received: {edges!r}."
        )
    return checked


def _check_primitive(cell_type, primitive, known):
    if primitive not in known:
        raise ValueError(
            f"`{cell_type}` names an unknown primitive, {primitive!r}. "
            f"The known primitives are: {', '.join(known)}. Register "
            f"primitives of your own by tfdarts.register_primitive first."
        )


def _check_predecessor(cell_type, predecessor, node):
    if type(predecessor) is not int or not 0 <= predecessor < node:
        raise ValueError(
            f"An edge of `{cell_type}` leads from node {predecessor!r} to "
            f"node {node}, but an edge must come from a node between 0 "
            f"and {node - 1}."
        )


def _validate_concat(field, concat, num_inputs, num_nodes):
    received = concat
    listed = concat if isinstance(concat, Iterable) else ()
    concat = tuple(map(scalar, listed))
    nodes = range(num_inputs, num_inputs + num_nodes)
    if (
        not concat
        or any(type(node) is not int or node not in nodes for node in concat)
        or len(set(concat)) != len(concat)
    ):
        raise ValueError(
            f"`{field}` must name one or more different intermediate nodes, "
            f"which are {nodes.start} to {nodes.stop - 1}. "
            f"Received: {received!r}."
        )
    return concat


def cells_by_name(**arguments):
    """Returns the cells of arguments such as `normal` and `normal_concat`."""
    given = {name: v for name, v in arguments.items() if v is not None}
    return {
        cell_type: {
            "nodes": given.get(cell_type),
            "concat": given.get(f"{cell_type}_concat"),
        }
        for cell_type in dict.fromkeys(
            name.removesuffix("_concat") for name in given
        )
    }


def space_of_cells(cells):
    """Returns the space whose cells have these names."""
    names = {*cells} if isinstance(cells, Mapping) else set()
    if structure := structure_of(names):
        return structure.name
    wanted = " or ".join(
        f"{structure.description} ({' and '.join(structure.cell_types)})"
        for structure in STRUCTURES.values()
    )
    received = ", ".join(map(str, cells)) if names else repr(cells)
    raise ValueError(f"A genotype holds {wanted}. Received: {received}.")


def require_nodes(cells):
    """Raises `ValueError` if a cell of a file lists no edges by node."""
    for cell_type, cell in cells.items() if isinstance(cells, dict) else ():
        nodes = cell.get("nodes") if isinstance(cell, dict) else None
        if nodes is not None and not is_list_of_nodes(nodes):
            raise ValueError(
                f"The nodes of the cell {cell_type} must be a list with a list "
                f"of pairs (primitive, predecessor) for each intermediate "
                f"node. Received: {nodes!r}."
            )


def nodes_and_concat(cell_type, cell):
    """Returns the arguments of `validate_cell` in a `Cell` or a dict."""
    if isinstance(cell, Cell):
        return cell.nodes, cell.concat
    if not isinstance(cell, Mapping) or {*cell} != {"nodes", "concat"}:
        raise ValueError(
            f"The cell `{cell_type}` of a genotype must have `nodes` and "
            f"`concat`. Received: {cell!r}."
        )
    return cell["nodes"], cell["concat"]
