"""Sizes of runs on images, from small to large, for `--max_minutes`."""

import dataclasses
import typing
from collections.abc import Callable

from tfdarts.tasks.presets import paper_settings
from tfdarts.tasks.presets import small_search
from tfdarts.tasks.presets import small_training
from tfdarts.tasks.presets import unset_settings


class Sizes(typing.NamedTuple):
    """What a run with a time limit may choose.

    Attributes:
        least: Integer, epochs or candidates; a larger size must leave time
            for as many.
        most: Integer, epochs or candidates; more are not worth their time.
        steps: List of functions from a number of epochs or candidates to a
            dict of settings, each larger than the one before.
    """

    least: int
    most: int
    steps: list[Callable[[int], dict]]


SEARCH_SIDES = (16, 32, 64)
"""Sides in pixels that a search may resize images to."""

TRAINING_SIDES = (32, 64)
"""Sides in pixels that a final training may resize images to."""


def sizes_of_search(config, source, multiple):
    """Returns the `Sizes` of a search that trains a supernet.

    Args:
        config: `tfdarts.SearchConfig`.
        source: `tfdarts.data.image_source.ImageSource`.
        multiple: Integer, see `tfdarts.tasks.presets.apply_preset`.
    """

    def small(given, side):
        data = source.splits["train"], side, multiple
        return small_search(given, *data, source.splits.get("validation", 0))

    steps = _steps(config, source, "epochs", SEARCH_SIDES, small)
    return Sizes(10, paper_settings(config)["epochs"], steps)


def sizes_of_training(config, source, multiple):
    """Returns the `Sizes` of a training; see `sizes_of_search`."""

    def small(given, side):
        return small_training(given, source.splits["train"], side, multiple)

    steps = _steps(config, source, "epochs", TRAINING_SIDES, small)
    return Sizes(20, paper_settings(config)["epochs"], steps)


def sizes_of_candidates(config, source, multiple):
    """Returns the `Sizes` of a search that trains candidates.

    Each candidate is trained for fewer epochs before there are too few.
    """

    def small(given, side):
        return small_training(given, source.splits["train"], side, multiple)

    steps = _steps(config, source, "num_candidates", SEARCH_SIDES, small)
    if config.epochs is None and config.preset == "auto":
        first = steps[0]
        brief = [
            lambda number, epochs=epochs: {**first(number), "epochs": epochs}
            for epochs in (1, 4)
        ]
        # Of the networks, those of the paper take days.
        steps = [*brief, *steps[:-1]]
    return Sizes(20, 1_000, steps)


def _steps(config, source, length, sides, small):
    """Returns the steps of `Sizes`: small ones, then the paper's.

    Args:
        config: The settings.
        source: `ImageSource`.
        length: String, the setting that says how long a run is.
        sides: Tuple of integers, the sides that images may be resized to.
        small: Function of settings and of a side that returns a dict.
    """
    open_settings = unset_settings(config)
    whole = min(source.image_shape[:2])

    def of_side(side):
        def settings(number):
            given = dataclasses.replace(config, **{length: number})
            values = small(given, side or config.image_size or whole)
            return complete(values, side, number)

        return settings

    def of_paper(number):
        return complete(paper_settings(config), 0, number)

    def complete(values, side, number):
        values = {
            name: values[name] for name in open_settings if name in values
        }
        resized = {"image_size": side} if side else {}
        return {**values, **resized, length: number}

    if config.preset == "paper":
        return [of_paper]
    smaller = [] if config.image_size else [s for s in sides if s < whole]
    return [*(of_side(side) for side in (*smaller, 0)), of_paper]
