"""Texts of TensorFlow Datasets, small ones that are made here."""

import numpy as np
import pytest

from tfdarts.data.image_source import DataError
from tfdarts.data.text_lookup import is_text
from tfdarts.data.tfds_text import has_text
from tfdarts.data.tfds_text import open_tfds_text

tfds = pytest.importorskip("tensorflow_datasets")

SPLITS = {
    "train": ["a b a\nb c c", "a b\n"],
    "validation": ["b a"],
    "test": ["a zebra"],
}


class TinyNovels(tfds.core.GeneratorBasedBuilder):
    """Texts in all three splits."""

    VERSION = tfds.core.Version("1.0.0")
    TEXTS = SPLITS

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {"text": tfds.features.Text(), "year": np.int64}
            ),
        )

    def _split_generators(self, downloads):
        return {
            split: (
                (number, {"text": text, "year": 1800 + number})
                for number, text in enumerate(texts)
            )
            for split, texts in self.TEXTS.items()
        }

    def _generate_examples(self):
        raise NotImplementedError


class TinyTelegrams(TinyNovels):
    """Texts in one split."""

    TEXTS = {"train": ["stop go"] * 400}


class TinyLetters(TinyNovels):
    """Texts without a validation split."""

    TEXTS = {"train": ["dear sir\nI am"] * 200, "test": ["yours"]}


class TinyLabelledNothing(TinyNovels):
    """No texts."""

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict({"year": np.int64}),
        )

    def _split_generators(self, downloads):
        return {"train": ((n, {"year": n}) for n in range(3))}


BUILDERS = (TinyNovels, TinyTelegrams, TinyLetters, TinyLabelledNothing)


@pytest.fixture(scope="module", autouse=True)
def prepared(tmp_path_factory):
    path = tmp_path_factory.mktemp("tfds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(path))
        for builder in BUILDERS:
            builder(data_dir=path).download_and_prepare()
        yield


def words(source, split):
    return [source.vocabulary[k] for k in source.read(split)]


def test_three_splits():
    source = open_tfds_text("tiny_novels")
    assert source.name == "tfds:tiny_novels"
    # The order of examples is TensorFlow Datasets' own.
    lines = {"a b a", "b c c", "a b"}
    read = " ".join(words(source, "train")).removesuffix(" <eos>")
    assert {*read.split(" <eos> ")} == lines
    assert words(source, "validation") == ["b", "a", "<eos>"]
    assert words(source, "test") == ["a", "<unk>", "<eos>"]


def test_one_split_is_cut_into_three():
    source = open_tfds_text("tiny_telegrams")
    assert source.splits == {"train": 960, "validation": 120, "test": 120}


def test_a_split_that_is_there_is_not_cut_off():
    source = open_tfds_text("tiny_letters")
    assert words(source, "test") == ["<unk>", "<eos>"]
    # Of 400 lines of three words, ends among them, two blocks of 20.
    assert source.splits == {"train": 1080, "validation": 120, "test": 2}


def test_what_is_a_text():
    assert has_text("tiny_novels") and is_text("tfds:tiny_telegrams")
    assert not has_text("tiny_labelled_nothing")
    with pytest.raises(DataError, match="has no data set nothing_at_all"):
        has_text("nothing_at_all")
    with pytest.raises(DataError, match="must have texts called text. It has"):
        open_tfds_text("tiny_labelled_nothing")


@pytest.mark.parametrize(
    ("name", "of_texts"), [("lm1b", True), ("cifar10", False)]
)
def test_known_data_sets_need_not_be_there(name, of_texts):
    assert is_text(f"tfds:{name}") == of_texts
    with pytest.raises(
        DataError, match="tfdarts downloads nothing without --prepare"
    ):
        open_tfds_text(name)
