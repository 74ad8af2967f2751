"""DARTS in stages of deeper supernets and fewer operations."""

from tfdarts.strategies.strategy import SupernetStrategy


class PDARTS(SupernetStrategy):
    """DARTS in stages of deeper supernets and fewer operations.

    Each stage learns new weights and alphas. Dropout on skip connections,
    which fades, and a bound on their number in the normal cell keep them from
    winning only because they learn fast. The authors also clip the gradient
    of alpha at norm 5, which it does not reach.

    Reference:

    - [Chen et al., 2019](https://arxiv.org/abs/1904.12760), and their code
    """

    name = "p_darts"
    parts = {
        "stage_primitives": "5,3",
        "stage_num_cells": "11,17",
        "mixed_op": "skip_dropout",
        "skip_dropout": 0.1,
        "stage_skip_dropout": "0.4,0.7",
        "derivation": "few_skips",
        "order": 1,
    }
    published = {
        "num_cells": 5,
        "epochs": 25,
        "batch_size": 96,
        "min_learning_rate": 0.0,
        "alpha_learning_rate": 6e-4,
        "alpha_warmup_epochs": 10,
    }
