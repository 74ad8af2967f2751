"""Settings that several commands share, and checks of their combinations."""

import dataclasses
import os
import typing

from tfdarts import arguments
from tfdarts.genotypes import Genotype
from tfdarts.settings.conditions import GIVEN
from tfdarts.settings.fields import FromPython
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.strategies.gradient.gradient_settings import GradientSettings
from tfdarts.strategies.strategy import MOST_CANDIDATES
from tfdarts.strategies.strategy import STRATEGY
from tfdarts.tasks.presets import unset_settings


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


def _unchanged(value, name):
    return value


@dataclasses.dataclass(frozen=True)
class ImageConfig(RunConfig):
    """Settings of every command that computes with images.

    In Python, `dataset` may also be a pair `(images, labels)` of arrays, a
    `tf.data.Dataset` of such pairs, or the result of `tfdarts.from_arrays` or
    `tfdarts.from_dataset`.

    Attributes:
        own_validation: Tuple of the name of the setting that keeps a share of
            the training examples for validation, and its value when the data
            set's own validation images are used instead.
    """

    own_validation: typing.ClassVar = ()
    implied_settings: typing.ClassVar = {}
    """Values that follow from other settings, whatever the preset; a dict."""

    preset: str = setting(
        "auto",
        "Values of the settings that are not given: auto (they fit the "
        "number and the size of the images) or paper (those of the DARTS "
        "paper).",
        choices=("auto", "paper"),
    )
    image_size: int = setting(
        0,
        "Side in pixels of the squares that images are resized to; 0: no "
        "resizing.",
        least=0,
    )
    image_fit: str = setting(
        "stretch",
        "How an image becomes a square: stretch (the whole image, with its "
        "sides made equal) or crop (the largest square at its center).",
        choices=("stretch", "crop"),
        when={"image_size": GIVEN},
    )
    skip_broken: bool = setting(
        False,
        "Leave out the files of a folder:<directory> that cannot be used, "
        "instead of refusing the data set. To find these files, all images "
        "are decoded once.",
    )
    stem: str = setting(
        "auto",
        "Layers before the first cell: cifar (one convolution), imagenet "
        "(three convolutions, which make images 8 times smaller), or auto "
        "(imagenet for images of at least 128 pixels a side, otherwise "
        "cifar).",
        choices=("auto", "cifar", "imagenet"),
        when={"network": "cells"},
    )
    random_flip: str = setting(
        "auto",
        "Mirror training images at random: auto (only for data sets that are "
        "known to allow it, such as CIFAR), on or off.",
        choices=("auto", "on", "off"),
    )
    validation: FromPython = setting(
        None,
        "In Python only: the validation examples, if `dataset` is given as "
        "arrays or tf.data.Dataset; in the same form.",
        form=_unchanged,
        flag=False,
    )
    test: FromPython = setting(
        None,
        "In Python only: the test examples, if `dataset` is given as arrays "
        "or tf.data.Dataset; in the same form.",
        form=_unchanged,
        flag=False,
    )
    class_weights: str = setting(
        "none",
        "Weight of an example in the loss: none (all the same) or balanced "
        "(inversely proportional to the number of training examples of its "
        "class).",
        choices=("none", "balanced"),
    )

    def __post_init__(self):
        super().__post_init__()
        self._collect_data()
        of_folder = str(self.dataset).startswith("folder:")
        if self.skip_broken and not of_folder:
            raise ValueError(
                "--skip_broken leaves out files, so it is only for "
                "--dataset=folder:<directory>: leave --skip_broken out."
            )

    @property
    def settings_as_begun(self):
        """See `RunConfig`: those that `--preset=auto` chooses."""
        return unset_settings(self) if self.preset == "auto" else []

    def auto_settings(self, images, side, multiple, validation_images):
        """Returns the values of `--preset=auto` that differ from the paper's.

        With them, a search or a training takes well under an hour on two CPU
        cores. From 20,000 images, only values in pixels differ from the
        paper's.

        Args:
            images: Integer, the number of training images.
            side: Integer, the shorter side of the images in pixels.
            multiple: Integer, the batch size must be a multiple of it.
            validation_images: Integer, the number of the data set's own
                validation images.

        Returns:
            Dict of values by name; the given settings influence them.
        """
        return {}

    def _collect_data(self):
        """Combines all data given in Python into one source."""
        splits = self.validation, self.test
        if isinstance(self.dataset, str) and splits == (None, None):
            return
        # Imported here, because flags need not wait for TensorFlow.
        from tfdarts.data.sources import source_of
        from tfdarts.tasks.task_registry import add_task_hint

        with add_task_hint(self, self.dataset):
            self._set("dataset", source_of(self.dataset, *splits))
        if self.validation is not None:
            self._use_given_validation()
        self._set("validation", None)
        self._set("test", None)

    def _use_given_validation(self):
        name, portion = self.own_validation
        default = self.__dataclass_fields__[name].default
        if getattr(self, name) not in (default, portion):
            raise ValueError(
                "`validation` replaces a share of the training examples: "
                f"leave out --{name}."
            )
        self._set(name, portion)


@dataclasses.dataclass(frozen=True)
class ComputeConfig(ImageConfig):
    """Arithmetic of a search or a training: precision, XLA, batch norm."""

    precision: str = setting(
        "float32",
        "float32, or bfloat16: layers compute in bfloat16; weights, batch "
        "statistics and the loss stay in float32.",
        choices=("float32", "bfloat16"),
    )
    jit_compile: bool = setting(
        False, "Let XLA compile the gradients; on GPUs only."
    )
    batch_norm: str = setting(
        "local",
        "Statistics of batch norms on several devices: local (each device "
        "uses its local batch, as in Keras) or global (all devices use the "
        "whole batch, which takes two more all-reduces for each batch norm).",
        choices=("local", "global"),
        # A run of several devices may be resumed on one.
        when_typed={"distribute": GIVEN},
    )

    def __post_init__(self):
        super().__post_init__()
        if self.jit_compile and self.batch_norm == "global":
            raise ValueError(
                "--batch_norm=global cannot be combined with --jit_compile: "
                "XLA does not compile communication between devices. Leave "
                "one of the two out."
            )

    @property
    def dtype_policy(self):
        """The name of the Keras dtype policy of all layers."""
        return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[
            self.precision
        ]


@dataclasses.dataclass(frozen=True)
class SearchSettings(GradientSettings):
    """Settings of the updates of alpha, for images and texts."""

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
        self.search_space.require_supernet()


def genotype_text(value, name):
    """Returns a genotype in the form of the `--genotype` flag.

    Args:
        value: `Genotype`, which is converted to its `repr`, or a path.
        name: String, the name of the argument in error messages.
    """
    value = repr(value) if isinstance(value, Genotype) else value
    return arguments.path_text(value, name)


def random_space_setting():
    """Returns the setting of the space that random genotypes are drawn from."""
    return setting(
        None,
        "Search space of random:<seed>. Defaults to that of the DARTS paper.",
    )


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
        when={"network": "cells", "cell": "genotype"},
    )
    space: str = random_space_setting()


@dataclasses.dataclass(frozen=True)
class CandidatesSettings(Settings):
    """The candidates to choose from."""

    run_dirs: FromPython = setting(
        None,
        "The candidates, separated by commas: run directories, or other "
        "values of --genotype of tfdarts-train; * matches as in a shell.",
        form=arguments.paths,
    )
    space: str = random_space_setting()


@dataclasses.dataclass(frozen=True)
class NumCandidates(Settings):
    """How many candidates a search trains."""

    extended_by: typing.ClassVar = "num_candidates"

    num_candidates: int = setting(
        8, "Number of candidates to train.", least=1, below=MOST_CANDIDATES
    )
