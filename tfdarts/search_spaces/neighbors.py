"""The neighbors of a cell: the cells that differ by one edit."""


def edit_nodes(space, cell_type, nodes):
    """Yields the nodes of a cell with one edge changed.

    Args:
        space: `CellSearchSpace`.
        cell_type: String.
        nodes: Tuple of the edges of each node.
    """
    for position, edges in enumerate(nodes):
        node = space.nodes_of(cell_type)[position]
        for place, edge in enumerate(edges):
            for edit in edit_edge(space, cell_type, node, edge, edges):
                edited = replace_item(edges, place, edit)
                yield replace_item(nodes, position, edited)


def edit_edge(space, cell_type, node, edge, edges):
    """Yields the edges that may replace an edge of a node.

    Args:
        space: `CellSearchSpace`.
        cell_type: String.
        node: Integer.
        edge: Pair of a primitive and a predecessor.
        edges: Tuple of all edges of the node.
    """
    primitive, predecessor = edge
    for other in space.choices(cell_type, node, predecessor):
        if other != primitive:
            yield other, predecessor
    taken = {source for _, source in edges}
    if space.repeats_predecessors:
        taken = {predecessor}
    for source in range(node):
        if source not in taken:
            names = space.choices(cell_type, node, source)
            for name in [primitive] if primitive in names else names:
                yield name, source


def replace_item(items, position, item):
    """Returns a tuple with another item at a position."""
    return (*items[:position], item, *items[position + 1 :])
