"""The search space of NASNet."""

from tfdarts.search_spaces.cell_space import CellSearchSpace
from tfdarts.structures import CNN


class NASNetSearchSpace(CellSearchSpace):
    """Cells of five nodes, each the sum of any two operations.

    The two edges of a node may have the same predecessor and even the same
    operation. The output of a cell is formed by the nodes that no other node
    reads. NASNet and AmoebaNet are in this space. It has no supernet, so only
    strategies that train candidates search it.

    Args:
        num_nodes: Integer, intermediate nodes of a cell. Defaults to `5`.
        primitives: Sequence of primitive names. Defaults to the thirteen of
            the paper.
        edges_per_node: Integer, the edges of a node. Defaults to `2`.

    Example:

    >>> space = NASNetSearchSpace()
    >>> tfdarts.genotypes.get("NASNet") in space
    True
    >>> f"{space.size:,}"
    '2,493,273,560,005,800'

    Reference:

    - [Zoph et al., 2018](https://arxiv.org/abs/1707.07012), section 3
    """

    name = "nasnet"
    structure = CNN
    num_nodes = 5
    primitives = (
        "skip_connect",
        "conv_3x1_1x3",
        "conv_7x1_1x7",
        "dil_conv_3x3",
        "avg_pool_3x3",
        "max_pool_3x3",
        "max_pool_5x5",
        "max_pool_7x7",
        "nor_conv_1x1",
        "nor_conv_3x3",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "sep_conv_7x7",
    )
    repeats_predecessors = True
    joins_loose_ends = True
