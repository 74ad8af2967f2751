"""The characters that names may have, and one encoding of their accents."""

import re
import unicodedata

# Control characters, ends of lines, and what is left of bytes that are no
# UTF-8: they can be neither shown nor written as they are.
_UNUSABLE = re.compile(r"[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def has_unusable_characters(name):
    """Returns whether a name has characters that cannot be shown or written.

    Args:
        name: String.

    Example:

    >>> has_unusable_characters("two\\nlines")
    True
    >>> has_unusable_characters("50 % [of] $10 in é 😀")
    False
    """
    return _UNUSABLE.search(name) is not None


def compose_accents(name):
    """Returns a name in Unicode's composed form, NFC.

    An accent may be a character of its own (NFD, as macOS writes the names of
    files) or a part of its letter (NFC). Both look alike and are one name.

    Args:
        name: String.

    Example:

    >>> compose_accents("e\N{COMBINING ACUTE ACCENT}") == "é"
    True
    """
    return unicodedata.normalize("NFC", name)
