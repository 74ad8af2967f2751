"""The search space of NAS-Bench-201."""

from tfdarts.search_spaces.cell_space import CellSearchSpace
from tfdarts.structures import NAS_BENCH_201


class NASBench201SearchSpace(CellSearchSpace):
    """Cells of four nodes with an operation on each edge.

    Node `0` is the input, the last node is the output. A derived cell keeps
    all edges; an edge with the primitive `"none"` carries nothing.

    Args:
        num_nodes: Integer, nodes of a cell besides the input. Defaults to `3`.
        primitives: Sequence of primitive names. Defaults to the five of the
            paper.

    Example:

    >>> space = NASBench201SearchSpace()
    >>> space.num_edges, space.size
    (6, 15625)

    Reference:

    - [Dong and Yang, 2020](https://arxiv.org/abs/2001.00326), section 2.1
    """

    name = "nas_bench_201"
    structure = NAS_BENCH_201
    num_nodes = 3
    primitives = (
        "none",
        "skip_connect",
        "nor_conv_1x1",
        "nor_conv_3x3",
        "avg_pool_3x3",
    )
    derive_none = True

    @property
    def concat(self) -> tuple[int, ...]:
        """The node of a cell's output: the last one."""
        return self.nodes[-1:]
