"""DARTS on a part of the channels, with normalized edges."""

from tfdarts.strategies.strategy import SupernetStrategy


class PCDARTS(SupernetStrategy):
    """DARTS on a part of the channels, with normalized edges.

    Reference:

    - [Xu et al., 2020](https://arxiv.org/abs/1907.05737), and their code
    """

    name = "pc_darts"
    parts = {"mixed_op": "partial", "edge_normalization": True, "order": 1}
    published = {
        "batch_size": 256,
        "learning_rate": 0.1,
        "min_learning_rate": 0.0,
        "alpha_learning_rate": 6e-4,
        "alpha_warmup_epochs": 15,
    }
