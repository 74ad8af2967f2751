import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tfdarts.data.augmentation import cutout
from tfdarts.data.augmentation import pad_and_crop
from tfdarts.data.augmentation import random_flip
from tfdarts.data.batches import stratified_split
from tfdarts.data.colors import color_jitter
from tfdarts.data.examples import TrainingExamples
from tfdarts.data.keras_layers import rand_augment
from tfdarts.data.sources import DataError
from tfdarts.data.sources import ImageSource


def source(labels=None, **published):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (100, 4, 4, 3), dtype="uint8")
    labels = np.arange(100) % 5 if labels is None else labels

    def load(split):
        if split != "train":
            raise AssertionError(f"the {split} split was read")
        return images, labels

    splits = {"train": 100, "test": 100}
    shape = images.shape[1:]
    return ImageSource("made", tuple("abcde"), shape, splits, load, **published)


def test_both_parts_come_from_the_training_split():
    images, labels = source().read("train")
    examples = TrainingExamples.of(source(), 0.8, seed=3)
    halves = stratified_split(labels, 0.8, seed=3)
    for part, half in zip((examples.train, examples.validation), halves):
        np.testing.assert_array_equal(part[0], images[half])
        np.testing.assert_array_equal(part[1], labels[half])
    assert len(examples.train[1]) == 80


def test_a_portion_of_one_sets_nothing_aside():
    examples = TrainingExamples.of(source(), 1.0, seed=0)
    assert examples.validation is None
    assert len(examples.train[1]) == 100


@pytest.mark.parametrize("portion", [1.0, 0.5])
def test_a_validation_split_counts_where_nothing_is_set_aside(portion):
    own = np.zeros((3, 4, 4, 3), "uint8"), np.arange(3)
    reads = {"train": source().read("train"), "validation": own}
    splits = {"train": 100, "validation": 3, "test": 100}
    other = dataclasses.replace(source(), splits=splits, load=reads.__getitem__)
    examples = TrainingExamples.of(other, portion, seed=0)
    assert len(examples.validation[1]) == {1.0: 3, 0.5: 50}[portion]
    assert (examples.validation[0] is own[0]) == (portion == 1)


def test_the_mean_is_that_of_the_first_part_only():
    examples = TrainingExamples.of(source(), 0.5, seed=0)
    scaled = examples.train[0] / 255
    assert examples.mean == pytest.approx(tuple(scaled.mean((0, 1, 2))))
    assert examples.std == pytest.approx(tuple(scaled.std((0, 1, 2))))
    other = examples.validation[0] / 255
    assert examples.mean != pytest.approx(tuple(other.mean((0, 1, 2))))


def test_a_published_mean_is_kept():
    published = source(mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.1))
    examples = TrainingExamples.of(published, 0.5, seed=0)
    assert examples.mean == (0.4, 0.5, 0.6)
    assert examples.std == (0.2, 0.3, 0.1)


@pytest.mark.parametrize("portion", [0, -0.1, 1.1, float("nan")])
def test_a_portion_that_cannot_be_is_refused(portion):
    with pytest.raises(ValueError, match=f"above 0 and at most 1.*{portion}"):
        TrainingExamples.of(source(), portion, seed=0)


def test_a_class_of_one_example_is_refused():
    lonely = source(np.array([0] * 99 + [1]))
    with pytest.raises(DataError, match="cannot be split at 0.5.* class b has"):
        TrainingExamples.of(lonely, 0.5, seed=0)


def test_training_images_are_cropped_then_normalised():
    examples = TrainingExamples.of(source(), 1.0, seed=0)
    images, seed = examples.train[0][:10], [1, 2]
    cropped = pad_and_crop(images, 2, seed).numpy()
    expected = (cropped / 255 - examples.mean) / examples.std
    result = examples.augment(2)(images, seed)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
    assert (cropped != images).any()


def test_without_padding_images_are_only_normalised():
    examples = TrainingExamples.of(source(), 1.0, seed=0)
    images = examples.train[0]
    result = examples.augment(0)(images, [1, 2]).numpy()
    np.testing.assert_array_equal(result, examples.normalize(images))
    np.testing.assert_allclose(result.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(result.std((0, 1, 2)), 1, rtol=1e-5)


def test_images_that_show_nothing_are_refused():
    plain = np.full((100, 4, 4, 3), 7, "uint8"), np.arange(100) % 5
    other = dataclasses.replace(source(), load=lambda split: plain)
    with pytest.raises(DataError, match="of made have the same value"):
        TrainingExamples.of(other, 0.5, seed=0)


SEED = [1, 2]
fold_in = tf.random.experimental.stateless_fold_in


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("setting", ["auto", "on", "off"])
def test_images_are_mirrored_where_it_is_wanted_or_known(known, setting):
    examples = TrainingExamples.of(source(random_flip=known), 1, seed=0)
    images = examples.train[0]
    result = examples.augment(0, setting)(images, SEED).numpy()
    straight = examples.normalize(images).numpy()
    mirrored = straight[:, :, ::-1]
    wanted = {"auto": known, "on": True, "off": False}[setting]
    changed = 0
    for one, as_it_is, mirror in zip(result, straight, mirrored):
        if not np.array_equal(one, as_it_is):
            np.testing.assert_array_equal(one, mirror)
            changed += 1
    assert (20 < changed < 80) if wanted else changed == 0


def test_the_cutout_is_zero_after_normalisation():
    examples = TrainingExamples.of(source(), 1, seed=0)
    images = examples.train[0]
    result = examples.augment(cutout_length=2)(images, SEED).numpy()
    whole = examples.normalize(images).numpy()
    cut = result != whole
    assert (result[cut] == 0).all()
    assert set(np.unique(cut.sum((1, 2, 3)))) == {3, 6, 12}


@pytest.mark.parametrize(
    ("setting", "most"), [("crop_padding", 3), ("cutout_length", 4)]
)
def test_images_too_small_for_the_augmentation_are_refused(setting, most):
    examples = TrainingExamples.of(source(), 1, seed=0)
    assert examples.augment(**{setting: most})
    message = f"--{setting} must be at most {most} .*side is 4 pixels"
    with pytest.raises(DataError, match=message):
        examples.augment(**{setting: most + 1})


def test_crop_flip_normalise_cutout_in_this_order():
    examples = TrainingExamples.of(source(), 1, seed=0)
    images = examples.train[0]
    together = examples.augment(1, "on", 3)(images, SEED)
    alone = {
        name: tf.random.experimental.stateless_fold_in(SEED, number)
        for name, number in (("flip", 1), ("cutout", 2))
    }
    expected = pad_and_crop(images, 1, SEED)
    expected = random_flip(expected, alone["flip"])
    expected = cutout(examples.normalize(expected), 3, alone["cutout"])
    np.testing.assert_array_equal(together, expected)


def test_colours_are_changed_before_images_are_normalised():
    examples = TrainingExamples.of(source(), 1, seed=0)
    images = examples.train[0][:8]
    for setting, change in (
        ("color_jitter", lambda x, seed: color_jitter(x, 0.5, seed)),
        ("rand_augment", rand_augment(0.5)),
    ):
        augmented = examples.augment(random_flip="off", **{setting: 0.5})
        result = augmented(images, SEED).numpy()
        expected = [
            examples.normalize(change(images, fold_in(SEED, k))).numpy()
            for k in (4, 5)
        ]
        assert any(np.array_equal(result, x) for x in expected)
        assert np.abs(result - examples.normalize(images)).max() > 0.1


def test_a_random_part_is_as_large_as_is_asked():
    examples = TrainingExamples.of(source(), 1, seed=0)
    images = examples.train[0][:8]
    result = examples.augment(crop_size=3, random_flip="off")(images, SEED)
    assert result.shape == (8, 3, 3, 3)
    with pytest.raises(DataError, match="at most 4 for .* side is 4 pixels"):
        examples.augment(crop_size=5)
    with pytest.raises(DataError, match="at most 3 for .* side is 3 pixels"):
        examples.augment(crop_size=3, cutout_length=4)
