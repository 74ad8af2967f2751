"""Damaged images and folders of all kinds end in a sentence."""

import io
import os
import pathlib
import shutil
import tempfile

import numpy as np
import pytest
from fuzzing import examples
from fuzzing import is_read_or_refused
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tfdarts.data.folder import open_folder

KINDS = ("png", "jpeg", "gif", "bmp")
PIXELS = np.random.default_rng(0).integers(0, 256, (9, 8, 3), "uint8")
HUGE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\2\0\0\0"


def encoded(kind):
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, kind)
    return file.getvalue()


WHOLE = {kind: encoded(kind) for kind in KINDS}


@st.composite
def damaged(draw):
    """An image of which some bytes are others, missing, or too many."""
    content = bytearray(WHOLE[draw(st.sampled_from(KINDS))])
    # What says size, depth and length stands at the beginning.
    places = st.integers(0, 60) | st.integers(0, len(content) - 1)
    for place in draw(st.lists(places, min_size=1, max_size=4)):
        content[place] = draw(
            st.sampled_from([0, 1, 127, 255]) | st.integers(0, 255)
        )
    start = draw(places)
    end = draw(st.sampled_from([start, start + 1, start + 8, len(content)]))
    content[start:end] = content[start:end] * draw(st.sampled_from([1, 0, 2]))
    return bytes(content)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A data set of eight images, of which one is to be damaged."""
    directory = tmp_path_factory.mktemp("images")
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            (directory / split / name).mkdir(parents=True)
            for number in range(2):
                path = directory / split / name / f"{number}.png"
                path.write_bytes(WHOLE["png"])
    return directory


@examples(300)
@given(content=damaged() | st.binary(max_size=40), size=st.sampled_from([0, 4]))
@example(content=HUGE, size=4)
@example(content=WHOLE["png"], size=0)
def test_a_damaged_image(directory, content, size):
    (directory / "train" / "dog" / "1.png").write_bytes(content)
    read = is_read_or_refused(open_folder, directory, image_size=size)
    assert read or content not in WHOLE.values()


names = st.sampled_from(
    [*("train", "test", "val", "validation", "cat", "dog", ".git", "Ä", "-x")]
) | st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
    # Bytes that are no UTF-8.
    | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF),
    min_size=1,
    max_size=5,
).filter(lambda name: name not in (".", ".."))
trees = st.recursive(
    st.sampled_from([*WHOLE.values(), b"", b"no image"]),
    lambda inner: st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


def plant(path, tree):
    """Writes a tree of directories (dicts) and files (bytes)."""
    if isinstance(tree, bytes):
        path.write_bytes(tree)
        return
    path.mkdir(exist_ok=True)
    for name, inner in tree.items():
        plant(path / name, inner)


@examples(1000)
@given(tree=st.dictionaries(names, trees, max_size=4))
def test_folders_in_folders(tree):
    with tempfile.TemporaryDirectory() as directory:
        plant(pathlib.Path(directory), tree)
        is_read_or_refused(open_folder, directory)


@pytest.mark.parametrize("where", ["train", "train/dog", "train/dog/1.png"])
def test_links_that_lead_nowhere_or_back(directory, where, tmp_path):
    shutil.copytree(directory, tmp_path / "data")
    path = tmp_path / "data" / where
    for target in (directory / "nowhere", tmp_path / "data"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        path.symlink_to(target)
        assert is_read_or_refused(open_folder, tmp_path / "data") is None


def test_a_pipe_is_not_waited_for(directory, tmp_path):
    shutil.copytree(directory, tmp_path / "data")
    os.mkfifo(tmp_path / "data" / "train" / "dog" / "2.png")
    assert is_read_or_refused(open_folder, tmp_path / "data") is None
