"""Images that do not fit into memory are read from a file, and are the same."""

import dataclasses
import logging
import types

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfdarts.data import batches
from tfdarts.data import pixels
from tfdarts.data.examples import TrainingExamples
from tfdarts.data.image_source import DataError
from tfdarts.data.pixels import ImagesOnDisk
from tfdarts.data.pixels import collect_images
from tfdarts.data.sources import open_source

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 6, 5, 3), "uint8")
LABELS = np.arange(40) % 4


@pytest.fixture
def no_memory(monkeypatch):
    monkeypatch.setattr(pixels, "available_bytes", lambda: 0)


@pytest.fixture
def on_disk(no_memory):
    images = collect_images(iter(IMAGES), 40, (6, 5, 3))
    assert isinstance(images, ImagesOnDisk)
    return images


def test_a_tenth_of_what_is_left_is_for_the_images(monkeypatch):
    for left, kind in (
        (10 * IMAGES.nbytes + 1, np.ndarray),
        (10 * IMAGES.nbytes - 9, ImagesOnDisk),
    ):
        monkeypatch.setattr(pixels, "available_bytes", lambda: left)
        images = collect_images(iter(IMAGES), 40, (6, 5, 3))
        assert type(images) is kind
        np.testing.assert_array_equal(images, IMAGES)


@pytest.mark.parametrize("left", [0, 1e12])
def test_fewer_than_were_announced_are_as_many_as_there_are(left, monkeypatch):
    monkeypatch.setattr(pixels, "available_bytes", lambda: left)
    images = collect_images(iter(IMAGES[:7]), 40, (6, 5, 3))
    assert len(images) == 7
    np.testing.assert_array_equal(images, IMAGES[:7])


def test_what_is_on_disk_is_chosen_from_as_an_array_is(on_disk):
    assert (on_disk.shape, on_disk.dtype) == (IMAGES.shape, "uint8")
    rows = np.array([3, 39, 0, 3])
    part = on_disk[rows]
    assert isinstance(part, ImagesOnDisk) and part.shape == (4, 6, 5, 3)
    assert part._array is on_disk._array  # Nothing was read.
    np.testing.assert_array_equal(part, IMAGES[rows])
    for image, expected in zip(part, IMAGES[rows], strict=True):
        np.testing.assert_array_equal(image, expected)
    np.testing.assert_array_equal(part[1:3], IMAGES[rows][1:3])
    np.testing.assert_array_equal(
        part[np.array([2, 0])], IMAGES[rows][np.array([2, 0])]
    )


def test_nothing_of_it_is_left_in_the_directory(tmp_path, monkeypatch):
    monkeypatch.setattr(pixels, "_directory", lambda: str(tmp_path))
    monkeypatch.setattr(pixels, "available_bytes", lambda: 0)
    images = collect_images(iter(IMAGES), 40, (6, 5, 3))
    assert [*tmp_path.iterdir()] == []
    np.testing.assert_array_equal(images, IMAGES)


def test_a_disk_without_room_is_refused_before_reading(no_memory, monkeypatch):
    monkeypatch.setattr(
        pixels.shutil,
        "disk_usage",
        lambda path: types.SimpleNamespace(free=IMAGES.nbytes - 1),
    )

    def images():
        raise AssertionError("was read")
        yield

    with pytest.raises(DataError, match="set TMPDIR to a larger disk"):
        collect_images(images(), 40, (6, 5, 3))


def all_of(dataset):
    return [
        (images.numpy(), labels.numpy()) for images, labels in dataset.take(9)
    ]


@pytest.mark.parametrize(
    "batches_of",
    [
        lambda e, t: batches.shuffled_batches(e, 8, 1, range(2), t),
        lambda e, t: batches.random_batches(e, 8, 1, range(3), t),
        lambda e, t: batches.ordered_batches(
            e, 16, lambda images: t(images, 0)
        ),
    ],
)
def test_batches_are_the_same_from_memory_and_disk(on_disk, batches_of):
    def transform(images, seed):
        return tf.cast(images, tf.float32) + tf.cast(
            tf.reduce_sum(seed), tf.float32
        )

    memory = batches_of((IMAGES, LABELS), transform)
    disk = batches_of((on_disk, LABELS), transform)
    assert memory.element_spec == disk.element_spec
    assert memory.cardinality() == disk.cardinality()
    results = [all_of(dataset) for dataset in (memory, disk)]
    assert len(results[0]) > 1
    for (x, y), (x_disk, y_disk) in zip(*results, strict=True):
        np.testing.assert_array_equal(x, x_disk)
        np.testing.assert_array_equal(y, y_disk)


def test_mean_and_deviation_are_the_same(on_disk):
    expected = IMAGES.mean((0, 1, 2)) / 255, IMAGES.std((0, 1, 2)) / 255
    for images in (IMAGES, on_disk):
        np.testing.assert_allclose(batches.mean_and_std(images), expected)


def test_a_source_that_does_not_fit_can_be_resized(no_memory):
    source = open_source("digits", image_size=0)
    images, labels = source.load("train")
    on_disk = collect_images(iter(images), 1437, (16, 16, 1))
    source = dataclasses.replace(source, load=lambda split: (on_disk, labels))
    images, _ = open_source(source, image_size=8).read("train")
    assert isinstance(images, ImagesOnDisk) and images.shape == (1437, 8, 8, 1)


def test_all_images_count_for_the_mean():
    many = np.repeat(IMAGES, 60, axis=0)
    mean, std = batches.mean_and_std(many)
    np.testing.assert_allclose(mean, many.mean((0, 1, 2)) / 255)
    np.testing.assert_allclose(std, many.std((0, 1, 2)) / 255)


@pytest.fixture
def folder(tmp_path):
    for row, label in enumerate(LABELS):
        path = tmp_path / f"class{label}" / f"{row:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(IMAGES[row]).save(path)
    return f"folder:{tmp_path}"


@pytest.mark.parametrize("image_size", [0, 4])
def test_a_folder_that_does_not_fit_gives_the_same(
    folder, image_size, monkeypatch, caplog
):
    """Split into halves, with a test split that was set aside."""
    results = []
    for left in (1e12, 0):
        monkeypatch.setattr(pixels, "available_bytes", lambda: left)
        with caplog.at_level(logging.INFO, "tfdarts"):
            source = open_source(folder, image_size)
            examples = TrainingExamples.of(source, 0.5, seed=0)
        results.append((source.read("test"), examples))
    assert "do not fit into memory" in caplog.text
    assert "data: 0 of 32 images read" in caplog.text
    (test, there), (test_on_disk, on_disk) = results
    assert isinstance(on_disk.train[0], ImagesOnDisk)
    assert (there.mean, there.std) == (on_disk.mean, on_disk.std)
    for memory, disk in (
        (test, test_on_disk),
        (there.train, on_disk.train),
        (there.validation, on_disk.validation),
    ):
        np.testing.assert_array_equal(memory[0], disk[0])
        np.testing.assert_array_equal(memory[1], disk[1])
