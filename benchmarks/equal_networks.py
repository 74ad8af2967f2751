"""Networks of equal size, all trained by one recipe, and their test accuracy.

The size is set by the channels: an integer for the first cell, and the factor
at reduction cells.
"""

import bisect
import functools
import math

from cifar10_images import read_purpose

TARGET_PARAMETERS = 60_000
TOLERANCE = 0.03
"""The largest share by which the parameters may differ from the target."""

RECIPE = {
    "preset": "paper",
    "num_cells": 5,
    "epochs": 12,
    "batch_size": 64,
    "learning_rate": 0.025,
    "schedule": "cosine",
    "crop_padding": 2,
    "random_flip": "on",
    "cutout_length": 0,
    "auxiliary_weight": 0.0,
    "drop_path_rate": 0.0,
}
"""The training of every final network."""

BRIEF = {**RECIPE, "init_channels": 8, "epochs": 4}
"""The trainings that choose among candidates."""

MULTIPLIERS = [round(1.7 + 0.01 * n, 2) for n in range(61)]


def counter(genotype):
    """Returns the function of channels that counts a network's parameters.

    Args:
        genotype: `Genotype`.
    """
    import keras

    from tfdarts import CNNNetwork
    from tfdarts.tasks.networks import count_parameters

    def count(init_channels, channel_multiplier=2.0):
        keras.backend.clear_session()
        network = CNNNetwork(
            genotype,
            init_channels,
            RECIPE["num_cells"],
            num_classes=10,
            input_shape=(16, 16, 3),
            channel_multiplier=channel_multiplier,
        )
        return count_parameters(network)

    return count


def fit_channels(count, target=TARGET_PARAMETERS):
    """Returns the channels whose network is nearest to a number of parameters.

    The channels of the first cell are the integer that is nearest with the
    factor 2; the factor then does the rest.

    Args:
        count: The result of `counter`, or another function of
            `init_channels` and `channel_multiplier` that grows with both.
        target: Integer.

    Returns:
        Dict of `init_channels`, `channel_multiplier` and `parameters`.

    Raises:
        ValueError: If the nearest number is too far away.
    """
    count = functools.cache(count)
    # Parameters grow about with the square of the channels.
    channels = max(round(8 * math.sqrt(target / count(8))), 1)
    while count(channels) < target:
        channels += 1
    while channels > 1 and count(channels - 1) >= target:
        channels -= 1
    if channels > 1 and 2 * target < count(channels) + count(channels - 1):
        channels -= 1
    first = bisect.bisect_left(
        MULTIPLIERS, target, key=lambda each: count(channels, each)
    )
    nearest = min(
        MULTIPLIERS[max(first - 1, 0) : first + 1],
        key=lambda each: abs(count(channels, each) - target),
    )
    parameters = count(channels, nearest)
    if abs(parameters - target) > TOLERANCE * target:
        raise ValueError(
            f"No network of this cell has {target:,} parameters within "
            f"{TOLERANCE:.0%}; the nearest has {parameters:,}. It cannot be "
            "compared: choose another target."
        )
    return {
        "init_channels": channels,
        "channel_multiplier": nearest,
        "parameters": parameters,
    }


def train_equal(genotype, seed, images, run_dir, scale=1.0, settings=None):
    """Trains the network of a genotype; returns what the test says, a dict.

    Args:
        genotype: `Genotype`.
        seed: Integer.
        images: Path; see `cifar10_images`.
        run_dir: Path.
        scale: See `cifar10_images.positions_of`.
        settings: Dict of settings in place of those of the recipe, for trial
            runs.
    """
    import tfdarts

    channels = fit_channels(counter(genotype))
    parameters = channels.pop("parameters")
    data = tfdarts.from_arrays(
        read_purpose(images, "training", scale),
        test=read_purpose(images, "test", scale),
        name="cifar10",
    )
    results = tfdarts.train(
        tfdarts.TrainConfig(
            genotype=genotype,
            dataset=data,
            run_dir=str(run_dir),
            seed=seed,
            **(RECIPE | channels | (settings or {})),
        )
    )
    if results["num_parameters"] != parameters:
        raise ValueError(
            f"The network was counted to have {parameters:,} parameters, and "
            f"has {results['num_parameters']:,}: the recipe changes its size."
        )
    tested = tfdarts.evaluate(run_dir, dataset=data)
    return {
        **channels,
        "parameters": parameters,
        "test_accuracy": round(tested["test_accuracy"], 6),
        "test_loss": round(tested["test_loss"], 6),
    }
