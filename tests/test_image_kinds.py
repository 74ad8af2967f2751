import io
import pathlib

import numpy as np
import pytest
from image_samples import COLOR_KINDS
from image_samples import GREY_KINDS
from image_samples import REFUSED_KINDS
from image_samples import encode
from PIL import Image

from tfdarts import image_kinds
from tfdarts.image_kinds import BadImageError
from tfdarts.image_kinds import read_header


@pytest.mark.parametrize("kind", [*GREY_KINDS, *COLOR_KINDS])
def test_what_the_header_of_a_file_says(kind):
    content = (GREY_KINDS | COLOR_KINDS)[kind]
    look = read_header(io.BytesIO(content))
    assert look.size == (8, 9)
    assert look.channels == (1 if kind in GREY_KINDS else 3)
    assert look.is_rotated == ("rotated" in kind)
    assert look.is_transparent_gif == (
        kind in ("gif P, transparent", "gif RGBA")
    )


@pytest.mark.parametrize("kind", REFUSED_KINDS)
def test_kinds_that_are_not_taken(kind):
    content, reason = REFUSED_KINDS[kind]
    with pytest.raises(BadImageError) as refusal:
        read_header(io.BytesIO(content))
    assert str(refusal.value) == reason


def test_too_many_pixels_are_refused_by_the_header_alone(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 71)
    with pytest.raises(BadImageError, match="more than 71 pixels"):
        read_header(io.BytesIO(COLOR_KINDS["png RGB"]))


def test_pixels_are_not_decoded():
    content = encode(np.zeros((300, 300, 3), "uint8"), "JPEG")
    assert read_header(io.BytesIO(content[:700])).size == (300, 300)


def test_a_damaged_orientation_asks_for_nothing():
    content = COLOR_KINDS["jpeg RGB, rotated"]
    place = content.index(b"Exif\0\0")
    damaged = content[: place + 6] + b"?" * 12 + content[place + 18 :]
    assert not read_header(io.BytesIO(damaged)).is_rotated


def test_a_disk_that_fails_is_no_bad_image():
    class Failing(io.BytesIO):
        def read(self, *size):
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        read_header(Failing())


def test_documents_name_all_endings():
    root = pathlib.Path(__file__).parents[1]
    text = (root / "docs/serving/README.md").read_text(encoding="utf-8")
    assert all(f"`{suffix}`" in text for suffix in image_kinds.SUFFIXES)
