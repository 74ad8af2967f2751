"""Checks whether the words of a text can be learned."""

import re

import numpy as np

from tfdarts.data.image_source import DataError

LONGEST_MEAN = 25
"""Mean word length, in characters, above which a text is refused."""
LONGEST_MEAN_UNSPACED = 6
"""The limit for scripts that are written without spaces between words."""
MANY_UNKNOWN = 0.3
"""Share of unknown words of a split from which users are warned."""

# Thai, Lao, Burmese, Khmer, kana, Chinese characters.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)


def require_spaces(lines, name):
    """Raises `DataError` if spaces do not separate the words of a text.

    The mean word length is about 5 in English and 8 in Finnish. Texts above
    25 are refused. If most characters are Chinese, Japanese, Thai, Lao,
    Burmese or Khmer, whose words have 2 to 4, texts above 6 are refused.

    Args:
        lines: List of lists of words.
        name: String, the name of the text in error messages.

    Raises:
        DataError: If the words are too long on average.
    """
    words = [word for line in lines for word in line]
    if not words:
        return
    characters = sum(map(len, words))
    mean = characters / len(words)
    if mean <= LONGEST_MEAN_UNSPACED:
        return
    unspaced = sum(len(_UNSPACED.findall(word)) for word in words)
    if mean <= LONGEST_MEAN and unspaced <= characters / 2:
        return
    longest = max(map(len, words))
    plural = "s" * (len(words) > 1)
    raise DataError(
        f"tfdarts splits words at spaces, and {name} has too few: its "
        f"{len(words):,} word{plural} ha{'ve' if plural else 's'} {mean:,.0f} "
        f"characters on average, the longest {longest:,}. Put spaces between "
        f"its words with a word segmenter, or between its characters: "
        f"sed 's/./& /g'."
    )


def unknown_warnings(tokens, unknown):
    """Returns a warning, in a tuple, if many words of a split are unknown.

    Args:
        tokens: Dict from the names of splits to integer arrays `(words,)`.
        unknown: Integer, the number of the word `<unk>`.
    """
    shares = {split: np.mean(each == unknown) for split, each in tokens.items()}
    if max(shares.values()) < MANY_UNKNOWN:
        return ()
    listed = ", ".join(f"{share:.1%} of {s}" for s, share in shares.items())
    return (
        "Many words are unknown, because the training split has them only "
        f"once or not at all: {listed}. Perplexities then say little, because "
        "the unknown word is easy to predict. Use a longer training text, and "
        "splits of the same kind of text.",
    )
