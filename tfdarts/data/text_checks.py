"""Checks whether the words of a text can be learned."""

import re

import numpy as np

from tfdarts.data.image_source import DataError

LONGEST_MEAN = 25
"""Characters of a word, on average, above which a text is refused."""
LONGEST_MEAN_UNSPACED = 6
"""The same of scripts that are written without spaces between words."""
MANY_UNKNOWN = 0.3
"""Share of unknown words of a split from which on users are warned."""

# Thai, Lao, Burmese, Khmer, kana, Chinese characters.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)


def require_spaces(lines, name):
    """Raises `DataError` where spaces do not part the words of a text.

    English has about 5 characters a word, Finnish 8. Texts of more than 25
    are refused, and texts of more than 6 where most characters are Chinese,
    Japanese, Thai, Lao, Burmese or Khmer: their words have 2 to 4.

    Args:
        lines: List of lists of words.
        name: String, what they are of.

    Raises:
        DataError: If the words are so long on average.
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
    """Returns a sentence if many words of a split are unknown, or none.

    Args:
        tokens: Dict from the names of splits to integer arrays `(words,)`.
        unknown: Integer, the number of the unknown word.
    """
    shares = {split: np.mean(each == unknown) for split, each in tokens.items()}
    if max(shares.values()) < MANY_UNKNOWN:
        return ()
    listed = ", ".join(f"{share:.1%} of {s}" for s, share in shares.items())
    return (
        f"Many words are unknown, because the training split has them only "
        f"once or not at all: {listed}. Perplexities then say little, for the "
        f"unknown word is easy to predict. Take a longer training text, and "
        f"splits of the same kind of text.",
    )
