"""Defaults that a preset chooses: the paper's, or values that fit the data."""

import dataclasses
import logging
import math

from tfdarts.settings.conditions import refuse_idle_settings

logger = logging.getLogger("tfdarts")

LARGE = 20_000
"""From this many training images, `--preset=auto` means the paper's values."""

SEARCH_STEPS = 500
"""The least number of steps of a search on few images."""

ALPHA_PATH = 50 * 390 * 3e-4
"""The path of an alpha in the paper's search on CIFAR-10, at most, in nats.

Adam moves a variable by about its learning rate each step; the paper's search
takes 50 epochs of 390 steps.
"""

HIGHEST_ALPHA_RATE = 0.1
"""The highest learning rate of alpha that `--preset=auto` chooses.

With one step per epoch, as on the fewest images, 60 epochs cover the whole
`ALPHA_PATH` at this rate. With fewer steps, a higher rate follows noise.
"""

SHOWN_IMAGES = 40_000
"""Images (counted once per epoch) that a training on few images processes."""


def apply_preset(config, source, multiple=1):
    """Returns a config with the choices of its preset, and logs them.

    Args:
        config: `tfdarts.SearchConfig`, `TrainConfig` or
            `SelectConfig`.
        source: `tfdarts.data.image_source.ImageSource`.
        multiple: Integer, the number of replicas times micro-batches, of which
            the batch size must be a multiple. Defaults to `1`.

    Raises:
        ValueError: If a choice contradicts a given setting, or leaves it
            without effect.
    """
    values = chosen_settings(config, source, multiple)
    if values:
        height, width, _ = source.image_shape
        logger.info(
            "--preset=%s chooses, for %s training images of %dx%d in %d "
            "classes: %s",
            config.preset,
            f"{source.splits['train']:,}",
            height,
            width,
            len(source.class_names),
            " ".join(f"--{name}={value:g}" for name, value in values.items()),
        )
    chosen = dataclasses.replace(config, **values)
    # A preset may have chosen the others in an earlier call.
    given = [f for f in dataclasses.fields(chosen) if "paper" not in f.metadata]
    refuse_idle_settings(given, chosen)
    return chosen


def chosen_settings(config, source, multiple=1):
    """Returns the preset's values of the settings that were not given.

    Args:
        config: See `apply_preset`.
        source: See `apply_preset`.
        multiple: See `apply_preset`.
    """
    values = paper_settings(config)
    if config.preset == "auto":
        values |= config.auto_settings(
            source.splits["train"],
            min(source.image_shape[:2]),
            multiple,
            source.splits.get("validation", 0),
        )
    values |= config.implied_settings
    return {name: values[name] for name in unset_settings(config)}


def unset_settings(config):
    """Returns the names of the settings that the preset has to choose."""
    return [
        field.name
        for field in dataclasses.fields(config)
        if "paper" in field.metadata and getattr(config, field.name) is None
    ]


def fill_paper_settings(config):
    """Returns a config with the paper's values of settings not given."""
    values = paper_settings(config)
    return dataclasses.replace(
        config, **{name: values[name] for name in unset_settings(config)}
    )


def paper_settings(config):
    """Returns the values of `--preset=paper`, a dict."""
    values = {
        field.name: field.metadata["paper"]
        for field in dataclasses.fields(config)
        if "paper" in field.metadata
    }
    return values | config.implied_settings


def settings_of_search(config, images, side, multiple, validation_images):
    """Returns the values of a search; see `ImageConfig.auto_settings`."""
    if images >= LARGE:
        return {"crop_padding": side // 8}
    return small_search(config, images, side, multiple, validation_images)


def small_search(config, images, side, multiple, validation_images):
    """Returns the values of a search that a few processor cores can do."""
    portion = config.train_portion
    rest = images * (1 - portion) if portion < 1 else validation_images
    smaller = int(min(images * portion, rest))
    batch_size = config.batch_size or _batch_size(smaller, 64, multiple)
    steps = max(1, int(images * portion) // batch_size)
    # Alpha needs half of the epochs.
    least = max(10, 2 * config.alpha_warmup_epochs)
    epochs = config.epochs or _within(least, SEARCH_STEPS / steps, 60)
    alpha_steps = max(1, epochs - config.alpha_warmup_epochs) * steps
    mean_rate = ALPHA_PATH / alpha_steps
    alpha_rate = min(mean_rate / config.alpha_rate_share, HIGHEST_ALPHA_RATE)
    return {
        "order": 1 if config.method == "central_difference" else 2,
        "init_channels": _channels(config),
        "num_cells": 5,
        "epochs": epochs,
        "batch_size": batch_size,
        "crop_padding": side // 8,
        "learning_rate": 0.05,
        "alpha_learning_rate": float(f"{alpha_rate:.1g}"),
        "alpha_weight_decay": 1e-4,
    }


def settings_of_training(config, images, side, multiple):
    """Returns the values of a training; see `ImageConfig.auto_settings`."""
    if images >= LARGE:
        return {"crop_padding": (config.crop_size or side) // 8}
    return small_training(config, images, side, multiple)


def small_training(config, images, side, multiple):
    """Returns the values of a training that a few processor cores can do."""
    seen = config.crop_size or side
    learned = int(images * (1 - config.validation_portion))
    epochs = _within(30, SHOWN_IMAGES / learned, 100)
    if config.is_brief:
        epochs = math.ceil(epochs / 4)
    return {
        "init_channels": 16,
        "num_cells": 8,
        "epochs": max(epochs, config.warmup_epochs),
        "batch_size": _batch_size(learned, 96, multiple),
        "crop_padding": seen // 8,
        "cutout_length": seen // 4,
        "auxiliary_weight": 0.0,
        "drop_path_rate": 0.0,
        "learning_rate": {"sgd": 0.05, "adamw": 1e-3}[config.optimizer],
    }


def _batch_size(examples, most, multiple):
    """Returns about a tenth of the examples, within 16 and `most`."""
    batch_size = min(_within(16, examples // 80 * 8, most), max(examples, 1))
    return max(batch_size // multiple, 1) * multiple


def _channels(config):
    """Returns 8 channels, or a few more that can be split in equal parts."""
    parts = config.all_channel_parts
    least = math.lcm(*parts)
    if least > 1:  # A part has two channels or more.
        least = math.ceil(2 * max(parts) / least) * least
    return math.ceil(8 / least) * least


def _within(least, value, most):
    return min(max(math.ceil(value), least), most)
