"""The search space of convolutional cells in DARTS."""

from collections.abc import Sequence

from tfdarts.genotypes import PRIMITIVES
from tfdarts.search_spaces.cells import CellSearchSpace


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
        **kwargs: See `tfdarts.search_spaces.cells.CellSearchSpace`, for nodes
            that keep another number of edges.

    Example:

    >>> space = CNNSearchSpace()
    >>> space.num_edges, space.alpha_shape
    (14, (14, 8))
    >>> f"{space.size:,}"
    '1,037,664,180'

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), sections 2.1, 2.4
    """

    kind = "cnn"

    def __init__(
        self,
        num_nodes: int = 4,
        primitives: Sequence[str] = PRIMITIVES,
        **kwargs,
    ):
        super().__init__(num_nodes, primitives, **kwargs)
