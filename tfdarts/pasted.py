"""Genotypes as the PyTorch implementations print them, read and not run."""

import ast
import re

# What a log has before a genotype, such as "11/01 10:10:10 PM genotype = " or
# "Best Genotype = "; `NAME = ` before it is the genotype's own name.
_LOGGED = re.compile(
    r"\s*(?:\d[^\n()=]*)?(?:\b[Bb]est )?(?:\b[Gg]enotype *= *)?"
    r"(?=Genotype\d*\()"
)
_GENOTYPE = re.compile(r"\bGenotype\d*\(")

LONGEST_RANGE = 1000
"""Nodes that a pasted genotype may name by one range."""


def pasted_fields(text, order):
    """Returns the fields of a pasted genotype.

    The text is parsed, never evaluated: only literals, `range(...)` and
    `list(range(...))` may stand in it.

    Args:
        text: String such as `NAME = Genotype(normal=[...], ...)`, or the line
            of a log that ends with one.
        order: Tuple of strings, what arguments without a name are.

    Returns:
        A dict of lists, and under `"name"` what stands before the equals
        sign, if anything does.

    Raises:
        ValueError: If the text is anything else.

    Example:

    >>> pasted_fields("X = Genotype(recurrent=[('tanh', 0)], concat=[1])", ())
    {'name': 'X', 'recurrent': [('tanh', 0)], 'recurrent_concat': [1]}
    """
    count = len(_GENOTYPE.findall(text))
    if count > 1:
        raise ValueError(
            f"The text holds {count} genotypes: leave only the one you mean, "
            f"which of the log of a search is the last."
        )
    logged = _LOGGED.match(text)
    text = text[logged.end() :] if logged else text
    try:
        statements = ast.parse(text.strip()).body
    except SyntaxError as error:
        raise ValueError(
            f"The text is no genotype of the form Genotype(normal=[...], "
            f"...): {error}."
        ) from error
    statement = statements[0] if len(statements) == 1 else None
    call = getattr(statement, "value", None)
    if not (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and re.fullmatch(r"Genotype\d*", call.func.id)
    ):
        raise ValueError(
            "The text must be one expression of the form "
            "Genotype(normal=[...], normal_concat=..., reduce=[...], "
            "reduce_concat=...) or Genotype(recurrent=[...], concat=...)."
        )
    if len(call.args) > len(order):
        raise ValueError(f"A genotype takes only {', '.join(order)}.")
    fields = {}
    if isinstance(statement, ast.Assign) and isinstance(
        statement.targets[0], ast.Name
    ):
        fields["name"] = statement.targets[0].id
    for name, node in zip(order, call.args):
        fields[name] = _literal(node)
    for keyword in call.keywords:
        # Of a recurrent cell the authors call it so.
        name = {"concat": "recurrent_concat"}.get(keyword.arg, keyword.arg)
        fields[name] = _literal(keyword.value)
    return fields


def is_pasted(text):
    """Returns whether a text holds a genotype as Python prints it.

    Example:

    >>> is_pasted("genotype = Genotype(normal=["), is_pasted("DARTS_V2")
    (True, False)
    """
    return bool(_GENOTYPE.search(text))


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
