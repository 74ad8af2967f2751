"""Genotypes: the result of a search, as data.

A genotype lists, for each intermediate node of a cell, the incoming operations
and their source nodes. It is saved as a small JSON file, which is never
evaluated as code.
"""

import dataclasses
import difflib
import json
import os
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

from tfdarts.arguments import as_path
from tfdarts.cells import Cell
from tfdarts.cells import is_list_of_nodes
from tfdarts.cells import validate_cell
from tfdarts.characters import has_unusable_characters
from tfdarts.files import write_atomically
from tfdarts.pasted import is_pasted
from tfdarts.pasted import pasted_fields
from tfdarts.primitive_table import primitive_names
from tfdarts.published_cells import PUBLISHED
from tfdarts.structures import STRUCTURES
from tfdarts.structures import structure_of

FORMAT = 2
"""The format of new genotype files. Files of format 1 are read as well."""

PRIMITIVES = primitive_names("cnn", in_paper=True)
"""The primitives of convolutional cells, in the authors' order."""

RECURRENT_PRIMITIVES = primitive_names("rnn", in_paper=True)
"""The primitives of recurrent cells, in the authors' order."""


class _Cells(dict):
    """A dict that cannot change; `dataclasses.asdict` copies no other kind."""

    def _refuse(self, *args, **kwargs):
        raise TypeError("The cells of a genotype cannot change.")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self):
        return dict, (dict(self),)


@dataclasses.dataclass(frozen=True, init=False, repr=False)
class Genotype:
    """The cells of a network: two convolutional cells or one other cell.

    Node `0` of a convolutional cell is the output of the cell before the
    previous one, node `1` the output of the previous cell. Intermediate node
    `i` is node `i + 2`. Node `0` of a recurrent cell is computed from the
    input and the last state. Intermediate node `i` is node `i + 1`. Node `0`
    of a cell of NAS-Bench-201 is the output of the previous cell.

    An intermediate node is the sum of its edges. It may have one edge, two,
    or an edge from each earlier node. An edge with the primitive `"none"`
    carries nothing. Genotypes that differ only in the order of the edges of a
    node are equal.

    Args:
        normal: Sequence with a list of pairs `(primitive, predecessor)` for
            each intermediate node of the normal cell, or a sequence of all
            pairs, two for each node.
        normal_concat: Sequence of the nodes whose concatenation is the
            output of the normal cell.
        reduce: Like `normal`, for the reduction cell.
        reduce_concat: Like `normal_concat`, for the reduction cell.
        recurrent: Like `normal`, for a recurrent cell; in a sequence of all
            pairs, one for each node. Excludes the four arguments above.
        recurrent_concat: Sequence of the nodes whose mean is the output of
            the recurrent cell.
        name: Optional string, ignored in comparisons.
        cells: Mapping from the names of the cells to `Cell` objects, or to
            dicts of `nodes` and `concat`. Excludes the other arguments.
        **others: Cells of other structures by name, in the same form, such as
            `cell` and `cell_concat` of NAS-Bench-201. All cells are also
            attributes.

    Raises:
        ValueError: If a cell is missing or unknown, a primitive is unknown, an
            edge does not come from an earlier node, or a concat names a node
            that is not an intermediate node.

    Example:

    >>> genotype = Genotype(
    ...     normal=[("sep_conv_3x3", 0), ("skip_connect", 1)],
    ...     normal_concat=[2],
    ...     reduce=[[("max_pool_3x3", 0)], [("none", 0), ("skip_connect", 2)]],
    ...     reduce_concat=[2, 3],
    ... )
    >>> genotype.normal
    (('sep_conv_3x3', 0), ('skip_connect', 1))
    >>> genotype.cells["reduce"].nodes[1]
    (('none', 0), ('skip_connect', 2))
    >>> Genotype.from_json(genotype.to_json()) == genotype
    True
    >>> Genotype(recurrent=[("tanh", 0)], recurrent_concat=[1]).space
    'rnn'
    >>> renamed = dataclasses.replace(genotype, name="mine")
    >>> Genotype(**dataclasses.asdict(renamed)) == genotype
    True

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055)
    """

    cells: Mapping[str, Cell]
    name: str | None = dataclasses.field(compare=False)

    def __init__(
        self,
        normal: Sequence | None = None,
        normal_concat: Iterable[int] | None = None,
        reduce: Sequence | None = None,
        reduce_concat: Iterable[int] | None = None,
        recurrent: Sequence | None = None,
        recurrent_concat: Iterable[int] | None = None,
        name: str | None = None,
        *,
        cells: Mapping[str, Cell] | None = None,
        **others,
    ):
        if not isinstance(name, str | None):
            raise ValueError(
                f"`name` must be a string or None. Received: {name!r}."
            )
        if has_unusable_characters(name or ""):
            raise ValueError(
                f"`name` must have no control characters and be UTF-8. "
                f"Received: {name!r}."
            )
        by_name = _cells_by_name(
            normal=normal,
            normal_concat=normal_concat,
            reduce=reduce,
            reduce_concat=reduce_concat,
            recurrent=recurrent,
            recurrent_concat=recurrent_concat,
            **others,
        )
        if cells is not None and by_name:
            raise ValueError(
                f"A genotype takes `cells` or each cell by its name, not both. "
                f"Received: {', '.join(by_name)} beside `cells`. To change "
                f"one cell of a genotype, give dataclasses.replace "
                f"cells={{**genotype.cells, name: cell}}."
            )
        cells = by_name if cells is None else cells
        space = _space_of(cells)
        checked = {
            cell_type: validate_cell(
                space,
                cell_type,
                *_nodes_and_concat(cell_type, cells[cell_type]),
            )
            for cell_type in STRUCTURES[space].cell_types
        }
        object.__setattr__(self, "cells", _Cells(checked))
        object.__setattr__(self, "name", name)

    def __getattr__(self, field: str) -> tuple:
        cell_type = field.removesuffix("_concat")
        cell = self.__dict__.get("cells", {}).get(cell_type)
        if cell is None:
            raise AttributeError(f"The genotype has no {field!r}.")
        return cell.edges if field == cell_type else cell.concat

    def __hash__(self):
        return hash(tuple(self.cells.items()))

    def __repr__(self):
        arguments = self.to_arguments()
        if self.name is not None:
            arguments["name"] = self.name
        listed = (f"{name}={value!r}" for name, value in arguments.items())
        return f"Genotype({', '.join(listed)})"

    def __reduce__(self):
        return Genotype.from_dict, (self.to_dict(),)

    @property
    def space(self) -> str:
        """The structure of the cells, such as `"cnn"` or `"rnn"`."""
        return _space_of(self.cells)

    @property
    def cell_types(self) -> tuple[str, ...]:
        """The names of the genotype's cells."""
        return tuple(self.cells)

    @property
    def num_skip_connections(self) -> int:
        """The number of `skip_connect` edges in the first or only cell."""
        first, *_ = self.cells.values()
        return sum(primitive == "skip_connect" for primitive, _ in first.edges)

    def to_arguments(self) -> dict[str, list]:
        """Returns the cells as arguments of `Genotype`, in the authors' form.

        Example:

        >>> get("DARTS_V2", space="rnn").to_arguments()["recurrent"][:2]
        [('sigmoid', 0), ('relu', 1)]
        """
        edges_per_node = STRUCTURES[self.space].edges_per_node
        arguments = {}
        for cell_type, cell in self.cells.items():
            regular = cell.has(edges_per_node)
            nodes = cell.edges if regular else map(list, cell.nodes)
            arguments[cell_type] = list(nodes)
            arguments[f"{cell_type}_concat"] = list(cell.concat)
        return arguments

    def to_dict(self) -> dict:
        """Returns the genotype as a dict that can be written as JSON."""
        return {
            "format": FORMAT,
            "space": self.space,
            "name": self.name,
            "cells": {
                cell_type: {
                    "nodes": [list(map(list, node)) for node in cell.nodes],
                    "concat": list(cell.concat),
                }
                for cell_type, cell in self.cells.items()
            },
        }

    @classmethod
    def from_dict(cls, fields: dict) -> "Genotype":
        """Returns the genotype that `to_dict` describes.

        A dict of the arguments of `Genotype`, as models of version 0.1.0
        contain it, is read as well.

        Raises:
            ValueError: If the dict does not describe a genotype.
        """
        if not isinstance(fields, dict):
            raise ValueError(
                f"A genotype must be a JSON object. Received: {fields!r}."
            )
        fields = {str(name): value for name, value in fields.items()}
        format = fields.pop("format", 1)
        if type(format) is not int or not 1 <= format <= FORMAT:
            raise ValueError(
                f'The "format" of a genotype must be a number between 1 and '
                f"{FORMAT}. Received: {format!r}."
            )
        space, name = fields.pop("space", None), fields.pop("name", None)
        cells = fields
        if format == 1:
            cells = _cells_by_name(**fields)
        elif (cells := fields.pop("cells", None)) is None or fields:
            raise ValueError(
                f'A genotype file of format 2 has the fields "format", '
                f'"space", "name" and "cells". Missing: '
                f"{['cells'] if cells is None else []}. "
                f"Unknown: {sorted(fields)}."
            )
        else:
            _require_nodes(cells)
        genotype = cls(cells=cells, name=name)
        if space not in (None, genotype.space):
            raise ValueError(
                f'The "space" of a genotype with the cells '
                f"{', '.join(genotype.cells)} must be {genotype.space!r}. "
                f"Received: {space!r}."
            )
        return genotype

    def to_json(self) -> str:
        """Returns the genotype as a JSON string, with one line per cell."""
        fields = self.to_dict()
        cells = ",\n".join(
            f"    {json.dumps(cell_type)}: {json.dumps(cell)}"
            for cell_type, cell in fields.pop("cells").items()
        )
        lines = [f'  "{key}": {json.dumps(v)},\n' for key, v in fields.items()]
        return f'{{\n{"".join(lines)}  "cells": {{\n{cells}\n  }}\n}}\n'

    @classmethod
    def from_json(cls, text: str) -> "Genotype":
        """Returns the genotype that a JSON string describes.

        Raises:
            ValueError: If the text is not a JSON genotype.
        """
        try:
            fields = json.loads(text.removeprefix("\ufeff"))
        except json.JSONDecodeError as error:
            raise ValueError(
                f"A genotype must be a JSON object, but the text is not JSON: "
                f"{error}."
            ) from error
        return cls.from_dict(fields)

    @classmethod
    def from_string(cls, text: str) -> "Genotype":
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
        order = ("normal", "normal_concat", "reduce", "reduce_concat")
        return cls.from_dict(pasted_fields(text, order))

    def save(self, path: str | os.PathLike) -> None:
        """Writes the genotype to a JSON file atomically."""
        write_atomically(as_path(path), self.to_json())

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Genotype":
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
            raise ValueError(
                f"{path} is not a genotype file: {error}"
            ) from error


def of_space(genotype, space):
    """Returns the `Genotype` of an argument of a layer or a model.

    Args:
        genotype: `Genotype`, the dict that `to_dict` returns, or a published
            name.
        space: String, the required structure of the cells, such as `"cnn"`.

    Raises:
        ValueError: If the argument is not a genotype, or of other cells.

    Example:

    >>> of_space("DARTS_V2", "rnn").space
    'rnn'
    """
    if isinstance(genotype, str):
        return get(genotype, space)
    if isinstance(genotype, dict):
        genotype = Genotype.from_dict(genotype)
    if not isinstance(genotype, Genotype):
        raise ValueError(
            f"`genotype` must be a Genotype or the name of a published one. "
            f"Received: {genotype!r}."
        )
    if genotype.space != space:
        raise ValueError(
            f"The genotype holds {STRUCTURES[genotype.space].description}, "
            f"but must hold {STRUCTURES[space].description}. Received: "
            f"{genotype.name or genotype}."
        )
    return genotype


def get(name: str, space: str = "cnn") -> Genotype:
    """Returns a published genotype.

    Args:
        name: String, one of `published_names(space)`.
        space: String, the structure of the cells: `"cnn"` or `"rnn"`.

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
            f"genotypes are: {', '.join(published_names(space))}."
            f"{suggest_published_name(str(name), space)}"
        )
    published = PUBLISHED[space][name]
    cells = {
        cell_type: {"nodes": list(_edges(text)), "concat": concat}
        for cell_type, text, concat in zip(
            STRUCTURES[space].cell_types, published[::2], published[1::2]
        )
    }
    return Genotype(cells=cells, name=name)


def published_names(space: str = "cnn") -> tuple[str, ...]:
    """Returns the names of all published genotypes, a tuple of strings.

    Args:
        space: String, the structure of the cells: `"cnn"` or `"rnn"`.

    Raises:
        ValueError: If the space is unknown.

    Example:

    >>> published_names("rnn")
    ('ENAS', 'DARTS_V1', 'DARTS_V2')
    """
    if space not in STRUCTURES:
        raise ValueError(
            f"The space of a genotype must be one of {', '.join(STRUCTURES)}. "
            f"Received: {space!r}."
        )
    return tuple(PUBLISHED.get(space, ()))


def suggest_published_name(name, space="cnn"):
    """Returns a sentence that suggests a published name, or an empty string.

    Args:
        name: String that is not a published name.
        space: String, the structure of the cells: `"cnn"` or `"rnn"`.

    Example:

    >>> suggest_published_name("darts-v2"), suggest_published_name("x")
    (' Did you mean DARTS_V2?', '')
    >>> suggest_published_name("ENAS")
    ' ENAS holds a recurrent cell: give --space=rnn.'
    """
    for other, structure in STRUCTURES.items():
        if other != space and name in published_names(other):
            return (
                f" {name} holds {structure.description}: give --space={other}."
            )
    plain = {_letters(each): each for each in published_names(space)}
    letters = _letters(name)
    close = [each for each in plain if letters and each.startswith(letters)]
    close = close or difflib.get_close_matches(letters, plain, 1, 0.7)
    meant = " or ".join(plain[each] for each in close)
    return f" Did you mean {meant}?" if meant else ""


def _letters(name):
    """Returns a name in lower case, without hyphens and underscores."""
    return name.lower().replace("-", "").replace("_", "")


def _edges(text):
    for edge in text.split():
        primitive, predecessor = edge.split(":")
        yield primitive, int(predecessor)


def _cells_by_name(**arguments):
    """Returns the cells of arguments such as `normal` and `normal_concat`."""
    given = {name: v for name, v in arguments.items() if v is not None}
    return {
        cell_type: {
            "nodes": given.get(cell_type),
            "concat": given.get(f"{cell_type}_concat"),
        }
        for cell_type in dict.fromkeys(
            name.removesuffix("_concat") for name in given
        )
    }


def _space_of(cells):
    """Returns the space whose cells have these names."""
    names = {*cells} if isinstance(cells, Mapping) else set()
    if structure := structure_of(names):
        return structure.name
    wanted = " or ".join(
        f"{structure.description} ({' and '.join(structure.cell_types)})"
        for structure in STRUCTURES.values()
    )
    received = ", ".join(map(str, cells)) if names else repr(cells)
    raise ValueError(f"A genotype holds {wanted}. Received: {received}.")


def _require_nodes(cells):
    """Raises `ValueError` if a cell of a file lists no edges by node."""
    for cell_type, cell in cells.items() if isinstance(cells, dict) else ():
        nodes = cell.get("nodes") if isinstance(cell, dict) else None
        if nodes is not None and not is_list_of_nodes(nodes):
            raise ValueError(
                f"The nodes of the cell {cell_type} must be a list with a list "
                f"of pairs (primitive, predecessor) for each intermediate "
                f"node. Received: {nodes!r}."
            )


def _nodes_and_concat(cell_type, cell):
    """Returns the arguments of `validate_cell` in a `Cell` or a dict."""
    if isinstance(cell, Cell):
        return cell.nodes, cell.concat
    if not isinstance(cell, Mapping) or {*cell} != {"nodes", "concat"}:
        raise ValueError(
            f"The cell `{cell_type}` of a genotype must have `nodes` and "
            f"`concat`. Received: {cell!r}."
        )
    return cell["nodes"], cell["concat"]
