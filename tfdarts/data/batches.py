"""Batches whose order and augmentation are functions of seed and epoch.

The streams are stateless: the batches of epoch 7 do not depend on whether
epoch 6 was read, so a resumed run sees the same batches.

If several processes share each batch, each one reads, decodes and augments
only its local rows. `part` is a tuple `(index of the process, number of
processes)`. The rows are the same as in a single process.
"""

import numpy as np
import tensorflow as tf

from tfdarts.data.image_source import DataError
from tfdarts.data.pixels import reader
from tfdarts.replicas import part_of_batch
from tfdarts.replicas import rows_of_part

fold_in = tf.random.experimental.stateless_fold_in
# Converting a function, which `map` would do, takes longer than tracing it.
as_written = tf.autograph.experimental.do_not_convert


def stratified_split(labels, portion, seed, class_names=None):
    """Returns the positions of two disjoint, stratified splits.

    Args:
        labels: Integer array.
        portion: Float between 0 and 1, the share of the first split.
        seed: Integer.
        class_names: Sequence of strings, the names of the classes in error
            messages. Defaults to their labels.

    Raises:
        DataError: If a class would be missing from a split.
    """
    from sklearn.model_selection import train_test_split

    positions = np.arange(len(labels))
    try:
        first, second = train_test_split(
            positions, train_size=portion, stratify=labels, random_state=seed
        )
        if {*labels[first]} != {*labels[second]}:
            raise ValueError("A class has too few.")
    except ValueError as error:
        classes, counts = np.unique(labels, return_counts=True)
        rarest = classes[counts.argmin()]
        name = rarest if class_names is None else class_names[rarest]
        raise DataError(
            f"{len(labels)} examples cannot be split at {portion:.4g} so that "
            f"each class is in both parts: class {name} has only "
            f"{counts.min()}. Bring --train_portion or --validation_portion "
            f"nearer to 0.5, or add images."
        ) from error
    return np.sort(first), np.sort(second)


def mean_and_std(images):
    """Returns the channels' mean and deviation, images scaled to 0 to 1."""
    counts = np.zeros((images.shape[-1], 256), int)
    # Read in parts, because the images may not be in memory.
    for start in range(0, len(images), 1024):
        part = np.asarray(images[start : start + 1024])
        for channel, pixels in enumerate(np.moveaxis(part, -1, 0)):
            counts[channel] += np.bincount(pixels.ravel(), minlength=256)
    levels = np.arange(256) / 255
    mean = [np.average(levels, weights=c) for c in counts]
    variance = [
        np.average((levels - m) ** 2, weights=c) for m, c in zip(mean, counts)
    ]
    return tuple(map(float, mean)), tuple(map(float, np.sqrt(variance)))


def steps_per_epoch(labels, batch_size):
    """Returns the number of full batches in an epoch.

    Raises:
        DataError: If there are too few examples for one batch.
    """
    if batch_size > len(labels):
        raise DataError(
            f"A batch of {batch_size} is larger than the split, which has "
            f"{len(labels)} examples: lower --batch_size."
        )
    return len(labels) // batch_size


def shuffled_batches(
    examples,
    batch_size,
    seed,
    epochs,
    transform,
    targets=None,
    part=(0, 1),
    split_after_transform=False,
):
    """Returns the full batches of all epochs, each epoch in a new order.

    Args:
        examples: `(images, labels)`, an array or `ImagesOnDisk`, and an
            array.
        batch_size: Integer. An incomplete last batch is dropped.
        seed: Integer.
        epochs: `range` of the epochs.
        transform: Function `(images, seed) -> images` on a batch.
        targets: Function `(images, labels, seed) -> (images, targets)` on a
            batch; see `tfdarts.data.targets`. Defaults to plain labels.
        part: See the module. Defaults to all rows.
        split_after_transform: Boolean, whether each process transforms the
            whole batch and then takes its part, for transformations that
            depend on all images of a batch. Defaults to `False`.

    Returns:
        A `tf.data.Dataset` of `(images, labels)`.
    """
    steps_per_epoch(examples[1], batch_size)
    read, labels = reader(examples[0]), tf.convert_to_tensor(examples[1])

    def epoch_positions(epoch):
        epoch_seed = fold_in([seed, 0], epoch)
        order = tf.random.experimental.stateless_shuffle(
            tf.range(len(labels)), epoch_seed
        )
        positions = tf.data.Dataset.from_tensor_slices(order)
        positions = positions.batch(batch_size, drop_remainder=True)
        seeds = tf.data.Dataset.from_tensors(epoch_seed).repeat()
        return tf.data.Dataset.zip(positions.enumerate(), seeds)

    def batch(numbered, epoch_seed):
        step, positions = numbered
        step_seed = fold_in(epoch_seed, step)
        if not split_after_transform:
            positions = rows_of_part(positions, *part)
        with part_of_batch(*((0, 1) if split_after_transform else part)):
            images = transform(read(positions), step_seed)
        chosen = tf.gather(labels, positions)
        if targets is not None:
            images, chosen = targets(images, chosen, fold_in(step_seed, 6))
        if split_after_transform:
            return rows_of_part(images, *part), rows_of_part(chosen, *part)
        return images, chosen

    epochs = tf.data.Dataset.range(epochs.start, epochs.stop)
    positions = epochs.flat_map(as_written(epoch_positions))
    return _in_parallel(positions, batch)


def random_batches(examples, batch_size, seed, steps, transform, part=(0, 1)):
    """Returns one batch per step, each drawn at random from all examples.

    Args:
        examples: `(images, labels)`, an array or `ImagesOnDisk`, and an
            array.
        batch_size: Integer.
        seed: Integer.
        steps: `range` of the steps.
        transform: Function `(images, seed) -> images` on a batch.
        part: See the module. Defaults to all rows.

    Returns:
        A `tf.data.Dataset` of `(images, labels)`.
    """
    steps_per_epoch(examples[1], batch_size)
    read, labels = reader(examples[0]), tf.convert_to_tensor(examples[1])

    def batch(step):
        step_seed = fold_in([seed, 1], step)
        order = tf.random.experimental.stateless_shuffle(
            tf.range(len(labels)), step_seed
        )
        positions = tf.ensure_shape(order[:batch_size], [batch_size])
        positions = rows_of_part(positions, *part)
        with part_of_batch(*part):
            images = transform(read(positions), fold_in(step_seed, 0))
        return images, tf.gather(labels, positions)

    steps = tf.data.Dataset.range(steps.start, steps.stop)
    return _in_parallel(steps, batch)


def ordered_batches(examples, batch_size, transform, part=(0, 1)):
    """Returns batches of all examples once, in order, for evaluation.

    Args:
        examples: See `random_batches`.
        batch_size: Integer. The last batch may be smaller.
        transform: Function `images -> images` on a batch.
        part: See the module. Defaults to all rows.

    Returns:
        A `tf.data.Dataset` of `(images, labels)`.
    """
    read, labels = reader(examples[0]), tf.convert_to_tensor(examples[1])
    positions = tf.data.Dataset.range(len(labels)).batch(batch_size)

    def batch(positions):
        positions = rows_of_part(positions, *part)
        return transform(read(positions)), tf.gather(labels, positions)

    return _in_parallel(positions, batch)


def _in_parallel(dataset, batch):
    """Returns the batches that a function makes of each element, in order."""
    batches = dataset.map(
        as_written(batch), num_parallel_calls=tf.data.AUTOTUNE
    )
    return batches.prefetch(tf.data.AUTOTUNE)
