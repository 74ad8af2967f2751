"""Cells as graphs: DOT text, and pictures rendered from it."""

import logging
import shutil
import subprocess
import sysconfig

import pydot

from tfdarts.arguments import as_path
from tfdarts.characters import has_unusable_characters
from tfdarts.files import write_atomically
from tfdarts.structures import STRUCTURES
from tfdarts.structures import title_of
from tfdarts.visualization import palette

# Linux aliases Arial; where no Arial is installed, graphviz-pure brings a
# font with the same metrics.
_FONT = {"fontname": "Arial", "fontcolor": palette.INK}

_GRAPH = {
    **_FONT,
    "rankdir": "LR",
    "bgcolor": palette.BACKGROUND,
    "fontsize": 20,
    "labelloc": "t",
    "pad": 0.25,
    "nodesep": 0.35,
    "ranksep": 0.4,
}
_NODE = {
    **_FONT,
    "shape": "box",
    "style": "rounded,filled",
    "color": palette.INK,
    "fontsize": 18,
    "margin": "0.16,0.08",
    "width": 0.6,
    "height": 0.6,
}
# With four ranks, an edge is level for the length of its label. With fewer,
# labels are closer to other edges than to their own.
_EDGE = {
    **_FONT,
    "fontsize": 14,
    "minlen": 4,
    "penwidth": 2,
    "arrowsize": 0.8,
}
_CLUSTER = {
    **_FONT,
    "color": palette.FAINT,
    "fontsize": 18,
    "labelloc": "t",
    "margin": 12,
}


def node_names(structure, count):
    """Returns the names of a cell's nodes in pictures, by number.

    Nodes are numbered in the order of the paper's section 2.1, inputs first,
    in all pictures and files. Nodes that are inputs, such as nodes 0 and 1 of
    a convolutional cell, have the names of these inputs.

    Args:
        structure: `tfdarts.Structure`.
        count: Integer, the number of nodes, including inputs.

    Example:

    >>> node_names(STRUCTURES["cnn"], 4), node_names(STRUCTURES["rnn"], 3)
    (['cₖ₋₂', 'cₖ₋₁', '2', '3'], ['0', '1', '2'])
    """
    named = () if structure.combines_inputs else structure.inputs
    return [*named, *map(str, range(len(named), count))][:count]


def cell_graph(cell, title, space="cnn", motifs=None):
    """Returns a cell as a graph, with nodes numbered as in its genotype.

    The paper's figures only count the intermediate nodes: their node 0 of a
    convolutional cell is node 2 here and in the genotype.

    Args:
        cell: `tfdarts.cells.Cell`.
        title: String above the cell.
        space: String, the structure of the cell, such as `"cnn"`.
        motifs: Dict of cells by name; those that are operations of the cell
            are drawn beside it. Defaults to none.

    Returns:
        A `pydot.Dot`.

    Example:

    >>> from tfdarts.cells import Cell
    >>> cell = Cell(((("sep_conv_3x3", 0), ("skip_connect", 1)),), concat=(2,))
    >>> graph = cell_graph(cell, title="A small cell")
    >>> len(graph.get_edges())
    3

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), figures 4 to 6
    """
    graph = pydot.Dot("cell", label=_quoted(title), **_GRAPH)
    graph.set_node_defaults(**_NODE)
    graph.set_edge_defaults(**_EDGE)
    structure = STRUCTURES[space]
    used = {primitive for primitive, _ in cell.edges}
    # Graphviz draws the first part at the bottom.
    for name, motif in reversed((motifs or {}).items()):
        if name in used:
            label = _quoted(title_of(name))
            cluster = pydot.Cluster(name, label=label, **_CLUSTER)
            _add_cell(cluster, motif, structure, f"{name}_")
            graph.add_subgraph(cluster)
    _add_cell(graph, cell, structure)
    return graph


def _add_cell(graph, cell, structure, prefix=""):
    """Adds the nodes and the edges of a cell to a graph.

    Args:
        graph: `pydot.Graph`.
        cell: `tfdarts.cells.Cell`.
        structure: `tfdarts.Structure`.
        prefix: String, the beginning of the names of nodes in the DOT text.
    """
    num_inputs = structure.num_inputs
    names = node_names(structure, num_inputs + len(cell.nodes))
    # Node 0 of a recurrent cell combines both of its inputs.
    combined = structure.inputs if structure.combines_inputs else ()
    inputs = dict(zip("xhyz", combined))
    for node, label in inputs.items():
        _add_node(graph, f"{prefix}{node}", label, palette.INPUT)
    for node, name in enumerate(names):
        is_input = not inputs and node < num_inputs
        _add_node(
            graph,
            f"{prefix}{node}",
            f"{node}: {name}" if is_input else name,
            palette.INPUT if is_input else palette.INTERMEDIATE,
        )
    _add_node(graph, f"{prefix}output", structure.output, palette.OUTPUT)
    plain = {"color": palette.QUIET, "minlen": 2}
    for node in inputs:
        graph.add_edge(pydot.Edge(f"{prefix}{node}", f"{prefix}0", **plain))
    for node, edges in enumerate(cell.nodes, num_inputs):
        for primitive, predecessor in edges:
            color = palette.family_color(primitive)
            style = {"style": "dashed"} if primitive == "none" else {}
            graph.add_edge(
                pydot.Edge(
                    f"{prefix}{predecessor}",
                    f"{prefix}{node}",
                    label=_quoted(primitive),
                    color=color,
                    fontcolor=color,
                    **style,
                )
            )
    for node in cell.concat:
        graph.add_edge(
            pydot.Edge(f"{prefix}{node}", f"{prefix}output", **plain)
        )


def _add_node(graph, node, label, color):
    graph.add_node(pydot.Node(node, label=_quoted(label), fillcolor=color))


_LITERAL = {"\\": "\\\\", '"': '\\"', "&": "&amp;"}


def _quoted(text):
    """Returns text as a quoted DOT string.

    Without quotes, Graphviz or pydot may read it as HTML, a keyword or an
    escape sequence.
    """
    text = "".join(
        _LITERAL.get(
            character,
            "\N{REPLACEMENT CHARACTER}"
            if has_unusable_characters(character)
            else character,
        )
        for character in text
    )
    return f'"{text}"'


def draw_cells(genotype, directory, caption=None):
    """Writes the cells of a genotype as DOT text, SVG and PNG.

    The pictures need Graphviz' `dot` or, without it, `graphviz-pure`. If
    drawing fails, a warning is logged; the DOT text is written anyway.

    Args:
        genotype: `Genotype`.
        directory: Path of the folder for `normal.dot`, `normal.svg`,
            `normal.png` and the files of other cells. It is created if
            missing.
        caption: String that follows the titles, in brackets. Defaults to
            none.

    Returns:
        List of `pathlib.Path`, the written files.
    """
    directory = as_path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    motifs = STRUCTURES[genotype.space].motifs
    motifs = {name: genotype.cells[name] for name in motifs}
    prefix = f"{genotype.name}: " if genotype.name else ""
    suffix = f" ({caption})" if caption else ""
    graphs = {
        directory / cell_type: cell_graph(
            cell,
            f"{prefix}{title_of(cell_type)}{suffix}",
            genotype.space,
            motifs,
        )
        for cell_type, cell in genotype.cells.items()
    }
    paths = []
    for stem, graph in graphs.items():
        paths.append(stem.with_suffix(".dot"))
        write_atomically(paths[-1], graph.to_string().encode())
    try:
        for stem, graph in graphs.items():
            for format in ("svg", "png"):
                path = stem.with_suffix(f".{format}")
                write_atomically(path, render(graph, format))
                paths.append(path)
    except Exception as error:
        logging.getLogger("tfdarts").warning(
            "Some pictures of the cells in %s are missing, because drawing "
            "failed (%s). The DOT files are complete: install Graphviz, or "
            "run `pip install graphviz-pure`, and draw the cells again.",
            directory,
            error,
        )
    return paths


def render(graph, format):
    """Returns a graph as the bytes of a picture.

    Args:
        graph: `pydot.Dot`.
        format: String, `"svg"` or `"png"`.

    Raises:
        OSError: If neither Graphviz nor `graphviz-pure` is installed.
        subprocess.SubprocessError: If the program fails.
    """
    # `pydot.Dot.create` would print errors, and wait without a timeout. A
    # resolution would change the size of an SVG.
    resolution = ["-Gdpi=200"] if format == "png" else []
    return subprocess.run(
        [_program(), f"-T{format}", *resolution],
        input=graph.to_string().encode(),
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout


def _program():
    # Scripts of a virtual environment may not be on the PATH.
    program = (
        shutil.which("dot")
        or shutil.which("graphviz-pure")
        or shutil.which("graphviz-pure", path=sysconfig.get_path("scripts"))
    )
    if program is None:
        raise FileNotFoundError("neither dot nor graphviz-pure was found")
    return program
