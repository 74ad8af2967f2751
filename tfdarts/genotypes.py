"""Genotypes: the result of a search, as data.

A genotype lists, for each intermediate node of a cell, the incoming operations
and their source nodes. It is saved as a small JSON file, which is never
evaluated as code.
"""

import dataclasses
import json
import os
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

from tfdarts.arguments import as_path
from tfdarts.cells import Cell
from tfdarts.cells import cells_by_name
from tfdarts.cells import nodes_and_concat
from tfdarts.cells import require_nodes
from tfdarts.cells import space_of_cells
from tfdarts.cells import validate_cell
from tfdarts.characters import has_unusable_characters
from tfdarts.files import write_atomically
from tfdarts.pasted import is_pasted
from tfdarts.pasted import pasted_fields
from tfdarts.primitive_table import primitive_names
from tfdarts.published_cells import published_cells
from tfdarts.published_cells import published_names as published_names
from tfdarts.structures import STRUCTURES

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
        by_name = cells_by_name(
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
        space = space_of_cells(cells)
        checked = {
            cell_type: validate_cell(
                space,
                cell_type,
                *nodes_and_concat(cell_type, cells[cell_type]),
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
        return space_of_cells(self.cells)

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
            cells = cells_by_name(**fields)
        elif (cells := fields.pop("cells", None)) is None or fields:
            raise ValueError(
                f'A genotype file of format 2 has the fields "format", '
                f'"space", "name" and "cells". Missing: '
                f"{['cells'] if cells is None else []}. "
                f"Unknown: {sorted(fields)}."
            )
        else:
            require_nodes(cells)
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
    return Genotype(cells=published_cells(name, space), name=name)
