import inspect
import re

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tfdarts.data import batches
from tfdarts.data import keras_layers
from tfdarts.data.augmentation import cutout
from tfdarts.data.augmentation import pad_and_crop
from tfdarts.data.augmentation import random_flip
from tfdarts.data.augmentation import random_resized_crop
from tfdarts.data.batches import fold_in
from tfdarts.data.batches import mean_and_std
from tfdarts.data.batches import ordered_batches
from tfdarts.data.batches import random_batches
from tfdarts.data.batches import shuffled_batches
from tfdarts.data.batches import steps_per_epoch
from tfdarts.data.batches import stratified_split
from tfdarts.data.colors import color_jitter
from tfdarts.data.sources import DataError
from tfdarts.data.targets import soft_targets

EXAMPLES = 11
BATCH = 3
STEPS = 3  # of an epoch; two examples are left out


def examples():
    labels = np.arange(EXAMPLES)
    return labels.astype("uint8").reshape(-1, 1, 1, 1), labels


def untouched(images, seed):
    return images


def seeds_only(images, seed):
    return tf.cast(seed, tf.int64)


def stream(make, units, seed=0, transform=untouched):
    dataset = make(examples(), BATCH, seed, units, transform)
    return [tuple(map(np.asarray, element)) for element in dataset]


def labels(make, units, seed=0):
    return np.array([y for _, y in stream(make, units, seed)])


BOTH = pytest.mark.parametrize("make", [shuffled_batches, random_batches])


# What both streams hold to


@BOTH
def test_images_keep_their_labels(make):
    for images, positions in stream(make, range(0, 3)):
        assert images.shape == (BATCH, 1, 1, 1)
        np.testing.assert_array_equal(images.ravel(), positions)


@BOTH
def test_batches_have_a_static_shape(make):
    dataset = make(examples(), BATCH, 0, range(0, 1), untouched)
    shapes = [spec.shape.as_list() for spec in dataset.element_spec]
    assert shapes == [[BATCH, 1, 1, 1], [BATCH]]


@BOTH
def test_no_example_stands_twice_in_a_batch(make):
    for batch in labels(make, range(0, 20)):
        assert len(set(batch)) == BATCH


@BOTH
def test_a_stream_is_a_function_of_its_seed(make):
    tf.random.set_seed(1)
    np.random.seed(1)
    first = labels(make, range(0, 2))
    tf.random.set_seed(2)
    np.random.seed(2)
    np.testing.assert_array_equal(labels(make, range(0, 2)), first)
    assert (labels(make, range(0, 2), seed=1) != first).any()


@BOTH
def test_a_stream_can_be_read_twice(make):
    dataset = make(examples(), BATCH, 0, range(0, 2), untouched)
    first, again = ([y.numpy().tolist() for _, y in dataset] for _ in "12")
    assert first == again


@BOTH
@pytest.mark.parametrize("transform", [untouched, seeds_only])
def test_a_stream_goes_on_wherever_it_is_taken_up(make, transform):
    whole = stream(make, range(0, 5), transform=transform)
    later = stream(make, range(2, 5), transform=transform)
    assert len(later) == len(whole) * 3 // 5
    for one, other in zip(whole[-len(later) :], later):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


@BOTH
def test_every_batch_is_transformed_with_a_seed_of_its_own(make):
    batches = stream(make, range(0, 6), transform=seeds_only)
    batches += stream(make, range(0, 6), seed=1, transform=seeds_only)
    assert len({tuple(seed) for seed, _ in batches}) == len(batches)


@BOTH
def test_no_function_is_converted_by_autograph(make):
    """Converting takes longer than tracing."""
    files = set()

    def transform(images, seed):
        files.update(frame.filename for frame in inspect.stack())
        return images

    stream(make, range(1), transform=transform)
    assert not [file for file in files if "__autograph" in file]


@BOTH
@pytest.mark.parametrize("seed", [2**31, 2**32 - 1])
def test_large_seeds_are_seeds_too(make, seed):
    units = range(0, 2)
    assert (labels(make, units, seed) != labels(make, units)).any()


@BOTH
def test_a_batch_larger_than_the_data_is_refused(make):
    message = "A batch of 12 is larger than .* 11 examples.*--batch_size"
    with pytest.raises(DataError, match=message):
        make(examples(), 12, 0, range(0, 1), untouched)


def test_the_two_streams_of_a_seed_do_not_follow_each_other():
    shuffled = labels(shuffled_batches, range(0, 20))[::STEPS]
    assert (shuffled != labels(random_batches, range(0, 20))).any(1).sum() > 15
    transformed = [
        {tuple(seed) for seed, _ in stream(make, range(0, 9), 0, seeds_only)}
        for make in (shuffled_batches, random_batches)
    ]
    assert not transformed[0] & transformed[1]


# Each by itself


def test_every_epoch_is_a_permutation_without_the_remainder():
    epochs = labels(shuffled_batches, range(0, 50)).reshape(50, -1)
    assert epochs.shape[1] == STEPS * BATCH
    assert all(len(set(epoch)) == STEPS * BATCH for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 50
    assert set(epochs.ravel()) == set(range(EXAMPLES))


def test_neighbouring_seeds_do_not_share_their_epochs():
    one = labels(shuffled_batches, range(1, 2), seed=0)
    assert (one != labels(shuffled_batches, range(0, 1), seed=1)).any()
    assert (one != labels(shuffled_batches, range(1, 2), seed=1)).any()


@BOTH
def test_every_example_is_equally_likely_at_every_place(make):
    for place in labels(make, range(0, 400)).T:
        counts = np.bincount(place, minlength=EXAMPLES)
        assert scipy.stats.chisquare(counts).pvalue > 1e-4


def test_random_batches_give_one_batch_a_step():
    assert labels(random_batches, range(0, 7)).shape == (7, BATCH)


def test_ordered_batches_give_all_examples_once_in_order():
    dataset = ordered_batches(examples(), BATCH, lambda images: images + 1)
    images, positions = zip(*dataset)
    assert [len(batch) for batch in positions] == [3, 3, 3, 2]
    np.testing.assert_array_equal(np.concatenate(positions), range(EXAMPLES))
    images = np.concatenate(images).ravel()
    np.testing.assert_array_equal(images, np.arange(EXAMPLES) + 1)


@pytest.mark.parametrize(("batch_size", "steps"), [(1, 11), (3, 3), (11, 1)])
def test_only_whole_batches_are_counted(batch_size, steps):
    assert steps_per_epoch(np.arange(EXAMPLES), batch_size) == steps


# The split


@pytest.mark.parametrize("portion", [0.5, 0.8, 0.25])
def test_a_split_is_disjoint_whole_sorted_and_stratified(portion):
    classes = np.repeat([0, 1, 2], [20, 40, 60])
    halves = stratified_split(classes, portion, seed=3)
    assert sorted(np.concatenate(halves)) == list(range(120))
    for half, share in zip(halves, (portion, 1 - portion)):
        assert (np.diff(half) > 0).all()
        counts = np.bincount(classes[half])
        np.testing.assert_allclose(counts, share * np.array([20, 40, 60]))


def test_the_seed_alone_decides_a_split():
    classes = np.arange(100) % 5
    np.random.seed(1)
    first = stratified_split(classes, 0.5, seed=0)[0]
    np.random.seed(2)
    again = stratified_split(classes, 0.5, seed=0)[0]
    np.testing.assert_array_equal(first, again)
    assert (stratified_split(classes, 0.5, seed=1)[0] != first).any()


@pytest.mark.parametrize(
    ("classes", "portion"),
    [
        ([0] * 9 + [1], 0.5),
        ([0, 1] * 5, 0.99),
        ([0, 1] * 5, 0.01),
        ([0] * 8 + [1] * 2, 0.8),
    ],
)
def test_a_split_that_would_lack_a_class_is_refused(classes, portion):
    message = f"10 examples cannot be split at {portion} so that each class"
    with pytest.raises(DataError, match=message) as refusal:
        stratified_split(np.array(classes), portion, seed=0)
    least = min(classes.count(0), classes.count(1))
    assert re.search(f"class [01] has only {least}. ", str(refusal.value))
    assert "--validation_portion nearer to 0.5" in str(refusal.value)
    assert "aforementioned" not in str(refusal.value)


def test_the_class_of_too_few_is_called_by_its_name():
    with pytest.raises(DataError, match="class dog has only 1. Bring"):
        stratified_split(np.array([0, 0, 1]), 0.5, 0, ["cat", "dog"])


def test_mean_and_std_are_those_of_each_channel():
    images = np.zeros((2, 2, 2, 2), dtype="uint8")
    images[..., 0] = 51
    images[0, ..., 1] = 255
    mean, std = mean_and_std(images)
    assert mean == pytest.approx((0.2, 0.5))
    assert std == pytest.approx((0, 0.5), abs=1e-12)
    assert isinstance(mean, tuple) and isinstance(std, tuple)


# What several processes read of it


def augmented(images, seed):
    """All that is drawn for each image."""
    images = pad_and_crop(images, 2, seed)
    images = random_flip(images, fold_in(seed, 1))
    images = color_jitter(images, 0.4, fold_in(seed, 2))
    images = random_resized_crop(images, 6, fold_in(seed, 3))
    return cutout(images, 3, fold_in(seed, 4))


def in_parts(make, count):
    """Batches of 6, of one process and of each of several, put together."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20, 8, 8, 3), "uint8")
    data = images, np.arange(20)
    (whole, *parts) = (
        [tuple(map(np.asarray, element)) for element in make(data, part)]
        for part in [(0, 1), *((index, count) for index in range(count))]
    )
    together = [
        tuple(np.concatenate(each) for each in zip(*of_batch))
        for of_batch in zip(*parts, strict=True)
    ]
    return whole, together, parts


def rand_augmented(data, part):
    return shuffled_batches(
        *(data, 6, 3, range(1, 3), keras_layers.rand_augment(0.5)),
        soft_targets(20, mixup=0.4),
        part=part,
        split_after_transform=True,
    )


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(
    "make",
    [
        lambda data, part: shuffled_batches(
            data, 6, 3, range(1, 3), augmented, part=part
        ),
        lambda data, part: random_batches(
            data, 6, 3, range(4), augmented, part
        ),
        lambda data, part: ordered_batches(data, 6, lambda x: x, part),
        rand_augmented,
    ],
    ids=["shuffled", "random", "ordered", "mixed"],
)
def test_each_process_has_its_rows_of_the_same_batches(make, count):
    whole, together, parts = in_parts(make, count)
    assert len(whole) > 2
    for one, other in zip(whole, together, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)
    assert all(len(y) == 6 // count for _, y in parts[0][:3])


@BOTH
def test_a_process_reads_its_own_rows_alone(make, monkeypatch):
    read = []

    def reader(images):
        def rows(positions):
            read.append(positions.shape.as_list())
            return tf.gather(images, positions)

        return rows

    monkeypatch.setattr(batches, "reader", reader)
    [*make(examples(), 4, 0, range(1), untouched, part=(1, 2))]
    assert read == [[2]]
