"""The image files that tfdarts accepts in training, prediction and serving.

tfdarts refuses files that TensorFlow decodes to wrong pixels, or decodes on
some machines only.
"""

import struct
import typing
import warnings

from PIL import ExifTags
from PIL import Image

FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "WEBP": (".webp",),
}
"""The file name suffixes of each format, by Pillow's name of the format."""

SUFFIXES = tuple(suffix for each in FORMATS.values() for suffix in each)

EMPTY = "it is empty: copy it again, or remove it"
UNKNOWN = (
    "it is not a PNG, JPEG, BMP, GIF or WebP image, or its beginning is "
    "damaged: convert it to PNG"
)
DEEP = "it has 16 bits per channel: convert it to 8 bits per channel"
ODD_BMP = (
    "it is a BMP of a kind that TensorFlow cannot decode correctly (a color "
    "palette, compression, OS/2, or 1, 4 or 16 bits per pixel): convert it to "
    "PNG"
)
ODD_FRAME = (
    "its first frame and its canvas differ in size, and TensorFlow decodes "
    "only the frame: convert it to PNG"
)
ANIMATED_WEBP = (
    "it is an animated WebP, which TensorFlow cannot decode safely: save one "
    "frame of it as PNG"
)

_HEAD = 54
_GRAY_MODES = ("1", "L", "LA")
_RAW_MODES = ("BGR", "BGRX", "BGRA", "L")
# The error that Pillow raises for a broken file depends on the format.
_DAMAGE_ERRORS = (SyntaxError, ValueError, struct.error, EOFError, IndexError)
_TOO_LARGE = (Image.DecompressionBombError, Image.DecompressionBombWarning)


class BadImageError(ValueError):
    """Raised for a file that tfdarts does not accept; the message says why."""


class ImageHeader(typing.NamedTuple):
    """The properties of an image that its file header tells.

    Args:
        size: Tuple `(height, width)`, in pixels.
        channels: Integer, 1 (gray) or 3 (color).
        is_rotated: Boolean, whether an EXIF tag asks for a rotation or a
            reflection.
        is_transparent_gif: Boolean, whether the file is a GIF that may have
            fully transparent pixels, which have no color.
    """

    size: tuple
    channels: int
    is_rotated: bool
    is_transparent_gif: bool


def read_header(file):
    """Returns the header of an image file, without decoding the image.

    Args:
        file: Binary file, open for reading.

    Returns:
        `ImageHeader`.

    Raises:
        BadImageError: If tfdarts does not accept the file.
        OSError: If the file cannot be read.

    Example:

    >>> import io
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (20, 10)).save(file, "PNG")
    >>> read_header(file).size
    (10, 20)
    """
    file.seek(0)
    head = file.read(_HEAD).ljust(_HEAD, b"\0")
    if not file.tell():
        raise BadImageError(EMPTY)
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(file, formats=[*FORMATS])
        reason = _reason_to_refuse(head, image)
        is_rotated = _orientation(image) not in (0, 1)
    except _TOO_LARGE as error:
        raise BadImageError(
            f"it has more than {Image.MAX_IMAGE_PIXELS:,} pixels, or its "
            "header is damaged and says so: make the image smaller"
        ) from error
    except (OSError, *_DAMAGE_ERRORS) as error:
        if getattr(error, "errno", None) is not None:
            raise  # The disk has failed; the image may be fine.
        is_bmp = head.startswith(b"BM")
        raise BadImageError(ODD_BMP if is_bmp else UNKNOWN) from error
    if reason:
        raise BadImageError(reason)
    return ImageHeader(
        (image.height, image.width),
        1 if image.mode in _GRAY_MODES else 3,
        is_rotated,
        image.format == "GIF" and "transparency" in image.info,
    )


def _reason_to_refuse(head, image):
    """Returns why TensorFlow would decode wrong pixels, or `None`."""
    if image.mode.startswith(("I", "F")):
        return DEEP
    match image.format:
        case "PNG" if head[24] == 16:
            return DEEP
        case "BMP" if not _is_plain(head, image):
            return ODD_BMP
        case "GIF" if not _fills_canvas(head, image):
            return ODD_FRAME
        case "WEBP" if head[12:16] == b"VP8X" and head[20] & 2:
            return ANIMATED_WEBP
    return None


def _is_plain(head, image):
    header_size, *_, bits = struct.unpack_from("<IiiHH", head, 14)
    codec, _, _, arguments = image.tile[0]
    return (
        header_size >= 40
        and bits in (8, 24, 32)
        and codec == "raw"
        and arguments[0] in _RAW_MODES
    )


def _fills_canvas(head, image):
    width, height = struct.unpack_from("<HH", head, 6)
    return image.dispose_extent == (0, 0, width, height)


def _orientation(image):
    if "exif" not in image.info:
        return 1
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except (OSError, *_DAMAGE_ERRORS):
        return 1  # A damaged tag does not ask for a rotation.
