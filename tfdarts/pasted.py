"""Parses genotypes that PyTorch implementations print, without evaluation."""

import ast
import re

_GENOTYPE = re.compile(r"\bGenotype\d*\(")
# An assignment at the beginning of a line gives the genotype its name.
_NAMED = re.compile(r"^ *([^\W\d]\w*) *= *(?:\w+\.)*\Z", re.MULTILINE)
_STRING_COMMENT_OR_BRACKET = re.compile(
    r"""'[^'\n]*'|"[^"\n]*"|\#[^\n]*|[(\[{]|[)\]}]"""
)

LONGEST_RANGE = 1000
"""The largest number of nodes in one range of a pasted genotype."""


def pasted_fields(text, order):
    """Returns the fields of a pasted genotype.

    The text is parsed, never evaluated. It may contain only literals,
    `range(...)` and `list(range(...))`.

    Args:
        text: String such as `NAME = Genotype(normal=[...], ...)`, or lines of
            a log that contain one. Text around the genotype is ignored.
        order: Tuple of strings, the names of positional arguments.

    Returns:
        A dict of lists. If the genotype is assigned to a name, the dict has
        this name under `"name"`.

    Raises:
        ValueError: If the text contains no genotype, or several.

    Example:

    >>> pasted_fields("X = Genotype(recurrent=[('tanh', 0)], concat=[1])", ())
    {'name': 'X', 'recurrent': [('tanh', 0)], 'recurrent_concat': [1]}
    """
    text = text.removeprefix("\ufeff")
    starts = [found.start() for found in _GENOTYPE.finditer(text)]
    if len(starts) > 1:
        raise ValueError(
            f"The text holds {len(starts)} genotypes: leave only the one you "
            f"mean, which of the log of a search is the last."
        )
    if not starts:
        raise ValueError(
            "The text must hold one expression of the form "
            "Genotype(normal=[...], normal_concat=..., reduce=[...], "
            "reduce_concat=...) or Genotype(recurrent=[...], concat=...)."
        )
    try:
        call = ast.parse(_to_last_bracket(text, *starts), mode="eval").body
    except SyntaxError as error:
        raise ValueError(
            f"The text is no genotype of the form Genotype(normal=[...], "
            f"...): {error}."
        ) from error
    if len(call.args) > len(order):
        raise ValueError(f"A genotype takes only {', '.join(order)}.")
    fields = {}
    named = _NAMED.search(text, 0, *starts)
    if named and named[1].lower() != "genotype":
        fields["name"] = named[1]
    for name, node in zip(order, call.args):
        fields[name] = _literal(node)
    for keyword in call.keywords:
        if keyword.arg is None:
            raise ValueError("A genotype takes no **, only its cells by name.")
        # The authors use this name in recurrent genotypes.
        name = {"concat": "recurrent_concat"}.get(keyword.arg, keyword.arg)
        fields[name] = _literal(keyword.value)
    return fields


def is_pasted(text):
    """Returns whether a text contains a genotype as Python prints it.

    Example:

    >>> is_pasted("genotype = Genotype(normal=["), is_pasted("DARTS_V2")
    (True, False)
    """
    return bool(_GENOTYPE.search(text))


def _to_last_bracket(text, start):
    """Returns the call at a position of a text, up to its closing bracket."""
    depth = 0
    for found in _STRING_COMMENT_OR_BRACKET.finditer(text, start):
        depth += (found[0] in "([{") - (found[0] in ")]}")
        if not depth:
            return text[start : found.end()]
    return text[start:]


def _literal(node):
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and not node.keywords
    ):
        arguments = [_literal(argument) for argument in node.args]
        if node.func.id == "range" and all(
            type(argument) is int for argument in arguments
        ):
            return _short_range(arguments)
        if node.func.id == "list" and len(arguments) == 1:
            return arguments[0]
    try:
        return ast.literal_eval(node)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"A genotype may hold only literals and range(...), but it holds: "
            f"{ast.unparse(node)}."
        ) from error


def _short_range(arguments):
    try:
        nodes = range(*arguments)
    except TypeError as error:
        raise ValueError(f"A genotype cannot hold this: {error}.") from error
    if nodes[LONGEST_RANGE:]:
        raise ValueError(
            f"A genotype cannot hold {nodes}, which has more than "
            f"{LONGEST_RANGE} nodes."
        )
    return list(nodes)
