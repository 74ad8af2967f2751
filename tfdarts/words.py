"""Splitting a text into lines, and a line into words."""

import re

END_OF_LINE = "<eos>"
UNKNOWN = "<unk>"
TOKENIZERS = {"spaces": r"[^ \t\n\v\f\r]+", "letters": "[a-z]+"}
"""The regular expression of a word, by tokenizer.

With `"spaces"`, spaces separate the words. With `"letters"`, a word is a run
of letters of the text in lower case.
"""


def words_of(line, tokenizer):
    """Returns the words of a line.

    Args:
        line: String.
        tokenizer: String, a key of `TOKENIZERS`.

    Example:

    >>> words_of("Don't panic!", "letters"), words_of("Don't panic!", "spaces")
    (['don', 't', 'panic'], ["Don't", 'panic!'])
    """
    line = line.lower() if tokenizer == "letters" else line
    return re.findall(TOKENIZERS[tokenizer], line)


def lines_of(text):
    """Returns the lines of a text.

    Example:

    >>> lines_of("to be\\nor not\\n")
    ['to be', 'or not']
    """
    text = re.sub(r"\r\n?", "\n", text)
    return text.removesuffix("\n").split("\n")
