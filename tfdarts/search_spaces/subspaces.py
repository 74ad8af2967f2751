"""Search spaces that are parts of others."""


def is_subspace(space, whole):
    """Returns whether all genotypes of a space are in another.

    Args:
        space: `CellSearchSpace`.
        whole: `CellSearchSpace`, in which each edge may have all primitives.

    Example:

    >>> from tfdarts.search_spaces.space_registry import get_space
    >>> darts = get_space("darts")()
    >>> is_subspace(get_space("s3")(), darts), is_subspace(darts, darts)
    (True, True)
    >>> is_subspace(get_space("s4")(), darts)  # It has noise.
    False
    """

    def wiring(space):
        return (
            space.structure.name,
            space.num_nodes,
            [space.num_kept(node) for node in space.nodes],
            space.concat,
            space.repeats_predecessors,
            space.joins_loose_ends,
        )

    def primitives(space):
        return {
            name
            for name in space.primitives
            if name != "none" or space.derive_none
        }

    return wiring(space) == wiring(whole) and (
        primitives(space) <= primitives(whole)
    )
