"""The search space of recurrent cells in DARTS."""

from tfdarts.genotypes import RECURRENT_PRIMITIVES
from tfdarts.search_spaces.cell_space import CellSearchSpace
from tfdarts.structures import RNN


class RNNSearchSpace(CellSearchSpace):
    """Recurrent cells; a derived node has one edge from an earlier node.

    Node `0` is computed from the input and the last state. Edge `0` leads from
    node `0` to node `1`, edges `1` and `2` lead to node `2`, and so on.

    Args:
        num_nodes: Integer, intermediate nodes of a cell. Defaults to `8`.
        primitives: Sequence of primitive names. Defaults to the five of the
            paper, `tfdarts.genotypes.RECURRENT_PRIMITIVES`.
        edges_per_node: Integer, the number of edges that a node keeps in a
            derived cell, or `"all"`. Defaults to `1`.
        derive_none: Boolean, whether a kept edge may have the primitive
            `"none"`. Defaults to `False`.

    Example:

    >>> space = RNNSearchSpace()
    >>> space.num_edges, space.alpha_shape
    (36, (36, 5))
    >>> f"{space.size:,}"
    '2,642,411,520'

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), sections 2.1, 3.1
    """

    name = "darts_rnn"
    structure = RNN
    num_nodes = 8
    primitives = RECURRENT_PRIMITIVES
