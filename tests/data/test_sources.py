import numpy as np
import pytest
import tensorflow as tf

from tfdarts.data.sources import DataError
from tfdarts.data.sources import from_arrays
from tfdarts.data.sources import open_source
from tfdarts.data.sources import source_of


def test_the_digits_open_by_name():
    source = open_source("digits")
    images, labels = source.read("train")
    assert source.name == "digits"
    assert source.class_names == tuple("0123456789")
    assert source.mean is source.std is None
    assert not source.random_flip
    assert source.splits == {"train": 1437, "test": 360}
    assert images.shape[1:] == source.image_shape
    assert len(images) == len(labels) == 1437
    assert np.unique(labels).tolist() == list(range(10))


@pytest.mark.parametrize(
    "spec",
    ["digit", "DIGITS", "", "cifar11", "tfds:", "folder:", "idx:", "digits:x"],
)
def test_another_name_is_refused_with_those_there_are(spec):
    with pytest.raises(DataError, match=f"no data set '{spec}'.*are: digits, "):
        open_source(spec)


def test_a_data_error_is_a_value_error():
    assert issubclass(DataError, ValueError)


def arrays():
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 6, 3), "uint8")
    return from_arrays((images, np.arange(20) % 2))


def test_a_source_is_a_specification_of_itself():
    source = arrays()
    assert open_source(source) is source
    with pytest.raises(DataError, match="in Python.*`dataset`"):
        open_source(source.name)


def as_dataset(pair):
    return tf.data.Dataset.from_tensor_slices(pair).batch(3)


@pytest.mark.parametrize("dataset", [tuple, as_dataset])
@pytest.mark.parametrize("validation", [tuple, as_dataset])
@pytest.mark.parametrize("test", [tuple, as_dataset])
def test_each_split_may_have_a_form_of_its_own(dataset, validation, test):
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 6, 3), "uint8")
    pair = images, np.arange(20) % 2
    source = source_of(dataset(pair), validation(pair), test(pair))
    assert source.name == from_arrays(pair, pair, validation=pair).name
    for split in ("train", "validation", "test"):
        np.testing.assert_array_equal(source.read(split)[0], images)


def test_images_become_squares_of_the_size_asked_for():
    source = arrays()
    resized = open_source(source, image_size=5)
    assert resized.image_shape == (5, 5, 3)
    assert "resized from 8x6 to 5x5" in resized.notes[-1]
    images, labels = resized.read("train")
    original, same = source.read("train")
    np.testing.assert_array_equal(labels, same)
    # TensorFlow's resize is another implementation of the same.
    expected = tf.image.resize(original, (5, 5), antialias=True)
    assert np.abs(images - expected.numpy()).max() <= 1.01
    assert images.dtype == "uint8"
    cropped = open_source(source, image_size=6, image_fit="crop")
    np.testing.assert_array_equal(cropped.read("train")[0], original[:, 1:7])
    with pytest.raises(DataError, match="at least 4x4"):
        open_source(source, image_size=3)


def test_images_of_the_size_asked_for_are_left_alone():
    source = open_source("digits", image_size=16)
    assert source.notes == ()
    assert open_source("digits", image_size=8).image_shape == (8, 8, 1)
