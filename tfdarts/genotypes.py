"""Genotypes: the result of a search, as data.

A genotype lists, for each intermediate node of a cell, the incoming operations
and their source nodes. It is saved as a small JSON file, which is never
evaluated as code.
"""

import dataclasses
import difflib
import json
import typing
from collections.abc import Iterable

from tfdarts.arguments import as_path
from tfdarts.arguments import items
from tfdarts.arguments import scalar
from tfdarts.characters import has_unusable_characters
from tfdarts.files import write_atomically
from tfdarts.pasted import is_pasted
from tfdarts.pasted import pasted_fields
from tfdarts.primitive_table import primitive_names
from tfdarts.published_cells import PUBLISHED
from tfdarts.published_cells import PUBLISHED_RECURRENT

FORMAT = 1

PRIMITIVES = primitive_names("cnn", in_paper=True)
"""The primitives of convolutional cells, in the authors' order."""

RECURRENT_PRIMITIVES = primitive_names("rnn", in_paper=True)
"""The primitives of recurrent cells, in the authors' order."""

NUM_INPUTS = 2
"""Input nodes of a convolutional cell: the outputs of two earlier cells."""

EDGES_PER_NODE = 2
"""Edges that a convolutional cell keeps for each intermediate node."""


class Cells(typing.NamedTuple):
    """The structure of the cells of one kind of network.

    Args:
        cell_types: Tuple of strings, the names of a genotype's cells.
        num_inputs: Integer, the number of input nodes.
        edges_per_node: Integer, edges into each intermediate node.
    """

    cell_types: tuple
    num_inputs: int
    edges_per_node: int


SPACES = {
    "cnn": Cells(("normal", "reduce"), NUM_INPUTS, EDGES_PER_NODE),
    "rnn": Cells(("recurrent",), 1, 1),
}
"""The cells of convolutional and recurrent networks."""

KINDS = {"cnn": "convolutional cells", "rnn": "a recurrent cell"}
"""The content of a genotype of each space, in words."""


@dataclasses.dataclass(frozen=True)
class Genotype:
    """The cells of a network: two convolutional cells or one recurrent cell.

    Node `0` of a convolutional cell is the output of the cell before the
    previous one, node `1` the output of the previous cell. Intermediate node
    `i` is node `i + 2`; its two edges have positions `2 * i` and `2 * i + 1`.

    Node `0` of a recurrent cell is computed from the input and the last state.
    Intermediate node `i` is node `i + 1`; its edge has position `i`.

    Args:
        normal: Sequence of `(primitive, predecessor)` pairs, two for each
            intermediate node, or a sequence of one list of pairs per node.
        normal_concat: Sequence of the nodes whose concatenation is the
            output of the normal cell.
        reduce: Like `normal`, for the reduction cell.
        reduce_concat: Like `normal_concat`, for the reduction cell.
        recurrent: Sequence of the pairs of a recurrent cell, one for each
            intermediate node. Excludes the four arguments above.
        recurrent_concat: Sequence of the nodes whose mean is the output of
            the recurrent cell.
        name: Optional string, ignored in comparisons.

    Raises:
        ValueError: If a primitive is unknown, an edge does not come from an
            earlier node, a concat names a node that is not an intermediate
            node, or there are cells of both kinds.

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
    >>> Genotype(recurrent=[("tanh", 0)], recurrent_concat=[1]).space
    'rnn'

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055)
    """

    normal: tuple | None = None
    normal_concat: tuple | None = None
    reduce: tuple | None = None
    reduce_concat: tuple | None = None
    recurrent: tuple | None = None
    recurrent_concat: tuple | None = None
    name: str | None = dataclasses.field(default=None, compare=False)

    def __post_init__(self):
        if not isinstance(self.name, str | None):
            raise ValueError(
                f"`name` must be a string or None. Received: {self.name!r}."
            )
        if has_unusable_characters(self.name or ""):
            raise ValueError(
                f"`name` must have no control characters and be UTF-8. "
                f"Received: {self.name!r}."
            )
        for field in _fields(*(SPACES.keys() - {self.space})):
            if getattr(self, field) is not None:
                raise ValueError(
                    f"A genotype is of convolutional cells, normal and "
                    f"reduce, or of a recurrent one. Received `{field}` "
                    f"beside `recurrent`."
                )
        for cell_type in self.cell_types:
            edges = _checked_edges(
                self.space, cell_type, getattr(self, cell_type)
            )
            field = f"{cell_type}_concat"
            concat = _checked_concat(
                self.space, field, getattr(self, field), len(edges)
            )
            object.__setattr__(self, cell_type, edges)
            object.__setattr__(self, field, concat)

    @property
    def space(self):
        """The kind of network: `"cnn"` or `"rnn"`."""
        recurrent = self.recurrent, self.recurrent_concat
        return "cnn" if recurrent == (None, None) else "rnn"

    @property
    def cell_types(self):
        """The names of the genotype's cells."""
        return SPACES[self.space].cell_types

    @property
    def num_skip_connections(self):
        """The number of `skip_connect` edges in the normal cell."""
        edges = self.normal or ()
        return sum(primitive == "skip_connect" for primitive, _ in edges)

    def to_json(self):
        """Returns the genotype as a JSON string, one field per line."""
        lines = [
            f'  "format": {FORMAT}',
            f'  "space": {json.dumps(self.space)}',
            f'  "name": {json.dumps(self.name)}',
        ]
        for field in _fields(self.space):
            lines.append(f'  "{field}": {json.dumps(getattr(self, field))}')
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_json(cls, text):
        """Returns the genotype that a JSON string describes.

        Raises:
            ValueError: If the text is not a JSON genotype of this format.
        """
        try:
            fields = json.loads(text.removeprefix("\ufeff"))
        except json.JSONDecodeError as error:
            raise ValueError(
                f"A genotype must be a JSON object, but the text is not JSON: "
                f"{error}."
            ) from error
        if not isinstance(fields, dict) or fields.get("format") != FORMAT:
            raise ValueError(
                f'A genotype must be a JSON object with "format": {FORMAT}.'
            )
        space = fields.get("space")
        if not isinstance(space, str) or space not in SPACES:
            raise ValueError(
                f'A genotype\'s "space" must be "cnn" or "rnn". Received: '
                f"{space!r}."
            )
        names = {*_fields(space), "name"}
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
        """Returns the genotype in a text that PyTorch implementations print.

        The text is parsed, never evaluated. It may contain only literals,
        `range(...)` and `list(range(...))`.

        Args:
            text: String such as `Genotype(normal=[('sep_conv_3x3', 0), ...],
                normal_concat=range(2, 6), reduce=[...],
                reduce_concat=range(2, 6))` or `Genotype(recurrent=[...],
                concat=range(1, 9))`, optionally after `NAME =` and between
                lines of a log. The edges of each node may be a separate
                list.

        Raises:
            ValueError: If the text contains no genotype, or several.
        """
        order = _fields("cnn")
        fields = pasted_fields(text, order)
        try:
            return cls(**fields)
        except TypeError as error:
            raise ValueError(
                f"A genotype takes {', '.join(order)}: {error}."
            ) from error

    def save(self, path):
        """Writes the genotype to a JSON file atomically."""
        write_atomically(as_path(path), self.to_json())

    @classmethod
    def load(cls, path):
        """Returns the genotype of a JSON file, or of a file of pasted text.

        Raises:
            ValueError: If the file contains no genotype.
        """
        path = as_path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
            if is_pasted(text):
                return cls.from_string(text)
            return cls.from_json(text)
        except (ValueError, RecursionError, MemoryError) as error:
            raise ValueError(f"{path} is no genotype file: {error}") from error


def of_space(genotype, space):
    """Returns the `Genotype` of an argument of a layer or a model.

    Args:
        genotype: `Genotype`, the dict of its fields, or a published name.
        space: String, `"cnn"` or `"rnn"`, the required space.

    Raises:
        ValueError: If the argument is not a genotype, or of the other space.

    Example:

    >>> of_space("DARTS_V2", "rnn").space
    'rnn'
    """
    if isinstance(genotype, str):
        return get(genotype, space)
    if isinstance(genotype, dict):
        genotype = Genotype(**genotype)
    if not isinstance(genotype, Genotype):
        raise ValueError(
            f"`genotype` must be a Genotype or the name of a published one. "
            f"Received: {genotype!r}."
        )
    if genotype.space != space:
        raise ValueError(
            f"The genotype holds {KINDS[genotype.space]}, but what is needed "
            f"here is {KINDS[space]}. Received: {genotype.name or genotype}."
        )
    return genotype


def get(name, space="cnn"):
    """Returns a published genotype.

    Args:
        name: String, one of `published_names(space)`.
        space: String, `"cnn"` or `"rnn"`.

    Raises:
        ValueError: If no genotype of that name was published, or the space
            is unknown.

    Example:

    >>> get("DARTS_V2").normal[0]
    ('sep_conv_3x3', 0)
    >>> get("DARTS_V2", space="rnn").recurrent[0]
    ('sigmoid', 0)
    """
    if name not in published_names(space):
        raise ValueError(
            f"There is no published genotype named {name!r}. The published "
            f"ones are: {', '.join(published_names(space))}."
            f"{like_published(str(name), space)}"
        )
    cells = _PUBLISHED[space][name]
    edges = (tuple(_edges(text)) for text in cells[::2])
    values = [each for pair in zip(edges, cells[1::2]) for each in pair]
    return Genotype(**dict(zip(_fields(space), values)), name=name)


def published_names(space="cnn"):
    """Returns the names of all published genotypes, a tuple of strings.

    Args:
        space: String, `"cnn"` or `"rnn"`.

    Raises:
        ValueError: If the space is unknown.

    Example:

    >>> published_names("rnn")
    ('ENAS', 'DARTS_V1', 'DARTS_V2')
    """
    if space not in SPACES:
        raise ValueError(
            f"The space of a genotype must be cnn or rnn. Received: {space!r}."
        )
    return tuple(_PUBLISHED[space])


def like_published(name, space="cnn"):
    """Returns a sentence that suggests a published name, or an empty string.

    Args:
        name: String that is not a published name.
        space: String, `"cnn"` or `"rnn"`.

    Example:

    >>> like_published("darts-v2"), like_published("x")
    (' Did you mean DARTS_V2?', '')
    >>> like_published("ENAS")
    ' ENAS is a recurrent cell, of --space=rnn.'
    """
    (other,) = {*SPACES} - {space}
    if name in published_names(other):
        kinds = {"cnn": "of convolutional cells", "rnn": "a recurrent cell"}
        return f" {name} is {kinds[other]}, of --space={other}."
    plain = {_letters(each): each for each in published_names(space)}
    letters = _letters(name)
    close = [each for each in plain if letters and each.startswith(letters)]
    close = close or difflib.get_close_matches(letters, plain, 1, 0.7)
    meant = " or ".join(plain[each] for each in close)
    return f" Did you mean {meant}?" if meant else ""


def _letters(name):
    """Returns a name in lower case, without hyphens and underscores."""
    return name.lower().replace("-", "").replace("_", "")


_PUBLISHED = {"cnn": PUBLISHED, "rnn": PUBLISHED_RECURRENT}


def _fields(space):
    """Returns the fields of a genotype of one space, in order."""
    return tuple(
        field
        for cell_type in SPACES[space].cell_types
        for field in (cell_type, f"{cell_type}_concat")
    )


def _checked_edges(space, cell_type, edges):
    cells = SPACES[space]
    if isinstance(edges, list | tuple) and all(map(_is_node, edges)):
        edges = _edges_of_nodes(cell_type, edges, cells.edges_per_node)
    try:
        edges = tuple(
            (scalar(primitive), scalar(node))
            for primitive, node in items(edges)
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{cell_type}` must be a list of pairs (primitive, predecessor). "
            f"Received: {edges!r}."
        ) from error
    if not edges or len(edges) % cells.edges_per_node:
        raise ValueError(
            f"`{cell_type}` must hold {cells.edges_per_node} edges for each "
            f"intermediate node. Received {len(edges)} edges."
        )
    known = [name for name in primitive_names(space) if name != "none"]
    for position, (primitive, predecessor) in enumerate(edges):
        node = position // cells.edges_per_node + cells.num_inputs
        if primitive not in known:
            raise ValueError(
                f"`{cell_type}` names an unknown primitive, {primitive!r}. "
                f"The known ones are: {', '.join(known)}. Register those of "
                f"your own by tfdarts.register_primitive first."
            )
        if type(predecessor) is not int or not 0 <= predecessor < node:
            raise ValueError(
                f"An edge of `{cell_type}` leads from node {predecessor!r} to "
                f"node {node}, but an edge must come from a node between 0 "
                f"and {node - 1}."
            )
    return edges


def _is_node(value):
    """Returns whether a value is the list of a node's edges, not one edge."""
    return isinstance(value, list | tuple) and all(
        isinstance(edge, list | tuple) for edge in value
    )


def _edges_of_nodes(cell_type, nodes, edges_per_node):
    """Returns the edges of all nodes as one list."""
    for node in nodes:
        if len(node) != edges_per_node:
            raise ValueError(
                f"`{cell_type}` must hold {edges_per_node} edges for each "
                f"intermediate node. Received for one of them: {node!r}."
            )
    return [edge for node in nodes for edge in node]


def _checked_concat(space, field, concat, num_edges):
    received = concat
    listed = concat if isinstance(concat, Iterable) else ()
    concat = tuple(map(scalar, listed))
    cells = SPACES[space]
    num_nodes = num_edges // cells.edges_per_node
    nodes = range(cells.num_inputs, cells.num_inputs + num_nodes)
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


def _edges(text):
    for edge in text.split():
        primitive, predecessor = edge.split(":")
        yield primitive, int(predecessor)
