"""Text in files, and the English that comes with Python."""

import codecs
import contextlib
import pathlib
import pydoc_data.topics
import shlex

from tfdarts.data.directories import unreadable_error
from tfdarts.data.image_source import DataError
from tfdarts.data.text_checks import require_spaces
from tfdarts.data.text_source import SPLITS
from tfdarts.data.text_source import source_of_lines
from tfdarts.words import lines_of
from tfdarts.words import words_of

BLOCK = 20
"""Number of lines that stay together when a text is split."""
PLACES = ("train",) * 8 + ("validation", "test")
"""The splits of ten consecutive blocks."""

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_FILES = {
    "train": ("train.txt",),
    "validation": ("valid.txt", "validation.txt", "val.txt"),
    "test": ("test.txt",),
}


def open_text(path):
    """Returns the text of a file, or of a directory, as a `TextSource`.

    Words are separated by spaces, as in the files of the Penn Treebank. A
    directory has `train.txt`, `valid.txt` and `test.txt`. A single file is
    cut into blocks of 20 lines, or smaller ones if it has fewer than 181
    lines. Of every ten blocks, eight are for training, the ninth for
    validation, the tenth for the test.

    Args:
        path: Path of a file or a directory.

    Raises:
        DataError: If the path or a file is missing, a file is no text, or a
            split has no words.
    """
    path = pathlib.Path(path).expanduser().resolve()
    name = f"text:{path}"
    if path.is_dir():
        lines = {split: _words(_find_file(path, split)) for split in SPLITS}
    else:
        lines = split_into_blocks(_words(path), name)
    return source_of_lines(name, lines)


def open_pydoc():
    """Returns Python's own documentation of its topics as a `TextSource`.

    Words are runs of letters, in lower case. The text differs a little between
    versions of Python, and so does the fingerprint.
    """
    lines = [
        words
        for _, text in sorted(pydoc_data.topics.topics.items())
        for line in text.splitlines()
        if (words := words_of(line, "letters"))
    ]
    return source_of_lines("pydoc", split_into_blocks(lines), "letters")


def split_into_blocks(lines, name="The text"):
    """Splits lines 8 : 1 : 1, by blocks of 20 lines.

    If there are fewer than 181 lines, too few for ten blocks, the blocks are
    smaller.

    Args:
        lines: Sequence.
        name: String, the name of the text in error messages.

    Returns:
        Dict from the names of the splits to lists of lines.

    Raises:
        DataError: If there are fewer than ten lines.

    Example:

    >>> splits = split_into_blocks(range(450))
    >>> len(splits["validation"]), splits["test"][:2], len(splits["train"])
    (40, [180, 181], 370)
    """
    blocks = len(PLACES)
    if len(lines) < blocks:
        raise DataError(
            f"{name} has {len(lines):,} line{'s' * (len(lines) != 1)}, but "
            f"must have at least {blocks} to be cut into blocks of lines for "
            "training, validation and test. Break its lines, or give a "
            "directory with train.txt, valid.txt and test.txt."
        )
    block = BLOCK
    if len(lines) <= BLOCK * (blocks - 1):
        block = len(lines) // blocks
    splits = {split: [] for split in SPLITS}
    for number, line in enumerate(lines):
        splits[PLACES[number // block % blocks]].append(line)
    return splits


def _find_file(directory, split):
    for name in _FILES[split]:
        if (directory / name).exists():
            return directory / name
    raise DataError(
        f"{directory} has no {_FILES[split][0]}. A text has three files, "
        "train.txt, valid.txt and test.txt; to cut one file into three, give "
        "text:<file>."
    )


def _words(path):
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"There is no text {path}.") from error
    except OSError as error:
        raise unreadable_error(path, error) from error
    lines = [
        words_of(line, "spaces") for line in lines_of(_text(path, content))
    ]
    require_spaces(lines, str(path))
    return lines


def _text(path, content):
    """Returns bytes as text, without the UTF-8 byte order mark."""
    likely = "UTF-16"
    # English in UTF-16 is valid UTF-8 with NULs between the letters.
    if not content.startswith(_UTF16_MARKS) and b"\0" not in content:
        likely = "LATIN1"
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode("utf-8-sig")
    raise DataError(
        f"{path} is not UTF-8 text. If the text has another encoding, convert "
        f"it: iconv -f {likely} -t UTF-8 {shlex.quote(str(path))} > utf8.txt"
    )
