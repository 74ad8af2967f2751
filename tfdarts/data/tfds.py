"""Image classification data sets of TensorFlow Datasets."""

import difflib
import logging
import os
import re

import numpy as np
import tensorflow as tf

from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import ImageSource
from tfdarts.data.pixels import collect_images
from tfdarts.data.splits import split_off_test
from tfdarts.decoding import decode_image
from tfdarts.decoding import resize

_SPLITS = ("train", "validation", "test")
# Statistics of the training images, as in the code of the DARTS authors.
_PUBLISHED = {
    "cifar10": {
        "mean": (0.49139968, 0.48215827, 0.44653124),
        "std": (0.24703233, 0.24348505, 0.26158768),
    },
    "imagenet2012": {
        "mean": (0.485, 0.456, 0.406),
        "std": (0.229, 0.224, 0.225),
    },
}
_MIRRORED = ("cifar10", "cifar100", "imagenet2012")
# Data sets whose test split has no labels; publications test on another.
_TESTED_ON = {"imagenet2012": "validation"}

logger = logging.getLogger("tfdarts")


def open_tfds(name, image_size=0, prepare=False, image_fit="stretch"):
    """Returns a data set of TensorFlow Datasets from this machine.

    The data set is read from `~/tensorflow_datasets`, or from the directory
    in the environment variable `TFDS_DATA_DIR`.

    Args:
        name: String, such as `"cifar10"`, `"emnist/letters"` or
            `"cifar10:3.0.2"`.
        image_size: Integer. Images of different sizes become squares of this
            size.
        prepare: Boolean, whether a missing data set is downloaded. Otherwise,
            nothing is ever downloaded.
        image_fit: See `tfdarts.decoding.resize`.

    Raises:
        DataError: If the data set is missing, or has no images with labels.
    """
    builder = find_builder(name)
    if not builder.info.splits:  # Only prepared data sets have splits.
        prepare_builder(builder, name, prepare)
    image, label = _features(builder, name)
    names = {split: split for split in _SPLITS if split in builder.info.splits}
    if builder.name in _TESTED_ON:
        names["test"] = names.pop(_TESTED_ON[builder.name])
    splits = {
        split: builder.info.splits[name].num_examples
        for split, name in names.items()
    }
    if "train" not in splits:
        raise DataError(f"tfds:{name} has no split called train.")
    mixed = None in image.shape[:2]
    if mixed and not image_size:
        raise DataError(
            f"The images of tfds:{name} have different sizes. Give "
            "--image_size to resize all images to squares of that size."
        )
    size = (image_size, image_size) if mixed else image.shape[:2]

    shape = (*size, image.shape[-1])

    def pixels_and_label(example):
        # Decoded as on a server; TensorFlow Datasets decodes differently.
        pixels = decode_image(example["image"], shape[-1])
        if mixed:
            pixels = resize(pixels, size, image_fit)
        return tf.ensure_shape(pixels, shape), example["label"]

    def examples(split):
        dataset = _read_undecoded(builder, names[split]).map(
            pixels_and_label, num_parallel_calls=tf.data.AUTOTUNE
        )
        for batch in dataset.batch(64).as_numpy_iterator():
            yield from zip(*batch)

    def load(split):
        labels = []

        def images():
            for pixels, label in examples(split):
                labels.append(label)
                yield pixels

        return (
            collect_images(images(), splits[split], shape),
            np.array(labels, "int64"),
        )

    notes = [f"Images are resized to {image_size}x{image_size}."] * mixed
    if builder.name in _TESTED_ON:
        notes.append(
            f"The test uses the split {names['test']}, because the split "
            "called test has no labels."
        )
    source = ImageSource(
        f"tfds:{name}",
        tuple(label.names),
        shape,
        splits,
        load,
        **_PUBLISHED.get(builder.name, {}),
        random_flip=builder.name in _MIRRORED,
        fingerprint=builder.info.full_name,
        notes=tuple(notes),
    )
    return (
        source if "test" in splits else split_off_test(source, _labels(builder))
    )


def find_builder(name):
    """Returns the builder of a data set.

    Args:
        name: String; see `open_tfds`.

    Raises:
        DataError: If there is no such data set.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise DataError(
            f"tfds:{name} needs the package tensorflow-datasets: "
            f"pip install tensorflow-datasets."
        ) from error
    # Names of other forms lead to other places, even on the network.
    if not re.fullmatch(r"\w+(/[\w.-]+)?(:[\d.]+)?", name):
        raise DataError(
            f"tfds:{name} must be a name, name/config or name:version."
        )
    try:
        return tfds.builder(name, data_dir=_data_dir(), try_gcs=False)
    except (AssertionError, ValueError) as error:
        raise DataError(
            f"TensorFlow Datasets has no data set {name}, and {_data_dir()} "
            f"has none either.{_suggest_names(name)}"
        ) from error


def _suggest_names(name):
    """Returns a sentence that helps to correct the name of a data set."""
    import tensorflow_datasets as tfds

    name = re.match(r"\w+", name)[0]
    known = tfds.list_builders(with_community_datasets=False)
    if name not in known:
        close = difflib.get_close_matches(name, known)
        return f" Did you mean {' or '.join(close)}?" if close else ""
    builder = tfds.builder_cls(name)
    configs = ", ".join(builder.builder_configs) or "none"
    versions = map(str, (builder.VERSION, *builder.SUPPORTED_VERSIONS))
    return (
        f" {name} has these configs: {configs}; and these versions: "
        f"{', '.join(versions)}."
    )


def _data_dir():
    return os.path.expanduser(
        os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")
    )


def prepare_builder(builder, name, wanted):
    """Downloads a data set if the user asked for it.

    Args:
        builder: The result of `find_builder`.
        name: String; see `open_tfds`.
        wanted: Boolean, whether the user asked for the download.

    Raises:
        DataError: If the download is not wanted, or fails.
    """
    if not wanted:
        raise DataError(
            f"tfds:{name} is not in {_data_dir()}, and tfdarts downloads "
            "nothing without --prepare. Give --prepare once, or copy the "
            f"directory {builder.info.full_name} there."
        )
    import tensorflow_datasets as tfds

    config = tfds.download.DownloadConfig(try_download_gcs=False)
    logger.info(
        "data: downloading tfds:%s to %s. Without a network, the download "
        "gives up after some minutes.",
        name,
        _data_dir(),
    )
    try:
        builder.download_and_prepare(download_config=config)
    except Exception as error:
        raise DataError(
            f"tfds:{name} could not be prepared: {_first_line(error)} Without "
            f"a network, copy the directory {builder.info.full_name} into "
            f"{_data_dir()}, or use idx:<directory> or folder:<directory>."
        ) from error


def _first_line(error):
    return str(error).strip().partition("\n")[0]


def _features(builder, name):
    import tensorflow_datasets as tfds

    features = builder.info.features
    image, label = (
        features[key] if key in features else None for key in ("image", "label")
    )
    if not (
        isinstance(image, tfds.features.Image)
        and isinstance(label, tfds.features.ClassLabel)
        and image.np_dtype == np.uint8
    ):
        raise DataError(
            f"tfds:{name} must have 8-bit images called image and classes "
            f"called label. It has {', '.join(features)}."
        )
    return image, label


def _labels(builder):
    """Returns the labels of the training split, without decoding images."""
    labels = _read_undecoded(builder, "train").map(lambda e: e["label"])
    return np.array([*labels.as_numpy_iterator()])


def _read_undecoded(builder, split):
    """Returns a split whose images are still encoded."""
    import tensorflow_datasets as tfds

    return builder.as_dataset(
        split=split, decoders={"image": tfds.decode.SkipDecoding()}
    )
