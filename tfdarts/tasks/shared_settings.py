"""Settings that several commands share, and checks of their combinations."""

import dataclasses
import os
import typing

from tfdarts import arguments
from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.cell_space import WITHOUT_SUPERNET
from tfdarts.search_spaces.lookup import RANDOM
from tfdarts.settings.fields import FromPython
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.strategies.gradient.gradient_settings import GradientSettings
from tfdarts.strategies.strategy import MOST_CANDIDATES
from tfdarts.strategies.strategy import STRATEGY


def specification(value, name="--dataset"):
    """Returns the specification of a data set; a path becomes one of a task.

    Args:
        value: String, or a path. Other values are returned unchanged.
        name: String, the name of the argument in errors.
    """
    if isinstance(value, os.PathLike):
        # The tasks have configs, which have this function.
        from tfdarts.tasks.task_registry import specification_of_path

        return specification_of_path(arguments.as_path(value, name))
    return arguments.specification(value)


@dataclasses.dataclass(frozen=True)
class RunConfig(Settings):
    """Settings of every command that computes.

    In Python `dataset` may also hold the data; see `ImageConfig` and
    `tfdarts.tasks.rnn_configs.RNNConfig`.
    """

    run_dir: FromPython = setting(
        None,
        "Directory of the run; created if it does not exist.",
        form=arguments.path_text,
    )
    dataset: FromPython = setting(
        "digits",
        "Data set: digits (scikit-learn's, 1,797 of 8x8 pixels, enlarged to "
        "16x16), tfds:<name> (TensorFlow Datasets, as tfds:cifar10), "
        "idx:<directory> (MNIST's format), or folder:<directory> (one folder "
        "of images per class); or texts: pydoc (the documentation of "
        "Python), text:<directory> (train.txt, valid.txt, test.txt), "
        "text:<file>, or a tfds:<name> of texts.",
        form=specification,
    )
    prepare: bool = setting(
        False,
        "Download the data set tfds:<name> if it is missing; nothing is "
        "downloaded without this flag.",
    )
    seed: int = setting(
        0,
        "Seed of initial values, splits, order and augmentation.",
        least=0,
        below=2**32,
    )
    deterministic: bool = setting(
        False,
        "Use only deterministic operations, and refuse others. For GPUs: on "
        "CPUs, equal runs have equal results without this flag.",
    )
    distribute: str = setting(
        "none",
        "Devices that each batch is split among: none (one device), mirrored "
        "(all GPUs of this machine), multiworker (the devices of all "
        "processes that TF_CONFIG lists) or auto (all devices that there "
        "are).",
        choices=("none", "mirrored", "multiworker", "auto"),
    )
    tensorboard: bool = setting(
        False,
        "Also write event files for TensorBoard, into tensorboard/ of "
        "the stage.",
    )

    extended_by: typing.ClassVar = "epochs"
    """The setting that may be raised to continue a finished run."""

    settings_as_begun: typing.ClassVar = ()
    """The settings whose recorded values a resumed run takes, names."""

    @property
    def depends_on_epochs(self):
        """Whether an epoch's work depends on the total number of epochs."""
        return True

    @property
    def can_be_extended(self):
        """Whether the setting `extended_by` may be raised."""
        return True


@dataclasses.dataclass(frozen=True)
class TimeSettings(Settings):
    """The time that a search or a training may take."""

    max_minutes: float = setting(
        0.0,
        "End after this many minutes, of all runs of the same command "
        "together, with the best result so far; more minutes resume; 0: no "
        "limit.",
        least=0,
    )


@dataclasses.dataclass(frozen=True)
class SearchSettings(TimeSettings, GradientSettings):
    """Settings of the updates of alpha, for images and texts.

    Attributes:
        without_supernet: String, the beginning of a sentence that says what
            can search a space that has no supernet.
    """

    without_supernet: typing.ClassVar = WITHOUT_SUPERNET

    strategy: str = setting("darts", STRATEGY)
    order: int = setting(
        2,
        "1: first-order gradient of alpha; 2: second-order gradient.",
        choices=(1, 2),
    )
    method: str = setting(
        "central_difference",
        "How the second-order gradient is computed: central_difference, "
        "one_sided_difference or exact.",
        choices=("central_difference", "one_sided_difference", "exact"),
        when={"order": 2},
    )
    update_order: str = setting(
        "alpha_first",
        "Order of the two updates in a step: alpha_first or weights_first.",
        choices=("alpha_first", "weights_first"),
    )
    alpha_warmup_epochs: int = setting(
        0, "Epochs at the start in which only the weights learn.", least=0
    )
    alpha_weight_decay: float = setting(
        1e-3,
        "L2 regularization of alpha, added to the gradient.",
        least=0,
        when={"alpha_optimizer": "adam"},
    )

    def __post_init__(self):
        super().__post_init__()
        self.search_space.require_supernet(self.without_supernet)


def genotype_text(value, name):
    """Returns a genotype in the form of the `--genotype` flag.

    Args:
        value: `Genotype`, which is converted to its `repr`, or a path.
        name: String, the name of the argument in error messages.
    """
    value = repr(value) if isinstance(value, Genotype) else value
    return arguments.path_text(value, name)


def random_space_setting(when=None):
    """Returns the setting of the space that random genotypes are drawn from.

    Args:
        when: See `setting`.
    """
    return setting(
        None,
        "Search space of random:<seed>. Defaults to that of the DARTS paper.",
        when=when,
    )


_BUILT_FROM_GENOTYPE = {"network": "cells", "cell": "genotype"}
"""The settings of a network that is built from a genotype."""


@dataclasses.dataclass(frozen=True)
class GenotypeSettings(Settings):
    """The genotype of the network to train.

    In Python `genotype` may also be a `Genotype`.
    """

    genotype: FromPython = setting(
        None,
        "Genotype: a file, a published name, a run directory, or "
        "random:<seed>. Defaults to the genotype found in --run_dir.",
        form=genotype_text,
        when=_BUILT_FROM_GENOTYPE,
    )
    space: str = random_space_setting(_BUILT_FROM_GENOTYPE)

    def __post_init__(self):
        super().__post_init__()
        drawn = self.genotype is None or self.genotype.startswith(RANDOM)
        if self.space is not None and not drawn:
            raise ValueError(
                "--space is the search space that --genotype=random:<seed> is "
                "drawn from, and this --genotype says what its cells are: "
                f"leave --space={self.space} out."
            )


@dataclasses.dataclass(frozen=True)
class CandidatesSettings(Settings):
    """The candidates to choose from, and the time for all of them."""

    run_dirs: FromPython = setting(
        None,
        "The candidates, separated by commas: run directories, or other "
        "values of --genotype of tfdarts-train, such as the files "
        "search/genotypes/epoch_*.json of a search; * matches as in a shell.",
        form=arguments.paths,
    )
    space: str = random_space_setting()
    max_minutes: float = setting(
        0.0,
        "End when the trainings, of all runs of the same command together, "
        "have taken this many minutes, and choose among the candidates that "
        "are trained; more minutes resume; 0: no limit.",
        least=0,
    )


@dataclasses.dataclass(frozen=True)
class NumCandidates(Settings):
    """How many candidates a search trains."""

    extended_by: typing.ClassVar = "num_candidates"

    num_candidates: int = setting(
        8, "Number of candidates to evaluate.", least=1, below=MOST_CANDIDATES
    )
