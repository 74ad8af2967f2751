"""DARTS whose cells are trained to agree on the gradients of alpha."""

import dataclasses
import functools

from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.strategies.strategy import SupernetStrategy


@dataclasses.dataclass(frozen=True)
class LambdaDARTSSettings(Settings):
    """How strongly cells are aligned."""

    alignment: float = setting(
        0.125,
        "Weight of the mean cosine between the cells' gradients of alpha in "
        "the last epoch; it grows linearly from 0.",
        above=0,
    )
    alignment_epsilon: float = setting(
        1e-4,
        "Length of the change of the edge weights that the gradient of this "
        "cosine is a difference over.",
        above=0,
    )

    def __post_init__(self):
        super().__post_init__()
        if getattr(self, "relaxation", None) == "straight_through":
            raise ValueError(
                "--strategy=lambda_darts compares the gradients of all "
                "operations, and --relaxation=straight_through computes one "
                "of an edge: choose another --relaxation."
            )
        if getattr(self, "precision", "float32") == "bfloat16":
            raise ValueError(
                "--precision=bfloat16 has too few digits for the difference "
                "of two gradients that --strategy=lambda_darts takes: give "
                "--precision=float32."
            )


class LambdaDARTS(SupernetStrategy):
    """DARTS whose cells are trained to agree on the gradients of alpha.

    Only normal cells are aligned, as in the authors' code. Its scripts for
    single spaces have other values than its defaults, which are those here.

    Reference:

    - [Movahedi et al., 2023](https://arxiv.org/abs/2210.07998), and their code
    """

    name = "lambda_darts"
    settings = LambdaDARTSSettings
    # Recurrent models, which have one cell, lack mixed operations.
    parts = {"mixed_op": "all", "order": 1}

    def search_arguments(self, config):
        return {
            "alignment": config.alignment,
            "alignment_epsilon": config.alignment_epsilon,
        }

    def build_search(self, supernet, **arguments):
        from tfdarts.strategies.gradient.layer_alignment import LayerAlignment

        return LayerAlignment(supernet, **arguments)

    def callbacks(self, config, search):
        from tfdarts.strategies.gradient.annealing import Anneal

        assign = functools.partial(setattr, search, "alignment")
        return [Anneal(assign, 0.0, config.alignment)]
