import gzip
import struct

import numpy as np
import pytest

from tfdarts.data.idx import open_idx
from tfdarts.data.image_source import DataError


def write(path, values, header=None):
    header = header or struct.pack(
        f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape
    )
    content = header + values.astype("uint8").tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix else content)


def examples(count, shape=(6, 5), seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (count, *shape))
    return pixels, np.arange(count) % 3


def fill(path, ending="", prefixes=("train", "t10k"), shape=(6, 5)):
    made = {}
    for seed, prefix in enumerate(prefixes):
        pixels, labels = examples(20 - 5 * seed, shape, seed)
        dims = pixels.ndim
        write(path / f"{prefix}-images-idx{dims}-ubyte{ending}", pixels)
        write(path / f"{prefix}-labels-idx1-ubyte{ending}", labels)
        made[prefix] = pixels, labels
    return made


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("test", ["t10k", "test"])
def test_images_and_labels_are_those_written(tmp_path, ending, test):
    made = fill(tmp_path, ending, ("train", test))
    source = open_idx(str(tmp_path))
    assert source.name == f"idx:{tmp_path}"
    assert source.class_names == ("0", "1", "2")
    assert source.image_shape == (6, 5, 1)
    assert source.splits == {"train": 20, "test": 15}
    assert not source.random_flip and source.mean is None
    for split, prefix in (("train", "train"), ("test", test)):
        images, labels = source.read(split)
        np.testing.assert_array_equal(images[..., 0], made[prefix][0])
        np.testing.assert_array_equal(labels, made[prefix][1])


def test_colour_images_have_a_fourth_axis(tmp_path):
    made = fill(tmp_path, shape=(6, 5, 3))
    images, _ = open_idx(tmp_path).read("train")
    np.testing.assert_array_equal(images, made["train"][0])


@pytest.mark.parametrize("name", ["labels.txt", "classes.txt"])
def test_classes_are_called_by_the_file_of_their_names(tmp_path, name):
    fill(tmp_path)
    (tmp_path / name).write_text("T-shirt/top\nAnkle boot\nBag\n\n")
    source = open_idx(tmp_path)
    assert source.class_names == ("T-shirt/top", "Ankle boot", "Bag")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"one\ntwo\n", "from 0 to 1.*One of them is 2"),
        (b"one\ntwo\none", "Two classes of .* are called one"),
        (b"a\nb\nc\nd\ne", "no image of class d, e in the train split of idx"),
        (b"a\nb\nc\x1b[2J", r"called 'c\\x1b\[2J'"),
        ("café\nthé\neau".encode("latin-1"), "labels.txt is not UTF-8 text"),
        (None, "labels.txt must be a file"),
    ],
)
def test_names_that_do_not_fit_are_refused(tmp_path, content, sentence):
    fill(tmp_path)
    path = tmp_path / "labels.txt"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        open_idx(tmp_path)


def test_a_file_without_names_counts_for_nothing(tmp_path):
    fill(tmp_path)
    (tmp_path / "labels.txt").write_text("\n")
    assert open_idx(tmp_path).class_names == ("0", "1", "2")


def test_windows_may_mark_its_text(tmp_path):
    fill(tmp_path)
    (tmp_path / "labels.txt").write_text("a\nb\nc", "utf-8-sig")
    assert open_idx(tmp_path).class_names == ("a", "b", "c")


def test_without_test_files_a_fifth_is_set_aside(tmp_path):
    fill(tmp_path, prefixes=("train",))
    source = open_idx(tmp_path)
    assert source.splits == {"train": 16, "test": 4}
    assert len(source.read("test")[1]) == 4
    assert "no test split" in source.notes[0]


def test_training_reads_no_pixel_of_the_test(tmp_path):
    fill(tmp_path)
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:16])
    source = open_idx(tmp_path)
    assert len(source.read("train")[1]) == 20
    with pytest.raises(DataError, match=f"{path} must hold 450.* holds 0"):
        source.read("test")


def test_the_fingerprint_is_that_of_the_training_data(tmp_path):
    fill(tmp_path)
    first = open_idx(tmp_path).fingerprint
    fill(tmp_path, ".gz")
    for path in tmp_path.glob("t*-ubyte"):
        path.unlink()
    write(tmp_path / "t10k-images-idx3-ubyte", examples(15, seed=9)[0])
    write(tmp_path / "t10k-labels-idx1-ubyte", examples(15)[1][::-1])
    assert open_idx(tmp_path).fingerprint == first
    found = [first]
    for name, values in (
        ("images-idx3", examples(20, seed=9)[0]),
        ("labels-idx1", examples(20)[1][::-1]),
    ):
        write(tmp_path / f"train-{name}-ubyte", values)
        found.append(open_idx(tmp_path).fingerprint)
    (tmp_path / "labels.txt").write_text("a\nb\nc")
    found.append(open_idx(tmp_path).fingerprint)
    for path in tmp_path.glob("t10k*"):
        path.unlink()
    found.append(open_idx(tmp_path).fingerprint)
    assert len({*found}) == 5


def test_a_directory_without_the_files_is_refused(tmp_path):
    with pytest.raises(DataError, match="There is no directory .*nowhere"):
        open_idx(tmp_path / "nowhere")
    with pytest.raises(DataError, match="must have train-images.*none of them"):
        open_idx(tmp_path)
    fill(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="Found: train-.*t10k-images"):
        open_idx(tmp_path)


PIXELS, LABELS = examples(20)


@pytest.mark.parametrize(
    ("name", "values", "header", "sentence"),
    [
        (
            "train-images-idx3",
            PIXELS,
            b"GIF89a..",
            "not an IDX file of unsigned",
        ),
        ("train-images-idx3", PIXELS[:0], b"\0\0\x08", "not an IDX file"),
        ("train-images-idx3", PIXELS[:0], b"\0\0\x08\3\0", "not an IDX file"),
        ("train-images-idx3", PIXELS, b"\0\0\x0d\3" + b"\0\0\0\x14" * 3, "IDX"),
        ("t10k-images-idx3", examples(15, (7, 5))[0], None, "one shape"),
        ("train-images-idx3", PIXELS[:19], None, "19 images but 20 labels"),
        ("train-labels-idx1", LABELS * 0, None, "One of them is 1|one class"),
        ("t10k-labels-idx1", LABELS[:15] + 1, None, "test.*One of them is 3"),
        ("train-labels-idx1", LABELS[:0], None, "no images|0 labels"),
        ("train-labels-idx1", LABELS[:, None], None, "1 .one integer.*says 2"),
        ("train-labels-idx1", LABELS, b"\0\0\x08\0", "1 .one integer.*says 0"),
        ("train-labels-idx1", LABELS, b"\0\0\x08\xff", "says 255"),
        ("train-images-idx3", LABELS, None, "3 .images, height.*says 1"),
        ("train-images-idx3", LABELS, b"\0\0\x08\0", "3 .images.*says 0"),
        ("train-labels-idx1", LABELS * 5, None, "no image of class 1, 2, 3"),
    ],
)
def test_files_of_something_else_are_refused(
    tmp_path, name, values, header, sentence
):
    fill(tmp_path, prefixes=("train", "t10k") if "t10k" in name else ("train",))
    write(tmp_path / f"{name}-ubyte", values, header)
    with pytest.raises(DataError, match=sentence):
        open_idx(tmp_path)


@pytest.mark.parametrize("content", [b"none", None])
def test_a_broken_gzip_file_is_named(tmp_path, content):
    fill(tmp_path, ".gz")
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    path.write_bytes(content or path.read_bytes()[:20])
    with pytest.raises(DataError, match=f"{path} cannot be read"):
        open_idx(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    fill(tmp_path, ".gz")
    path.write_bytes(content or path.read_bytes()[:20])
    with pytest.raises(DataError, match=f"{path} cannot be read"):
        open_idx(tmp_path)


def test_what_may_not_be_read_is_said(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, "Permission denied", str(path))

    fill(tmp_path, ".gz")
    monkeypatch.setattr(gzip, "open", refuse)
    with pytest.raises(DataError, match="gz cannot be read: permission is de"):
        open_idx(tmp_path)
