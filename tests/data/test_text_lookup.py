"""Texts by their specification, and what is a text at all."""

import sys

import pytest

from tfdarts.data import tfds_text
from tfdarts.data.image_source import DataError
from tfdarts.data.text_lookup import is_text
from tfdarts.data.text_lookup import open_text_source
from tfdarts.data.text_source import source_of_lines

LINES = [["a", "a", "b", "b"]]


def test_each_specification_opens_its_text(tmp_path, monkeypatch):
    path = tmp_path / "novel.txt"
    path.write_text("a b\n" * 200)
    assert open_text_source(f"text:{path}").name == f"text:{path}"
    assert open_text_source("pydoc").name == "pydoc"
    source = source_of_lines("lines:x", dict.fromkeys(SPLITS, LINES))
    assert open_text_source(source) is source
    asked = []
    monkeypatch.setattr(
        tfds_text, "open_tfds_text", lambda *given: asked.append(given)
    )
    open_text_source("tfds:lm1b", prepare=True)
    assert asked == [("lm1b", True)]


SPLITS = ("train", "validation", "test")


@pytest.mark.parametrize("spec", ["digits", "folder:x", "text:", "tfds:", ""])
def test_what_is_no_text_is_refused(spec):
    with pytest.raises(DataError, match="There is no text .* The texts are"):
        open_text_source(spec)


def test_lines_cannot_be_opened_again():
    with pytest.raises(DataError, match="given as lines"):
        open_text_source("lines:x")


def test_what_is_a_text(monkeypatch):
    assert is_text("pydoc") and is_text("text:x")
    assert is_text(source_of_lines("lines:x", dict.fromkeys(SPLITS, LINES)))
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    for spec in ("digits", "folder:text:x", "idx:pydoc", "x"):
        assert not is_text(spec)
    with pytest.raises(DataError, match="needs the package tensorflow-data"):
        is_text("tfds:x")


@pytest.mark.parametrize("word", ["", "a b", "a\n", "a\udcff"])
def test_words_are_words(word):
    lines = dict.fromkeys(SPLITS, [["a", "a", "b", "b", word, word]])
    with pytest.raises(DataError, match="one character, no space"):
        source_of_lines("lines:x", lines)


def test_words_are_kept_as_they_are_written():
    words = ["e\u0301", "é", "😀", "שלום", "[$1]", "\0", "%s", "{}", "\\"]
    source = source_of_lines("lines:x", dict.fromkeys(SPLITS, [words * 2]))
    assert source.vocabulary == ("<unk>", *words, "<eos>")
    (note,) = [note for note in source.notes if "NFC" in note]
    assert note.startswith("1 of the words, such as e\u0301, are not in")
    composed = source_of_lines(
        "lines:x", dict.fromkeys(SPLITS, [["é", "b"] * 2])
    )
    assert not any("NFC" in note for note in composed.notes)
