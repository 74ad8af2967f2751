"""docs/errors.md quotes what the code says."""

import ast
import pathlib
import re

import pytest

import tfdarts

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "errors.md"
CODE = pathlib.Path(tfdarts.__file__).parent

LEAST_SAID = 0.5
"""Share of the words of a quotation; the others are filled in."""
WORD = re.compile(r"(?<![\w/.-])[A-Za-z]+(?![\w/=-])")
"""A word that is no flag, path, number or name of a file."""


def sentences_of(tree):
    """Yields the strings of a module but docstrings.

    Each is a list of what stands between the values that are filled in.
    """
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }
    inner = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            values = [getattr(part, "value", None) for part in node.values]
            yield [value for value in values if isinstance(value, str)] or [""]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings | inner:
                # Sentences that are logged are filled in by %.
                yield re.split(r"%[-+.\d]*[sdfgr]", node.value)


@pytest.fixture(scope="module")
def code():
    """The sentences of the code, each with its words."""
    return [
        (parts, {*WORD.findall(" ".join(parts))})
        for path in CODE.rglob("*.py")
        for parts in sentences_of(ast.parse(path.read_text()))
    ]


OF_SEVERAL = {
    "http://host:8501, through the proxy http://proxy:3128, cannot be reached: "
    "...": (", through the proxy ", " cannot be reached: "),
    "flag --epochs=many: it must be an integer.": ("it must be ", "an integer"),
    "1 of 9 images could not be used. x.png: It is not a PNG, JPEG, BMP, GIF "
    "or WebP image. ...": (
        " could not be used. ",
        "it is not a PNG, JPEG, BMP, GIF or WebP image",
    ),
    "http://host:8501 refuses: Servable not found for request: ...": (
        " refuses: ",
    ),
    "Out of memory: lower --batch_size, --init_channels, --num_cells or "
    "--image_size, or give --recompute or --micro_batches.": (
        "Out of memory",
        "lower ",
        ", or give ",
    ),
}
"""What few words of the code, a library and a server say together."""


def quotations():
    """The first cells of all tables whose first column is of sentences.

    Those in italics are no quotations.
    """
    in_table = False
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        if not line.startswith("|"):
            in_table = False
        elif cells[1] == "Sentence":
            in_table = True
        elif in_table and not cells[1].startswith(("---", "*")):
            yield re.sub(r" \((\d|in Python)\)$", "", cells[1])


def is_said(quotation, code):
    """Whether the code says each sentence of a quotation."""
    return all(
        _is_said(piece.strip(), {*words}, code)
        for piece in re.split(r"\.\.\.|(?<=[.?]) ", quotation)
        if (words := WORD.findall(piece))
    )


def _is_said(piece, words, code):
    return any(
        _share_said(parts, piece) >= LEAST_SAID
        for parts, known in code
        if len(words & known) >= LEAST_SAID * len(words)
    )


def _share_said(parts, piece):
    """Returns the share of a piece's words that a sentence says, in order.

    The piece may begin and end within the sentence.
    """
    return max(_share_from(parts[first:], piece) for first in range(len(parts)))


def _share_from(parts, piece):
    if piece in parts[0]:
        return 1.0
    position = next(
        (
            n
            for n in range(len(parts[0]), 0, -1)
            if parts[0].endswith(piece[:n])
        ),
        0,
    )
    said = {*range(position)}
    for part in parts[1:] if position else parts:
        start = piece.find(part, position)
        if start < 0:
            # Of the last part the piece may have the beginning alone.
            start = next(
                n
                for n in range(position, len(piece) + 1)
                if part.startswith(piece[n:])
            )
            said |= {*range(start, len(piece))}
            break
        position = start + len(part)
        said |= {*range(start, position)}
    words = [{*range(*word.span())} for word in WORD.finditer(piece)]
    return sum(word <= said for word in words) / len(words)


@pytest.mark.parametrize("quotation", [*quotations()])
def test_a_quotation_is_a_sentence_of_the_code(quotation, code):
    if quotation in OF_SEVERAL:
        whole = "\n".join(part for parts, _ in code for part in parts)
        assert all(piece in whole for piece in OF_SEVERAL[quotation])
    else:
        assert is_said(quotation, code)


@pytest.mark.parametrize(
    "quotation",
    [
        "--epochs must be at the least 1. Received: 0.",
        "The train stage lives in a run directory: give --run_dir.",
        "runs/x is a file, but a folder is wanted here.",
        "Something that no command has ever said of anything.",
    ],
)
def test_what_the_code_does_not_say_is_seen(quotation, code):
    assert not is_said(quotation, code)
