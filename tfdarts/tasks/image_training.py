"""The data, network and callbacks of a training on images."""

import dataclasses
import logging

import keras
import tensorflow as tf

from tfdarts.data import augmentation
from tfdarts.data import batches
from tfdarts.data.image_source import DataError
from tfdarts.data.targets import soft_targets
from tfdarts.data.targets import weight_by_class
from tfdarts.layers.batch_norm import synchronize_batch_norms
from tfdarts.replicas import local_replicas
from tfdarts.replicas import worker_of
from tfdarts.search_spaces.lookup import find_genotype
from tfdarts.serving.classifier import with_preprocessing
from tfdarts.tasks.networks import compile_network
from tfdarts.tasks.networks import require_network
from tfdarts.tasks.presets import apply_preset
from tfdarts.tasks.presets import chosen_settings
from tfdarts.tasks.run_data import find_data
from tfdarts.tasks.run_data import open_data
from tfdarts.tasks.run_data import training_data
from tfdarts.tasks.scores import class_means
from tfdarts.tasks.set_up import require_float32
from tfdarts.tasks.set_up import require_xla
from tfdarts.tasks.set_up import set_up
from tfdarts.tasks.task_registry import task_of_config
from tfdarts.training.checkpoints import EpochCheckpoint
from tfdarts.training.distribution import distribution_of
from tfdarts.training.distribution import require_divisible_batch
from tfdarts.training.mean_statistics import MeanStatistics
from tfdarts.training.memory import gradient_graph
from tfdarts.training.memory import peak_bytes
from tfdarts.training.schedules import LearningRate
from tfdarts.training.schedules import LinearDropPath
from tfdarts.training.shared_data import predict_all
from tfdarts.training.shared_data import share_dataset

logger = logging.getLogger("tfdarts")


class ImageTraining:
    """Images, the network of a genotype, and its compiled model.

    `config` is the argument with the choices of the preset.

    Args:
        config: `tfdarts.TrainConfig`.

    Raises:
        ValueError: If a setting is invalid.
        DataError: If the data do not fit the settings.
    """

    logged = ("loss", "accuracy", "validation_loss", "validation_accuracy")
    files = {}

    def __init__(self, config):
        require_float32()
        self.distribution = self.distribution_of(config)
        count = self.distribution.num_replicas_in_sync
        self.genotype = None
        if config.takes_genotype:
            self.genotype = find_genotype(
                config.genotype or config.run_dir,
                config.space or task_of_config(config).space,
            )
        self.source = open_data(config)
        self.config = config = apply_preset(config, self.source, count)
        self.distribution_of(config)
        self.data = training_data(
            config,
            self.source,
            1 - config.validation_portion,
            crop_size=config.crop_size,
            color_jitter=config.color_jitter,
            rand_augment=config.rand_augment,
        )
        set_up(config, self.distribution)
        self.steps_per_epoch = self.data.steps_per_epoch
        with self.distribution.scope():
            self.network = task_of_config(config).build_network(
                config, self.genotype, self.source
            )
            self.model = compile_network(
                config, self.network, self.steps_per_epoch
            )
        if config.batch_norm == "global":
            synchronize_batch_norms(self.model)

    @staticmethod
    def distribution_of(config):
        """Returns the distribution strategy of a config.

        Raises:
            ValueError: If replicas cannot share a batch evenly, or XLA is
                requested without a GPU, or with several GPUs per process.
        """
        distribution = distribution_of(config.distribute)
        if config.batch_size:
            require_divisible_batch(distribution, config.batch_size)
        require_xla(config)
        if config.jit_compile and local_replicas(distribution) > 1:
            raise ValueError(
                "--jit_compile in a training supports one device per "
                "process, because Keras would compile the step of all "
                "devices as one: leave --jit_compile out, or start one "
                "process for each GPU."
            )
        return distribution

    @staticmethod
    def require_data(config, distribution):
        """Raises an error if the data are too few or the images too small."""
        source = find_data(config)
        chosen = chosen_settings(
            config, source, distribution.num_replicas_in_sync
        )
        config = dataclasses.replace(config, **chosen)
        examples = source.splits["train"] * (1 - config.validation_portion)
        batches.steps_per_epoch(range(int(examples)), config.batch_size)
        require_network(config, source.image_shape)

    @property
    def derived(self):
        """Values computed from settings and data, for the run directory."""
        examples = self.data.examples
        genotype = self.genotype
        return {
            "genotype": genotype and genotype.to_dict(),
            "mean": examples.mean,
            "std": examples.std,
            "class_names": self.source.class_names,
            "image_shape": examples.train[0].shape[1:],
            "class_weight": self.data.recorded_class_weight,
        }

    def describe(self):
        """Returns a description of the data, in words."""
        sizes = self.sizes
        return (
            f"{sizes['train_examples']} images, "
            f"{sizes['validation_examples']} for validation"
        )

    @property
    def sizes(self):
        """The number of examples in each split, by name."""
        train, validation = (
            self.data.examples.train,
            self.data.examples.validation,
        )
        return {
            "train_examples": len(train[1]),
            "validation_examples": len(validation[1]) if validation else 0,
        }

    def callbacks(self, rows):
        """Returns the callbacks that precede the metrics callback.

        Args:
            rows: Function that returns the metrics of all epochs so far.
        """
        _warn_of_average(self.config, self.config.epochs * self.steps_per_epoch)
        return [
            LearningRate(),
            MeanStatistics(),
            *_regularization(self.config, self.network),
        ]

    def saved_model(self):
        """Returns the network in the form of `model.keras`."""
        examples = self.data.examples
        return with_preprocessing(
            self.network,
            mean=examples.mean,
            std=examples.std,
            image_size=examples.train[0].shape[1:3],
        )

    def results(self, rows):
        """Returns the final metrics of the training.

        Args:
            rows: List of dicts, the metrics of all epochs.
        """
        return {
            **{
                name: float(value)
                for name, value in rows[-1].items()
                if name not in ("epoch", "learning_rate")
            },
            **self._balanced_accuracy(),
        }

    def roll_back(self, error):
        """Raises the error of a NaN loss; images have no rollback.

        Args:
            error: `DivergedError`.
        """
        raise error

    def _balanced_accuracy(self):
        """Returns the balanced validation accuracy if classes are weighted."""
        validation = self._own_validation_batches()
        if validation is None or self.data.class_weight is None:
            return {}
        logits = predict_all(self.network, validation, self.distribution)
        labels = self.data.examples.validation[1]
        figures = class_means(labels, logits)
        return {"validation_balanced_accuracy": figures["balanced_accuracy"]}

    def checkpoint(self, directory):
        """Returns the callback that saves all variables of the training."""
        return EpochCheckpoint(
            directory,
            network=self.model.variables,
            optimizer=self.model.optimizer.variables,
        )

    def restore(self, checkpoint):
        """Restores the last whole epoch; returns the number of epochs."""
        return checkpoint.restore()

    def batches(self, first_epoch=0):
        """Returns the training batches, starting at an epoch."""
        return share_dataset(self._own_batches(first_epoch), self.distribution)

    def _own_batches(self, first_epoch=0):
        """Returns this process's local part of the training batches."""
        config, examples = self.config, self.data.examples
        targets = None
        if config.has_soft_targets:
            targets = soft_targets(
                len(self.source.class_names),
                config.label_smoothing,
                config.mixup,
            )
        dataset = batches.shuffled_batches(
            examples.train,
            config.batch_size,
            config.seed,
            range(first_epoch, config.epochs),
            self.data.transform,
            targets,
            worker_of(self.distribution),
            # Keras' layers draw for a whole batch, and mix its images.
            split_after_transform=bool(config.rand_augment or config.mixup),
        )
        if self.data.class_weight is None:
            return dataset
        return dataset.map(weight_by_class(self.data.class_weight))

    def validation_batches(self):
        """Returns the validation batches, or `None`."""
        validation = self._own_validation_batches()
        return validation and share_dataset(validation, self.distribution)

    @property
    def validation_steps(self):
        """The number of validation batches; Keras cannot count them itself."""
        validation = self.data.examples.validation
        return validation and -(-len(validation[1]) // self.config.batch_size)

    def _own_validation_batches(self):
        """Returns this process's local part of the validation batches."""
        config, examples = self.config, self.data.examples
        if examples.validation is None:
            return None
        validation = batches.ordered_batches(
            examples.validation,
            config.batch_size,
            lambda images: augmentation.prepare_for_test(
                images, examples.mean, examples.std, config.crop_size
            ),
            worker_of(self.distribution),
        )
        if not config.has_soft_targets:
            return validation
        num_classes = len(self.source.class_names)
        return validation.map(
            lambda images, labels: (images, tf.one_hot(labels, num_classes))
        )

    def least_bytes(self):
        """Returns the least memory of a step of this process, in bytes."""
        count = local_replicas(self.distribution)
        part_spec = [
            tf.TensorSpec((spec.shape[0] // count, *spec.shape[1:]), spec.dtype)
            for spec in self._own_batches().element_spec
        ]
        return count * peak_bytes(gradient_graph(self.model, part_spec))


def _warn_of_average(config, steps):
    """Logs a warning if the initial weights dominate the moving average."""
    if config.ema_momentum**steps > 0.01:
        logger.warning(
            "train: --ema_momentum=%g averages over about %d steps, but the "
            "training has %d: the average would stay close to the initial "
            "weights. Give a smaller --ema_momentum, or more --epochs.",
            config.ema_momentum,
            round(1 / (1 - config.ema_momentum)),
            steps,
        )


def _regularization(config, network):
    """Returns the callbacks of drop path and of averaged weights."""
    callbacks = []
    if config.drop_path_rate:
        callbacks.append(
            LinearDropPath(
                network.drop_path, config.drop_path_rate, config.epochs
            )
        )
    if config.ema_momentum:
        callbacks.append(keras.callbacks.SwapEMAWeights())
    return callbacks


def apply_selection_preset(config):
    """Returns the settings of a selection with the choices of its preset.

    Args:
        config: `tfdarts.SelectConfig`, or the settings of a search.

    Raises:
        DataError: If there are no validation images to rank on.
    """
    source = find_data(config)
    name, of_data_set = config.own_validation
    is_own = getattr(config, name) == of_data_set
    if is_own and "validation" not in source.splits:
        raise DataError(
            f"Candidates are ranked on validation images, and {source.name} "
            f"has none of its own: give --{name}."
        )
    distribution = ImageTraining.distribution_of(config)
    parts = distribution.num_replicas_in_sync
    parts *= getattr(config, "micro_batches", 1)
    return apply_preset(config, source, parts)
