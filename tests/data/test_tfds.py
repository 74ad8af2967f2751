import builtins
import logging
import socket

import numpy as np
import pytest
import tensorflow as tf
from image_samples import as_pillow_sees

from tfdarts.data import tfds as module
from tfdarts.data.image_source import DataError
from tfdarts.data.tfds import open_tfds

tfds = pytest.importorskip("tensorflow_datasets")


def examples(count, shape, seed):
    generator = np.random.default_rng(seed)
    for number in range(count):
        size = [
            number % 3 + 6 + 2 * axis if side is None else side
            for axis, side in enumerate(shape)
        ]
        yield (
            number,
            {
                "image": generator.integers(0, 256, size, "uint8"),
                "label": number % 2,
                "file": f"{number}.png",
            },
        )


class TinySquares(tfds.core.GeneratorBasedBuilder):
    """Images of one size, in all three splits."""

    VERSION = tfds.core.Version("1.0.0")
    SHAPE = (6, 5, 1)
    SPLITS = {"train": 20, "validation": 4, "test": 10}
    FEATURES = {
        "label": tfds.features.ClassLabel(names=["no", "yes"]),
        "file": tfds.features.Text(),
    }

    def _info(self):
        features = {"image": tfds.features.Image(shape=self.SHAPE)}
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(features | self.FEATURES),
        )

    def _split_generators(self, downloads):
        return {
            split: examples(count, self.SHAPE, len(split))
            for split, count in self.SPLITS.items()
        }

    def _generate_examples(self):
        raise NotImplementedError


class TinyJpegs(TinySquares):
    """Images that are kept as JPEG."""

    SHAPE = (16, 24, 3)
    FEATURES = TinySquares.FEATURES | {
        "image": tfds.features.Image(shape=SHAPE, encoding_format="jpeg")
    }


class TinyMixed(TinySquares):
    """Images of several sizes, and no test split."""

    SHAPE = (None, None, 3)
    SPLITS = {"train": 20, "unsupervised": 3}


class TinyUnlabelled(TinySquares):
    """A test split that should not be read."""

    SPLITS = {"train": 20, "validation": 7, "test": 10}


class TinyTestOnly(TinySquares):
    """No split to train on."""

    SPLITS = {"test": 5}


class TinyWords(tfds.core.GeneratorBasedBuilder):
    """No images."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict({"text": tf.string}),
        )

    def _split_generators(self, downloads):
        return {"train": iter([(0, {"text": "word"})])}

    def _generate_examples(self):
        raise NotImplementedError


BUILDERS = (
    *(TinySquares, TinyJpegs, TinyMixed),
    *(TinyUnlabelled, TinyTestOnly, TinyWords),
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("tensorflow_datasets")
    for builder in BUILDERS:
        builder(data_dir=path).download_and_prepare()
    return path


@pytest.fixture(autouse=True)
def offline(monkeypatch, data_dir):
    """Finds the data above, and fails where anything asks the network."""

    def refuse(*arguments, **settings):
        raise AssertionError("The network was asked.")

    monkeypatch.setenv("TFDS_DATA_DIR", str(data_dir))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_images_and_labels_are_those_prepared():
    source = open_tfds("tiny_squares")
    assert source.name == "tfds:tiny_squares"
    assert source.class_names == ("no", "yes")
    assert source.image_shape == (6, 5, 1)
    assert source.splits == {"train": 20, "validation": 4, "test": 10}
    assert source.mean is None and not source.random_flip
    assert source.fingerprint == "tiny_squares/1.0.0"
    for split, count in source.splits.items():
        images, labels = source.read(split)
        made = {
            e["image"].tobytes(): e["label"]
            for _, e in examples(count, (6, 5, 1), len(split))
        }
        assert [made[image.tobytes()] for image in images] == labels.tolist()
        assert len({image.tobytes() for image in images}) == count
        np.testing.assert_array_equal(source.read(split)[0], images)


def test_tensorflow_datasets_warns_of_nothing(caplog):
    open_tfds("tiny_squares").read("train")
    with pytest.raises(DataError):
        open_tfds("cifar10")
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_jpegs_have_the_pixels_that_a_server_decodes():
    images, _ = open_tfds("tiny_jpegs").read("train")
    kept = module._read_undecoded(module.find_builder("tiny_jpegs"), "train")
    contents = [each["image"] for each in kept.as_numpy_iterator()]
    assert {content[:3] for content in contents} == {b"\xff\xd8\xff"}
    np.testing.assert_array_equal(
        images, [as_pillow_sees(content, 3) for content in contents]
    )


@pytest.mark.parametrize("name", ["tiny_squares:1.0.0", "tiny_squares"])
def test_a_version_may_be_named(name):
    assert open_tfds(name).fingerprint == "tiny_squares/1.0.0"


def test_mixed_sizes_need_a_size_and_the_test_is_set_aside():
    with pytest.raises(DataError, match="different sizes. Give --image_size"):
        open_tfds("tiny_mixed")
    source = open_tfds("tiny_mixed", image_size=6)
    assert source.image_shape == (6, 6, 3)
    assert source.splits == {"train": 16, "test": 4}
    images, labels = source.read("test")
    assert images.shape == (4, 6, 6, 3)
    assert np.bincount(labels).tolist() == [2, 2]
    assert "resized to 6x6" in source.notes[0]
    assert "no test split" in source.notes[1]
    cropped, _ = open_tfds("tiny_mixed", 6, image_fit="crop").read("test")
    assert cropped.shape == images.shape
    assert (cropped != images).any()


def test_of_imagenet_the_validation_images_are_the_test(monkeypatch):
    """As publications have it, for the others have no labels."""
    assert module._TESTED_ON == {"imagenet2012": "validation"}
    plain = open_tfds("tiny_unlabelled")
    validation = plain.read("validation")
    monkeypatch.setattr(module, "_TESTED_ON", {"tiny_unlabelled": "validation"})
    source = open_tfds("tiny_unlabelled")
    assert source.splits == {"train": 20, "test": 7}
    for one, other in zip(source.read("test"), validation, strict=True):
        np.testing.assert_array_equal(one, other)
    assert "uses the split validation" in source.notes[-1]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("tiny_test_only", "has no split called train"),
        ("tiny_words", "images called image.*It has text"),
        ("no_such_set", "has no data set no_such_set, and .* has none"),
        ("cifra10", r"has none either\. Did you mean .*cifar10"),
        (
            "cifar10/foo",
            "has no data set cifar10/foo, .* configs: none; .*: 3.0.2.$",
        ),
        (
            "emnist/foo",
            "has no data set emnist/foo, .* configs: byclass, bymerge, ",
        ),
        (
            "cifar10:9.9.9",
            "has no data set cifar10:9.9.9, .* versions: 3.0.2.$",
        ),
        ("huggingface:mnist", "must be a name, name/config or name:version"),
        ("tiny_squares/a=True", "must be a name"),
    ],
)
def test_what_cannot_be_used_is_refused(name, sentence):
    with pytest.raises(DataError, match=sentence) as refusal:
        open_tfds(name)
    assert "\n" not in str(refusal.value)
    assert "builder_kwargs" not in str(refusal.value)


def test_nothing_is_downloaded_unasked(data_dir):
    with pytest.raises(
        DataError, match="without --prepare. Give --prepare"
    ) as refusal:
        open_tfds("cifar10")
    assert f"is not in {data_dir}" in str(refusal.value)
    assert "copy the directory cifar10/3.0.2" in str(refusal.value)
    assert not (data_dir / "cifar10").exists()


def test_prepare_downloads_and_says_what_failed(monkeypatch, caplog, data_dir):
    caplog.set_level("INFO", "tfdarts")
    seen = []

    def download_and_prepare(self, download_config):
        seen.append(download_config.try_download_gcs)
        raise ConnectionError("No route to host.\nAnd much more.")

    monkeypatch.setattr(
        tfds.core.DatasetBuilder, "download_and_prepare", download_and_prepare
    )
    with pytest.raises(DataError, match="could not be prepared: No route"):
        open_tfds("cifar10", prepare=True)
    assert seen == [False]
    assert f"downloading tfds:cifar10 to {data_dir}. Without" in caplog.text


def test_prepare_leaves_what_is_there_alone(monkeypatch):
    monkeypatch.delattr(tfds.core.DatasetBuilder, "download_and_prepare")
    assert open_tfds("tiny_squares", prepare=True).splits["train"] == 20


def test_prepare_prepares(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match="--prepare"):
        open_tfds("tiny_squares")
    assert open_tfds("tiny_squares", prepare=True).splits["train"] == 20
    assert open_tfds("tiny_squares").splits["train"] == 20


@pytest.mark.parametrize(
    ("name", "classes", "mean"),
    [
        ("cifar10", 10, (0.49139968, 0.48215827, 0.44653124)),
        ("cifar100", 100, None),
    ],
)
def test_cifar_is_known(name, classes, mean, monkeypatch):
    """Prepared by hand, since it cannot be downloaded here."""
    splits = [
        tfds.core.SplitInfo(name=n, shard_lengths=[s], num_bytes=0)
        for n, s in (("train", 50000), ("test", 10000))
    ]
    monkeypatch.setattr(
        tfds.core.DatasetInfo, "splits", tfds.core.splits.SplitDict(splits)
    )
    source = open_tfds(name)
    assert len(source.class_names) == classes
    assert source.image_shape == (32, 32, 3)
    assert source.splits == {"train": 50000, "test": 10000}
    assert source.random_flip
    assert source.mean == mean
    assert (source.std is None) == (mean is None)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    original = builtins.__import__

    def missing(name, *arguments):
        if name == "tensorflow_datasets":
            raise ImportError(name)
        return original(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(DataError, match="pip install tensorflow-datasets"):
        open_tfds("cifar10")
