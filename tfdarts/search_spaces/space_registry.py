"""The search spaces by name."""

import re
from collections.abc import Mapping

from tfdarts.primitive_table import IN_PAPER
from tfdarts.registry import Registry
from tfdarts.search_spaces.cell_space import CellSearchSpace
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.hierarchical import HierarchicalSearchSpace
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace
from tfdarts.search_spaces.nasnet import NASNetSearchSpace
from tfdarts.search_spaces.rnn import RNNSearchSpace
from tfdarts.search_spaces.s1_to_s4 import S1
from tfdarts.search_spaces.s1_to_s4 import S2
from tfdarts.search_spaces.s1_to_s4 import S3
from tfdarts.search_spaces.s1_to_s4 import S4
from tfdarts.structures import STRUCTURES
from tfdarts.structures import Structure
from tfdarts.structures import structure_of

_BUILT_IN = (
    *(CNNSearchSpace, RNNSearchSpace, NASBench201SearchSpace),
    *(NASNetSearchSpace, HierarchicalSearchSpace),
    *(S1, S2, S3, S4),
)
SPACES = Registry("space", "spaces", {each.name: each for each in _BUILT_IN})


def register_space(space: type[CellSearchSpace]) -> None:
    """Makes a search space known to all functions and commands.

    Args:
        space: Subclass of `tfdarts.CNNSearchSpace`, `tfdarts.RNNSearchSpace`
            or `tfdarts.CellSearchSpace` with a `name`, the value of
            `--space`. It replaces a space of the same name.

    Raises:
        ValueError: If the argument is no such class, its name or its defaults
            cannot be used, or other cells have the names of its cells.

    Example:

    >>> class SmallCells(tfdarts.CNNSearchSpace):
    ...     name = "small_cells"
    ...     num_nodes = 2
    ...     primitives = ("skip_connect", "sep_conv_3x3")
    >>> tfdarts.register_space(SmallCells)
    >>> tfdarts.search_config(space="small_cells").num_nodes
    2
    """
    if not isinstance(space, type) or not issubclass(space, CellSearchSpace):
        raise ValueError(
            "A search space must be a class derived from "
            f"tfdarts.CNNSearchSpace or another space. Received: {space!r}."
        )
    name = vars(space).get("name")
    if not isinstance(name, str) or not re.fullmatch("[A-Za-z0-9_]+", name):
        raise ValueError(
            f"The search space {space.__name__} must have a `name` of "
            f"letters, digits and underscores. Received: name={name!r}."
        )
    if not isinstance(getattr(space, "structure", None), Structure):
        raise ValueError(
            f"The search space {space.__name__} must have a `structure`, a "
            "tfdarts.structures.Structure: derive it from "
            "tfdarts.CNNSearchSpace or tfdarts.RNNSearchSpace."
        )
    if name in STRUCTURES and name != space.structure.name:
        raise ValueError(
            f"{name} is the name of a structure of cells: choose another name "
            f"for the search space {space.__name__}."
        )
    _register_structure(space.structure)
    space()
    SPACES[name] = space


def _register_structure(structure):
    """Makes the structure of a space known; two never share cell names."""
    known = structure_of(structure.cell_types)
    if known is not None and known.name != structure.name:
        raise ValueError(
            f"The cells {', '.join(structure.cell_types)} belong to the "
            f"structure {known.name}: choose other names."
        )
    STRUCTURES[structure.name] = structure


def get_space(name):
    """Returns the class of a search space.

    Args:
        name: String, the name of a space, or of a structure of cells, which
            stands for the first space of this structure.

    Raises:
        ValueError: If there is no such space.

    Example:

    >>> get_space("s2").primitives, get_space("cnn").name
    (('skip_connect', 'sep_conv_3x3'), 'darts')
    """
    if name in STRUCTURES and name not in SPACES:
        return next(s for s in SPACES.values() if s.structure.name == name)
    return SPACES.find(name)


def build_space(name, num_nodes, primitives=IN_PAPER):
    """Returns the search space of a run's settings.

    Args:
        name: String; see `get_space`.
        num_nodes: Integer, or `None` for the number of the space.
        primitives: String, names with commas between them, or `"paper"` for
            those of the space.

    Example:

    >>> build_space("darts_rnn", 2, "none,tanh").alpha_shape
    (3, 2)
    """
    names = None if primitives == IN_PAPER else tuple(primitives.split(","))
    return get_space(name)(num_nodes, names)


def as_space(identifier):
    """Returns the search space of an argument of a layer or a model.

    Args:
        identifier: Search space, or the dict that its `get_config` returns.
    """
    if not isinstance(identifier, Mapping):
        return identifier
    config = dict(identifier)
    return get_space(config.pop("name"))(**config)
