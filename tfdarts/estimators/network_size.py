"""Channels of a network that has at most so many parameters."""

import bisect
import dataclasses

from tfdarts.tasks.networks import build_network
from tfdarts.tasks.networks import count_parameters
from tfdarts.tasks.presets import fill_paper_settings
from tfdarts.tasks.presets import small_training
from tfdarts.tasks.presets import unset_settings


def fit_channels(config, genotype, source, most):
    """Returns settings whose network has at most so many parameters.

    If the paper's network is small enough, nothing changes. Otherwise the
    network has 8 cells, unless the settings say how many, and as many
    channels as fit, up to those of a small training.

    Args:
        config: `tfdarts.TrainConfig`.
        genotype: `Genotype`.
        source: `ImageSource`.
        most: Integer.

    Raises:
        ValueError: If a network of one channel, or of the given number, has
            more parameters.
    """

    def count(channels, cells):
        sizes = {"init_channels": channels, "num_cells": cells}
        sized = fill_paper_settings(
            dataclasses.replace(config, **sizes, auxiliary_weight=0.0)
        )
        classes = len(source.class_names)
        return count_parameters(
            build_network(sized, genotype, classes, source.image_shape)
        )

    paper = fill_paper_settings(config)
    if count(paper.init_channels, paper.num_cells) <= most:
        return config
    side = min(source.image_shape[:2])
    small = small_training(config, source.splits["train"], side, 1)
    open_settings = unset_settings(config)
    cells = config.num_cells or small["num_cells"]
    choices = [config.init_channels]
    if "init_channels" in open_settings:
        choices = range(1, small["init_channels"] + 1)
    fitting = bisect.bisect_right(
        choices, most, key=lambda channels: count(channels, cells)
    )
    if not fitting:
        raise ValueError(
            f"max_parameters={most:,} is less than the smallest network has, "
            f"{count(choices[0], cells):,} with {choices[0]} channels and "
            f"{cells} cells: raise max_parameters, or give fewer cells as "
            'train_settings={"num_cells": 3}.'
        )
    return dataclasses.replace(
        config, init_channels=choices[fitting - 1], num_cells=cells
    )
