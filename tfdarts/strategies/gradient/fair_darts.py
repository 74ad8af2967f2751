"""DARTS in which operations do not compete: sigmoids in place of a softmax."""

from tfdarts.strategies.strategy import SupernetStrategy


class FairDARTS(SupernetStrategy):
    """DARTS in which operations do not compete: sigmoids in place of a softmax.

    Reference:

    - [Chu et al., 2020](https://arxiv.org/abs/1911.12126), and their code
    """

    name = "fair_darts"
    parts = {
        "relaxation": "sigmoid",
        "alpha_regularizer": "zero_one",
        "derivation": "threshold",
        "order": 1,
    }
    published = {
        "batch_size": 128,
        "learning_rate": 0.005,
        "alpha_learning_rate": 3e-3,
    }
