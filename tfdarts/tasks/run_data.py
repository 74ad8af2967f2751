"""Opening and describing the data set of a run."""

import logging
import typing

from tfdarts.data import batches
from tfdarts.data.class_balance import balanced_class_weight
from tfdarts.data.class_balance import class_warnings
from tfdarts.data.class_balance import count_classes
from tfdarts.data.class_balance import count_table
from tfdarts.data.examples import TrainingExamples
from tfdarts.data.image_source import ImageSource
from tfdarts.tasks.task_registry import add_task_hint
from tfdarts.tasks.task_registry import task_of_config

logger = logging.getLogger("tfdarts")


def find_data(config):
    """Returns the data set of a config, without logging its description.

    Args:
        config: `tfdarts.tasks.shared_settings.RunConfig`.

    Raises:
        DataError: If the data set does not exist or cannot be used.
    """
    task = task_of_config(config)
    with add_task_hint(config, config.dataset):
        return task.find_data(config.dataset, vars(config), config.prepare)


def open_data(config):
    """Returns the data set of a config, and logs its description.

    Args:
        config: `tfdarts.tasks.shared_settings.RunConfig`.

    Raises:
        DataError: If the data set does not exist or cannot be used.
    """
    source = find_data(config)
    for sentence in source.describe():
        logger.info("data: %s", sentence)
    for sentence in source.warnings:
        logger.warning("data: %s", sentence)
    return source


class TrainingData(typing.NamedTuple):
    """The data of a run, ready for training."""

    source: ImageSource
    examples: TrainingExamples
    transform: typing.Callable
    steps_per_epoch: int
    class_weight: dict | None = None

    @property
    def recorded_class_weight(self):
        """The class weights in the order of the classes, or `None`."""
        if self.class_weight is None:
            return None
        classes = range(len(self.source.class_names))
        return [self.class_weight.get(label) for label in classes]


def training_data(config, source, portion, **augmentation):
    """Returns the `TrainingData` of a source.

    Args:
        config: `tfdarts.SearchConfig` or `TrainConfig`, with
            the choices of its preset.
        source: `ImageSource`.
        portion: Float, the share of the training examples in the train split.
        **augmentation: Further arguments of `TrainingExamples.augment`.

    Raises:
        DataError: If the data do not fit the settings.
    """
    examples = TrainingExamples.of(source, portion, config.seed)
    _warn_of_classes(config, source, examples)
    labels = examples.train[1]
    return TrainingData(
        source,
        examples,
        examples.augment(
            config.crop_padding,
            config.random_flip,
            config.cutout_length,
            **augmentation,
        ),
        batches.steps_per_epoch(labels, config.batch_size),
        balanced_class_weight(labels)
        if config.class_weights == "balanced"
        else None,
    )


def _warn_of_classes(config, source, examples):
    """Logs warnings about the numbers of training examples per class."""
    parts = {"training": examples.train, "validation": examples.validation}
    counts = {
        part: count_classes(part_examples[1], source.class_names)
        for part, part_examples in parts.items()
        if part_examples is not None
    }
    for sentence in class_warnings(
        counts,
        source.class_names,
        config.class_weights,
        source.splits["train"],
    ):
        logger.warning("data: %s", sentence)


def describe_images(config):
    """Returns lines that describe a data set of images, after reading it.

    Args:
        config: `tfdarts.tasks.image_settings.ImageConfig`.

    Raises:
        DataError: If anything in the data set cannot be used.
    """
    source = find_data(config)
    lines = [*source.describe()]
    counts = {
        split: count_classes(source.read(split)[1], source.class_names)
        for split in source.splits
    }
    lines.append(count_table(counts, source.class_names))
    mirrored = {"on": True, "off": False}.get(
        config.random_flip, source.random_flip
    )
    lines.append(
        f"training images are {'' if mirrored else 'not '}mirrored at random "
        f"(--random_flip={config.random_flip})"
    )
    lines += class_warnings(counts, source.class_names, config.class_weights)
    return "\n".join(lines)
