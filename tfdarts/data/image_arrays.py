"""Conversion of user arrays to 8-bit pixels."""

import numpy as np

from tfdarts.data.image_source import DataError


def as_array(images, where):
    """Returns images as one array of any shape and type.

    Args:
        images: Array or sequence of arrays.
        where: String, the description of the images in error messages.

    Raises:
        DataError: If the images have different shapes.
    """
    try:
        return np.asarray(images)
    except ValueError as error:
        raise DataError(
            f"The images of {where} must have one shape. They have several, "
            "so they do not form an array."
        ) from error


def check_numbers(images, where):
    """Raises `DataError` if an array does not hold images.

    Args:
        images: Array.
        where: String, the description of the images in error messages.
    """
    kinds = (np.integer, np.floating)
    number = any(np.issubdtype(images.dtype, kind) for kind in kinds)
    if images.ndim not in (3, 4) or not number:
        raise DataError(
            f"The images of {where} must be numbers of shape (examples, "
            "height, width, channels), or without channels if they are gray. "
            f"They are {images.dtype} of shape {images.shape}."
        )
    if not len(images):
        raise DataError(f"There are no images in {where}.")
    if not np.isfinite(images).all():
        raise DataError(
            f"Some pixels of {where} are infinite or not a number (NaN)."
        )


def pixels_of(images, where):
    """Returns images as `uint8` of shape `(examples, height, width, channels)`.

    Args:
        images: Array; see `tfdarts.from_arrays`.
        where: String, the description of the images in error messages.

    Raises:
        DataError: If the array holds no images.
    """
    images = as_array(images, where)
    check_numbers(images, where)
    return _as_bytes(images, _scale_of(images, where), where)


def pixels_of_splits(images):
    """Returns the images of several splits as `uint8`, on one scale.

    Args:
        images: Dict of arrays by the name of the split; see `pixels_of`.

    Returns:
        Dict of arrays, `uint8`.

    Raises:
        DataError: If an array holds no images, or scales seem to differ.
    """
    scales = {
        _scale_of(pixels, f"the {split} split")
        for split, pixels in images.items()
    }
    if len(scales) > 1:
        found = (f"{pixels.max()} in {s}" for s, pixels in images.items())
        raise DataError(
            "The pixels of one split seem to be from 0 to 255, the pixels of "
            "the other from 0 to 1: the highest value is "
            f"{' and '.join(found)}. Convert both to uint8, from 0 to 255."
        )
    (scale,) = scales
    return {
        split: _as_bytes(pixels, scale, f"the {split} split")
        for split, pixels in images.items()
    }


def _scale_of(images, where):
    """Returns the factor that scales full brightness to 255.

    Raises:
        DataError: If full brightness may be 1 or 255.
    """
    high = images.max()
    if not np.issubdtype(images.dtype, np.floating) or high > 2:
        return 1
    if high > 1:
        raise DataError(
            f"The pixels of {where} are floats up to {high}: full brightness "
            f"may be 1 or 255. If it is 1, clip them to 1, as by "
            f"np.clip(images, 0, 1); if it is 255, convert them to uint8."
        )
    return 255


def _as_bytes(images, scale, where):
    """Returns images as uint8, with a channel axis."""
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.dtype == "uint8":
        return images
    low, high = images.min(), images.max()
    if low < 0 or high * scale > 255:
        raise DataError(
            f"The pixels of {where} must be from 0 to 255, or floats from 0 "
            f"to 1. They are from {low} to {high}."
        )
    return np.rint(images * scale).astype("uint8")
