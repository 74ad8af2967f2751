import dataclasses

import numpy as np
import pytest

from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import ImageSource

SHAPE = (6, 5, 3)


def examples(images=None, labels=None):
    images = np.ones((4, *SHAPE), "uint8") if images is None else images
    labels = np.array([0, 1, 2, 0]) if labels is None else labels
    return images, labels


def source(split=None, **changes):
    made = ImageSource(
        "made",
        ("a", "b", "c"),
        SHAPE,
        {"train": 4, "test": 4},
        lambda name: split or examples(),
    )
    return dataclasses.replace(made, **changes)


def test_a_split_is_loaded_when_it_is_read():
    loaded = []
    made = source(load=lambda split: loaded.append(split) or examples())
    made.describe()
    assert loaded == []
    images, labels = made.read("test")
    assert loaded == ["test"]
    np.testing.assert_array_equal(labels, [0, 1, 2, 0])
    assert images.shape == (4, *SHAPE)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"class_names": ("a",)}, "made has only one class, a"),
        ({"class_names": ()}, "made has no class"),
        ({"class_names": ("a", "b", "a")}, "Two classes of made are called a"),
        (
            {"class_names": ("é", "b", "e\u0301")},
            "called é, with accents encoded differently",
        ),
        ({"class_names": ("a", "b\x1b[2J")}, r"'b\\x1b\[2J', which has con"),
        ({"class_names": ("a\n", "b")}, r"A class of made is called 'a\\n'"),
        ({"class_names": ("a", "\udcff")}, r"'\\udcff'.* not UTF-8. Rename it"),
        (
            {"class_names": ("a", " ")},
            "A class of made is called ' ', which is bl",
        ),
        ({"name": "made\n"}, r"The data set is called 'made\\n'"),
        ({"image_shape": (3, 9, 1)}, "are 3x9 pixels.*at least 4x4"),
        ({"image_shape": (9, 3, 1)}, "are 9x3 pixels"),
        ({"image_shape": (9, 9, 2)}, "have 2 channels"),
        (
            {"splits": {"train": 4, "test": 0}},
            "The test split of made is empty",
        ),
    ],
)
def test_what_no_network_can_learn_is_refused(changes, sentence):
    with pytest.raises(DataError, match=sentence):
        source(**changes)


def test_the_least_that_can_be_learnt_is_taken():
    assert source(image_shape=(4, 4, 1), class_names=("a", "b"))


@pytest.mark.parametrize(
    ("split", "sentence"),
    [
        (examples(np.ones((4, *SHAPE))), "must be uint8.*They are float64"),
        (examples(np.ones((4, 6, 5, 1), "uint8")), r"of shape \(6, 5, 1\)"),
        (examples(np.ones((5, *SHAPE), "uint8")), "5 images but 4 labels"),
        (examples(labels=np.array([0, 1, 2, 3])), "0 to 2.*One of them is 3"),
        (examples(labels=np.array([0, 1, -1, 2])), "One of them is -1"),
        (examples(labels=np.array([0.0, 1, 2, 0])), "one integer.*float64"),
        (examples(labels=np.eye(4, dtype=int)), r"one integer.*\(4, 4\)"),
        (
            (np.ones((0, *SHAPE), "uint8"), np.zeros(0, int)),
            "no images in the train split of made",
        ),
        (examples(labels=np.array([1, 1, 1, 1])), "are of one class, b"),
    ],
)
def test_what_is_no_split_of_images_is_refused(split, sentence):
    with pytest.raises(DataError, match=sentence):
        source(split).read("train")


def test_test_images_may_be_of_one_class():
    assert source(examples(labels=np.array([1, 1, 1, 1]))).read("test")


def test_a_split_that_is_not_there_is_refused():
    with pytest.raises(DataError, match="made has no validation split"):
        source().read("validation")


def test_the_description_says_what_was_found():
    text = "\n".join(source(notes=("Some note.",)).describe())
    assert "4 train, 4 test images, 6x5 pixels" in text
    assert "color" in text and "gray" not in text
    assert "3 classes: a, b, c" in text
    assert "Some note." in text
    assert "gray" in source(image_shape=(6, 5, 1)).describe()[0]


def test_many_classes_are_not_all_named():
    many = source(class_names=tuple(map(str, range(100))))
    assert many.describe()[1] == (
        "100 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, and so on"
    )


def test_names_may_be_in_any_script():
    names = ("a b", "Ä", "猫", "می\u200cخواهم")
    assert source(class_names=names).class_names == names


def test_names_are_composed():
    assert source(class_names=("e\u0301", "b")).class_names == ("é", "b")


def test_one_image_is_no_images():
    alone = source(splits={"train": 4, "test": 1})
    assert "4 train, 1 test image, 6x5" in alone.describe()[0]
