"""Structures: the cells of one kind of network, and how they are wired."""

import typing

from tfdarts.registry import Registry


class Structure(typing.NamedTuple):
    """The structure of the cells of one kind of network.

    Args:
        name: String, the `"space"` of a genotype file.
        cell_types: Tuple of strings, the names of a genotype's cells. No
            other structure has the same names.
        num_inputs: Integer, the number of input nodes of a cell.
        edges_per_node: Integer, the number of edges that the paper keeps for
            each intermediate node, or `"all"`.
        description: String, the content of a genotype in words.
        titles: Tuple of strings, the names of the cells in titles.
        inputs: Tuple of strings, the names of a cell's inputs in pictures.
            If they outnumber the input nodes, node `0` combines them.
        output: String, the name of a cell's output in pictures.
        supernet: The class of the supernet, or `"module:class"`; `None` for
            none.
        network: The class of the network, or `"module:class"`.
        primitives: String, what a primitive is: `"layers"`, Keras layers of
            images, or `"activations"`, functions of a tensor.
        all_primitives: Boolean, whether cells may have every primitive of
            this kind, not only those that are registered for the structure.
        motifs: Tuple of strings, the cells that are the operations of the
            other cells. Defaults to none.
    """

    name: str
    cell_types: tuple[str, ...]
    num_inputs: int
    edges_per_node: int | str
    description: str
    titles: tuple[str, ...]
    inputs: tuple[str, ...]
    output: str
    supernet: object
    network: object
    primitives: str = "layers"
    all_primitives: bool = False
    motifs: tuple[str, ...] = ()

    @property
    def combines_inputs(self) -> bool:
        """Whether node `0` is computed from several inputs."""
        return len(self.inputs) > self.num_inputs


CNN = Structure(
    name="cnn",
    cell_types=("normal", "reduce"),
    num_inputs=2,
    edges_per_node=2,
    description="convolutional cells",
    titles=("normal cell", "reduction cell"),
    inputs=("cₖ₋₂", "cₖ₋₁"),
    output="cₖ",
    supernet="tfdarts.models.cnn_supernet:CNNSupernet",
    network="tfdarts.models.cnn_network:CNNNetwork",
)
RNN = Structure(
    name="rnn",
    cell_types=("recurrent",),
    num_inputs=1,
    edges_per_node=1,
    description="a recurrent cell",
    titles=("recurrent cell",),
    inputs=("xₜ", "hₜ₋₁"),
    output="hₜ",
    supernet="tfdarts.models.rnn_supernet:RNNSupernet",
    network="tfdarts.models.rnn_network:RNNNetwork",
    primitives="activations",
)
NAS_BENCH_201 = Structure(
    name="nas_bench_201",
    cell_types=("cell",),
    num_inputs=1,
    edges_per_node="all",
    description="a cell of NAS-Bench-201",
    titles=("cell",),
    inputs=("cₖ₋₁",),
    output="cₖ",
    supernet="tfdarts.models.nas_bench_201_models:NASBench201Supernet",
    network="tfdarts.models.nas_bench_201_models:NASBench201Network",
)
_MOTIFS = tuple(f"motif_{number}" for number in range(1, 7))
HIERARCHICAL = Structure(
    name="hierarchical",
    cell_types=(*_MOTIFS, "cell_of_motifs"),
    num_inputs=1,
    edges_per_node="all",
    description="a cell of motifs",
    titles=(*(name.replace("_", " ") for name in _MOTIFS), "cell of motifs"),
    inputs=("input",),
    output="output",
    supernet=None,
    network="tfdarts.models.hierarchical_network:HierarchicalNetwork",
    motifs=_MOTIFS,
)
STRUCTURES = Registry(
    "structure",
    "structures",
    {each.name: each for each in (CNN, RNN, NAS_BENCH_201, HIERARCHICAL)},
)
"""The structures of cells by name."""


def structure_of(cell_types):
    """Returns the structure whose cells have these names, or `None`.

    Args:
        cell_types: Iterable of strings, in any order.

    Example:

    >>> structure_of(["reduce", "normal"]).name
    'cnn'
    """
    for structure in STRUCTURES.values():
        if {*cell_types} == {*structure.cell_types}:
            return structure
    return None


def structure_with(cell_type):
    """Returns the structure that has a cell of this name.

    Example:

    >>> structure_with("reduce").name
    'cnn'
    """
    return next(s for s in STRUCTURES.values() if cell_type in s.cell_types)


def title_of(cell_type):
    """Returns the name of a cell in titles.

    Example:

    >>> title_of("reduce")
    'reduction cell'
    """
    structure = structure_with(cell_type)
    return structure.titles[structure.cell_types.index(cell_type)]
