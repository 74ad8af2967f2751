"""The settings of each command on images, as dataclasses.

Each field is a flag of the command line and an argument in Python.
"""

import dataclasses
import typing

from tfdarts.primitive_table import primitive_entry
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.settings.conditions import GIVEN
from tfdarts.settings.fields import FromPython
from tfdarts.settings.fields import by_preset
from tfdarts.settings.fields import setting
from tfdarts.strategies.gradient.gradient_settings import MixedOpSettings
from tfdarts.strategies.network_limits import NetworkLimits
from tfdarts.strategies.network_limits import require_limits_apply
from tfdarts.tasks.image_settings import ComputeConfig
from tfdarts.tasks.presets import LARGE
from tfdarts.tasks.presets import settings_of_search
from tfdarts.tasks.shared_settings import CandidatesSettings
from tfdarts.tasks.shared_settings import GenotypeSettings
from tfdarts.tasks.shared_settings import NumCandidates
from tfdarts.tasks.shared_settings import SearchSettings
from tfdarts.tasks.shared_settings import TimeSettings
from tfdarts.tasks.space_settings import SpaceSettings
from tfdarts.tasks.space_settings import num_nodes_setting
from tfdarts.tasks.space_settings import primitives_setting
from tfdarts.tasks.train_settings import TrainSettings


@dataclasses.dataclass(frozen=True)
class CellSettings(SpaceSettings):
    """The cells that a search on images may find."""

    space: str = setting(
        CNNSearchSpace.name,
        "Search space: darts (the cells of the DARTS paper), nas_bench_201 "
        "(the cell of NAS-Bench-201), nasnet (the cells of NASNet) and "
        "hierarchical (a cell of motifs), both for strategies that train "
        "candidates, s1 to s4 (DARTS cells of few primitives, of "
        "RobustDARTS), or a space of your own.",
    )
    num_nodes: int = num_nodes_setting(CNNSearchSpace)
    primitives: FromPython = primitives_setting(CNNSearchSpace)

    @property
    def settings_as_begun(self):
        """See `RunConfig`; a search records the stem that `auto` chooses."""
        chosen = self.preset == self.stem == "auto"
        return [*super().settings_as_begun, *["stem"] * chosen]


@dataclasses.dataclass(frozen=True)
class SearchConfig(
    MixedOpSettings,
    SearchSettings,
    NetworkLimits,
    CellSettings,
    ComputeConfig,
):
    """Settings of a search; `preset` chooses the settings that are `None`.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.1.1
    """

    own_validation: typing.ClassVar = ("train_portion", 1.0)

    order: int = by_preset(
        2,
        f"1 for fewer than {LARGE:,} images, unless --method is given",
        "1: first-order gradient of alpha; 2: second-order gradient.",
        choices=(1, 2),
    )
    init_channels: int = by_preset(
        16,
        f"8 for fewer than {LARGE:,} images",
        "Channels of the supernet's first cell.",
        least=1,
    )
    num_cells: int = by_preset(
        8,
        f"5 for fewer than {LARGE:,} images",
        "Cells of the supernet, at least 3.",
        least=3,
    )
    epochs: int = by_preset(
        50,
        "as many as about 500 steps take, from 10 to 60",
        "Epochs of the search.",
        least=1,
    )
    batch_size: int = by_preset(
        64,
        "a tenth of the smaller split, from 16 to 64",
        "Examples in a batch of each split, over all devices.",
        least=1,
    )
    micro_batches: int = setting(
        1,
        "Number of micro-batches of a batch, which are computed one after "
        "the other to save memory; batch norm normalizes each micro-batch by "
        "itself.",
        least=1,
    )
    recompute: bool = setting(
        False,
        "Compute the activations of each cell again for the gradient instead "
        "of keeping them: less memory, more time.",
    )
    train_portion: float = setting(
        0.5,
        "Share of the training examples that the weights learn from; alpha "
        "learns from the others. 1: the weights learn from all, and alpha "
        "from the data set's own validation images.",
        above=0,
        most=1,
    )
    crop_padding: int = by_preset(
        4,
        "an eighth of the shorter side",
        "Random crop: pixels of padding on each side; 0 for none.",
        least=0,
    )
    cutout_length: int = setting(
        0, "Cutout: side of the square in pixels; 0 for none.", least=0
    )
    early_stop: str = setting(
        "none",
        "When to stop before the last epoch: skips (two or more skip "
        "connections in the normal cell), stable (the order of alpha does "
        "not change), hessian (the curvature of the validation loss in alpha "
        "grows; the result is the genotype of five epochs before), "
        "robust_darts (the same with the means of the authors' code; the "
        "result is the genotype of twelve epochs before) or none.",
        choices=("none", "skips", "stable", "hessian", "robust_darts"),
    )
    early_stop_from: int = setting(
        10,
        "The fewest epochs, after the warm-up of alpha, before --early_stop "
        "may end the search.",
        least=1,
        when={"early_stop": GIVEN},
    )
    early_stop_patience: int = setting(
        10,
        "Patience of --early_stop=stable: epochs without a change in the "
        "order of alpha before it stops the search.",
        least=1,
        when={"early_stop": "stable"},
    )
    learning_rate: float = by_preset(
        0.025,
        f"0.05 for fewer than {LARGE:,} images",
        "Learning rate of the weights.",
        least=0,
    )
    min_learning_rate: float = setting(
        0.001, "Learning rate at the end of the cosine schedule.", least=0
    )
    momentum: float = setting(0.9, "Momentum of the weights.", least=0, below=1)
    weight_decay: float = setting(
        3e-4,
        "L2 regularization of the weights, added to the gradient.",
        least=0,
    )
    clip_norm: float = setting(
        5.0, "Global norm that the gradients are clipped to.", above=0
    )
    alpha_learning_rate: float = by_preset(
        3e-4,
        "the value that moves alpha as far as the paper's 19,500 steps do",
        "Learning rate of alpha (Adam).",
        least=0,
    )
    alpha_weight_decay: float = by_preset(
        1e-3,
        f"1e-4 for fewer than {LARGE:,} images",
        "L2 regularization of alpha, added to the gradient.",
        least=0,
        when={"alpha_optimizer": "adam"},
    )

    def __post_init__(self):
        super().__post_init__()
        if self.batch_size and self.batch_size % self.micro_batches:
            raise ValueError(
                f"--batch_size must be a multiple of --micro_batches. "
                f"Received: {self.batch_size} and {self.micro_batches}."
            )
        if self.micro_batches > 1 and self.batch_norm == "global":
            raise ValueError(
                "--batch_norm=global cannot be combined with "
                "--micro_batches: batch norms see only the micro-batches "
                "that the devices compute at the same time, not the whole "
                "batch. Leave one of the two out."
            )
        if self.recompute and self.jit_compile:
            raise ValueError(
                "--recompute cannot be combined with --jit_compile: XLA "
                "recognizes the repeated computation and keeps its first "
                "result. Leave one of the two out."
            )
        differs = self.order == 2 and self.method != "exact"
        if differs and self.precision == "bfloat16":
            raise ValueError(
                "--precision=bfloat16 has too few digits for "
                f"--method={self.method}: the difference of two gradients "
                "would be mostly rounding error. Give --order=1, "
                "--method=exact or --precision=float32."
            )
        self._require_early_stop_applies()
        self._require_relaxation_applies()
        require_limits_apply(self)
        channels = self.init_channels or 0
        for parts in self.all_channel_parts:
            if self.mixed_op == "partial" and (
                channels % parts or 0 < channels < 2 * parts
            ):
                raise ValueError(
                    "--mixed_op=partial splits the channels into equal parts "
                    "of at least 2, so --init_channels must be a multiple of "
                    "--channel_parts in each stage, at least twice it. "
                    f"Received: --init_channels={channels} and parts={parts}."
                )

    def auto_settings(self, *data):
        """See `tfdarts.tasks.image_settings.ImageConfig`."""
        return settings_of_search(self, *data)

    def _require_relaxation_applies(self):
        """Raises `ValueError` if the relaxation cannot search this way."""
        if (
            self.relaxation == "straight_through"
            and "noise" in self.search_space.primitives
        ):
            raise ValueError(
                "--relaxation=straight_through computes one operation of an "
                "edge, and cannot draw that of the primitive noise: choose "
                "another --relaxation, or a --space without noise."
            )
        if self.relaxation != "dirichlet":
            return
        if self.jit_compile:
            raise ValueError(
                "XLA cannot draw the samples of --relaxation=dirichlet: leave "
                "--jit_compile out."
            )
        if self.early_stop in ("hessian", "robust_darts"):
            raise ValueError(
                f"--early_stop={self.early_stop} needs the second derivative "
                "in alpha, which samples of --relaxation=dirichlet do not "
                "have: choose another --early_stop."
            )

    def _require_early_stop_applies(self):
        """Raises `ValueError` if the early stopping rule cannot apply."""
        names = self.search_space.primitives
        learning = [name for name in names if primitive_entry(name).learns]
        if self.early_stop == "skips" and "skip_connect" not in names:
            raise ValueError(
                "--early_stop=skips counts skip connections, and --primitives "
                "leaves skip_connect out. Choose another --early_stop."
            )
        if self.early_stop == "stable" and len(learning) < 2:
            raise ValueError(
                f"--early_stop=stable compares primitives that learn, such as "
                f"convolutions, and --primitives holds {len(learning)} of "
                f"them. Choose another --early_stop."
            )


@dataclasses.dataclass(frozen=True)
class TrainConfig(GenotypeSettings, TimeSettings, TrainSettings):
    """Settings of a final training."""

    network: str = setting(
        "cells",
        "cells (of --genotype), or densenet_bc, a hand-designed baseline.",
        choices=("cells", "densenet_bc"),
    )
    depth: int = setting(
        100,
        "Depth of densenet_bc: 6 n + 4, such as 100 or 190.",
        least=10,
        when={"network": "densenet_bc"},
    )
    growth_rate: int = setting(
        12,
        "Channels that each layer of densenet_bc adds.",
        least=1,
        when={"network": "densenet_bc"},
    )

    @property
    def takes_genotype(self):
        """Whether the network is built from a genotype."""
        return self.network == "cells"

    @property
    def implied_settings(self):
        """See `tfdarts.tasks.image_settings.ImageConfig`."""
        if self.takes_genotype:
            return super().implied_settings
        without_cells = {"drop_path_rate": 0.0, "auxiliary_weight": 0.0}
        return super().implied_settings | without_cells

    def __post_init__(self):
        super().__post_init__()
        if self.takes_genotype:
            return
        if (self.depth - 4) % 6:
            raise ValueError(
                f"--depth of densenet_bc must be 6 n + 4, such as 40 or 100. "
                f"Received: {self.depth}."
            )


@dataclasses.dataclass(frozen=True)
class BriefTrainConfig(TrainSettings):
    """Settings of the brief trainings that rank candidates.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 3.1
    """

    is_brief: typing.ClassVar = True

    epochs: int = by_preset(
        100,
        f"a quarter of those of tfdarts-train for fewer than {LARGE:,} images",
        "Epochs of training of each candidate.",
        least=1,
    )
    validation_portion: float = setting(
        0.5,
        "Share of the training examples that the candidates are ranked on; "
        "0: they are ranked on the data set's own validation images.",
        least=0,
        below=1,
    )


@dataclasses.dataclass(frozen=True)
class CandidateSearchConfig(NumCandidates, CellSettings, BriefTrainConfig):
    """Settings of a search that trains candidates briefly."""


@dataclasses.dataclass(frozen=True)
class SelectConfig(CandidatesSettings, BriefTrainConfig):
    """Settings of a selection; epochs and validation split are the paper's.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 3.1
    """
