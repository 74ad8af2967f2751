"""The settings of the parts that gradient methods are made of."""

import dataclasses

from tfdarts import arguments
from tfdarts.settings.conditions import GIVEN
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.strategies.early_stop_rules import OF_CURVATURE

NOISY = ("concrete", "straight_through")
"""The relaxations that draw noise at a temperature."""

PERTURBED = ("random", "adversarial")
"""The values of `perturbation` that perturb."""


OF_STAGES = {
    "stage_num_cells": "num_cells",
    "stage_channel_parts": "channel_parts",
}
"""The settings that a stage has a value of its own of, by their lists."""


def numbers_text(value, name):
    """Returns numbers with commas between them, the form of a setting.

    Args:
        value: String, or sequence of numbers.
        name: String, the name of the setting in error messages.

    Raises:
        ValueError: If the value is something else.

    Example:

    >>> numbers_text([5, 3], "stage_primitives")
    '5,3'
    """
    text = value
    if not isinstance(value, str):
        text = ",".join(map(str, arguments.items(value)))
    try:
        numbers_of(text)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be whole numbers with commas between them, such as "
            f"5,3; or none. Received: {value!r}."
        ) from error
    return text


def numbers_of(text):
    """Returns the numbers of a setting, a list; empty for `"none"`.

    Args:
        text: String in the form of `numbers_text`.
    """
    return [] if text == "none" else [int(each) for each in text.split(",")]


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
        when={"relaxation": NOISY},
    )
    alpha_optimizer: str = setting(
        "adam",
        "How alpha descends: adam, or exponentiated (exponentiated gradient "
        "descent of the probabilities).",
        choices=("adam", "exponentiated"),
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
        when={"perturbation": PERTURBED},
    )
    derivation: str = setting(
        "strongest",
        "How the genotype is derived: strongest (each node keeps its strongest "
        "edges, without none), all_edges (each node keeps all edges, with "
        "their strongest operation, none included) or threshold (each node "
        "keeps edges of a weight above --derivation_threshold, at most two).",
        choices=("strongest", "all_edges", "threshold"),
    )
    derivation_threshold: float = setting(
        0.85,
        "Least weight of a kept edge.",
        least=0,
        below=1,
        when={"derivation": "threshold"},
    )

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


@dataclasses.dataclass(frozen=True)
class MixedOpSettings(GradientSettings):
    """The mixed operations of convolutional cells, and their edges."""

    mixed_op: str = setting(
        "all",
        "What an edge computes: all (all operations, of all channels), "
        "partial (all operations, of the first channels; the others bypass "
        "them) or auxiliary_skip (all operations, and a skip connection "
        "without alpha, whose weight decreases from 1 to 0 over the epochs).",
        choices=("all", "partial", "auxiliary_skip"),
    )
    channel_parts: int = setting(
        4,
        "One of so many parts of the channels passes through the operations.",
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
    stage_primitives: str = setting(
        "none",
        "Primitives that each edge keeps in the stages after the first, such "
        "as 5,3 for two more stages: those of the largest weight. Each stage "
        "searches a new supernet for --epochs. Or none: one stage.",
        form=numbers_text,
    )
    stage_num_cells: str = setting(
        "none",
        "Cells of the supernets of these stages, such as 11,17; or none: "
        "--num_cells.",
        form=numbers_text,
        when={"stage_primitives": GIVEN},
    )
    stage_channel_parts: str = setting(
        "none",
        "--channel_parts of these stages, such as 4; or none: --channel_parts.",
        form=numbers_text,
        when={"stage_primitives": GIVEN, "mixed_op": "partial"},
    )

    @property
    def all_channel_parts(self):
        """The numbers of parts of the channels in all stages, a list."""
        if self.mixed_op != "partial":
            return [1]
        return [self.channel_parts, *numbers_of(self.stage_channel_parts)]

    @property
    def has_stages(self):
        """Whether the search has more than one stage."""
        return self.stage_primitives != "none"

    @property
    def can_be_extended(self):
        """See `RunConfig`; each stage follows from the one before."""
        return not self.has_stages

    def __post_init__(self):
        super().__post_init__()
        self._require_stages_fit()
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

    def _require_stages_fit(self):
        """Raises `ValueError` if the stages of the search do not fit."""
        if not self.has_stages:
            return
        counts = numbers_of(self.stage_primitives)
        if counts != sorted(counts, reverse=True) or counts[-1] < 2:
            raise ValueError(
                "--stage_primitives must not grow from stage to stage, and be "
                "at least 2, because none may be one of them. Received: "
                f"--stage_primitives={self.stage_primitives}."
            )
        for name in OF_STAGES:
            given = numbers_of(getattr(self, name))
            if given and (len(given) != len(counts) or min(given) < 2):
                raise ValueError(
                    f"--{name} must have a number, at least 2, for each of the "
                    f"{len(counts)} stages of --stage_primitives="
                    f"{self.stage_primitives}. Received: "
                    f"--{name}={getattr(self, name)}."
                )
        parts = self.all_channel_parts
        if parts != sorted(parts, reverse=True):
            raise ValueError(
                "--stage_channel_parts must not grow from stage to stage, "
                "because stages compute more channels, not fewer. Received: "
                f"--channel_parts={self.channel_parts} and "
                f"--stage_channel_parts={self.stage_channel_parts}."
            )
        if getattr(self, "early_stop", "none") != "none":
            raise ValueError(
                f"--early_stop={self.early_stop} would end the search before "
                "its last stage: leave --early_stop or --stage_primitives out."
            )
