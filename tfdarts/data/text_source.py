"""The interface of text data sets."""

import collections
import dataclasses
import re
import typing
from collections.abc import Iterable

import numpy as np

from tfdarts.arguments import items
from tfdarts.characters import compose_accents
from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import check_name
from tfdarts.data.image_source import fingerprint
from tfdarts.data.text_checks import unknown_warnings
from tfdarts.words import END_OF_LINE
from tfdarts.words import TOKENIZERS
from tfdarts.words import UNKNOWN
from tfdarts.words import words_of

SPLITS = ("train", "validation", "test")

_WORD = re.compile(rf"(?!.*[\ud800-\udfff])({TOKENIZERS['spaces']})", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class TextSource:
    """Words in order, as numbers, in three splits.

    Args:
        name: String, the specification of the text.
        vocabulary: Tuple of strings, the word of number `i` at position `i`.
        splits: Dict from `"train"`, `"validation"` and `"test"` to their
            numbers of words, including ends of lines.
        load: Function from the name of a split to its words, an `int32` array
            `(words,)`.
        fingerprint: String that identifies the text that training may read,
            the training and the validation split.
        notes: Tuple of sentences on automatic conversions of the text.
        warnings: Tuple of sentences on why the text may be hard to learn.
        tokenizer: String, a key of `tfdarts.words.TOKENIZERS`: the definition
            of a word.
    """

    name: str
    vocabulary: tuple
    splits: dict
    load: typing.Callable
    fingerprint: str = ""
    notes: tuple = ()
    tokenizer: str = "spaces"
    warnings: tuple = ()

    def read(self, split):
        """Returns the words of a split.

        Args:
            split: String, one of `splits`.

        Raises:
            DataError: If there is no such split.
        """
        if split not in self.splits:
            raise DataError(f"{self.name} has no {split} split.")
        return self.load(split)

    def describe(self):
        """Returns sentences that describe the text."""
        counts = (f"{count:,} {split}" for split, count in self.splits.items())
        return (
            f"{self.name}: {', '.join(counts)} words, including ends of lines",
            f"{len(self.vocabulary):,} different words",
            *self.notes,
        )


def source_of_lines(name, lines, tokenizer="spaces"):
    """Returns lines of words as a `TextSource`.

    Each line ends with the word `<eos>`. The vocabulary holds the words of
    the training lines, `<unk>` first, then in the order of first appearance.
    Other words become `<unk>`. Unless the training lines contain `<unk>`, as
    in prepared texts, words that occur in them only once become `<unk>` too,
    because a network cannot learn a word that it never sees.

    Args:
        name: String, the specification of the text.
        lines: Dict from the names of the splits to lists of lists of words.
        tokenizer: String, how the words were found; see `TextSource`.

    Raises:
        DataError: If a split has no words, the training split only one, or a
            word has a space.

    Example:

    >>> lines = [["to", "be", "or", "not", "to", "be"]]
    >>> source = source_of_lines(
    ...     "hamlet", {"train": lines, "validation": lines, "test": lines}
    ... )
    >>> source.vocabulary
    ('<unk>', 'to', 'be', '<eos>')
    >>> source.read("train").tolist()
    [1, 2, 0, 0, 1, 2, 3]
    """
    check_name(name, "The text")
    for split in SPLITS:
        if not any(lines[split]):
            raise DataError(f"The {split} split of {name} has no words.")
    counts = collections.Counter(_flat(lines["train"]))
    notes = ()
    if UNKNOWN not in counts:
        rare = {w for w, c in counts.items() if c == 1} - {END_OF_LINE}
        counts = {w: c for w, c in counts.items() if w not in rare}
        counts.setdefault(UNKNOWN, 0)
        notes = (
            f"{len(rare):,} different words occur only once in training: they "
            f"became {UNKNOWN}.",
        )
    words = (word for word in _flat(lines["train"]) if word in counts)
    vocabulary = tuple(dict.fromkeys([UNKNOWN, *words]))
    if len(vocabulary) < 4:
        raise DataError(
            f"The training split of {name} has only the words "
            f"{', '.join(vocabulary)}: there is nothing to predict. Words that "
            f"occur only once are {UNKNOWN}."
        )
    for word in vocabulary:
        if not _WORD.fullmatch(word):
            raise DataError(
                f"A word of {name} is {word!r}. A word must have at least one "
                "character, no space, and must be UTF-8."
            )
    decomposed = [word for word in vocabulary if word != compose_accents(word)]
    if decomposed:
        notes += (
            f"{len(decomposed):,} of the words, such as {decomposed[0]}, are "
            "not in Unicode's composed form, NFC. Words are kept as they are "
            "written: the same word in NFC is another word.",
        )
    numbers = {word: number for number, word in enumerate(vocabulary)}
    unknown = numbers[UNKNOWN]
    tokens = {
        split: np.array(
            [numbers.get(word, unknown) for word in _flat(lines[split])],
            "int32",
        )
        for split in SPLITS
    }
    return TextSource(
        name,
        vocabulary,
        {split: len(tokens[split]) for split in SPLITS},
        tokens.__getitem__,
        fingerprint(vocabulary, (tokens["train"], tokens["validation"])),
        notes,
        tokenizer,
        unknown_warnings(tokens, unknown),
    )


def from_lines(
    train: Iterable[str],
    validation: Iterable[str],
    test: Iterable[str],
    name: str = "mine",
) -> TextSource:
    """Returns lines of text as a source, for use as `dataset`.

    Args:
        train: Sequence of the training lines: strings of words separated by
            spaces, or sequences of words.
        validation: Like `train`, the validation lines.
        test: Like `train`, the test lines.
        name: String. The source's name is `lines:<name>`.

    Raises:
        DataError: See `source_of_lines`.

    Example:

    >>> lines = ["to be or not to be", "that is the question"] * 2
    >>> from_lines(lines, lines, lines).splits
    {'train': 24, 'validation': 24, 'test': 24}
    """
    given = {"train": train, "validation": validation, "test": test}
    lines = {
        split: [
            words_of(line, "spaces") if isinstance(line, str) else [*line]
            for line in items(lines)
        ]
        for split, lines in given.items()
    }
    return source_of_lines(f"lines:{name}", lines)


def _flat(lines):
    """Yields the words of lines, and `<eos>` after each line."""
    for line in lines:
        yield from line
        yield END_OF_LINE
