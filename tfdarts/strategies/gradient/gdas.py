"""GDAS: each step computes one operation of each edge."""

from tfdarts.strategies.strategy import SupernetStrategy


class GDAS(SupernetStrategy):
    """DARTS in which each pass computes one operation of each edge.

    The operation is drawn by Gumbel noise, which is the same in both passes of
    a step. The two edges that a node keeps
    come from different nodes, as in DARTS; the authors' rule may keep two
    operations of one edge, which are no cell of the space.

    Reference:

    - [Dong and Yang, 2019](https://arxiv.org/abs/1910.04465), and their code
    """

    name = "gdas"
    parts = {
        "relaxation": "straight_through",
        "temperature": 10.0,
        "last_temperature": 0.1,
        "order": 1,
    }
    published = {"epochs": 250, "batch_size": 256, "weight_decay": 5e-4}

    def optimizers(self, config, weight_optimizer, alpha_optimizer):
        """Returns the optimizers of DARTS, with Nesterov's momentum."""
        weight_optimizer.nesterov = weight_optimizer.momentum > 0
        return weight_optimizer, alpha_optimizer
