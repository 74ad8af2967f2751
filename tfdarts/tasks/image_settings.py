"""Settings of runs on images."""

import dataclasses
import typing

from tfdarts.settings.conditions import GIVEN
from tfdarts.settings.fields import FromPython
from tfdarts.settings.fields import setting
from tfdarts.tasks.presets import unset_settings
from tfdarts.tasks.shared_settings import RunConfig


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
