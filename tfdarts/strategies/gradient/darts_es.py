"""DARTS that stops early, when the curvature in alpha grows."""

from tfdarts.strategies.strategy import SupernetStrategy


class DARTSES(SupernetStrategy):
    """DARTS that stops early, when the curvature in alpha grows.

    The rule is that of the authors' code. R-DARTS (L2) of the same paper is
    the best of several searches that differ in `--weight_decay`.

    Reference:

    - [Zela et al., 2020](https://arxiv.org/abs/1909.09656), and their code
    """

    name = "darts_es"
    parts = {"early_stop": "robust_darts", "order": 1}
