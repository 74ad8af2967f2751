"""Texts in files and Python's own: words, vocabulary, splits."""

import collections
import pydoc_data.topics
import re
import shlex

import pytest

from tfdarts.data.image_source import DataError
from tfdarts.data.text import open_pydoc
from tfdarts.data.text import open_text
from tfdarts.data.text import split_into_blocks
from tfdarts.data.text_source import source_of_lines

PREPARED = {
    "train.txt": " a b <unk> c \n\n a a \n",
    "valid.txt": " b d \n",
    "test.txt": " c <unk> a\n",
}


def write(directory, files):
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")
    return directory


def words(source, split):
    return [source.vocabulary[k] for k in source.read(split)]


def test_a_directory_of_prepared_files(tmp_path):
    source = open_text(write(tmp_path / "t", PREPARED))
    assert source.name == f"text:{tmp_path}/t"
    assert source.vocabulary == ("<unk>", "a", "b", "c", "<eos>")
    # As the authors read them: an empty line is an end of line, too.
    assert words(source, "train") == "a b <unk> c <eos> <eos> a a <eos>".split()
    assert words(source, "validation") == ["b", "<unk>", "<eos>"]
    assert words(source, "test") == ["c", "<unk>", "a", "<eos>"]
    assert source.splits == {"train": 9, "validation": 3, "test": 4}
    assert source.read("train").dtype == "int32" and source.notes == ()


def test_words_that_occur_once_become_unknown(tmp_path):
    files = {**PREPARED, "train.txt": "a b c\na b d\n"}
    source = open_text(write(tmp_path / "t", files))
    assert source.vocabulary == ("<unk>", "a", "b", "<eos>")
    assert words(source, "train") == "a b <unk> <eos> a b <unk> <eos>".split()
    assert source.notes == (
        "2 different words occur only once in training: they became <unk>.",
    )


def test_one_line_ends_once_and_that_is_no_rare_word():
    lines = [["a", "a", "b", "b"]]
    source = source_of_lines("x", dict.fromkeys(SPLITS, lines))
    assert source.vocabulary == ("<unk>", "a", "b", "<eos>")


SPLITS = ("train", "validation", "test")


def test_lines_end_as_in_any_system_and_words_may_hold_anything(tmp_path):
    files = {**PREPARED, "train.txt": ""}
    path = write(tmp_path / "t", files)
    text = "a\u2003b \x0b<unk>\tc\r\nd\u2028e\n"
    (path / "train.txt").write_bytes(text.encode())
    source = open_text(path)
    assert words(source, "train") == [
        *("a\u2003b", "<unk>", "c", "<eos>", "d\u2028e", "<eos>")
    ]
    assert (source.tokenizer, open_pydoc().tokenizer) == ("spaces", "letters")


def test_one_file_is_cut_into_blocks(tmp_path):
    lines = [f"w{k // 2} x" for k in range(400)]
    path = tmp_path / "all.txt"
    path.write_text("\n".join(lines))
    source = open_text(path)
    assert source.splits == {"train": 960, "validation": 120, "test": 120}
    assert words(source, "train")[-3:] == ["w179", "x", "<eos>"]
    # Only the ends of lines and "x" of the test lines are known.
    assert {*words(source, "test")} == {"<unk>", "x", "<eos>"}


def test_blocks():
    splits = split_into_blocks(range(1000))
    assert [len(splits[s]) for s in SPLITS] == [800, 100, 100]
    assert splits["validation"][:21] == [*range(160, 180), 360]
    assert splits["test"][:21] == [*range(180, 200), 380]
    assert sorted(sum(splits.values(), [])) == [*range(1000)]


def test_pydoc():
    """Counted in another way: the whole text at once."""
    source = open_pydoc()
    topics = pydoc_data.topics.topics
    text = "\n".join(topics[name] for name in sorted(topics)).lower()
    lines = [x for x in text.split("\n") if re.search("[a-z]", x)]
    total = len(re.findall("[a-z]+", text)) + len(lines)
    assert sum(source.splits.values()) == total > 60_000
    assert source.splits["train"] / total == pytest.approx(0.8, abs=0.03)
    of_training = [x for k, x in enumerate(lines) if k // 20 % 10 < 8]
    counts = collections.Counter(re.findall("[a-z]+", "\n".join(of_training)))
    known = {word for word, count in counts.items() if count > 1}
    assert {*source.vocabulary} == known | {"<eos>", "<unk>"}
    assert words(source, "train")[:3] == re.findall("[a-z]+", text)[:3]
    unknown = words(source, "train").count("<unk>")
    assert unknown == sum(count == 1 for count in counts.values())


def test_what_training_may_read_makes_the_fingerprint(tmp_path):
    prints = set()
    for number, (name, text) in enumerate(
        [("train.txt", "b b c\n"), ("valid.txt", "a\n"), ("test.txt", "a\n")]
    ):
        files = {**PREPARED, name: PREPARED[name] + text}
        path = write(tmp_path / str(number), files)
        prints.add(open_text(path).fingerprint)
    prints.add(open_text(write(tmp_path / "x", PREPARED)).fingerprint)
    assert len(prints) == 3


@pytest.mark.parametrize("missing", ["train.txt", "valid.txt", "test.txt"])
def test_a_missing_file(tmp_path, missing):
    files = {name: text for name, text in PREPARED.items() if name != missing}
    with pytest.raises(DataError, match=f"has no {missing}. A text has three"):
        open_text(write(tmp_path / "t", files))


@pytest.mark.parametrize("name", ["validation.txt", "val.txt"])
def test_other_names_of_the_validation_file(tmp_path, name):
    files = {**PREPARED, name: "c\n"}
    del files["valid.txt"]
    source = open_text(write(tmp_path / "t", files))
    assert words(source, "validation") == ["c", "<eos>"]


def test_no_text(tmp_path):
    with pytest.raises(DataError, match="There is no text"):
        open_text(tmp_path / "nothing")
    (tmp_path / "x").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="is not UTF-8 text"):
        open_text(tmp_path / "x")
    (tmp_path / "x").write_text("\n\n")
    with pytest.raises(
        DataError, match="x has 2 lines, but must have at least 10"
    ):
        open_text(tmp_path / "x")
    files = {**PREPARED, "train.txt": "a a\n"}
    with pytest.raises(DataError, match="only the words <unk>, a, <eos>"):
        open_text(write(tmp_path / "t", files))
    with pytest.raises(DataError, match="no dev split"):
        open_pydoc().read("dev")


def test_what_is_said_of_it(tmp_path):
    source = open_text(write(tmp_path / "t", PREPARED))
    assert source.describe() == (
        f"text:{tmp_path}/t: 9 train, 3 validation, 4 test words, "
        f"including ends of lines",
        "5 different words",
    )


@pytest.mark.parametrize("count", [10, 45, 180, 181])
def test_short_texts_are_cut_into_smaller_blocks(count):
    splits = split_into_blocks(range(count))
    assert all(splits.values())
    assert sorted(sum(splits.values(), [])) == [*range(count)]
    assert len(splits["train"]) / count >= 0.75
    block = 20 if count > 180 else count // 10
    assert splits["validation"] == [*range(8 * block, 9 * block)]


def test_few_lines_cannot_be_cut():
    with pytest.raises(DataError, match="has 9 lines, .* at least 10"):
        split_into_blocks(range(9))


ENGLISH = "the cat sat on the mat and the dog sat on the cat\n" * 12


def test_other_encodings_are_named(tmp_path):
    path = tmp_path / "it's.txt"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        path.write_bytes(ENGLISH.encode(encoding))
        with pytest.raises(DataError, match="iconv -f UTF-16 -t UTF-8") as e:
            open_text(path)
        assert shlex.quote(str(path)) in str(e.value)
    path.write_bytes(f"{ENGLISH}café\n".encode("latin-1"))
    with pytest.raises(DataError, match="iconv -f LATIN1 -t UTF-8"):
        open_text(path)
    path.write_bytes(ENGLISH.encode("utf-8-sig"))
    assert open_text(path).vocabulary[1] == "the"


CHINESE = "我们今天去公园散步然后回家吃饭休息\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (CHINESE * 12, "12 words have 17 characters on average"),
        ("ab" * 6000, "1 word has 12,000 characters on average"),
        ((b"x" * 76 + b"\n").decode() * 50, "the longest 76"),
        ("สวัสดีครับวันนี้อากาศดีมาก\n" * 12, "too few"),
    ],
)
def test_texts_without_spaces_are_refused_with_numbers(
    tmp_path, text, sentence
):
    path = tmp_path / "x.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=sentence):
        open_text(path)
    path.write_text(re.sub("(.)", r"\1 ", text), encoding="utf-8")
    if text.count("\n") > 10:
        # What the sentence says to do is enough, where there is more to
        # predict than one letter.
        if len({*text}) > 2:
            assert max(map(len, open_text(path).vocabulary)) == len("<unk>")


def test_texts_with_spaces_are_not_refused(tmp_path):
    path = tmp_path / "x.txt"
    for text in (
        "Donaudampfschifffahrtsgesellschaft fährt heute nicht mehr ganz\n",
        "我们 今天 去 公园 散步 然后 回家 吃饭 休息\n",
        "see https://example.org/a/very/long/path/of/it for the rest of it\n",
    ):
        path.write_text(text * 12, encoding="utf-8")
        open_text(path)


def test_many_unknown_words_are_warned_of():
    known, other = [[*"abcabc"]] * 4, [[*"abxyzw"]]
    source = source_of_lines(
        "x", {"train": known, "validation": other, "test": known}
    )
    (warning,) = source.warnings
    assert f"0.0% of train, {4 / 7:.1%} of validation, 0.0% of test" in warning
    same = source_of_lines("x", dict.fromkeys(SPLITS, known))
    assert same.warnings == ()
