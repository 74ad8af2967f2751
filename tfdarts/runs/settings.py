"""Settings as data, each within its range, and those that commands share."""

import dataclasses
import inspect
import math
import operator
import types
import typing

from tfdarts import arguments
from tfdarts.runs.docstrings import with_arguments
from tfdarts.signs import is_unfit


def setting(
    default,
    help,
    least=None,
    above=None,
    below=None,
    most=None,
    choices=None,
    form=None,
    flag=True,
    when=None,
):
    """Returns a dataclass field that says what it is, its unit and range.

    Args:
        default: What it is unless it is given.
        help: String, for `--help`.
        least: The smallest value it may have.
        above: What it must be greater than.
        below: What it must be less than.
        most: The largest value it may have.
        choices: Tuple of all values it may have.
        form: Function of a value and of the setting's name that returns the
            value in the form that the code works with, or raises
            `ValueError`: a path, for instance, as a string without `~`.
        flag: Boolean, whether the command line has it, too.
        when: Function of all settings that says whether this one has an
            effect beside the others; see `effective`. Defaults to always.
    """
    limits = {
        "at least": least,
        "above": above,
        "below": below,
        "at most": most,
    }
    return dataclasses.field(
        default=default,
        metadata={
            "help": help,
            "limits": limits,
            "choices": choices,
            "form": form,
            "flag": flag,
            "when": when,
        },
    )


def flag_fields(config_class):
    """Returns those fields of a config that the command line has, too.

    Args:
        config_class: Dataclass or instance of one.
    """
    return [
        field
        for field in dataclasses.fields(config_class)
        if field.metadata["flag"]
    ]


def by_preset(paper, auto, help, **limits):
    """Returns a field whose default `--preset` chooses.

    It is `None` until the data are known; see `tfdarts.runs.presets`.

    Args:
        paper: Its value in `--preset=paper`.
        auto: String, for `--help`: its value in `--preset=auto`.
        help: See `setting`.
        **limits: Further arguments of `setting`.

    Example:

    >>> by_preset(50, "as many as alpha needs", "Epochs.").metadata["help"]
    'Epochs. --preset=paper: 50; auto: as many as alpha needs.'
    """
    shown = f"{help} --preset=paper: {paper}; auto: {auto}."
    field = setting(None, shown, **limits)
    return dataclasses.field(
        default=None, metadata={**field.metadata, "paper": paper}
    )


def with_default(config_class, name, default):
    """Returns a field of a class as its heir has it, with another default.

    Args:
        config_class: Dataclass.
        name: String, the field.
        default: What it is in the heir unless it is given.
    """
    field = config_class.__dataclass_fields__[name]
    return dataclasses.field(default=default, metadata=field.metadata)


_KEEPS = {
    "at least": operator.ge,
    "above": operator.gt,
    "below": operator.lt,
    "at most": operator.le,
}


_KINDS = {
    bool: ((bool,), "True or False"),
    int: ((int,), "an integer"),
    float: ((float, int), "a number"),
    str: ((str,), "a string"),
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings that are refused where one is out of its range.

    Numbers may be of NumPy or TensorFlow, paths of `pathlib`.

    The docstring of a subclass gains a section on its arguments.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        fields = {}
        for base in reversed(cls.__mro__[1:]):
            inherited = getattr(base, "__dataclass_fields__", {})
            fields |= {name: (f.type, f) for name, f in inherited.items()}
        # Those of its own are no fields of a dataclass yet.
        for name, kind in inspect.get_annotations(cls).items():
            fields[name] = kind, vars(cls)[name]
        settings = {
            name: (kind, field)
            for name, (kind, field) in fields.items()
            if "help" in getattr(field, "metadata", ())
        }
        cls.__doc__ = with_arguments(cls.__doc__ or "", settings)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = self._in_form(field, getattr(self, field.name))
            if value is None:
                continue
            self._check_signs(field, value)
            self._set(field.name, value)
            if value is None:
                continue
            choices = field.metadata["choices"]
            if choices and value not in choices:
                raise ValueError(
                    f"--{field.name} must be one of "
                    f"{', '.join(map(str, choices))}. Received: {value}."
                )
            for relation, limit in field.metadata["limits"].items():
                if limit is None or _KEEPS[relation](value, limit):
                    continue
                raise ValueError(
                    f"--{field.name} must be {relation} {limit}. "
                    f"Received: {value}."
                )

    def _set(self, name, value):
        object.__setattr__(self, name, value)

    def _in_form(self, field, value):
        """Returns a value as plain Python, if it is of the field's type."""
        if value is None and field.default is None:
            return None
        form = field.metadata["form"]
        if form:
            return form(value, f"--{field.name}")
        value = arguments.scalar(value)
        kinds, wanted = _KINDS[field.type]
        if type(value) not in kinds:
            raise ValueError(
                f"--{field.name} must be {wanted}. Received: {value!r}."
            )
        if field.type is float and not math.isfinite(value):
            raise ValueError(
                f"--{field.name} must be finite. Received: {value}."
            )
        return value

    def _check_signs(self, field, value):
        # A text may have lines, a name or a path may not.
        texts = value if isinstance(value, tuple) else (value,)
        texts = [each for each in texts if isinstance(each, str)]
        if field.name != "text" and any(map(is_unfit, texts)):
            raise ValueError(
                f"--{field.name} must have no control characters and be "
                f"UTF-8. Received: {value!r}."
            )


def _as_it_is(value, name):
    return value


WITHOUT_EFFECT = ("prepare", "tensorboard")
"""Settings that change nothing that is computed."""


def effective(config_class, settings):
    """Returns those of a run's settings that had an effect on it.

    Left out are settings that mean nothing beside the others, as the depth of
    a network that is not used, and switches that are off.

    Args:
        config_class: The dataclass of the settings.
        settings: Dict, what a run has kept of them.

    Example:

    >>> from tfdarts.runs.configs import TrainConfig
    >>> settings = {**vars(TrainConfig(schedule="steps")), "cutout_length": 8}
    >>> used = effective(TrainConfig, settings)
    >>> [name in used for name in ("decay_rate", "depth", "cutout_length")]
    [False, False, True]
    """
    fields = flag_fields(config_class)
    defaults = {field.name: field.default for field in fields}
    beside = types.SimpleNamespace(**{**defaults, **settings})
    return {
        field.name: settings[field.name]
        for field in fields
        if field.name in settings
        and field.name not in (*WITHOUT_EFFECT, "run_dir")
        and (field.metadata["when"] is None or field.metadata["when"](beside))
        and (settings[field.name] or field.name == "seed")
        and settings[field.name] not in ("none", "auto")
    }


@dataclasses.dataclass(frozen=True)
class RunConfig(Settings):
    """What every command that computes takes.

    In Python `dataset` may also hold the data; see `ImageConfig` and
    `tfdarts.runs.rnn_configs.RNNConfig`.
    """

    run_dir: str = setting(
        None,
        "Directory of the run; made if it is not there.",
        form=arguments.path_text,
    )
    dataset: str = setting(
        "digits",
        "Data set: digits (scikit-learn's, 1,797 of 8x8 pixels, enlarged to "
        "16x16), tfds:<name> "
        "(TensorFlow Datasets, as tfds:cifar10), idx:<directory> (MNIST's "
        "format), or folder:<directory> (one folder of images a class); or "
        "texts: pydoc (Python's own English), text:<directory> (train.txt, "
        "valid.txt, test.txt), text:<file>, or a tfds:<name> of texts.",
        form=arguments.specification,
    )
    prepare: bool = setting(
        False, "Download a tfds:<name> that is not there; nothing else ever is."
    )
    seed: int = setting(
        0,
        "Seed of initial values, splits, order and augmentation.",
        least=0,
        below=2**32,
    )
    deterministic: bool = setting(
        False, "Refuse operations whose result may differ between runs."
    )
    distribute: str = setting(
        "none",
        "Which devices share each batch: none (one device), mirrored (all "
        "GPUs of this machine), multiworker (those of all processes that "
        "TF_CONFIG lists) or auto (as many as there are).",
        choices=("none", "mirrored", "multiworker", "auto"),
    )
    tensorboard: bool = setting(
        False, "Write for TensorBoard too, into tensorboard/ of the stage."
    )

    @property
    def depends_on_epochs(self):
        """Whether what an epoch does depends on how many there will be."""
        return True


@dataclasses.dataclass(frozen=True)
class ImageConfig(RunConfig):
    """What every command that computes with images takes.

    In Python `dataset` may also be a pair `(images, labels)` of arrays, a
    `tf.data.Dataset` of them, or what `tfdarts.from_arrays` or
    `tfdarts.from_dataset` returns.

    Attributes:
        own_validation: Tuple of the name of the setting that keeps a share of
            the training examples for validation, and of the value with which
            the data set's own validation images stand in its place.
    """

    own_validation: typing.ClassVar = ()

    preset: str = setting(
        "auto",
        "What the settings are that are not given: auto (what fits the number "
        "and the size of the images) or paper (those of the DARTS paper).",
        choices=("auto", "paper"),
    )
    image_size: int = setting(
        0,
        "Images become squares of this size; 0: they stay as they are.",
        least=0,
    )
    image_fit: str = setting(
        "stretch",
        "How an image becomes a square: stretch (all of it, its sides made "
        "equal) or crop (the largest square about its centre).",
        choices=("stretch", "crop"),
        when=lambda settings: settings.image_size > 0,
    )
    skip_broken: bool = setting(
        False,
        "Leave out the files of a folder:<directory> that cannot be used, "
        "instead of refusing the data set; all of its images are decoded once "
        "to find them.",
    )
    stem: str = setting(
        "auto",
        "What stands before the first cell: cifar (one convolution), "
        "imagenet (three, which make images 8 times smaller), or auto (the "
        "second for images of at least 128 pixels a side).",
        choices=("auto", "cifar", "imagenet"),
        when=lambda settings: getattr(settings, "network", "cells") == "cells",
    )
    random_flip: str = setting(
        "auto",
        "Mirror training images at random: auto (where the data are known to "
        "allow it, as CIFAR), on or off.",
        choices=("auto", "on", "off"),
    )
    validation: str = setting(
        None,
        "In Python alone: the validation examples, beside a dataset that is "
        "given as arrays or tf.data.Dataset, and like it.",
        form=_as_it_is,
        flag=False,
    )
    test: str = setting(
        None,
        "In Python alone: the test examples, beside a dataset that is given "
        "as arrays or tf.data.Dataset, and like it.",
        form=_as_it_is,
        flag=False,
    )
    class_weights: str = setting(
        "none",
        "What an example counts in the loss: none (all the same) or balanced "
        "(inversely proportional to the number of training examples of its "
        "class).",
        choices=("none", "balanced"),
    )

    def __post_init__(self):
        super().__post_init__()
        self._collect_data()
        if self.image_fit != "stretch" and not self.image_size:
            raise ValueError(
                f"--image_fit={self.image_fit} says how images become squares "
                f"of --image_size: give that, too."
            )
        of_folder = str(self.dataset).startswith("folder:")
        if self.skip_broken and not of_folder:
            raise ValueError(
                "--skip_broken leaves out files: it is for "
                "--dataset=folder:<directory> alone."
            )

    def _collect_data(self):
        """Makes one source of all the data that Python gives."""
        splits = self.validation, self.test
        if isinstance(self.dataset, str) and splits == (None, None):
            return
        # What the command line gives need not wait for TensorFlow.
        from tfdarts.data.sources import source_of

        self._set("dataset", source_of(self.dataset, *splits))
        if self.validation is not None:
            self._rely_on_own_validation()
        self._set("validation", None)
        self._set("test", None)

    def _rely_on_own_validation(self):
        name, portion = self.own_validation
        default = self.__dataclass_fields__[name].default
        if getattr(self, name) not in (default, portion):
            raise ValueError(
                f"`validation` takes the place of a share of the training "
                f"examples: leave out --{name}."
            )
        self._set(name, portion)


@dataclasses.dataclass(frozen=True)
class ComputeConfig(ImageConfig):
    """How the arithmetic of a search or a training is done."""

    precision: str = setting(
        "float32",
        "float32, or bfloat16: layers compute in it, weights, batch "
        "statistics and the loss stay in float32.",
        choices=("float32", "bfloat16"),
    )
    jit_compile: bool = setting(
        False, "Let XLA compile the gradients; on GPUs only."
    )

    @property
    def dtype_policy(self):
        """The name of the Keras policy of all layers."""
        return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[
            self.precision
        ]


@dataclasses.dataclass(frozen=True)
class SearchSettings(Settings):
    """How alpha is learnt, of images and of texts."""

    order: int = setting(
        2, "1: first-order gradient of alpha; 2: second.", choices=(1, 2)
    )
    method: str = setting(
        "central_difference",
        "How the second order is computed: central_difference, "
        "one_sided_difference or exact.",
        choices=("central_difference", "one_sided_difference", "exact"),
        when=lambda settings: settings.order == 2,
    )
    update_order: str = setting(
        "alpha_first",
        "alpha_first or weights_first, within a step.",
        choices=("alpha_first", "weights_first"),
    )
    alpha_warmup_epochs: int = setting(
        0, "Epochs that move only the weights, at the start.", least=0
    )
    alpha_weight_decay: float = setting(
        1e-3, "L2 on alpha, in the gradient.", least=0
    )


@dataclasses.dataclass(frozen=True)
class OfGenotype(Settings):
    """Whose network it is."""

    genotype: str = setting(
        None,
        "Genotype: a file, a published name, a run directory, or "
        "random:<seed>. By default the one found in --run_dir.",
        form=arguments.path_text,
    )


@dataclasses.dataclass(frozen=True)
class OfCandidates(Settings):
    """Whose networks they are."""

    run_dirs: str = setting(
        None,
        "The candidates, with commas between them: run directories, or "
        "whatever else --genotype of tfdarts-train takes; * as in a shell.",
        form=arguments.paths,
    )
