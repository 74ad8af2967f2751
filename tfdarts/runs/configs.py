"""The settings of each command, as data.

Each field is a flag of the command line and an argument in Python.
"""

import dataclasses
import math
import operator


def setting(default, help, least=None, above=None, below=None, choices=None):
    """Returns a dataclass field that says what it is, its unit and range.

    Args:
        default: What it is unless it is given.
        help: String, for `--help`.
        least: The smallest value it may have.
        above: What it must be greater than.
        below: What it must be less than.
        choices: Tuple of all values it may have.
    """
    limits = {"at least": least, "above": above, "below": below}
    return dataclasses.field(
        default=default,
        metadata={"help": help, "limits": limits, "choices": choices},
    )


_KEEPS = {
    "at least": operator.ge,
    "above": operator.gt,
    "below": operator.lt,
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


@dataclasses.dataclass(frozen=True)
class RunConfig(Settings):
    """What every command that computes takes.

    In Python `dataset` may also be an `ImageSource`, which
    `tfdarts.data.sources.from_arrays` and `from_dataset` return.
    """

    run_dir: str = setting(
        None, "Directory of the run; made if it is not there."
    )
    dataset: str = setting(
        "digits",
        "Data set: digits (scikit-learn's, 1,797 images), tfds:<name> "
        "(TensorFlow Datasets, as tfds:cifar10), idx:<directory> (MNIST's "
        "format), or folder:<directory> (one folder of images a class).",
    )
    image_size: int = setting(
        0,
        "Images become squares of this size; 0: they stay as they are.",
        least=0,
    )
    prepare: bool = setting(
        False, "Download a tfds:<name> that is not there; nothing else ever is."
    )
    random_flip: str = setting(
        "auto",
        "Mirror training images at random: auto (where the data are known to "
        "allow it, as CIFAR), on or off.",
        choices=("auto", "on", "off"),
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
    tensorboard: bool = setting(
        False, "Write for TensorBoard too, into tensorboard/ of the stage."
    )


@dataclasses.dataclass(frozen=True)
class ComputeConfig(RunConfig):
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
class SearchConfig(ComputeConfig):
    """Settings of a search; the defaults are the paper's.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.1.1
    """

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
    init_channels: int = setting(
        16, "Channels of the supernet's first cell.", least=1
    )
    num_cells: int = setting(8, "Cells of the supernet, at least 3.", least=3)
    num_nodes: int = setting(4, "Intermediate nodes of a cell.", least=1)
    epochs: int = setting(50, "Epochs of the search.", least=1)
    batch_size: int = setting(
        64, "Examples in a batch of either half.", least=1
    )
    micro_batches: int = setting(
        1,
        "Compute each batch in so many parts, one after the other: less "
        "memory; batch normalisation sees the parts.",
        least=1,
    )
    recompute: bool = setting(
        False,
        "Compute the activations of each cell once more for the gradient "
        "instead of keeping them: less memory, more time.",
    )
    train_portion: float = setting(
        0.5,
        "Share of the training examples that the weights learn from.",
        above=0,
        below=1,
    )
    crop_padding: int = setting(
        4, "Random crop: pixels of padding on each side; 0 for none.", least=0
    )
    cutout_length: int = setting(
        0, "Cutout: side of the square in pixels; 0 for none.", least=0
    )
    early_stop: str = setting(
        "none",
        "When to stop before the last epoch: skips (two or more skip "
        "connections in the normal cell), stable (the order of alpha does "
        "not change), hessian (the validation loss curves more sharply in "
        "alpha; the genotype of five epochs before is taken) or none.",
        choices=("none", "skips", "stable", "hessian"),
    )
    early_stop_from: int = setting(
        10,
        "Epochs that --early_stop does at the least, behind the warm-up.",
        least=1,
    )
    early_stop_patience: int = setting(
        10,
        "Epochs that the order of alpha stays as it is before "
        "--early_stop=stable stops.",
        least=1,
    )
    learning_rate: float = setting(
        0.025, "Learning rate of the weights.", least=0
    )
    min_learning_rate: float = setting(
        0.001, "Rate that the cosine falls to over the epochs.", least=0
    )
    momentum: float = setting(0.9, "Momentum of the weights.", least=0, below=1)
    weight_decay: float = setting(
        3e-4, "L2 on the weights, in the gradient.", least=0
    )
    clip_norm: float = setting(
        5.0, "Largest global norm of the gradients.", above=0
    )
    alpha_learning_rate: float = setting(
        3e-4, "Adam's rate for alpha.", least=0
    )
    alpha_weight_decay: float = setting(
        1e-3, "L2 on alpha, in the gradient.", least=0
    )

    def __post_init__(self):
        super().__post_init__()
        if self.batch_size % self.micro_batches:
            raise ValueError(
                f"--batch_size must be a multiple of --micro_batches. "
                f"Received: {self.batch_size} and {self.micro_batches}."
            )
        if self.recompute and self.jit_compile:
            raise ValueError(
                "--recompute does not go together with --jit_compile: XLA "
                "sees that both times the same is computed, and keeps it."
            )
        differs = self.order == 2 and self.method != "exact"
        if differs and self.precision == "bfloat16":
            raise ValueError(
                f"--precision=bfloat16 has too few digits for "
                f"--method={self.method}: the difference would be rounding. "
                f"Give --order=1, --method=exact or --precision=float32."
            )


@dataclasses.dataclass(frozen=True)
class TrainConfig(ComputeConfig):
    """Settings of a final training; the defaults are the paper's.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.2.1
    """

    genotype: str = setting(
        None,
        "Genotype: a file, a published name, a run directory, or "
        "random:<seed>. By default the one found in --run_dir.",
    )
    distribute: str = setting(
        "none",
        "none, or mirrored: all devices of this machine.",
        choices=("none", "mirrored"),
    )
    init_channels: int = setting(
        36, "Channels of the network's first cell.", least=1
    )
    num_cells: int = setting(20, "Cells of the network, at least 3.", least=3)
    epochs: int = setting(600, "Epochs of the training.", least=1)
    batch_size: int = setting(
        96, "Examples in a batch, over all devices.", least=1
    )
    validation_portion: float = setting(
        0.0,
        "Share of the training examples kept for validation.",
        least=0,
        below=1,
    )
    crop_padding: int = setting(
        4, "Random crop: pixels of padding on each side; 0 for none.", least=0
    )
    cutout_length: int = setting(
        0, "Cutout: side of the square in pixels; 0 for none.", least=0
    )
    auxiliary_weight: float = setting(
        0.4,
        "What the loss of an auxiliary head at two thirds of the depth counts "
        "in training; 0 for no such head.",
        least=0,
    )
    drop_path_rate: float = setting(
        0.2,
        "Drop path: the rate that it grows to, linearly from 0; 0 for none.",
        least=0,
        below=1,
    )
    learning_rate: float = setting(
        0.025, "Learning rate at the start.", least=0
    )
    min_learning_rate: float = setting(
        0.0, "Rate that the cosine falls to over the epochs.", least=0
    )
    momentum: float = setting(0.9, "Momentum.", least=0, below=1)
    weight_decay: float = setting(
        3e-4, "L2 on the weights, in the gradient.", least=0
    )
    clip_norm: float = setting(
        5.0, "Largest global norm of the gradients.", above=0
    )

    def __post_init__(self):
        super().__post_init__()
        if self.jit_compile and self.distribute != "none":
            raise ValueError(
                f"--jit_compile is for one device; it does not go together "
                f"with --distribute={self.distribute}."
            )
