"""Masks: which primitives each edge of a cell may have."""

import numpy as np


def make_mask(space, cell_type):
    """Returns which primitives each edge of a cell may have.

    Args:
        space: `CellSearchSpace`.
        cell_type: String.

    Returns:
        Boolean array of shape `space.alpha_shape`.

    Raises:
        ValueError: If `space.primitives_by_edge` has too few edges, or an edge
            has none of the primitives of the space.
    """
    if space.primitives_by_edge is None:
        return np.ones(space.alpha_shape, bool)
    listed = space.primitives_by_edge[cell_type]
    if len(listed) < space.num_edges:
        raise ValueError(
            f"The space {space.name} says of {len(listed)} edges which "
            f"primitives they may have, but with num_nodes={space.num_nodes} "
            f"a cell has {space.num_edges} edges: give fewer nodes."
        )
    listed = listed[: space.num_edges]
    mask = np.array(
        [[n in names for n in space.primitives] for names in listed]
    )
    operations = [name != "none" for name in space.primitives]
    for edge in np.flatnonzero(~mask[:, operations].any(axis=1)):
        node, predecessor = space.edges[edge]
        raise ValueError(
            f"The edge from node {predecessor} to node {node} of the "
            f"{cell_type} cell needs one of the primitives "
            f"{', '.join(listed[edge])}: add it. Received: "
            f"primitives={[*space.primitives]}."
        )
    return mask
