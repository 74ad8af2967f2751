"""DARTS with an auxiliary skip connection on each edge, which fades."""

from tfdarts.strategies.strategy import SupernetStrategy


class DARTSMinus(SupernetStrategy):
    """DARTS with an auxiliary skip connection on each edge, which fades.

    Reference:

    - [Chu et al., 2021](https://arxiv.org/abs/2009.01027)
    """

    name = "darts_minus"
    parts = {"mixed_op": "auxiliary_skip", "order": 1}
