"""DARTS with beta decay, which holds back the leading operations."""

from tfdarts.strategies.strategy import SupernetStrategy


class BetaDARTS(SupernetStrategy):
    """DARTS with beta decay, which holds back the leading operations.

    Reference:

    - [Ye et al., 2022](https://arxiv.org/abs/2203.01665)
    """

    name = "beta_darts"
    parts = {"alpha_regularizer": "beta", "order": 1}
