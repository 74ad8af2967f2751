"""Images of one size."""

import numpy as np
from PIL import Image


def resize(image, size, fit="stretch"):
    """Returns an image as a square, whatever its shape was.

    Args:
        image: `uint8` array `(height, width, channels)`, 1 or 3 channels.
        size: Integer, the side of the square in pixels.
        fit: String, `"stretch"`: all of the image, its sides made equal; or
            `"crop"`: the largest square about its centre.

    Returns:
        A `uint8` array `(size, size, channels)`.
    """
    if fit == "crop":
        height, width, _ = image.shape
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        image = image[top : top + side, left : left + side]
    channels = image.shape[-1]
    picture = Image.fromarray(image[..., 0] if channels == 1 else image)
    # Bilinear, and averaging where it makes the image smaller.
    picture = picture.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(picture).reshape(size, size, channels)
