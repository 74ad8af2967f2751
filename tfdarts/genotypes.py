"""Genotypes: what a search finds, as data.

A genotype lists, for each intermediate node of a cell, the operations that
lead into it and the nodes they come from. It is a small JSON file, and
nothing in it is ever evaluated as code.
"""

import ast
import dataclasses
import json
import pathlib
from collections.abc import Iterable

from tfdarts.files import write_atomically
from tfdarts.published_cells import PUBLISHED

FORMAT = 1

PRIMITIVES = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""The primitives DARTS chooses from, in the authors' order."""

PUBLISHED_ONLY_PRIMITIVES = ("sep_conv_7x7", "conv_7x1_1x7")
"""Primitives that only published cells use."""

NUM_INPUTS = 2
"""Input nodes of a cell: the outputs of the two cells before it."""

LONGEST_RANGE = 1000
"""Nodes that a pasted genotype may name by one range."""

EDGES_PER_NODE = 2
"""Edges that a derived cell keeps for each intermediate node."""


@dataclasses.dataclass(frozen=True)
class Genotype:
    """A convolutional cell pair: the normal cell and the reduction cell.

    Nodes `0` and `1` of a cell are the outputs of the cell before the
    previous one and of the previous one; intermediate node `i` is node
    `i + 2`, and its two edges stand at positions `2 * i` and `2 * i + 1`.

    Args:
        normal: Sequence of `(primitive, predecessor)` pairs, two for each
            intermediate node.
        normal_concat: Sequence of the nodes whose concatenation is the
            output of the normal cell.
        reduce: Like `normal`, for the reduction cell.
        reduce_concat: Like `normal_concat`, for the reduction cell.
        name: Optional string. It takes no part in comparison.

    Raises:
        ValueError: If a primitive is unknown, an edge comes from a node
            that does not come before it, or a concat names a node that is
            not an intermediate node.

    Example:

    >>> genotype = Genotype(
    ...     normal=[("sep_conv_3x3", 0), ("skip_connect", 1)],
    ...     normal_concat=[2],
    ...     reduce=[("max_pool_3x3", 0), ("max_pool_3x3", 1)],
    ...     reduce_concat=[2],
    ... )
    >>> genotype.num_skip_connections
    1
    >>> Genotype.from_json(genotype.to_json()) == genotype
    True

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055)
    """

    normal: tuple
    normal_concat: tuple
    reduce: tuple
    reduce_concat: tuple
    name: str | None = dataclasses.field(default=None, compare=False)

    def __post_init__(self):
        if not isinstance(self.name, str | None):
            raise ValueError(
                f"`name` must be a string or None. Received: {self.name!r}."
            )
        for cell_type in ("normal", "reduce"):
            edges = _checked_edges(cell_type, getattr(self, cell_type))
            concat_name = f"{cell_type}_concat"
            concat = _checked_concat(
                concat_name, getattr(self, concat_name), len(edges)
            )
            object.__setattr__(self, cell_type, edges)
            object.__setattr__(self, concat_name, concat)

    @property
    def num_skip_connections(self):
        """Number of `skip_connect` edges in the normal cell."""
        return sum(primitive == "skip_connect" for primitive, _ in self.normal)

    def to_json(self):
        """Returns the genotype as a JSON string, one edge list a line."""
        lines = [
            f'  "format": {FORMAT}',
            '  "space": "cnn"',
            f'  "name": {json.dumps(self.name)}',
        ]
        for field in ("normal", "normal_concat", "reduce", "reduce_concat"):
            lines.append(f'  "{field}": {json.dumps(getattr(self, field))}')
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_json(cls, text):
        """Returns the genotype that a JSON string describes.

        Raises:
            ValueError: If the text is no JSON genotype of this format.
        """
        try:
            fields = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"A genotype must be a JSON object, but the text is not JSON: "
                f"{error}."
            ) from error
        if not isinstance(fields, dict) or fields.get("format") != FORMAT:
            raise ValueError(
                f'A genotype must be a JSON object with "format": {FORMAT}.'
            )
        if fields.get("space") != "cnn":
            raise ValueError(
                f'A genotype\'s "space" must be "cnn". Received: '
                f"{fields.get('space')!r}."
            )
        names = {field.name for field in dataclasses.fields(cls)}
        missing = sorted(names - {"name"} - fields.keys())
        unknown = sorted(fields.keys() - names - {"format", "space"})
        if missing or unknown:
            raise ValueError(
                f"A genotype must have the fields {sorted(names)}. "
                f"Missing: {missing}. Unknown: {unknown}."
            )
        return cls(**{k: v for k, v in fields.items() if k in names})

    @classmethod
    def from_string(cls, text):
        """Reads a genotype as the PyTorch implementations print it.

        The text is parsed, never evaluated: only literals, `range(...)` and
        `list(range(...))` may stand in it.

        Args:
            text: String such as `Genotype(normal=[('sep_conv_3x3', 0), ...],
                normal_concat=range(2, 6), reduce=[...],
                reduce_concat=range(2, 6))`, optionally behind `NAME =`.

        Raises:
            ValueError: If the text is anything else.
        """
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
            and call.func.id == "Genotype"
        ):
            raise ValueError(
                "The text must be one expression of the form "
                "Genotype(normal=[...], normal_concat=..., reduce=[...], "
                "reduce_concat=...)."
            )
        order = ("normal", "normal_concat", "reduce", "reduce_concat")
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
            fields[keyword.arg] = _literal(keyword.value)
        try:
            return cls(**fields)
        except TypeError as error:
            raise ValueError(
                f"A genotype takes {', '.join(order)}: {error}."
            ) from error

    def save(self, path):
        """Writes the genotype to a JSON file, whole or not at all."""
        write_atomically(path, self.to_json())

    @classmethod
    def load(cls, path):
        """Reads a JSON genotype file, or a pasted PyTorch genotype.

        Raises:
            ValueError: If the file holds no genotype.
        """
        try:
            text = pathlib.Path(path).read_text()
            if "Genotype(" in text:
                return cls.from_string(text)
            return cls.from_json(text)
        except (ValueError, RecursionError, MemoryError) as error:
            raise ValueError(f"{path} is no genotype file: {error}") from error


def get(name):
    """Returns a published genotype.

    Args:
        name: String, one of `published_names()`.

    Raises:
        ValueError: If no genotype of that name was published.

    Example:

    >>> get("DARTS_V2").normal[0]
    ('sep_conv_3x3', 0)
    """
    if name not in PUBLISHED:
        raise ValueError(
            f"There is no published genotype named {name!r}. The published "
            f"ones are: {', '.join(PUBLISHED)}."
        )
    normal, normal_concat, reduce, reduce_concat = PUBLISHED[name]
    return Genotype(
        normal=_edges(normal),
        normal_concat=normal_concat,
        reduce=_edges(reduce),
        reduce_concat=reduce_concat,
        name=name,
    )


def published_names():
    """Returns the names that `get` knows, as a tuple of strings."""
    return tuple(PUBLISHED)


def _checked_edges(cell_type, edges):
    try:
        edges = tuple((primitive, node) for primitive, node in edges)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{cell_type}` must be a list of pairs (primitive, predecessor). "
            f"Received: {edges!r}."
        ) from error
    if not edges or len(edges) % EDGES_PER_NODE:
        raise ValueError(
            f"`{cell_type}` must hold {EDGES_PER_NODE} edges for each "
            f"intermediate node. Received {len(edges)} edges."
        )
    known = PRIMITIVES[1:] + PUBLISHED_ONLY_PRIMITIVES
    for position, (primitive, predecessor) in enumerate(edges):
        node = position // EDGES_PER_NODE + NUM_INPUTS
        if primitive not in known:
            raise ValueError(
                f"`{cell_type}` names an unknown primitive, {primitive!r}. "
                f"The known ones are: {', '.join(known)}."
            )
        if type(predecessor) is not int or not 0 <= predecessor < node:
            raise ValueError(
                f"An edge of `{cell_type}` leads from node {predecessor!r} to "
                f"node {node}, but an edge must come from a node between 0 "
                f"and {node - 1}."
            )
    return edges


def _checked_concat(field, concat, num_edges):
    received = concat
    concat = tuple(concat) if isinstance(concat, Iterable) else ()
    nodes = range(NUM_INPUTS, NUM_INPUTS + num_edges // EDGES_PER_NODE)
    if (
        not concat
        or any(type(node) is not int or node not in nodes for node in concat)
        or len(set(concat)) != len(concat)
    ):
        raise ValueError(
            f"`{field}` must name one or more different intermediate nodes, "
            f"which are {nodes.start} to {nodes.stop - 1}. "
            f"Received: {received!r}."
        )
    return concat


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


def _edges(text):
    for edge in text.split():
        primitive, predecessor = edge.split(":")
        yield primitive, int(predecessor)
