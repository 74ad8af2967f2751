import hashlib
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from image_samples import COLOR_KINDS
from image_samples import REFUSED_KINDS
from PIL import Image

from tfdarts.data.folder import open_folder
from tfdarts.data.image_source import DataError

CLASSES = ("cat", "dog", "ape")


def pixels(*shape, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, shape, "uint8")


def fill(path, count=5, shape=(6, 5, 3), classes=CLASSES, seed=0, kind="png"):
    """Writes images and returns their pixels by class and name."""
    made = {}
    for place, name in enumerate(classes):
        (path / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            image = pixels(*shape, seed=[seed, place, number])
            file = path / name / f"{number}.{kind}"
            Image.fromarray(image).save(file)
            made[name, number] = image
    return made


def test_classes_are_in_the_order_of_their_names(tmp_path):
    made = fill(tmp_path / "train")
    fill(tmp_path / "test", 2, seed=1)
    source = open_folder(str(tmp_path))
    assert source.name == f"folder:{tmp_path}"
    assert source.class_names == ("ape", "cat", "dog")
    assert source.image_shape == (6, 5, 3)
    assert source.splits == {"train": 15, "test": 6}
    assert source.notes == ()
    assert not source.random_flip and source.mean is None
    images, labels = source.read("train")
    assert labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    names = ("ape", "cat", "dog")
    expected = [made[name, n] for name in names for n in range(5)]
    np.testing.assert_array_equal(images, expected)
    assert source.read("test")[1].tolist() == [0, 0, 1, 1, 2, 2]


def test_a_validation_split_is_one(tmp_path):
    for split, count in (("train", 3), ("validation", 2), ("test", 1)):
        fill(tmp_path / split, count)
    source = open_folder(tmp_path)
    assert source.splits == {"train": 9, "validation": 6, "test": 3}
    assert len(source.read("validation")[1]) == 6


@pytest.mark.parametrize("name", ["val", "valid"])
def test_a_validation_split_may_have_a_short_name(tmp_path, name):
    for split, count in (("train", 3), (name, 2), ("test", 1)):
        fill(tmp_path / split, count)
    source = open_folder(tmp_path)
    assert source.splits == {"train": 9, "validation": 6, "test": 3}
    assert source.notes == (f"{name}/ is the validation split.",)
    (tmp_path / "validation").mkdir()
    with pytest.raises(
        DataError, match=f"{name}/, validation/. Only one of these"
    ):
        open_folder(tmp_path)


def test_classes_may_be_called_valid(tmp_path):
    fill(tmp_path, classes=("valid", "invalid"))
    assert open_folder(tmp_path).class_names == ("invalid", "valid")


@pytest.mark.parametrize("inside", [".", "train"])
def test_without_test_a_fifth_is_set_aside_whatever_the_seed(tmp_path, inside):
    made = fill(tmp_path / inside, 10)
    sources = []
    for seed in (1, 2):
        np.random.seed(seed)
        tf.random.set_seed(seed)
        sources.append(open_folder(tmp_path))
    assert sources[0].splits == {"train": 24, "test": 6}
    assert "no test split: tfdarts sets aside a fifth" in sources[0].notes[0]
    parts = [sources[0].read(split) for split in ("train", "test")]
    assert np.bincount(parts[1][1]).tolist() == [2, 2, 2]
    found = [image.tobytes() for part in parts for image in part[0]]
    assert sorted(found) == sorted(image.tobytes() for image in made.values())
    for part, split in zip(parts, ("train", "test")):
        np.testing.assert_array_equal(sources[1].read(split)[0], part[0])


@pytest.mark.parametrize(("kind", "off"), [("bmp", 0), ("gif", 6), ("jpg", 9)])
def test_other_formats_are_read_too(tmp_path, kind, off):
    fill(tmp_path, 5, (8, 8, 3))
    smooth = np.repeat(np.arange(0, 256, 32, "uint8"), 24).reshape(8, 8, 3)
    for name in CLASSES:
        (tmp_path / name / "0.png").unlink()
        Image.fromarray(smooth).save(tmp_path / name / f"0.{kind}")
    source = open_folder(tmp_path)
    images = np.concatenate([source.read(s)[0] for s in source.splits])
    nearest = np.abs(images.astype(int) - smooth).max((1, 2, 3)).min()
    assert nearest <= off


def test_grey_images_have_one_channel(tmp_path):
    made = fill(tmp_path / "train", shape=(6, 5))
    fill(tmp_path / "test", shape=(6, 5))
    source = open_folder(tmp_path)
    assert source.image_shape == (6, 5, 1)
    np.testing.assert_array_equal(
        source.read("train")[0][0, ..., 0], made["ape", 0]
    )


def test_grey_among_colour_becomes_colour_and_it_is_said(tmp_path):
    fill(tmp_path / "train")
    made = fill(tmp_path / "test", shape=(6, 5))
    source = open_folder(tmp_path)
    assert source.image_shape == (6, 5, 3)
    assert source.notes == (
        "Some images are gray and some are color: all become color.",
    )
    image = source.read("test")[0][0]
    for channel in range(3):
        np.testing.assert_array_equal(image[..., channel], made["ape", 0])


def test_mixed_sizes_are_named_and_need_a_size(tmp_path):
    fill(tmp_path, 7)
    fill(tmp_path, 1, (9, 4, 3), ("cat",), seed=1)
    with pytest.raises(DataError) as refusal:
        open_folder(tmp_path)
    assert "6x5 (20 of them, such as " in str(refusal.value)
    assert "9x4 (1 of them, such as cat/0.png)" in str(refusal.value)
    assert "Give --image_size" in str(refusal.value)
    source = open_folder(tmp_path, image_size=8)
    assert source.image_shape == (8, 8, 3)
    assert "resized to 8x8" in source.notes[-1]
    assert source.read("train")[0].shape == (16, 8, 8, 3)


def test_a_central_square_may_be_taken_instead(tmp_path):
    made = fill(tmp_path, 7, (6, 10, 3))
    source = open_folder(tmp_path, image_size=6, image_fit="crop")
    images, labels = source.read("train")
    squares = {image[:, 2:8].tobytes() for image in made.values()}
    assert {image.tobytes() for image in images} < squares


def test_of_many_sizes_the_commonest_are_named(tmp_path):
    for width in range(4, 12):
        for split in ("train", "test"):
            fill(tmp_path / split, 1, (5, width, 3), (f"a{width}",))
    with pytest.raises(DataError, match="5x4 .* and 3 more. Give"):
        open_folder(tmp_path)


def test_hidden_files_count_for_nothing(tmp_path):
    fill(tmp_path)
    before = open_folder(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("no image")
    (tmp_path / "cat" / ".DS_Store").write_text("no image")
    (tmp_path / "cat" / "Thumbs.db").write_text("no image")
    (tmp_path / "cat" / "desktop.ini").write_text("no image")
    (tmp_path / "README.txt").write_text("beside the classes")
    assert open_folder(tmp_path).fingerprint == before.fingerprint


def test_what_is_no_split_is_said(tmp_path):
    for split in ("train", "test", "extra"):
        fill(tmp_path / split)
    assert open_folder(tmp_path).notes == (
        "Not read, because these are not splits: extra/.",
    )


def test_training_reads_no_pixel_of_the_test(tmp_path):
    fill(tmp_path / "train", shape=(40, 40, 3))
    fill(tmp_path / "test", shape=(40, 40, 3))
    path = tmp_path / "test" / "dog" / "3.png"
    path.write_bytes(path.read_bytes()[:100])
    source = open_folder(tmp_path)
    assert len(source.read("train")[1]) == 15
    with pytest.raises(DataError, match="test/dog/3.png: it is damaged or"):
        source.read("test")


def test_transparent_palettes_are_colours(tmp_path):
    fill(tmp_path)
    image = Image.new("P", (5, 6), 1)
    image.putpalette([0, 0, 0, 200, 10, 20])
    for name in CLASSES:
        path = tmp_path / name / "0.png"
        image.save(path, transparency=b"\x00\x80")
    source = open_folder(tmp_path)
    images = np.concatenate([source.read(s)[0] for s in source.splits])
    assert (images == [200, 10, 20]).all((1, 2, 3)).sum() == 3


def test_a_run_can_be_tested_after_its_test_images_are_mended(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "test")
    path = tmp_path / "test" / "dog" / "3.png"
    whole = path.read_bytes()
    path.write_bytes(whole[:60])
    broken = open_folder(tmp_path).fingerprint
    path.write_bytes(whole)
    assert open_folder(tmp_path).fingerprint == broken


@pytest.mark.parametrize("split", ["train", "validation"])
def test_other_pixels_are_other_data(tmp_path, split):
    for name in ("train", "validation", "test"):
        fill(tmp_path / name, kind="bmp")
    before = open_folder(tmp_path).fingerprint
    image = Image.fromarray(pixels(6, 5, 3, seed=9))
    image.save(tmp_path / split / "dog" / "3.bmp")
    assert open_folder(tmp_path).fingerprint != before


def test_where_the_test_is_cut_out_all_images_count(tmp_path):
    fill(tmp_path, kind="bmp")
    found = {open_folder(tmp_path).fingerprint}
    for number in range(5):
        image = Image.fromarray(pixels(6, 5, 3, seed=9))
        image.save(tmp_path / "dog" / f"{number}.bmp")
        found.add(open_folder(tmp_path).fingerprint)
    assert len(found) == 6


def test_the_fingerprint_is_that_of_the_files(tmp_path):
    fill(tmp_path / "here")
    found = {open_folder(tmp_path / "here").fingerprint}
    (tmp_path / "here").rename(tmp_path / "there")
    found.add(open_folder(tmp_path / "there").fingerprint)
    assert len(found) == 1
    (tmp_path / "there/cat/0.png").rename(tmp_path / "there/cat/9.png")
    found.add(open_folder(tmp_path / "there").fingerprint)
    with (tmp_path / "there/cat/1.png").open("ab") as file:
        file.write(b"more")
    found.add(open_folder(tmp_path / "there").fingerprint)
    assert len(found) == 3


# What is refused


def spoil(path, name="cat/3.png", content=b"no image"):
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    (path / name).write_bytes(content)


def deep(path):
    image = Image.fromarray(np.full((6, 5), 40000, "uint16"))
    image.save(path / "train" / "cat" / "0.png")


def lone_class(path):
    fill(path / "test", classes=("bee",))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda p: spoil(p / "train"), "train/cat/3.png: it is not a PNG, JP"),
        (lambda p: spoil(p / "train", content=b""), "3.png: it is empty: copy"),
        (
            lambda p: spoil(p / "test", "dog/notes.txt"),
            "dog/notes.txt: it is not",
        ),
        (lambda p: spoil(p / "train", "cat/more/x"), "cat/more is a directory"),
        (deep, "cat/0.png: it has 16 bits per channel"),
        (lone_class, "train has no bee/, which another split has"),
        (lambda p: fill(p / "train", classes=("bee",)), "test has no bee/"),
        (lambda p: (p / "train" / "bee").mkdir(), "class .*train/bee has no"),
        (lambda p: (p / "train").rename(p / "x"), "has test/ but no train/"),
        (lambda p: (p / "validation").mkdir(), "validation must have a dir"),
        (lambda p: fill(p / "train", classes=("a\x1b[2J",)), r"'a\\x1b\[2J'"),
        (lambda p: spoil(p / "train", "cat/a\nb"), r"called 'a\\nb'"),
        (
            lambda p: fill(p / "train", classes=(os.fsdecode(b"\xff\xfe"),)),
            r"train is called '\\udcff\\udcfe'.*not UTF-8. Rename it",
        ),
        (
            lambda p: spoil(p / "train", os.fsdecode(b"cat/\xff.png")),
            r"train/cat is called '\\udcff.png'",
        ),
    ],
)
def test_a_folder_that_is_not_in_order_is_refused(tmp_path, damage, sentence):
    fill(tmp_path / "train")
    fill(tmp_path / "test")
    damage(tmp_path)
    with pytest.raises(DataError, match=sentence):
        open_folder(tmp_path)


def test_no_directory_no_class_or_one_are_refused(tmp_path):
    with pytest.raises(DataError, match="There is no directory .*/nowhere"):
        open_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match="must have a directory for each class"):
        open_folder(tmp_path)
    fill(tmp_path, 2, classes=("dog",))
    with pytest.raises(DataError, match="only one class, dog"):
        open_folder(tmp_path)
    fill(tmp_path, 4, classes=("dog",))
    fill(tmp_path, 5, classes=("cat",))
    with pytest.raises(DataError, match="no test split.*4 of class dog"):
        open_folder(tmp_path)


def test_images_that_are_too_small_are_refused(tmp_path):
    fill(tmp_path, shape=(3, 5, 3))
    with pytest.raises(DataError, match="3x5 pixels"):
        open_folder(tmp_path)


@pytest.mark.parametrize(
    ("owner", "method"),
    [(Image, "open"), (pathlib.Path, "open"), (pathlib.Path, "iterdir")],
)
def test_what_may_not_be_read_is_said(tmp_path, monkeypatch, owner, method):
    def refuse(path, *arguments, **settings):
        raise PermissionError(13, "Permission denied", str(path))

    fill(tmp_path)
    monkeypatch.setattr(owner, method, refuse)
    with pytest.raises(DataError, match="cannot be read: permission is denied"):
        open_folder(tmp_path)


DECOMPOSED, COMPOSED = "e\u0301", "é"


def test_accents_are_one_class_however_they_are_encoded(tmp_path):
    fill(tmp_path / "train", 3, classes=("f", DECOMPOSED, "a"))
    fill(tmp_path / "test", 2, classes=(COMPOSED, "a", "f"))
    source = open_folder(tmp_path)
    # In the order of the folders, in which the labels of old runs are.
    assert source.class_names == ("a", COMPOSED, "f")
    assert source.read("train")[1].tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert sorted(source.read("test")[1]) == [0, 0, 1, 1, 2, 2]
    image = np.asarray(Image.open(tmp_path / "test" / COMPOSED / "0.png"))
    images, labels = source.read("test")
    np.testing.assert_array_equal(images[labels == 1][0], image)


def test_two_folders_of_one_name_are_refused(tmp_path):
    fill(tmp_path, 3, classes=(COMPOSED, DECOMPOSED, "a"))
    with pytest.raises(DataError, match="called é, with accents encoded diff"):
        open_folder(tmp_path)


# Files that cannot be used


def damage_three(path):
    """Damages three files of three kinds; returns what is said of each."""
    spoil(path / "train", "cat/1.png")
    whole = (path / "train/dog/2.png").read_bytes()
    spoil(path / "train", "dog/2.png", whole[:-20])
    spoil(path / "test", "ape/0.png", REFUSED_KINDS["bmp P"][0])
    return [
        "test/ape/0.png: it is a BMP of a kind",
        "train/cat/1.png: it is not a PNG",
        "train/dog/2.png: it is damaged or incomplete",
    ]


def test_all_bad_files_are_listed_at_once_with_their_reasons(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "test")
    sentences = damage_three(tmp_path)
    with pytest.raises(DataError) as refusal:
        open_folder(tmp_path)
    said = str(refusal.value)
    assert said.startswith(f"3 of 30 files in {tmp_path} cannot be used. ")
    places = [said.index(sentence) for sentence in sentences]
    assert places == sorted(places)
    assert "--skip_broken" in said


def test_a_long_list_is_shortened_with_a_count(tmp_path):
    fill(tmp_path, 13)
    for number in range(13):
        spoil(tmp_path, f"dog/{number}.png")
    with pytest.raises(DataError) as refusal:
        open_folder(tmp_path)
    assert str(refusal.value).count("it is not a PNG") == 10
    assert "and 3 more" in str(refusal.value)


def test_bad_files_are_left_out_if_that_is_wanted(tmp_path):
    made = fill(tmp_path / "train")
    fill(tmp_path / "test")
    damage_three(tmp_path)
    source = open_folder(tmp_path, skip_broken=True)
    assert source.splits == {"train": 13, "test": 14}
    (note,) = source.notes
    assert "3 of 30 files (2 of train, 1 of test)" in note
    assert "train/dog/2.png: it is damaged" in note
    images, labels = source.read("train")
    assert labels.tolist() == [0] * 5 + [1] * 4 + [2] * 4
    good = {
        image.tobytes()
        for key, image in made.items()
        if key not in (("cat", 1), ("dog", 2))
    }
    assert {image.tobytes() for image in images} == good
    assert len(source.read("test")[1]) == 14
    # It is the same data set as without those files.
    for path in ("train/cat/1.png", "train/dog/2.png", "test/ape/0.png"):
        (tmp_path / path).unlink()
    without = open_folder(tmp_path)
    assert without.fingerprint == source.fingerprint
    assert open_folder(tmp_path, skip_broken=True).notes == ()


def test_a_class_without_images_is_refused(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "test", 1)
    spoil(tmp_path / "test", "dog/0.png")
    with pytest.raises(DataError, match="None of the files in .*test/dog can"):
        open_folder(tmp_path, skip_broken=True)


def test_links_and_pipes_are_listed_and_left_out(tmp_path):
    fill(tmp_path)
    (tmp_path / "cat/9.png").symlink_to("nowhere")
    os.mkfifo(tmp_path / "dog/9.png")
    with pytest.raises(DataError, match="2 of 17 .*cat/9.png: it is not a f"):
        open_folder(tmp_path)
    source = open_folder(tmp_path, skip_broken=True)
    assert sum(source.splits.values()) == 15


def test_rotated_images_are_counted_and_not_rotated(tmp_path):
    fill(tmp_path / "train", 1, (8, 9, 3))
    fill(tmp_path / "test", 1, (8, 9, 3))
    for kind in ("png", "jpeg", "webp"):
        content = COLOR_KINDS[f"{kind} RGB, rotated"]
        spoil(tmp_path / "train", f"cat/r.{kind}", content)
    source = open_folder(tmp_path)
    (note,) = source.notes
    assert note.startswith("3 of 9 images have an EXIF orientation")
    assert source.image_shape == (8, 9, 3)


def test_transparent_gifs_are_noted_and_not_those_of_0_1_0(tmp_path):
    for split in ("train", "test"):
        fill(tmp_path / split, 2, (8, 9, 3))
    before = open_folder(tmp_path).fingerprint
    spoil(tmp_path / "test", "cat/0.png", COLOR_KINDS["gif P, transparent"])
    source = open_folder(tmp_path)
    assert source.notes[0].startswith("1 of 12 images are GIFs with transp")
    assert source.fingerprint == before  # Training reads no test image.


def test_fingerprints_are_those_of_version_0_1_0(tmp_path):
    for number in range(6):
        for place, name in enumerate(("cat", "dog")):
            (tmp_path / name).mkdir(exist_ok=True)
            content = [*COLOR_KINDS.values()][number]
            (tmp_path / name / f"{number}{place}").write_bytes(content)
    names = [
        (n, f"{k}{p}") for p, n in enumerate(("cat", "dog")) for k in range(6)
    ]
    digest = hashlib.sha256(repr((["train"], {"train": names})).encode())
    for name in names:
        content = tmp_path.joinpath(*name).read_bytes()
        digest.update(hashlib.sha256(content).digest())
    assert open_folder(tmp_path).fingerprint == digest.hexdigest()[:12]


# Splits under other names


@pytest.mark.parametrize(
    ("names", "renamed"),
    [
        (("Train", "Test"), "Test/ to test/, Train/ to train/"),
        (("TRAIN", "VAL"), "TRAIN/ to train/, VAL/ to validation/"),
        (("training", "testing"), "testing/ to test/, training/ to train/"),
        (("train", "Validation"), "Validation/ to validation/"),
        (("train", "test", "dev"), "dev/ to validation/"),
        (("training", "more"), "training/ to train/"),
        (("train_data", "test_data"), "test_data/ to test/, train_data/ to tr"),
        (("Train Set", "val-images"), "Train Set/ to train/, val-images/ to v"),
        (("seg_train", "seg_pred"), "seg_train/ to train/"),
    ],
)
def test_splits_of_other_names_are_not_taken_for_classes(
    tmp_path, names, renamed
):
    for name in names:
        fill(tmp_path / name, 1)
    with pytest.raises(
        DataError, match=f"looks like a split.*Rename {renamed}"
    ):
        open_folder(tmp_path)


def test_two_folders_of_images_called_like_splits_are_no_classes(tmp_path):
    fill(tmp_path, classes=("Train", "Test"))
    with pytest.raises(DataError, match="looks like a split"):
        open_folder(tmp_path)


def test_a_class_may_be_called_test_beside_others(tmp_path):
    fill(tmp_path, classes=("Dev", "Ops", "Testing"))
    assert open_folder(tmp_path).class_names == ("Dev", "Ops", "Testing")


@pytest.mark.parametrize("inside", [".", "train"])
def test_a_folder_that_is_wrapped_once_is_hinted_at(tmp_path, inside):
    """As archives unpack that hold one folder."""
    fill(tmp_path / "pets" / inside)
    (tmp_path / "README.txt").touch()
    (tmp_path / "__MACOSX" / "pets").mkdir(parents=True)
    with pytest.raises(DataError, match=f"pets/.*: give folder:{tmp_path}/pe"):
        open_folder(tmp_path)
    assert open_folder(tmp_path / "pets").class_names == ("ape", "cat", "dog")


def test_classes_may_be_called_like_parts_of_splits(tmp_path):
    fill(tmp_path, classes=("train_station", "test_tube", "test-image-of-x"))
    assert len(open_folder(tmp_path).class_names) == 3
