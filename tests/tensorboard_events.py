"""What is in the files that TensorBoard reads."""

import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)


def events(directory):
    everything = {"scalars": 0, "images": 0, "tensors": 0}
    return EventAccumulator(str(directory), everything).Reload()


def scalars(directory):
    """A dict from names to what was written, as (step, value)."""
    found = events(directory)
    return {
        name: [
            (event.step, float(tf.make_ndarray(event.tensor_proto)))
            for event in found.Tensors(name)
        ]
        for name in found.Tags()["tensors"]
        if not name.startswith(("alphas/", "cells/", "curves", "evaluation/"))
    }
