"""Images of one size."""

import numpy as np
from PIL import Image


def resize(images, size):
    """Returns images as squares, whatever their shape was.

    Args:
        images: `uint8` array `(examples, height, width, channels)`, 1 or 3
            channels, or a sequence of such images of different sizes.
        size: Integer, the side of the squares in pixels.

    Returns:
        A `uint8` array `(examples, size, size, channels)`.
    """
    return np.stack([_resized(image, size) for image in images])


def _resized(image, size):
    channels = image.shape[-1]
    picture = Image.fromarray(image[..., 0] if channels == 1 else image)
    # Bilinear, and averaging where it makes the image smaller.
    picture = picture.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(picture).reshape(size, size, channels)
