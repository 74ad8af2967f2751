import numpy as np
import pytest
import sklearn.datasets
import tensorflow as tf

from tfdarts.data import digits


@pytest.fixture(scope="module")
def splits():
    return {split: digits.read(split) for split in ("train", "test")}


def enlarged(images):
    """Twice the size, bilinear, half-pixel centres: in NumPy."""
    grow = np.zeros((16, 8))
    for place in range(16):
        near, far = place // 2, place // 2 + (1 if place % 2 else -1)
        grow[place, near] += 0.75
        grow[place, min(max(far, 0), 7)] += 0.25
    return grow @ images @ grow.T


def test_the_splits_have_the_promised_sizes_and_types(splits):
    for split, examples in (("train", 1437), ("test", 360)):
        images, labels = splits[split]
        assert images.shape == (examples, 16, 16, 1)
        assert images.dtype == "uint8"
        assert labels.shape == (examples,)
        assert labels.dtype == "int64"
        assert images.min() == 0
        assert images.max() == 255


def test_the_splits_are_all_digits_once_and_twice_the_size(splits):
    sources, classes = sklearn.datasets.load_digits(return_X_y=True)
    expected = enlarged(sources.reshape(-1, 8, 8) * 255 / 16)
    images = np.concatenate([splits["train"][0], splits["test"][0]])[..., 0]
    labels = np.concatenate([splits["train"][1], splits["test"][1]])
    rows = images.reshape(1797, -1).astype(float)
    originals = expected.reshape(1797, -1)
    # The nearest, which must be the same but for the rounding.
    squares = (originals**2).sum(1)
    positions = (squares - 2 * rows @ originals.T).argmin(1)
    assert np.abs(rows - originals[positions]).max() <= 0.51
    assert sorted(positions) == list(range(1797))
    np.testing.assert_array_equal(classes[positions], labels)


def test_the_test_split_is_stratified(splits):
    counts = {split: np.bincount(splits[split][1]) for split in splits}
    expected = (counts["train"] + counts["test"]) * 360 / 1797
    assert np.abs(counts["test"] - expected).max() < 1
    assert len(digits.CLASS_NAMES) == len(counts["test"]) == 10


def test_no_seed_changes_the_splits(splits):
    for seed in (1, 2):
        np.random.seed(seed)
        tf.random.set_seed(seed)
        for split, (images, labels) in splits.items():
            again = digits.read(split)
            np.testing.assert_array_equal(again[0], images)
            np.testing.assert_array_equal(again[1], labels)


def test_the_test_split_stays_what_it_was(splits):
    """Results can be compared only over the same test examples."""
    labels = "".join(map(str, splits["test"][1][:30]))
    assert labels == "148659913222074815394591248987"


def test_the_fingerprint_is_that_of_the_training_examples(monkeypatch):
    examples = sklearn.datasets.load_digits(return_X_y=True)
    monkeypatch.setattr(
        sklearn.datasets, "load_digits", lambda return_X_y: examples
    )
    found = [digits.open_digits().fingerprint]
    for row in (21, 0):  # Of the test, and of the training examples.
        examples[0][row] = 1
        found.append(digits.open_digits().fingerprint)
    assert found[0] == found[1] != found[2]
