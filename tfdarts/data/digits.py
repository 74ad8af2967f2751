"""The handwritten digits of scikit-learn."""

import numpy as np
import tensorflow as tf

from tfdarts.data.image_source import ImageSource
from tfdarts.data.image_source import fingerprint

CLASS_NAMES = tuple(str(digit) for digit in range(10))
NUM_TEST = 360
SIZE = (16, 16)


def open_digits():
    """Returns the digits as a source."""
    return ImageSource(
        "digits",
        CLASS_NAMES,
        (*SIZE, 1),
        {"train": 1797 - NUM_TEST, "test": NUM_TEST},
        read,
        fingerprint=fingerprint((CLASS_NAMES, SIZE), _originals("train")),
    )


def read(split):
    """Returns the images and labels of a split.

    The 360 test images are a stratified choice that is the same for all seeds.

    Args:
        split: `"train"` or `"test"`.

    Returns:
        `uint8` images of shape `(examples, 16, 16, 1)`, `int64` labels.

    Reference:

    - [Alpaydin and Kaynak, 1998](https://doi.org/10.24432/C50P49)
    """
    images, labels = _originals(split)
    pixels = images.reshape(-1, 8, 8, 1) * (255 / 16)
    enlarged = tf.image.resize(pixels, SIZE, method="bilinear").numpy()
    return np.rint(enlarged).astype("uint8"), labels.astype("int64")


def _originals(split):
    """Returns scikit-learn's images and labels of a split."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    train, test = train_test_split(
        np.arange(len(labels)),
        test_size=NUM_TEST,
        stratify=labels,
        random_state=0,
    )
    rows = np.sort({"train": train, "test": test}[split])
    return images[rows], labels[rows]
