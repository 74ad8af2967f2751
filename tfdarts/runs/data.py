"""The data set of a run, opened and described."""

import dataclasses
import logging
import typing

import numpy as np

from tfdarts.data import batches
from tfdarts.data import sources
from tfdarts.data.examples import TrainingExamples
from tfdarts.data.image_source import ImageSource
from tfdarts.data.texts import open_text_source
from tfdarts.runs.rnn_configs import RNNConfig
from tfdarts.runs.settings import WITHOUT_EFFECT

logger = logging.getLogger("tfdarts")


def find_data(config):
    """Returns the data set of a config; what it is stays unsaid.

    Args:
        config: `tfdarts.runs.settings.RunConfig`.

    Raises:
        DataError: If there is no such data set, or it cannot be used.
    """
    return sources.open_source(
        config.dataset,
        config.image_size,
        config.prepare,
        config.image_fit,
        config.skip_broken,
    )


def open_data(config):
    """Returns the data set of a config, and says what it is.

    Args:
        config: `tfdarts.runs.settings.RunConfig`.

    Raises:
        DataError: If there is no such data set, or it cannot be used.
    """
    source = find_data(config)
    _say(source)
    return source


def _say(source):
    for sentence in source.describe():
        logger.info("data: %s", sentence)


class TrainingData(typing.NamedTuple):
    """The data of a run, ready to be trained on."""

    source: ImageSource
    examples: TrainingExamples
    transform: typing.Callable
    steps_per_epoch: int


def open_training_data(config, portion, **augmentation):
    """Returns the `TrainingData` of a config.

    Args:
        config: `tfdarts.runs.configs.SearchConfig` or `TrainConfig`.
        portion: Float, the share of the training examples in the first part.
        **augmentation: Further arguments of `TrainingExamples.augment`.

    Raises:
        DataError: If the data do not fit the settings.
    """
    source = open_data(config)
    examples = TrainingExamples.of(source, portion, config.seed)
    return TrainingData(
        source,
        examples,
        examples.augment(
            config.crop_padding,
            config.random_flip,
            config.cutout_length,
            **augmentation,
        ),
        batches.steps_per_epoch(examples.first[1], config.batch_size),
    )


def open_text_data(config):
    """Returns the text of a config, a `TextSource`, and says what it is.

    Args:
        config: `tfdarts.runs.rnn_configs.RNNConfig`.

    Raises:
        DataError: If there is no such text, or it cannot be used.
    """
    source = open_text_source(config.dataset, config.prepare)
    _say(source)
    return source


def recorded(config, source):
    """Returns a config as a run directory keeps it.

    What does not change the result is left out: a run may go on without it.
    """
    names = {field.name for field in dataclasses.fields(config)}
    without_effect = names & {*WITHOUT_EFFECT, "recompute"}
    return dataclasses.replace(
        config,
        dataset=source.name,
        distribute="none",
        **dict.fromkeys(without_effect, False),
    )


def describe_data(config):
    """Returns lines that say what a data set is; all of it is read for them.

    Args:
        config: `tfdarts.runs.settings.RunConfig`.

    Raises:
        DataError: If anything in it cannot be used.
    """
    if isinstance(config, RNNConfig):
        source = open_text_source(config.dataset, config.prepare)
        return "\n".join(source.describe())
    source = find_data(config)
    lines = [*source.describe()]
    for split in source.splits:
        _, labels = source.read(split)
        counts = np.bincount(labels, minlength=len(source.class_names))
        lines.append(
            f"{split}: {len(labels):,} image{'s' * (len(labels) > 1)}, "
            f"{_range(counts)} of a class"
        )
    mirrored = {"on": True, "off": False}.get(
        config.random_flip, source.random_flip
    )
    lines.append(
        f"training images are {'' if mirrored else 'not '}mirrored at random "
        f"(--random_flip={config.random_flip})"
    )
    return "\n".join(lines)


def _range(counts):
    least, most = counts.min(), counts.max()
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"
