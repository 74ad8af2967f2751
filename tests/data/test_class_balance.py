"""Counts of classes, class weights, and what users are warned of."""

import numpy as np
import pytest

from tfdarts.data.class_balance import balanced_class_weight
from tfdarts.data.class_balance import class_warnings
from tfdarts.data.class_balance import count_classes
from tfdarts.data.class_balance import count_table

NAMES = ["cat", "dog", "newt"]


def counts(*train, **others):
    named = {"train": train, **others}
    return {split: np.array(each) for split, each in named.items()}


def test_class_weights_are_examples_over_classes_times_count():
    labels = np.repeat([3, 0, 1], [6, 30, 4])
    weights = balanced_class_weight(labels)
    expected = {0: 40 / (3 * 30), 1: 40 / (3 * 4), 3: 40 / (3 * 6)}
    assert weights == pytest.approx(expected)
    mean = np.mean([weights[label] for label in labels])
    assert mean == pytest.approx(1)


def test_a_table_of_few_classes_has_all_of_them_and_the_total():
    table = count_table(counts(7, 1200, 0, test=(1, 0, 2)), NAMES)
    assert [line.split() for line in table.splitlines()] == [
        ["class", "train", "test"],
        ["cat", "7", "1"],
        ["dog", "1,200", "0"],
        ["newt", "0", "2"],
        ["3", "total", "1,207", "3"],
    ]


def test_a_table_of_many_classes_has_the_largest_and_the_smallest():
    train = np.random.default_rng(0).permutation(1000) + 1
    names = [f"n{count}" for count in train]
    rows = count_table({"train": train}, names).splitlines()[1:]
    shown = [row.split() for row in rows]
    largest = [[f"n{n}", f"{n:,}"] for n in range(1000, 990, -1)]
    smallest = [[f"n{n}", f"{n}"] for n in range(10, 0, -1)]
    total = ["1,000", "total", f"{1000 * 1001 // 2:,}"]
    assert shown == [*largest, ["…", "…"], *smallest, total]


def test_an_imbalance_is_warned_of_with_its_numbers():
    (warning,) = class_warnings(counts(90, 10, 20), NAMES)
    assert "cat has 90 training images, dog 10, a ratio of 9.0" in warning
    assert "has an accuracy of 75.0%" in warning
    assert warning.endswith("Consider --class_weights=balanced.")
    (weighted,) = class_warnings(counts(90, 10, 20), NAMES, "balanced")
    assert "--class_weights" not in weighted and "ratio of 9.0" in weighted


def test_of_a_part_of_the_training_images_it_is_said_that_it_is_one():
    imbalance, rare, _ = class_warnings(counts(9, 2, 0), NAMES, images=22)
    part = "(of the 11 of 22 that the weights learn from)"
    assert f"cat has 9 training images, dog 2 {part}, a ratio" in imbalance
    assert f"images of class dog {part}: too few" in rare
    for whole in (None, 11):
        said = class_warnings(counts(9, 2, 0), NAMES, images=whole)
        assert not any("that the weights" in each for each in said)


def test_balanced_classes_are_not_warned_of():
    assert class_warnings(counts(29, 10, 20, test=(1, 1, 1)), NAMES) == []
    assert class_warnings(counts(30, 10, 20), NAMES) != []


def test_classes_of_one_or_two_images_are_named():
    warnings = class_warnings(counts(3, 1, 2), NAMES)
    assert any("2 classes (dog, newt): too few" in each for each in warnings)
    assert not any("class cat" in each for each in warnings)


def test_classes_that_a_split_lacks_are_named():
    parts = counts(5, 5, 5, validation=(1, 0, 0), test=(2, 2, 0))
    validation, test = class_warnings(parts, NAMES)
    assert "The validation split has no image of 2 classes (dog, newt)" in (
        validation
    )
    assert "The test split has no image of class newt" in test


def test_labels_that_are_quantities_are_said_to_be_no_classes():
    labels = np.arange(300) % 200
    names = [f"{label / 10}" for label in range(200)]
    train = {"train": count_classes(labels, names)}
    *_, warning = class_warnings(train, names)
    assert "200 classes for 300 training images" in warning
    assert "tfdarts only classifies" in warning
