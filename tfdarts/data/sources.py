"""Data sets by their `--dataset` specification."""

import dataclasses
import typing

from tfdarts.data import digits


class DataError(ValueError):
    """The data are missing, or are not what the work needs."""


@dataclasses.dataclass(frozen=True)
class ImageSource:
    """Images with labels, split into training and test examples.

    Args:
        name: String, the specification it was opened by.
        class_names: Tuple of strings, the class of label `i` at position `i`.
        read: Function from the name of a split to `(images, labels)`: `uint8`
            images of shape `(examples, height, width, channels)` and `int64`
            labels. A split is read only when it is asked for.
        splits: Tuple of strings, the splits there are: `"train"`, `"test"`,
            and `"validation"` where the source has one of its own.
        mean: Tuple of floats, one a channel, the published mean of the images
            scaled to 0 to 1, or `None` where none was published.
        std: Like `mean`, the standard deviation.
    """

    name: str
    class_names: tuple
    read: typing.Callable
    splits: tuple = ("train", "test")
    mean: tuple | None = None
    std: tuple | None = None


def open_source(spec):
    """Returns the data set of a specification.

    Args:
        spec: String, `"digits"`: the 1,797 handwritten digits of
            scikit-learn, 8x8 enlarged to 16x16.

    Raises:
        DataError: If there is no such data set.
    """
    if spec == "digits":
        return ImageSource("digits", digits.CLASS_NAMES, digits.read)
    raise DataError(
        f"There is no data set {spec!r}. The data sets are: digits."
    )
