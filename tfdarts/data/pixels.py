"""Images in memory or, if they do not fit, in a file."""

import logging
import os
import shutil
import tempfile

import numpy as np
import tensorflow as tf

from tfdarts.data.image_source import DataError
from tfdarts.machine import available_bytes

logger = logging.getLogger("tfdarts")

SHARE = 0.1
"""Share of free memory for images; splits and TensorFlow hold copies."""


class ImagesOnDisk:
    """`uint8` images in a file, each read when it is needed.

    It supports the array operations that tfdarts needs: `shape`, `dtype`,
    `len`, and indexing by an array of positions or a slice. The result stays
    on disk until `np.asarray` reads it.

    Args:
        array: `np.memmap` of the shape `(examples, height, width, channels)`.
        positions: Integer array, the rows of the images. Defaults to all.
    """

    dtype = np.dtype("uint8")

    def __init__(self, array, positions=None):
        self._array = array
        self._positions = (
            np.arange(len(array)) if positions is None else positions
        )

    @property
    def shape(self):
        return (len(self), *self._array.shape[1:])

    def __len__(self):
        return len(self._positions)

    def __getitem__(self, key):
        return ImagesOnDisk(self._array, self._positions[key])

    def __iter__(self):
        return (np.array(self._array[row]) for row in self._positions)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._array[self._positions], dtype)


def collect_images(images, count, shape):
    """Returns an iterable of images as one array.

    If the array would take more than a tenth of the available memory, the
    images are written to a temporary file, in `TMPDIR` or in `/var/tmp`, as
    `/tmp` may be in memory. The file is deleted when the process ends.

    Args:
        images: Iterable of `uint8` arrays of the shape `shape`.
        count: Integer, the largest number of images.
        shape: Tuple `(height, width, channels)`.

    Returns:
        A `uint8` array of the shape `(examples, *shape)`, or `ImagesOnDisk`.

    Raises:
        DataError: If neither memory nor disk has room for the images.
    """
    size = count * int(np.prod(shape))
    images = count_progress(images, count)
    if size <= SHARE * available_bytes():
        return _collect_in_memory(images, count, shape)
    directory = _directory()
    free = shutil.disk_usage(directory).free
    if size > free:
        raise DataError(
            f"The images take {size / 1e9:.1f} GB. They fit neither into "
            f"memory nor into {directory}, where {free / 1e9:.1f} GB are "
            "free. Give a smaller --image_size, or set TMPDIR to a larger "
            "disk."
        )
    logger.info(
        "data: the images take %.1f GB, which do not fit into memory: a "
        "temporary file in %s holds them",
        size / 1e9,
        directory,
    )
    return _collect_on_disk(images, shape, directory)


def _directory():
    if "TMPDIR" not in os.environ and os.path.isdir("/var/tmp"):
        return "/var/tmp"
    return tempfile.gettempdir()


def _collect_in_memory(images, count, shape):
    array = np.empty((count, *shape), "uint8")
    found = 0
    for image in images:
        array[found] = image
        found += 1
    return array[:found]


def _collect_on_disk(images, shape, directory):
    # The file is unlinked at once, so it vanishes however the process ends.
    with tempfile.TemporaryFile(dir=directory) as file:
        found = 0
        for image in images:
            file.write(np.ascontiguousarray(image))
            found += 1
        file.flush()
        return ImagesOnDisk(
            np.memmap(file, "uint8", mode="r", shape=(found, *shape))
        )


def reader(images):
    """Returns the function from positions to images, for a `tf.data` map.

    Args:
        images: `uint8` array, or `ImagesOnDisk`.

    Example:

    >>> images = np.zeros((10, 4, 4, 1), "uint8")
    >>> reader(images)(tf.constant([3, 7])).shape
    TensorShape([2, 4, 4, 1])
    """
    if isinstance(images, np.ndarray):
        tensor = tf.convert_to_tensor(images)
        return lambda positions: tf.gather(tensor, positions)

    def read(positions):
        chosen = tf.numpy_function(
            lambda rows: np.asarray(images[rows]),
            [positions],
            tf.uint8,
            stateful=False,
        )
        return tf.ensure_shape(chosen, (*positions.shape, *images.shape[1:]))

    return read


def count_progress(images, count, done="read"):
    """Yields images, and logs the progress after every hundred images.

    Args:
        images: Iterable.
        count: Integer, the number of images.
        done: String, the participle for the log, such as `"read"`.
    """
    for position, image in enumerate(images):
        if position % 100 == 0:
            logger.info(
                "data: %s of %s images %s",
                f"{position:,}",
                f"{count:,}",
                done,
                extra={"transient": True, "progress": position / count},
            )
        yield image
