"""DARTS whose weights of operations are drawn from Dirichlet distributions."""

import dataclasses
import functools

from tfdarts.strategies.strategy import SupernetStrategy


class DrNAS(SupernetStrategy):
    """DARTS whose weights of operations are drawn from Dirichlet distributions.

    The first stage computes a sixth of the channels. The second keeps the four
    strongest operations of each edge and computes a quarter of the channels.
    Weights and alphas go on, the wider operations with copies of channels.
    Optimizers and learning rates start again; the authors keep theirs.

    The L2 of alpha draws the distributions towards uniform ones;
    `--alpha_regularizer=kl` is the authors' other choice.

    Reference:

    - [Chen et al., 2021](https://arxiv.org/abs/2006.10355), and their code
    """

    name = "drnas"
    parts = {
        "relaxation": "dirichlet",
        "mixed_op": "partial",
        "channel_parts": 6,
        "stage_primitives": "4",
        "stage_channel_parts": "4",
        "order": 1,
    }
    published = {
        "epochs": 25,
        "init_channels": 36,
        "num_cells": 20,
        "learning_rate": 0.1,
        "min_learning_rate": 0.0,
        "alpha_learning_rate": 6e-4,
        "alpha_warmup_epochs": 10,
    }

    fixed = {"stage_num_cells": "none"}

    def stages(self, config, stages):
        """Returns the stages of the settings; each keeps the weights."""
        from tfdarts.strategies.gradient.widening import widen

        carry = functools.partial(widen, seed=config.seed)
        return [
            each if each.carry else dataclasses.replace(each, carry=carry)
            for each in stages
        ]
