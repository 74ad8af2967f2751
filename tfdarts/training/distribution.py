"""Which devices train together."""

import functools

import tensorflow as tf


def distribution_strategy(name, batch_size):
    """Returns the strategy of a `--distribute` flag.

    Args:
        name: `"none"`, for one device, or `"mirrored"`, for all GPUs of this
            machine, or all its logical CPUs where it has no GPU.
        batch_size: Integer, the examples of a step on all devices together.

    Raises:
        ValueError: If there is no such strategy, or the batch cannot be
            divided by the number of devices.
    """
    if name == "none":
        return tf.distribute.get_strategy()
    if name != "mirrored":
        raise ValueError(
            f"--distribute must be none or mirrored. Received: {name!r}."
        )
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    if batch_size % len(devices):
        raise ValueError(
            f"--batch_size is shared by all devices, so it must be a multiple "
            f"of their number, {len(devices)}. Received: {batch_size}."
        )
    return _mirrored(tuple(devices))


@functools.cache
def _mirrored(devices):
    """One strategy a process: on CPUs a second one never returns."""
    return tf.distribute.MirroredStrategy(devices)
