"""DARTS whose alphas descend by exponentiated gradients."""

from tfdarts.strategies.strategy import SupernetStrategy


class GAEA(SupernetStrategy):
    """DARTS whose alphas descend by exponentiated gradients.

    Reference:

    - [Li et al., 2021](https://arxiv.org/abs/2004.07802)
    """

    name = "gaea"
    parts = {"alpha_optimizer": "exponentiated", "order": 1}
    published = {"alpha_learning_rate": 0.1}
