"""The data, supernet and optimizers of a search on images."""

import keras
import tensorflow as tf

from tfdarts.data import batches
from tfdarts.data.image_source import DataError
from tfdarts.layers.batch_norm import synchronize_batch_norms
from tfdarts.replicas import local_replicas
from tfdarts.replicas import worker_of
from tfdarts.strategies.gradient import gradient_parts
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.tasks.networks import build_search
from tfdarts.tasks.presets import apply_preset
from tfdarts.tasks.run_data import open_data
from tfdarts.tasks.run_data import training_data
from tfdarts.tasks.set_up import require_float32
from tfdarts.tasks.set_up import require_xla
from tfdarts.tasks.set_up import set_up
from tfdarts.tasks.task_registry import task_of_config
from tfdarts.training.distribution import distribution_of
from tfdarts.training.distribution import require_divisible_batch
from tfdarts.training.memory import peak_bytes
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam
from tfdarts.training.schedules import EpochCosine


class ImageSearch:
    """Images, a supernet of convolutional cells, and a compiled `DARTS`.

    No step has been taken. `config` is the argument with the choices of the
    preset.

    Args:
        config: `tfdarts.SearchConfig`.

    Raises:
        DataError: If the data do not fit the settings.
    """

    logged = (
        "loss",
        "alpha_loss",
        "validation_supernet_accuracy",
        "alpha_entropy",
        "skip_connections",
        "epochs_unchanged",
        "dominant_eigenvalue",
    )
    callbacks = ()
    validation_steps = None

    def __init__(self, config):
        require_float32()
        self.distribution = distribution_of(config.distribute)
        _require_divisible_batch(config, self.distribution)
        require_xla(config)
        self.source = open_data(config)
        config = apply_preset(
            config,
            self.source,
            self.distribution.num_replicas_in_sync * config.micro_batches,
        )
        _require_divisible_batch(config, self.distribution)
        self.data = training_data(config, self.source, config.train_portion)
        if self.data.examples.validation is None:
            raise DataError(
                f"--train_portion=1 leaves no image for alpha, and "
                f"{self.source.name} has no validation images of its own: "
                f"lower --train_portion."
            )
        self.steps_per_epoch = self.data.steps_per_epoch
        examples = self.data.examples
        batches.steps_per_epoch(examples.validation[1], config.batch_size)
        set_up(config, self.distribution)
        self.begin_stage(config)

    def begin_stage(self, config):
        """Builds supernet and search; they depend on nothing before.

        Args:
            config: The settings of a stage of the search.
        """
        keras.utils.set_random_seed(config.seed)
        self.config = config
        supernet = task_of_config(config).build_supernet(config, self.source)
        if config.batch_norm == "global":
            synchronize_batch_norms(supernet)
        self.darts = compile_search(
            config,
            supernet,
            self.steps_per_epoch,
            self.distribution,
            self.data.class_weight,
        )

    @property
    def derived(self):
        """Values computed from settings and data, for the run directory."""
        examples = self.data.examples
        return {
            "mean": examples.mean,
            "std": examples.std,
            "class_weight": self.data.recorded_class_weight,
        }

    def describe(self):
        """Returns a description of the data, in words."""
        supernet, examples = self.darts.supernet, self.data.examples
        size = "x".join(map(str, supernet.image_shape))
        return (
            f"{len(examples.train[1])} images for the weights, "
            f"{len(examples.validation[1])} for alpha, {size} each, in "
            f"{supernet.num_classes} classes"
        )

    def batches(self, first_epoch=0):
        """Returns pairs of a batch for the weights and one for alpha."""
        part = worker_of(self.distribution)
        return batches_of_pairs(self.config, self.data, first_epoch, part)

    def least_bytes(self):
        """Returns the least memory of a step of this process, in bytes."""
        batch_spec, _ = self.batches().element_spec
        graph = self.darts.gradient_graph(batch_spec)
        return local_replicas(self.distribution) * peak_bytes(graph)

    def validation_batches(self):
        """Returns the batches that measure the supernet's accuracy."""
        examples = self.data.examples
        return batches.ordered_batches(
            examples.validation,
            self.config.batch_size,
            examples.normalize,
            worker_of(self.distribution),
        )

    def curvature_batch(self):
        """Returns the batch that measures the curvature in alpha."""
        examples = self.data.examples
        batch = batches.random_batches(
            examples.validation,
            self.config.batch_size,
            self.config.seed,
            range(1),
            lambda images, seed: examples.normalize(images),
            worker_of(self.distribution),
        )
        return next(iter(batch))


def _require_divisible_batch(config, distribution):
    """Raises `ValueError` if replicas cannot share a given batch size."""
    if config.batch_size:
        require_divisible_batch(
            distribution, config.batch_size, config.micro_batches
        )


def compile_search(
    config, supernet, steps, distribution=None, class_weight=None
):
    """Returns the compiled search of a supernet.

    Args:
        config: `tfdarts.SearchConfig`.
        supernet: `CNNSupernet`.
        steps: Integer, steps per epoch.
        distribution: `tf.distribute.Strategy`. Defaults to one device.
        class_weight: Dict from labels to floats; see `DARTS.compile`.
    """
    search = build_search(
        config,
        supernet,
        steps,
        micro_batches=config.micro_batches,
        distribution=distribution,
    )
    weight_optimizer = SGD(
        EpochCosine(
            config.learning_rate,
            config.min_learning_rate,
            config.epochs,
            steps,
        ),
        momentum=config.momentum,
        l2=config.weight_decay,
        clip_norm=config.clip_norm,
    )
    alpha_rate = gradient_parts.alpha_learning_rate(config, steps)
    alpha_optimizer = Adam(alpha_rate, l2=config.alpha_weight_decay)
    search.compile(
        *gradient_parts.optimizers(
            get_strategy(config.strategy),
            config,
            weight_optimizer,
            alpha_optimizer,
            alpha_rate,
        ),
        class_weight=class_weight,
        jit_compile=config.jit_compile,
    )
    return search


def batches_of_pairs(config, data, first_epoch=0, part=(0, 1)):
    """Returns pairs of a batch for the weights and one for alpha.

    Args:
        config: `tfdarts.SearchConfig`.
        data: `tfdarts.tasks.run_data.TrainingData`.
        first_epoch: Integer, the epoch to resume at.
        part: See `tfdarts.data.batches`.
    """
    return tf.data.Dataset.zip(
        batches.shuffled_batches(
            data.examples.train,
            config.batch_size,
            config.seed,
            range(first_epoch, config.epochs),
            data.transform,
            part=part,
        ),
        _alpha_batches(config, data, first_epoch, part),
    )


def _alpha_batches(config, data, first_epoch, part):
    """Returns batches for alpha; in the warm-up, zeros, which are unused."""
    moving = min(max(first_epoch, config.alpha_warmup_epochs), config.epochs)
    dataset = batches.random_batches(
        data.examples.validation,
        config.batch_size,
        config.seed,
        range(
            moving * data.steps_per_epoch, config.epochs * data.steps_per_epoch
        ),
        data.transform,
        part,
    )
    zeros = [tf.zeros(spec.shape, spec.dtype) for spec in dataset.element_spec]
    waiting = tf.data.Dataset.from_tensors(tuple(zeros))
    waiting = waiting.repeat((moving - first_epoch) * data.steps_per_epoch)
    return waiting.concatenate(dataset)
