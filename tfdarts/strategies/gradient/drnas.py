"""DARTS whose weights of operations are drawn from Dirichlet distributions."""

from tfdarts.strategies.strategy import SupernetStrategy


class DrNAS(SupernetStrategy):
    """DARTS whose weights of operations are drawn from Dirichlet distributions.

    The search has one stage: channels and operations stay as they are.

    Reference:

    - [Chen et al., 2021](https://arxiv.org/abs/2006.10355), and their code
    """

    name = "drnas"
    parts = {
        "relaxation": "dirichlet",
        "mixed_op": "partial",
        "channel_parts": 6,
        "order": 1,
    }
    published = {
        "init_channels": 36,
        "num_cells": 20,
        "learning_rate": 0.1,
        "min_learning_rate": 0.0,
        "alpha_learning_rate": 6e-4,
        "alpha_warmup_epochs": 10,
    }
