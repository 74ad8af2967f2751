"""Image files of all kinds, those that are taken and those that are not."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from tfdarts import image_kinds

HEIGHT, WIDTH = 8, 9
_random = np.random.default_rng(0)
RGB = _random.integers(0, 256, (HEIGHT, WIDTH, 3), "uint8")
GREY = RGB[..., 0]
ALPHA = _random.integers(1, 256, (HEIGHT, WIDTH), "uint8")
ALPHA[:3] = 0


def encode(image, kind, **settings):
    """Returns the content of a file of an array or a Pillow image."""
    file = io.BytesIO()
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(file, kind, **settings)
    return file.getvalue()


def as_pillow_sees(content, channels):
    """Returns the pixels of a file as Pillow decodes them.

    Where a GIF is transparent they are black; alpha channels count for
    nothing otherwise.
    """
    image = Image.open(io.BytesIO(content))
    if image.format == "GIF":
        pixels = np.asarray(image.convert("RGBA"))
        pixels = pixels[..., :3] * (pixels[..., 3:] > 0)
        image = Image.fromarray(pixels.astype("uint8"))
    elif image.mode == "P":
        image = image.convert("RGBA")
    image = image.convert("L" if channels == 1 else "RGB")
    return np.asarray(image).reshape(image.height, image.width, channels)


def bmp(bits, rows, compression=0, header_size=40, palette=b"", masks=b""):
    """Returns a BMP file of rows of bytes, the lowest first."""
    data = b"".join(row + b"\0" * (-len(row) % 4) for row in rows)
    if header_size == 12:
        header = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    else:
        header = struct.pack(
            "<IiiHHIIiiII",
            *(header_size, WIDTH, HEIGHT, 1, bits, compression, len(data)),
            *(0, 0, 0, 0),
        )
        header += masks.ljust(header_size - 40, b"\0")
    start = 14 + len(header) + len(palette)
    head = b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start)
    return head + header + palette + data


def png16(color_type, channels):
    """Returns a PNG file of 16 bits a channel."""

    def chunk(kind, data):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    rows = _random.integers(0, 2**16, (HEIGHT, WIDTH, channels)).astype(">u2")
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, color_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, content)
        for kind, content in (
            *((b"IHDR", header), (b"IDAT", data)),
            (b"IEND", b""),
        )
    )


def gif(change=0):
    """Returns a GIF file whose canvas is wider than its frame by so much."""
    content = bytearray(encode(_PALETTE, "GIF"))
    content[6:8] = struct.pack("<H", WIDTH + change)
    return bytes(content)


def _rotated():
    exif = Image.Exif()
    exif[274] = 6
    return {"exif": exif}


_PALETTE = Image.fromarray(RGB).quantize(40)
_RGBA = np.dstack([RGB, ALPHA])
_LA = np.dstack([GREY, ALPHA])
_CMYK = Image.fromarray(RGB).convert("CMYK")
_BIT = Image.fromarray(GREY).convert("1")
_BGR = RGB[::-1, :, ::-1]
_BGRA = _RGBA[::-1, :, [2, 1, 0, 3]]
_MASKS = struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)
_GREYS = b"".join(bytes([k, k, k, 0]) for k in range(256))
_INVERTED = b"".join(bytes([255 - k] * 3 + [0]) for k in range(256))
_WHOLE = {"lossless": True, "exact": True}

GREY_KINDS = {
    "png 1": encode(_BIT, "PNG"),
    "png L": encode(GREY, "PNG"),
    "png L, a transparent level": encode(GREY, "PNG", transparency=7),
    "png LA": encode(_LA, "PNG"),
    "jpeg L": encode(GREY, "JPEG"),
    "jpeg L, progressive": encode(GREY, "JPEG", progressive=True),
    "bmp L": encode(GREY, "BMP"),
    "gif 1": encode(_BIT, "GIF"),
}
"""Contents of files that Pillow takes for grey, by what they are."""

COLOR_KINDS = {
    "png RGB": encode(RGB, "PNG"),
    "png RGBA": encode(_RGBA, "PNG"),
    "png RGB, a transparent color": encode(
        RGB, "PNG", transparency=tuple(map(int, RGB[0, 0]))
    ),
    "png RGB, rotated": encode(RGB, "PNG", **_rotated()),
    "png P": encode(_PALETTE, "PNG"),
    "png P, 2 bits": encode(Image.fromarray(RGB).quantize(4), "PNG", bits=2),
    "png P, transparent": encode(
        _PALETTE, "PNG", transparency=bytes(range(40))
    ),
    "jpeg RGB": encode(RGB, "JPEG"),
    "jpeg RGB, progressive": encode(RGB, "JPEG", progressive=True),
    "jpeg RGB, whole colors": encode(RGB, "JPEG", subsampling=0, quality=95),
    "jpeg RGB, not YCbCr": encode(RGB, "JPEG", keep_rgb=True),
    "jpeg RGB, rotated": encode(RGB, "JPEG", **_rotated()),
    "jpeg CMYK": encode(_CMYK, "JPEG"),
    "bmp RGB": encode(RGB, "BMP"),
    "bmp RGB, its header of version 5": bmp(
        24, [row.tobytes() for row in _BGR], header_size=124
    ),
    "bmp RGBA": bmp(32, [row.tobytes() for row in _BGRA]),
    "bmp RGBA, bit fields": bmp(
        *(32, [row.tobytes() for row in _BGRA], 3, 124, b"", _MASKS),
    ),
    "gif P": encode(_PALETTE, "GIF"),
    "gif P, not interlaced": encode(_PALETTE, "GIF", interlace=0),
    "gif P, transparent": encode(_PALETTE, "GIF", transparency=3),
    "gif RGBA": encode(_RGBA, "GIF"),
    "gif, animated": encode(
        _PALETTE, "GIF", save_all=True, append_images=[Image.fromarray(GREY)]
    ),
    "webp RGB": encode(RGB, "WEBP"),
    "webp RGB, lossless": encode(RGB, "WEBP", **_WHOLE),
    "webp RGB, rotated": encode(RGB, "WEBP", **_WHOLE, **_rotated()),
    "webp RGBA": encode(_RGBA, "WEBP", exact=True),
    "webp RGBA, lossless": encode(_RGBA, "WEBP", **_WHOLE),
}
"""Contents of files with colors."""

_565 = (
    (RGB[..., 0].astype("<u2") >> 3 << 11)
    | (RGB[..., 1].astype("<u2") >> 2 << 5)
    | RGB[..., 2] >> 3
)
REFUSED_KINDS = {
    "png I;16": (png16(0, 1), image_kinds.DEEP),
    "png RGB, 16 bits": (png16(2, 3), image_kinds.DEEP),
    "png RGBA, 16 bits": (png16(6, 4), image_kinds.DEEP),
    "bmp 1": (encode(_BIT, "BMP"), image_kinds.ODD_BMP),
    "bmp P": (encode(_PALETTE, "BMP"), image_kinds.ODD_BMP),
    "bmp P, 4 bits": (
        encode(Image.fromarray(RGB).quantize(16), "BMP"),
        image_kinds.ODD_BMP,
    ),
    "bmp L, inverted": (
        bmp(8, [row.tobytes() for row in GREY], palette=_INVERTED),
        image_kinds.ODD_BMP,
    ),
    "bmp L, run lengths": (
        bmp(8, [bytes([WIDTH, 5, 0, 0]) * 24], 1, palette=_GREYS),
        image_kinds.ODD_BMP,
    ),
    "bmp RGB, OS/2": (
        bmp(24, [row.tobytes() for row in _BGR], header_size=12),
        image_kinds.ODD_BMP,
    ),
    "bmp RGB565": (
        bmp(
            16,
            [row.tobytes() for row in _565],
            compression=3,
            header_size=56,
            masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F),
        ),
        image_kinds.ODD_BMP,
    ),
    "bmp RGB555": (
        bmp(16, [row.tobytes() for row in _565]),
        image_kinds.ODD_BMP,
    ),
    "bmp RGBA, other bit fields": (
        bmp(
            *(32, [row.tobytes() for row in _BGRA], 3, 124, b""),
            struct.pack("<III", 0xFF, 0xFF00, 0xFF0000),
        ),
        image_kinds.ODD_BMP,
    ),
    "gif, its frame smaller": (gif(3), image_kinds.ODD_FRAME),
    "gif, its frame larger": (gif(-3), image_kinds.ODD_FRAME),
    "webp, animated": (
        encode(
            RGB,
            "WEBP",
            save_all=True,
            append_images=[Image.fromarray(RGB[::-1])],
        ),
        image_kinds.ANIMATED_WEBP,
    ),
    "tiff": (encode(RGB, "TIFF"), image_kinds.UNKNOWN),
    "nothing": (b"", image_kinds.EMPTY),
    "text": (b"no image", image_kinds.UNKNOWN),
}
"""Contents of files that are not taken, with the reason."""
