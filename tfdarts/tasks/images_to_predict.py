"""Finding the images of a prediction, and grouping them into requests."""

import logging
import os
import pathlib

import numpy as np

from tfdarts.arguments import items
from tfdarts.arguments import path_text
from tfdarts.arguments import scalar
from tfdarts.data.image_arrays import as_array
from tfdarts.data.image_arrays import pixels_of
from tfdarts.data.image_source import DataError
from tfdarts.image_kinds import SUFFIXES
from tfdarts.patterns import find_matches

logger = logging.getLogger("tfdarts")


def images_of(images):
    """Returns a list of paths, or images as one array.

    Args:
        images: See `tfdarts.tasks.image_prediction.predictions`.

    Returns:
        List of paths and patterns, or a float32 array of pixels from 0 to
        255, `(images, height, width, channels)`.

    Raises:
        DataError: If the argument holds no images.
    """
    images = scalar(images)
    if not hasattr(images, "__array__"):
        # A Pillow image is one image, not a sequence.
        single = hasattr(images, "__array_interface__")
        images = [images] if single else items(images)
        if all(isinstance(each, str | os.PathLike) for each in images):
            return [path_text(each) for each in images]
    array = as_array(images, "the prediction")
    if array.dtype.kind == "U":
        return [path_text(each) for each in array.ravel().tolist()]
    one_image = array.ndim == 3 and array.shape[-1] in (1, 3)
    if array.ndim == 2 or one_image:
        array = array[np.newaxis]
    return pixels_of(array, "the prediction").astype("float32")


def find_images(images):
    """Returns the paths of image files.

    Args:
        images: List of paths of files, folders, and patterns.

    Raises:
        DataError: If a path or pattern matches no image.
    """
    paths = []
    for each in images:
        found = [
            file
            for match in find_matches(each)
            for file in _files(pathlib.Path(match))
        ]
        if not found:
            raise DataError(
                f"There is no image {each}: give files, folders with "
                f"{', '.join(SUFFIXES)} files in them, or patterns such as "
                f"'new/*.png'."
            )
        paths += found
    if not paths:
        raise DataError("There are no images to classify: give --images.")
    return paths


def _files(path):
    if not path.is_dir():
        return [path] if path.is_file() else []
    files = [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file()
        and not any(p.startswith(".") for p in file.relative_to(path).parts)
    ]
    images = [file for file in files if file.suffix.lower() in SUFFIXES]
    if len(images) < len(files):
        others = {file.suffix or "no suffix" for file in {*files} - {*images}}
        logger.info(
            "predict: skipped in %s, because of their suffixes: %s files (%s)",
            path,
            f"{len(files) - len(images):,}",
            ", ".join(sorted(others)),
        )
    return images


def request_batches(images, sizes, batch_size, max_request_mb):
    """Yields lists of images, each as large as a request may be.

    Args:
        images: Sequence of paths or of arrays.
        sizes: Sequence of the sizes in bytes.
        batch_size: Integer.
        max_request_mb: Number.

    Raises:
        DataError: If one image is too large for a request.
    """
    batch, total = [], 0
    for position, (image, size) in enumerate(zip(images, sizes, strict=True)):
        megabytes = size / 1e6
        if megabytes > max_request_mb:
            is_file = isinstance(image, os.PathLike)
            which = image if is_file else f"Image {position}"
            raise DataError(
                f"{which} has {megabytes:,.1f} MB, but a request may have at "
                f"most {max_request_mb:g} MB: make the image smaller, or "
                "raise --max_request_mb if the server accepts larger "
                "requests."
            )
        if batch and (
            len(batch) == batch_size or total + megabytes > max_request_mb
        ):
            yield batch
            batch, total = [], 0
        batch.append(image)
        total += megabytes
    yield batch
