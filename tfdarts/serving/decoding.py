"""Image files as a graph reads them."""

import tensorflow as tf


def decode_images(contents, image_shape, fit="stretch"):
    """Returns image files as images of one shape, in a graph.

    Files may be PNG, JPEG, BMP, GIF (of which the first frame counts) or
    whatever else TensorFlow decodes, of any size, grey or colour; how
    transparent a pixel is counts for nothing.

    Args:
        contents: String tensor `(batch,)`, the content of a file each.
        image_shape: Tuple `(height, width, channels)`, 1 or 3 channels.
        fit: String, `"stretch"`: all of an image, resized; or `"crop"`: the
            largest square about its centre.

    Returns:
        A `float32` tensor `(batch, height, width, channels)`, pixels from 0
        to 255.

    Raises:
        InvalidArgumentError: Where the graph runs, if a file cannot be
            decoded; a server answers INVALID_ARGUMENT.
    """

    def decode(content):
        return _decode(content, image_shape, fit)

    return tf.map_fn(
        decode,
        contents,
        fn_output_signature=tf.TensorSpec(image_shape, tf.float32),
    )


def _decode(content, image_shape, fit):
    height, width, channels = image_shape
    image = tf.io.decode_image(content, 3, expand_animations=False)
    if fit == "crop":
        image = _central_square(image)
    if channels == 1:
        # As in training; the decoder's own grey weighs colours otherwise.
        image = tf.image.rgb_to_grayscale(image)
    # Resizing to the same size changes no pixel.
    image = tf.image.resize(image, (height, width), antialias=True)
    return tf.ensure_shape(image, image_shape)


def _central_square(image):
    height, width = tf.unstack(tf.shape(image)[:2])
    side = tf.minimum(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]
