"""Image files that a user lists."""

import pathlib

from tfdarts.data.image_files import decode_files
from tfdarts.data.image_files import read_headers
from tfdarts.data.image_source import DataError
from tfdarts.data.pixels import collect_images


def read_listed(paths, image_size=0, image_fit="stretch", channels=None):
    """Returns the pixels of image files as one array.

    Args:
        paths: Sequence of paths.
        image_size: Integer. Images become squares of this size; `0` leaves
            them unchanged.
        image_fit: See `tfdarts.decoding.resize`.
        channels: Integer, `1` or `3`. Defaults to `3` if an image is in
            color, otherwise `1`.

    Returns:
        `uint8` array `(images, height, width, channels)`.

    Raises:
        DataError: If a file is no usable image, or the images have different
            sizes and `image_size` is 0.
    """
    paths = [pathlib.Path(path).expanduser() for path in paths]
    looks, bad = read_headers(paths)
    for path, reason in bad.items():
        raise DataError(
            f"{len(bad):,} of {len(paths):,} image files cannot be used, such "
            f"as {path}: {reason}. Repair these files, or leave them out."
        )
    sizes = {look.size for look in looks.values()}
    if not image_size and len(sizes) > 1:
        some = ", ".join(f"{h}x{w}" for h, w in sorted(sizes)[:5])
        raise DataError(
            f"The image files have different sizes, height x width, such as "
            f"{some}. Give image_size to resize all images to squares of that "
            "size."
        )
    size = (image_size, image_size) if image_size else sizes.pop()
    if channels is None:
        channels = max(look.channels for look in looks.values())
    shape = (*size, channels)
    images = decode_files(paths, shape, image_fit if image_size else None)
    return collect_images(images, len(paths), shape)
