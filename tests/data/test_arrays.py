import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfdarts.data.arrays import from_arrays
from tfdarts.data.arrays import from_dataset
from tfdarts.data.image_source import DataError


def images(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, "uint8")


def examples(count=20, shape=(6, 5, 3), classes=2, seed=0):
    return images(count, *shape, seed=seed), np.arange(count) % classes


def test_arrays_are_given_back():
    train, test = examples(), examples(10, seed=1)
    source = from_arrays(train, test, ["cat", "dog"], name="pets")
    assert source.class_names == ("cat", "dog")
    assert source.splits == {"train": 20, "test": 10}
    assert source.image_shape == (6, 5, 3)
    assert source.name == f"arrays:pets-{source.fingerprint}"
    assert not source.random_flip and source.mean is None
    for split, (pixels, labels) in (("train", train), ("test", test)):
        read = source.read(split)
        np.testing.assert_array_equal(read[0], pixels)
        np.testing.assert_array_equal(read[1], labels)
        assert read[1].dtype == "int64"


def test_without_names_the_classes_are_numbers():
    assert from_arrays(examples(classes=3)).class_names == ("0", "1", "2")


def test_names_may_be_in_an_array():
    source = from_arrays(examples(), class_names=np.array(["a", "b"]))
    assert source.class_names == ("a", "b")
    names = (name for name in "ab")
    assert from_arrays(examples(), class_names=names).name == source.name


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ({"cat", "dog"}, "A set has no order"),
        (frozenset({"cat", "dog"}), "A frozenset has no order"),
        ({"cat": 0, "dog": 1}, "A dict has no order"),
        (["cat", None], "strings or integers.*One of them is None"),
        ([0, 1.5], "strings or integers.*One of them is 1.5"),
        ([True, False], "strings or integers.*One of them is True"),
        ([b"cat", b"dog"], "strings or integers.*One of them is b'cat'"),
    ],
)
def test_names_are_in_an_order_and_strings(names, sentence):
    with pytest.raises(ValueError, match=sentence):
        from_arrays(examples(), class_names=names)


def test_integers_may_be_names():
    source = from_arrays(examples(), class_names=np.array([7, 8]))
    assert source.class_names == ("7", "8")


def test_one_string_is_one_name():
    with pytest.raises(DataError, match="only one class, cat"):
        from_arrays((PIXELS, LABELS * 0), class_names="cat")


def test_grey_images_get_a_channel():
    pixels, labels = examples(shape=(6, 5))
    source = from_arrays((pixels, labels), (pixels, labels))
    assert source.image_shape == (6, 5, 1)
    np.testing.assert_array_equal(source.read("test")[0][..., 0], pixels)


@pytest.mark.parametrize(
    "given",
    [
        lambda pixels: pixels.astype("int64"),
        lambda pixels: pixels.astype("float32"),
        lambda pixels: pixels / 255,
        lambda pixels: (pixels / 255).astype("float32"),
        lambda pixels: pixels.tolist(),
    ],
)
def test_other_numbers_are_read_as_the_pixels_they_mean(given):
    pixels, labels = examples()
    dark = pixels // 2
    source = from_arrays((given(pixels), labels), (given(dark), labels))
    np.testing.assert_array_equal(source.read("train")[0], pixels)
    np.testing.assert_array_equal(source.read("test")[0], dark)


def test_labels_may_stand_in_a_column():
    pixels, labels = examples()
    source = from_arrays((pixels, labels[:, None].astype("uint8")))
    assert source.splits == {"train": 16, "test": 4}


PIXELS, LABELS = examples()


class Series:
    """Like those of pandas: an array, but what is in it has other numbers."""

    def __init__(self, values):
        self.values = values
        self.dtype, self.shape = values.dtype, values.shape

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, key):
        raise KeyError(key)


@pytest.mark.parametrize(
    "given",
    [
        lambda labels: labels.tolist(),
        lambda labels: labels.astype("float32"),
        lambda labels: labels.astype(bool),
        lambda labels: labels.astype(object),
        lambda labels: np.eye(2)[labels],
        lambda labels: np.eye(2, dtype=bool)[labels],
        lambda labels: keras.utils.to_categorical(labels).tolist(),
        lambda labels: np.array(["cat", "dog"])[labels],
        lambda labels: [("cat", "dog")[label] for label in labels],
        lambda labels: np.array([b"cat", b"dog"])[labels],
        lambda labels: tf.constant(["cat", "dog"])[:2].numpy()[labels],
        lambda labels: tf.gather(["cat", "dog"], labels),
        lambda labels: Series(labels),
        lambda labels: Series(np.array(["cat", "dog"], object)[labels]),
        lambda labels: tf.constant(labels),
        lambda labels: keras.ops.convert_to_tensor(labels[:, None]),
        lambda labels: keras.Variable(labels, dtype="int64", trainable=False),
    ],
)
def test_labels_as_people_have_them(given):
    pair = PIXELS, given(LABELS)
    source = from_arrays(pair, pair, ["cat", "dog"], validation=pair)
    for split in ("train", "test", "validation"):
        images, labels = source.read(split)
        np.testing.assert_array_equal(labels, LABELS)
        np.testing.assert_array_equal(images, PIXELS)
    assert source.class_names == ("cat", "dog")


def test_names_that_are_given_say_which_number_a_string_is():
    words = np.array(["cat", "dog"])[LABELS]
    source = from_arrays((PIXELS, words), class_names=["dog", "cat"])
    assert source.class_names == ("dog", "cat")
    source = from_arrays((PIXELS, words), (PIXELS, words))
    assert source.class_names == ("cat", "dog")
    np.testing.assert_array_equal(source.read("test")[1], LABELS)

    with pytest.raises(
        DataError, match="classes cat, dog. One of them is 'cow'"
    ):
        from_arrays((PIXELS, words), (PIXELS[:1], ["cow"]))


def test_an_accent_of_its_own_is_that_in_its_letter():
    composed, decomposed = np.array(["e", "\xe9"]), np.array(["e", "e\u0301"])
    for names in (None, ["e", "e\u0301"]):
        source = from_arrays(
            (PIXELS, decomposed[LABELS]), (PIXELS, composed[LABELS]), names
        )
        assert source.class_names == ("e", "\xe9")
        for split in ("train", "test"):
            np.testing.assert_array_equal(source.read(split)[1], LABELS)


@pytest.mark.parametrize(
    "given",
    [
        tf.constant,
        keras.ops.convert_to_tensor,
        lambda pixels: [Image.fromarray(each) for each in pixels],
        lambda pixels: [tf.constant(each) for each in pixels],
        lambda pixels: keras.Variable(pixels / np.float32(255)),
    ],
)
def test_images_as_people_have_them(given):
    source = from_arrays((given(PIXELS), LABELS), (given(PIXELS), LABELS))
    np.testing.assert_array_equal(source.read("train")[0], PIXELS)


def test_validation_examples_are_a_split_and_part_of_what_is_known():
    train, validation = examples(), examples(10, seed=1)
    source = from_arrays(train, validation=validation)
    assert source.splits == {"train": 16, "validation": 10, "test": 4}
    for read, given in zip(source.read("validation"), validation):
        np.testing.assert_array_equal(read, given)
    names = {
        from_arrays(train, train, validation=each).fingerprint
        for each in (None, validation, examples(10, seed=2))
    }
    assert len(names) == 3


def test_the_fingerprint_is_that_of_version_0_1_0():
    """A run that it began goes on."""
    pixels = np.arange(20 * 5 * 4, dtype="uint8").reshape(20, 5, 4)
    train = pixels, np.arange(20) % 2
    assert from_arrays(train).fingerprint == "7df92f8ad41d"
    named = from_arrays(train, train, ["a", "b"])
    assert named.fingerprint == "614d26034361"


@pytest.mark.parametrize(
    ("pixels", "labels", "sentence"),
    [
        (PIXELS * np.nan, LABELS, "infinite or not a number"),
        ((PIXELS + 1.0) * np.inf, LABELS, "infinite or not a number"),
        (PIXELS - 1.0, LABELS, "from 0 to 255, or floats.*from -1.0 to 254"),
        (PIXELS.astype(int) * 2, LABELS, "from 0 to 255, or floats.*to 510"),
        (PIXELS / 255 * 1.00001, LABELS, "floats up to 1.00001: .*clip.*to 1"),
        (PIXELS / np.float32(127.5), LABELS, "train split are floats up to 2"),
        (PIXELS.astype(str), LABELS, "must be numbers.*<U"),
        (PIXELS > 7, LABELS, "must be numbers.*bool"),
        (PIXELS[0, 0], LABELS, r"must be numbers.*shape \(5, 3\)"),
        (PIXELS[:0], LABELS[:0], "no images in the train split"),
        (PIXELS, LABELS[:-1], "20 images but 19 labels"),
        (PIXELS, LABELS - 1, "from 0 up.*One of them is -1"),
        (PIXELS, LABELS / 2, "one integer for each image.*float64"),
        (PIXELS, np.eye(2)[LABELS] / 2, "one integer for each.*or one-hot"),
        (PIXELS, np.ones((20, 2)), "one integer for each.*or one-hot"),
        (PIXELS, np.eye(2)[LABELS][:-1], "20 images but 19 labels"),
        (PIXELS, np.array(["cat", 1] * 10, object), "one integer.*object"),
        (PIXELS, LABELS + 1, "no image of class 0 in the train.*from 0"),
        (PIXELS, LABELS * 0, "only one class"),
        (PIXELS[:, :3], LABELS, "3x5 pixels"),
        (PIXELS[..., :2], LABELS, "2 channels"),
        ([*PIXELS[1:], PIXELS[0, :3]], LABELS, "of the train.* one shape"),
        (PIXELS, [*LABELS[1:], [0, 1]], "one integer for each"),
        (PIXELS, None, "one integer for each image.*object"),
        (PIXELS, LABELS * 5, "no image of class 1, 2, 3, 4 in the train"),
        (PIXELS, LABELS * 2**62, "no image of class 1, 2, 3, 4, 5, and so on"),
    ],
)
def test_what_cannot_be_read_as_images_is_refused(pixels, labels, sentence):
    with pytest.raises(DataError, match=sentence):
        from_arrays((pixels, labels), (pixels, labels))


def test_labels_must_have_a_name():
    with pytest.raises(DataError, match="0 to 1.*One of them is 2"):
        from_arrays(examples(classes=3), class_names=["a", "b"])
    with pytest.raises(DataError, match="of the test split.*One of them is 2"):
        from_arrays(examples(), examples(10, classes=3))


def test_every_class_has_images_and_a_name_of_its_own():
    with pytest.raises(
        DataError, match="no image of class c in.*only classes that"
    ):
        from_arrays(examples(), class_names=list("abc"))
    with pytest.raises(DataError, match="without names.*here 10"):
        from_arrays((PIXELS, LABELS * 10))
    with pytest.raises(DataError, match="Two classes of arrays:.* called a"):
        from_arrays(examples(classes=3), class_names=list("aba"))


def test_the_test_may_lack_a_class():
    source = from_arrays(examples(classes=3), examples(10))
    assert source.class_names == ("0", "1", "2")


@pytest.mark.parametrize("one", ["train", "test"])
def test_the_scales_of_training_and_test_must_agree(one):
    bright = {"train": PIXELS * 1.0, "test": PIXELS * 1.0}
    bright[one] = PIXELS / 255
    given = {split: (pixels, LABELS) for split, pixels in bright.items()}
    with pytest.raises(DataError, match=f"is.* 1.0 in {one}.*to uint8"):
        from_arrays(**given)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, "They are NoneType"),
        (PIXELS, "They are ndarray"),
        (PIXELS[:2], "They are ndarray"),
        ((PIXELS, LABELS, LABELS), "They are tuple of 3"),
    ],
)
def test_examples_must_be_a_pair(given, found):
    with pytest.raises(
        DataError, match=rf"train .*\(images, labels\). {found}"
    ):
        from_arrays(given)
    if given is not None:
        with pytest.raises(DataError, match="The test examples must be a"):
            from_arrays(examples(), given)


def test_training_and_test_images_must_have_one_shape():
    with pytest.raises(DataError, match=r"\(6, 5, 3\) and \(7, 5, 3\)"):
        from_arrays(examples(), examples(10, shape=(7, 5, 3)))


def test_the_name_is_that_of_the_training_data():
    train, test = examples(), examples(10)
    name = from_arrays(train, test).name
    assert from_arrays(examples(), examples(10, seed=1)).name == name
    changed = train[0].copy()
    changed[3, 2, 1, 0] ^= 1
    others = [
        from_arrays((changed, train[1]), test),
        from_arrays((train[0], 1 - train[1]), test),
        from_arrays(train, test, class_names=["a", "b"]),
        from_arrays(train),
    ]
    assert len({name, *(other.name for other in others)}) == 5


# Without test examples


def test_a_fifth_of_each_class_is_set_aside_whatever_the_seed():
    pixels = images(50, 4, 4)
    labels = np.repeat([0, 1], [10, 40])
    sources = []
    for seed in (1, 2):
        np.random.seed(seed)
        sources.append(from_arrays((pixels, labels)))
    assert sources[0].splits == {"train": 40, "test": 10}
    assert "no test split: tfdarts sets aside a fifth" in sources[0].notes[0]
    parts = {s: sources[0].read(s) for s in ("train", "test")}
    assert np.bincount(parts["test"][1]).tolist() == [2, 8]
    rows = [image.tobytes() for part in parts.values() for image in part[0]]
    assert sorted(rows) == sorted(image.tobytes() for image in pixels)
    for split, part in parts.items():
        np.testing.assert_array_equal(sources[1].read(split)[0], part[0])


def test_too_few_to_set_any_aside_are_refused():
    labels = np.repeat([0, 1], [16, 4])
    with pytest.raises(DataError, match="has no test split.*4 of class 1"):
        from_arrays((PIXELS, labels))


# Datasets


@pytest.mark.parametrize("shape", [(6, 5, 3), (6, 5)])
@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize("batch", [None, 3])
def test_elements_are_examples_or_batches(shape, one_hot, batch):
    pixels, labels = examples(shape=shape)
    given = np.eye(2, dtype="float32")[labels] if one_hot else labels
    dataset = tf.data.Dataset.from_tensor_slices((pixels, given))
    dataset = dataset.batch(batch) if batch else dataset
    source = from_dataset(dataset, test=dataset, validation=dataset)
    for split in ("train", "validation", "test"):
        images, numbers = source.read(split)
        np.testing.assert_array_equal(images.reshape(pixels.shape), pixels)
        np.testing.assert_array_equal(numbers, labels)


@pytest.mark.parametrize("batch", [None, 3])
def test_elements_may_hide_their_shapes(batch):
    pixels, labels = examples()
    dataset = tf.data.Dataset.from_tensor_slices((pixels, labels))
    dataset = dataset.batch(batch) if batch else dataset
    specs = tf.nest.map_structure(
        lambda spec: tf.TensorSpec(None, spec.dtype), dataset.element_spec
    )
    dataset = tf.data.Dataset.from_generator(
        dataset.as_numpy_iterator, output_signature=specs
    )
    assert from_dataset(dataset).name == from_arrays((pixels, labels)).name


def test_a_dataset_of_keras_brings_its_class_names(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number, pixels in enumerate(PIXELS[:10]):
            image = Image.fromarray(pixels)
            image.save(tmp_path / name / f"{number}.png")
    dataset = keras.utils.image_dataset_from_directory(
        tmp_path, image_size=(6, 5), batch_size=3, verbose=False
    )
    source = from_dataset(dataset)
    assert source.class_names == ("cat", "dog")
    assert source.splits == {"train": 16, "test": 4}


@pytest.mark.parametrize("batch", [None, 3])
def test_datasets_are_collected(batch):
    def dataset(examples):
        made = tf.data.Dataset.from_tensor_slices(examples)
        return made.batch(batch) if batch else made

    train, test = examples(), examples(10, seed=1)
    names = ["a", "b"]
    source = from_dataset(dataset(train), dataset(test), class_names=names)
    assert source.name == from_arrays(train, test, class_names=names).name
    assert from_dataset(dataset(train)).splits == {"train": 16, "test": 4}


def slices(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays)


def ragged():
    yield np.zeros((4, 4, 1), "uint8"), 0
    yield np.zeros((5, 4, 1), "uint8"), 1


RAGGED = tf.data.Dataset.from_generator(
    ragged,
    output_signature=(
        tf.TensorSpec((None, None, 1), tf.uint8),
        tf.TensorSpec((), tf.int64),
    ),
)


@pytest.mark.parametrize(
    ("dataset", "sentence"),
    [
        (slices(PIXELS), r"must have elements \(image, label\)"),
        (slices(PIXELS, LABELS, LABELS), "must have elements"),
        (slices(PIXELS, LABELS).repeat(), "is infinite: leave out its repeat"),
        (slices(PIXELS, LABELS).take(0), "no images in the train split"),
        (slices(PIXELS, np.ones((20, 2))), "labels of the train.*one integer"),
        (slices(PIXELS, np.ones((20, 2))).batch(2), "one integer"),
        (RAGGED, r"must have one shape.*\(4, 4, 1\), \(5, 4, 1\)"),
        ([PIXELS, LABELS], "must be a tf.data.Dataset. It is list of 2; "),
        (None, "must be a tf.data.Dataset. It is NoneType"),
        (slices(PIXELS, {"label": LABELS}), "must have elements"),
        (
            slices(tf.ragged.constant([[1], [2, 3]]), LABELS[:2]),
            "must have elements",
        ),
    ],
)
def test_datasets_of_something_else_are_refused(dataset, sentence):
    with pytest.raises(DataError, match=sentence):
        from_dataset(dataset)
