"""CIFAR-10 for studies: each image has one purpose.

The directory holds `train_0.npz` and `train_1.npz`, each with 10,000 training
images, and `test.npz` with the test images: `x`, uint8 `(images, 32, 32, 3)`,
and `y`, labels; or in place of `x`, `r`, the differences between neighboring
pixels.
"""

import numpy as np

PURPOSES = {
    "weights": ("train", 0, 5_000),
    "alphas": ("train", 5_000, 10_000),
    "training": ("train", 0, 20_000),
    "test": ("test", 0, 10_000),
}
"""The split and the positions of the images of each purpose.

The final network learns from the images of the search, too.
"""

FILES = {"train": ("train_0.npz", "train_1.npz"), "test": ("test.npz",)}
IMAGES_OF_A_FILE = 10_000


def read_file(path):
    """Returns the images and the labels of a file."""
    with np.load(path, allow_pickle=False) as file:
        labels = file["y"].astype("int64")
        if "x" in file:
            return file["x"], labels
        rows = np.cumsum(file["r"], axis=-2, dtype=np.uint8)
        green, red, blue = np.cumsum(rows, axis=-1, dtype=np.uint8)
    return np.stack([red + green, green, blue + green], axis=-1), labels


def halve(images):
    """Returns images of half the size: means of 2x2 pixels, rounded.

    Args:
        images: Array `(images, height, width, channels)`, uint8.
    """
    count, height, width, channels = images.shape
    blocks = images.reshape(count, height // 2, 2, width // 2, 2, channels)
    sums = blocks.sum(axis=(2, 4), dtype="uint16")
    return ((sums + 2) // 4).astype("uint8")


def positions_of(purpose, scale=1.0):
    """Returns the split of a purpose, its first position, and its end.

    Args:
        purpose: String, a key of `PURPOSES`.
        scale: Float, the share of all images that a trial run has.
    """
    split, start, end = PURPOSES[purpose]
    return split, round(scale * start), round(scale * end)


def read_purpose(directory, purpose, scale=1.0):
    """Returns the images of a purpose, 16x16 pixels, and their labels.

    Args:
        directory: Path; see the module.
        purpose: String, a key of `PURPOSES`.
        scale: See `positions_of`.
    """
    split, start, end = positions_of(purpose, scale)
    needed = -(-end // IMAGES_OF_A_FILE)
    parts = [read_file(directory / name) for name in FILES[split][:needed]]
    images, labels = (np.concatenate(each) for each in zip(*parts))
    if len(labels) < end:
        raise ValueError(
            f"{directory} holds {len(labels)} {split} images, and the study "
            f"needs {end} of them: see the docstring of {__name__}."
        )
    return halve(images[start:end]), labels[start:end]
