"""DARTS whose cell is chosen by what the supernet loses without a part."""

from tfdarts.strategies.strategy import SupernetStrategy


class DARTSPT(SupernetStrategy):
    """DARTS whose cell is chosen by what the supernet loses without a part.

    After the search, one edge after the other is projected onto the operation
    that the supernet misses the most, and each node onto its edges, with
    training in between.

    Reference:

    - [Wang et al., 2021](https://arxiv.org/abs/2108.04392), and their code
    """

    name = "darts_pt"
    parts = {"derivation": "perturbation", "order": 1}
