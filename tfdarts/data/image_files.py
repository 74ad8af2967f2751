"""Reading headers of image files, checking and decoding the files."""

import concurrent.futures
import functools
import io

import tensorflow as tf

from tfdarts.data.directories import unreadable_error
from tfdarts.data.pixels import count_progress
from tfdarts.decoding import decode_image
from tfdarts.decoding import decode_images
from tfdarts.image_kinds import BadImageError
from tfdarts.image_kinds import read_header

_AT_ONCE = 32
_MOST_LISTED = 10


def read_headers(paths):
    """Returns the headers of image files, without decoding the images.

    Args:
        paths: Sequence of paths.

    Returns:
        `(looks, bad)`: a dict from the paths of images to
        `tfdarts.image_kinds.ImageHeader`, and a dict from all other paths to
        the reasons why they are unusable, strings.
    """
    looks, bad = {}, {}
    for path in paths:
        try:
            if not path.is_file():
                raise BadImageError("it is not a file: perhaps a broken link")
            with path.open("rb") as file:
                looks[path] = read_header(file)
        except BadImageError as error:
            bad[path] = str(error)
        except OSError as error:
            bad[path] = _unreadable_reason(error)
    return looks, bad


def find_broken(paths):
    """Returns the reasons why image files cannot be decoded, by path.

    Args:
        paths: Sequence of paths, whose headers are those of images.
    """
    # Traced once here; otherwise each thread would trace it again.
    decode = decode_image.get_concrete_function(tf.TensorSpec((), tf.string), 3)
    why_broken = functools.partial(_why_broken, decode)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        reasons = pool.map(why_broken, paths)
        reasons = count_progress(reasons, len(paths), "checked")
        return {p: why for p, why in zip(paths, reasons, strict=True) if why}


def decode_files(paths, shape, fit=None):
    """Yields the pixels of image files, in their order.

    The graph is the one that decodes images on a server.

    Args:
        paths: Sequence of paths.
        shape: Tuple `(height, width, channels)` of the result.
        fit: String, how images are resized to this shape, see
            `tfdarts.decoding.resize`; or `None` if all have this size.

    Yields:
        `uint8` arrays of this shape.

    Raises:
        OSError: If a file cannot be read.
        InvalidArgumentError: If a file cannot be decoded.
    """
    decode = _decoder(shape, fit)
    for start in range(0, len(paths), _AT_ONCE):
        part = paths[start : start + _AT_ONCE]
        contents = [path.read_bytes() for path in part]
        yield from decode(tf.constant(contents)).numpy()


def describe_bad(bad, directory):
    """Returns a text that lists files and why they are unusable.

    Args:
        bad: Dict from paths to reasons, strings.
        directory: Path of the directory that the files are in.
    """
    shown = [
        f"{path.relative_to(directory)}: {bad[path]}"
        for path in sorted(bad)[:_MOST_LISTED]
    ]
    more = len(bad) - len(shown)
    return "; ".join([*shown, *[f"and {more:,} more"] * (more > 0)])


def _why_broken(decode, path):
    """Returns the reason why a file cannot be decoded, or `None`."""
    try:
        content = path.read_bytes()
        height, width, *_ = decode(tf.constant(content)).shape
        size = read_header(io.BytesIO(content)).size
    except OSError as error:
        return _unreadable_reason(error)
    except tf.errors.InvalidArgumentError:
        return "it is damaged or incomplete, and cannot be decoded"
    if (height, width) != size:
        return "it is damaged: its header says another size"
    return None


def _unreadable_reason(error):
    return str(unreadable_error("it", error)).removesuffix(".")


@functools.cache
def _decoder(shape, fit):
    return tf.function(
        lambda contents: decode_images(contents, shape, fit),
        input_signature=[tf.TensorSpec((None,), tf.string)],
    )
