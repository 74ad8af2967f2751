"""SNAS: samples of a concrete distribution, and one loss for all."""

import dataclasses

from tfdarts.settings.fields import Settings
from tfdarts.strategies.early_stop_rules import OF_CURVATURE
from tfdarts.strategies.strategy import SupernetStrategy


@dataclasses.dataclass(frozen=True)
class SNASSettings(Settings):
    """The checks of the settings of SNAS."""

    def __post_init__(self):
        super().__post_init__()
        if getattr(self, "early_stop", "none") in OF_CURVATURE:
            raise ValueError(
                f"--early_stop={self.early_stop} watches the loss of examples "
                "that the weights do not learn from, and --strategy=snas "
                "learns from all: give --early_stop=skips or "
                "--early_stop=stable."
            )


class SNAS(SupernetStrategy):
    """DARTS with concrete samples; one loss trains weights and alphas.

    Weights and alphas descend the same loss in one pass, on batches of which
    one half is of each split. A node keeps all edges with their most probable
    operation, `none` included.

    The authors initialize alpha around 1 instead of 0, which does not change
    a softmax. They drop paths in the search and can add a penalty of
    resources, both of which this method leaves out.

    Reference:

    - [Xie et al., 2019](https://arxiv.org/abs/1812.09926), and their code
    """

    name = "snas"
    settings = SNASSettings
    parts = {
        "relaxation": "concrete",
        "temperature": 1.0,
        "last_temperature": 0.03,
        "derivation": "all_edges",
    }
    published = {"epochs": 150, "batch_size": 32}
    fixed = {
        "order": 1,
        "update_order": "alpha_first",
        "alpha_warmup_epochs": 0,
        "perturbation": "none",
    }

    def build_search(self, supernet, **arguments):
        from tfdarts.strategies.gradient import joint_search

        # `fixed` leaves the user no other value of the rest.
        taken = {
            name: value
            for name, value in arguments.items()
            if name not in joint_search.OF_TWO_LEVELS
        }
        return joint_search.JointSearch(supernet, **taken)
