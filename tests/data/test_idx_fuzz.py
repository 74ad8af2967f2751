"""Damaged IDX files of all kinds end in a sentence."""

import gzip
import os
import struct
import tracemalloc

import numpy as np
import pytest
from fuzzing import examples
from fuzzing import is_read_or_refused
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from tfdarts.data.idx import open_idx

IMAGES = "train-images-idx3-ubyte"
LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"


def encoded(values):
    header = struct.pack(
        f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape
    )
    return header + values.tobytes()


PIXELS = np.random.default_rng(0).integers(0, 256, (10, 5, 4), "uint8")
WHOLE = {
    IMAGES: encoded(PIXELS),
    LABELS: encoded(np.arange(10, dtype="uint8") % 2),
    "labels.txt": "Käse\nBrot\n".encode(),
}
WITH_TEST = {
    **WHOLE,
    TEST_IMAGES: WHOLE[IMAGES],
    TEST_LABELS: WHOLE[LABELS],
}
ENDLESS = b"\0\0\x08\x03" + b"\xff" * 12


@st.composite
def damaged(draw, content):
    """Content of which some bytes are others, missing, or too many."""
    content = bytearray(content)
    # What says kind and shape stands at the beginning.
    places = st.integers(0, 15) | st.integers(0, len(content) - 1)
    for place in draw(st.lists(places, max_size=4)):
        content[place % len(content)] = draw(
            st.sampled_from([0, 1, 3, 4, 8, 127, 255]) | st.integers(0, 255)
        )
    start = draw(places)
    end = draw(st.sampled_from([start, start + 1, start + 8, len(content)]))
    content[start:end] = content[start:end] * draw(st.sampled_from([1, 0, 2]))
    return bytes(content)


@st.composite
def data_sets(draw):
    """The files of a data set, of which one is damaged."""
    files = dict(draw(st.sampled_from([WHOLE, WITH_TEST])))
    name = draw(st.sampled_from(sorted(files)))
    content = draw(damaged(files.pop(name)) | st.binary(max_size=40))
    if name == "labels.txt" or draw(st.booleans()):
        return {**files, name: content}
    stream = gzip.compress(content, mtime=0)
    if draw(st.booleans()):
        stream = draw(damaged(stream))
    return {**files, f"{name}.gz": stream}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@examples(1500)
@given(files=data_sets())
@example(files=WHOLE)
@example(files=WITH_TEST)
def test_damaged_files(directory, files):
    for path in directory.iterdir():
        path.unlink()
    for name, content in files.items():
        (directory / name).write_bytes(content)
    read = is_read_or_refused(open_idx, directory)
    assert read or files not in (WHOLE, WITH_TEST)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        (IMAGES, ENDLESS),
        (LABELS, b"\0\0\x08\x01" + b"\xff" * 4),
        (IMAGES, WHOLE[IMAGES][:8] + b"\xff" * 8 + WHOLE[IMAGES][16:]),
        (IMAGES, b"\0\0\x08\xff" + b"\xff" * 1020),
    ],
)
def test_what_a_header_promises_is_not_made_room_for(
    tmp_path, name, content, ending
):
    for other in WHOLE:
        (tmp_path / other).write_bytes(WHOLE[other])
    (tmp_path / name).unlink()
    content = gzip.compress(content) if ending else content
    (tmp_path / f"{name}{ending}").write_bytes(content)
    tracemalloc.start()
    assert is_read_or_refused(open_idx, tmp_path) is None
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2_000_000


@pytest.mark.parametrize("name", WHOLE)
def test_a_pipe_is_not_waited_for(tmp_path, name):
    for other in WHOLE.keys() - {name}:
        (tmp_path / other).write_bytes(WHOLE[other])
    os.mkfifo(tmp_path / name)
    assert is_read_or_refused(open_idx, tmp_path) is None
