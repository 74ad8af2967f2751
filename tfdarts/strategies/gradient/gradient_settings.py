"""The settings of the parts that gradient methods are made of."""

import dataclasses

from tfdarts.settings.conditions import SEVERAL
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.strategies.early_stop_rules import OF_CURVATURE
from tfdarts.strategies.gradient.stage_settings import StageSettings

NOISY = ("concrete", "straight_through")
"""The relaxations that draw noise at a temperature."""

PERTURBED = ("random", "adversarial")
"""The values of `perturbation` that perturb."""


@dataclasses.dataclass(frozen=True)
class GradientSettings(Settings):
    """The parts of a search by gradient descent.

    The defaults are those of DARTS. A method is a choice of parts; see
    `tfdarts.SupernetStrategy`.
    """

    relaxation: str = setting(
        "softmax",
        "How alphas become weights of operations: softmax, sigmoid, concrete "
        "(a softmax of alpha and Gumbel noise), straight_through (the "
        "strongest operation of such a sample; only this one is computed) or "
        "dirichlet (a sample of a Dirichlet distribution).",
        choices=(
            "softmax",
            "sigmoid",
            "concrete",
            "straight_through",
            "dirichlet",
        ),
    )
    temperature: float = setting(
        1.0,
        "Temperature of the relaxation in the first epoch.",
        above=0,
        when={"relaxation": NOISY},
    )
    last_temperature: float = setting(
        0.03,
        "Temperature in the last epoch; it changes linearly.",
        above=0,
        when={"relaxation": NOISY, "epochs": SEVERAL},
    )
    alpha_optimizer: str = setting(
        "adam",
        "How alpha descends: adam, or exponentiated (exponentiated gradient "
        "descent of the probabilities).",
        choices=("adam", "exponentiated"),
    )
    alpha_learning_rate_schedule: str = setting(
        "constant",
        "How the learning rate of alpha falls after the warm-up: constant, or "
        "cosine (once an epoch, towards 0 after the last epoch).",
        choices=("constant", "cosine"),
    )
    alpha_average: float = setting(
        0.0,
        "Decay of a moving average of alpha over its steps, from which the "
        "genotype is derived, such as 0.99; 0: from alpha itself.",
        least=0,
        below=1,
    )
    alpha_regularizer: str = setting(
        "none",
        "What is added to the loss of alpha: beta (the mean logsumexp of "
        "alpha), zero_one (draws sigmoids towards 0 and 1), kl (draws "
        "Dirichlet distributions towards the uniform one) or none.",
        choices=("none", "beta", "zero_one", "kl"),
    )
    beta_growth: float = setting(
        0.5,
        "Weight of --alpha_regularizer=beta, times the number of the epoch, "
        "from 0.",
        above=0,
        when={"alpha_regularizer": "beta"},
    )
    zero_one_weight: float = setting(
        10.0,
        "Weight of --alpha_regularizer=zero_one.",
        above=0,
        when={"alpha_regularizer": "zero_one"},
    )
    kl_weight: float = setting(
        1e-3,
        "Weight of --alpha_regularizer=kl, in place of which DrNAS has "
        "--alpha_weight_decay by default.",
        above=0,
        when={"alpha_regularizer": "kl"},
    )
    perturbation: str = setting(
        "none",
        "What is added to the edge weights when the weights are trained: "
        "random (uniform noise), adversarial (ascends the loss, at about ten "
        "times the cost of a step of the weights) or none.",
        choices=("none", *PERTURBED),
    )
    perturbation_radius: float = setting(
        0.03,
        "Largest perturbation of an edge weight in the first epoch.",
        above=0,
        when={"perturbation": PERTURBED},
    )
    last_perturbation_radius: float = setting(
        0.3,
        "Largest perturbation in the last epoch; it changes linearly.",
        above=0,
        when={"perturbation": PERTURBED, "epochs": SEVERAL},
    )
    derivation: str = setting(
        "strongest",
        "How the genotype is derived: strongest (each node keeps its strongest "
        "edges, without none), all_edges (each node keeps all edges, with "
        "their strongest operation, none included), threshold (each node keeps "
        "edges of a weight above --derivation_threshold, at most two), "
        "few_skips (as strongest, with at most --most_skips skip connections "
        "in the normal cell), greedy (edges are decided one by one during the "
        "search) or perturbation (after the search, edges are decided one by "
        "one for the operation that the supernet misses the most).",
        choices=(
            *("strongest", "all_edges", "threshold"),
            *("few_skips", "greedy", "perturbation"),
        ),
    )
    derivation_threshold: float = setting(
        0.85,
        "Least weight of a kept edge.",
        least=0,
        below=1,
        when={"derivation": "threshold"},
    )
    most_skips: int = setting(
        2,
        "Skip connections in the normal cell, or the only one, at most.",
        least=0,
        when={"derivation": "few_skips"},
    )
    decision_history: int = setting(
        0,
        "Earlier epochs that the choice of an edge is compared with before "
        "--derivation=greedy decides it; 0 for no comparison.",
        least=0,
        when={"derivation": "greedy"},
    )
    decision_epochs: int = setting(
        5,
        "Epochs of training from one decision of --derivation=perturbation to "
        "the next.",
        least=1,
        when={"derivation": "perturbation"},
    )

    @property
    def can_be_extended(self):
        """See `RunConfig`; decisions follow the last epoch of the search."""
        return self.derivation != "perturbation" and super().can_be_extended

    @property
    def alpha_rate_share(self):
        """The mean learning rate of alpha as a share of the first one."""
        return {"constant": 1.0, "cosine": 0.5}[
            self.alpha_learning_rate_schedule
        ]

    def __post_init__(self):
        super().__post_init__()
        for regularizer, drawn, relaxation in (
            ("zero_one", "sigmoids towards 0 and 1", "sigmoid"),
            ("kl", "Dirichlet distributions towards uniform ones", "dirichlet"),
        ):
            if (
                self.alpha_regularizer == regularizer
                and self.relaxation != relaxation
            ):
                raise ValueError(
                    f"--alpha_regularizer={regularizer} draws {drawn}, so it "
                    f"needs --relaxation={relaxation}. Received: "
                    f"--relaxation={self.relaxation}."
                )
        if (
            self.relaxation == "straight_through"
            and getattr(self, "batch_norm", "local") == "global"
        ):
            raise ValueError(
                "--relaxation=straight_through computes operations that "
                "differ from step to step, whose batch norms the devices "
                "cannot synchronize: leave --batch_norm=global out."
            )
        if self.relaxation == "straight_through" and (
            getattr(self, "early_stop", "none") in OF_CURVATURE
            or (
                getattr(self, "order", 1) != 1
                and getattr(self, "method", None) == "exact"
            )
        ):
            raise ValueError(
                "--relaxation=straight_through has no second derivatives: "
                "leave --method=exact out, and choose an --early_stop that "
                "does not watch the curvature."
            )
        if self.derivation in ("greedy", "perturbation"):
            self._require_decisions_fit()
        if self.alpha_optimizer == "exponentiated" and (
            self.relaxation != "softmax"
        ):
            raise ValueError(
                "--alpha_optimizer=exponentiated moves the probabilities of a "
                "softmax, so it needs --relaxation=softmax. Received: "
                f"--relaxation={self.relaxation}."
            )
        if self.perturbation != "none" and self.relaxation != "softmax":
            raise ValueError(
                f"--perturbation={self.perturbation} moves the edge weights "
                "of a softmax, so it needs --relaxation=softmax. Received: "
                f"--relaxation={self.relaxation}."
            )

    def _require_decisions_fit(self):
        """Raises `ValueError` if edges cannot be decided one by one."""
        if self.alpha_average:
            raise ValueError(
                f"--derivation={self.derivation} decides edges by alpha itself "
                "or by the supernet, so --alpha_average="
                f"{self.alpha_average:g} would have no effect: leave one of "
                "the two out."
            )
        if (
            self.derivation == "perturbation"
            and self.alpha_learning_rate_schedule != "constant"
        ):
            raise ValueError(
                "--derivation=perturbation trains after the last epoch of the "
                "search, where --alpha_learning_rate_schedule="
                f"{self.alpha_learning_rate_schedule} has ended: leave one of "
                "the two out."
            )
        if self.relaxation == "straight_through":
            raise ValueError(
                f"--derivation={self.derivation} decides edges one by one, "
                "beside others that mix all operations, and "
                "--relaxation=straight_through computes one operation of each "
                "edge: leave one of the two out."
            )
        if getattr(self, "early_stop", "none") != "none":
            raise ValueError(
                f"--early_stop={self.early_stop} would end the search before "
                f"--derivation={self.derivation} has decided all edges: leave "
                "one of the two out."
            )


@dataclasses.dataclass(frozen=True)
class MixedOpSettings(StageSettings, GradientSettings):
    """The mixed operations of convolutional cells, and their edges."""

    mixed_op: str = setting(
        "all",
        "What an edge computes: all (all operations, of all channels), "
        "partial (all operations, of the first channels; the others bypass "
        "them), auxiliary_skip (all operations, and a skip connection "
        "without alpha, whose weight decreases from 1 to 0 over the epochs) or "
        "skip_dropout (all operations, with dropout on skip connections).",
        choices=("all", "partial", "auxiliary_skip", "skip_dropout"),
    )
    skip_dropout: float = setting(
        0.1,
        "Rate of --mixed_op=skip_dropout in the first epoch. It falls linearly "
        "during the warm-up of alpha, and from --skip_dropout exponentially "
        "after it.",
        least=0,
        below=1,
        when={"mixed_op": "skip_dropout"},
    )
    channel_parts: int = setting(
        4,
        "The operations compute one of N parts of the channels; 4 means a "
        "quarter.",
        least=2,
        when={"mixed_op": "partial"},
    )
    search_drop_path: float = setting(
        0.0,
        "Rate of drop path on the edges of the supernet in the last epoch; it "
        "grows linearly from 0.",
        least=0,
        below=1,
    )
    edge_normalization: bool = setting(
        False,
        "Multiply the weights of each edge by a softmax over the edges into "
        "the same node, which is learned with alpha.",
    )

    def __post_init__(self):
        super().__post_init__()
        if self.relaxation == "straight_through" and self.mixed_op != "all":
            raise ValueError(
                "--relaxation=straight_through computes one operation of an "
                f"edge, and --mixed_op={self.mixed_op} computes all: leave "
                "one of the two out."
            )
        for name, value, reason in (
            (
                "alpha_optimizer",
                "exponentiated",
                "moves the softmax of all edges, not of those into a node",
            ),
            (
                "derivation",
                "threshold",
                "compares weights that do not depend on the other edges",
            ),
        ):
            if self.edge_normalization and getattr(self, name) == value:
                raise ValueError(
                    f"--{name}={value} {reason}: leave it or "
                    "--edge_normalization out."
                )
