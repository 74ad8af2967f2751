"""The search space of convolutional cells in DARTS."""

from tfdarts.genotypes import PRIMITIVES
from tfdarts.search_spaces.cell_space import CellSearchSpace
from tfdarts.structures import CNN


class CNNSearchSpace(CellSearchSpace):
    """Convolutional cells; edges lead to a node from all earlier nodes.

    Edges are numbered by node, then by predecessor: edges `0` and `1` lead
    from the two inputs to the first intermediate node, edges `2` to `4` lead
    to the second, and so on. Row `e` of an alpha matrix belongs to edge `e`,
    column `k` to `primitives[k]`.

    Args:
        num_nodes: Integer, intermediate nodes of a cell. Defaults to `4`.
        primitives: Sequence of primitive names. Defaults to the eight of the
            paper, `tfdarts.genotypes.PRIMITIVES`.
        edges_per_node: Integer, the number of edges that a node keeps in a
            derived cell, or `"all"`. Defaults to `2`.
        derive_none: Boolean, whether a kept edge may have the primitive
            `"none"`. Defaults to `False`.

    Example:

    >>> space = CNNSearchSpace()
    >>> space.num_edges, space.alpha_shape
    (14, (14, 8))
    >>> f"{space.size:,}"
    '1,037,664,180'

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), sections 2.1, 2.4
    """

    name = "darts"
    structure = CNN
    num_nodes = 4
    primitives = PRIMITIVES
