"""Settings as data, each within its range, and those that commands share."""

import dataclasses
import math
import operator

from tfdarts.signs import is_unfit


def setting(
    default,
    help,
    least=None,
    above=None,
    below=None,
    most=None,
    choices=None,
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
    """
    limits = {
        "at least": least,
        "above": above,
        "below": below,
        "at most": most,
    }
    return dataclasses.field(
        default=default,
        metadata={"help": help, "limits": limits, "choices": choices},
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
    """Settings that are refused where one is out of its range."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            self._check_type(field, value)
            self._check_signs(field, value)
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

    def _check_type(self, field, value):
        if value is None and field.default is None:
            return
        kinds, wanted = _KINDS[field.type]
        if type(value) not in kinds and field.name != "dataset":
            raise ValueError(
                f"--{field.name} must be {wanted}. Received: {value!r}."
            )
        if field.type is float and not math.isfinite(value):
            raise ValueError(
                f"--{field.name} must be finite. Received: {value}."
            )

    def _check_signs(self, field, value):
        # A text may have lines, a name or a path may not.
        if field.name != "text" and is_unfit(str(value)):
            raise ValueError(
                f"--{field.name} must have no control characters and be "
                f"UTF-8. Received: {value!r}."
            )


WITHOUT_EFFECT = ("prepare", "tensorboard")
"""Settings that change nothing that is computed."""


@dataclasses.dataclass(frozen=True)
class RunConfig(Settings):
    """What every command that computes takes.

    In Python `dataset` may also be an `ImageSource`, which
    `tfdarts.data.sources.from_arrays` and `from_dataset` return, or a
    `TextSource`, which `tfdarts.data.text_source.source_of_lines` returns.
    """

    run_dir: str = setting(
        None, "Directory of the run; made if it is not there."
    )
    dataset: str = setting(
        "digits",
        "Data set: digits (scikit-learn's, 1,797 images), tfds:<name> "
        "(TensorFlow Datasets, as tfds:cifar10), idx:<directory> (MNIST's "
        "format), or folder:<directory> (one folder of images a class); or "
        "texts: pydoc (Python's own English), text:<directory> (train.txt, "
        "valid.txt, test.txt), text:<file>, or a tfds:<name> of texts.",
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


@dataclasses.dataclass(frozen=True)
class ImageConfig(RunConfig):
    """What every command that computes with images takes."""

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
    )
    random_flip: str = setting(
        "auto",
        "Mirror training images at random: auto (where the data are known to "
        "allow it, as CIFAR), on or off.",
        choices=("auto", "on", "off"),
    )

    def __post_init__(self):
        super().__post_init__()
        if self.image_fit != "stretch" and not self.image_size:
            raise ValueError(
                f"--image_fit={self.image_fit} says how images become squares "
                f"of --image_size: give that, too."
            )


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
    )


@dataclasses.dataclass(frozen=True)
class OfCandidates(Settings):
    """Whose networks they are."""

    run_dirs: str = setting(
        None,
        "The candidates, with commas between them: run directories, or "
        "whatever else --genotype of tfdarts-train takes; * as in a shell.",
    )
