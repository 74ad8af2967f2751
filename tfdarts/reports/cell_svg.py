"""Cells as SVG whose colors follow the theme of the page."""

import re
import xml.etree.ElementTree as ET

from markupsafe import Markup

from tfdarts.structures import STRUCTURES
from tfdarts.structures import title_of
from tfdarts.visualization import palette
from tfdarts.visualization.cell_graphs import cell_graph
from tfdarts.visualization.cell_graphs import node_names
from tfdarts.visualization.cell_graphs import render

_SVG = "{http://www.w3.org/2000/svg}"
_KEPT = ("g", "path", "polygon", "polyline", "ellipse", "text")
_ATTRIBUTES = (
    *("d", "points", "x", "y", "cx", "cy", "rx", "ry", "transform"),
    *("text-anchor", "font-size", "stroke-width", "stroke-dasharray"),
)
_VARIABLES = {
    palette.BACKGROUND: "none",
    palette.INK: "var(--ink)",
    palette.INPUT: "var(--input)",
    palette.INTERMEDIATE: "var(--node)",
    palette.OUTPUT: "var(--output)",
    palette.QUIET: "var(--quiet)",
    palette.FAINT: "var(--faint)",
}
_THEMED = {color.lower(): value for color, value in _VARIABLES.items()}


def cell_svg(genotype, cell_type):
    """Returns a cell as the content of an SVG, and its view box.

    Graphviz or `graphviz-pure` draws the cell. Only shapes and texts of the
    drawing are kept. Known colors become variables of the style sheet;
    colors of primitives stay, as the variable `--c` of their element.

    Args:
        genotype: `Genotype`.
        cell_type: String, the name of a cell of the genotype.

    Returns:
        Dict: `view_box`, a string, `width`, a number, and `content`, `Markup`.

    Raises:
        OSError: If neither program is installed.
        subprocess.SubprocessError: If the program fails.
    """
    motifs = STRUCTURES[genotype.space].motifs
    graph = cell_graph(
        genotype.cells[cell_type],
        "",
        genotype.space,
        {name: genotype.cells[name] for name in motifs},
    )
    root = ET.fromstring(render(graph, "svg"))
    view_box = [float(n) for n in root.get("viewBox").split()]
    content = "".join(_themed(each) for each in root if _is_kept(each))
    return {
        "view_box": " ".join(f"{n:g}" for n in view_box),
        "width": round(view_box[2]),
        "content": Markup(content),
    }


def describe_cell(genotype, cell_type):
    """Returns a cell in words, a list of sentences.

    Args:
        genotype, cell_type: See `cell_svg`.

    Example:

    >>> from tfdarts.genotypes import Genotype
    >>> cell = Genotype(recurrent=[("tanh", 0)], recurrent_concat=[1])
    >>> describe_cell(cell, "recurrent")
    ['Node 1: tanh of node 0.', 'Output hₜ: node 1.']
    """
    structure = STRUCTURES[genotype.space]
    cell = genotype.cells[cell_type]
    first = structure.num_inputs
    names = node_names(structure, first + len(cell.nodes))
    sentences = []
    for node, edges in enumerate(cell.nodes, first):
        parts = [
            f"{_title(primitive)} of node {_node(names, source)}"
            for primitive, source in edges
        ]
        sentences.append(f"Node {node}: {', '.join(parts) or 'no edges'}.")
    nodes = ", ".join(map(str, cell.concat))
    plural = "s" * (len(cell.concat) != 1)
    return [*sentences, f"Output {structure.output}: node{plural} {nodes}."]


def _title(primitive):
    """Returns the name of a motif in words, and other names unchanged."""
    known = any(primitive in each.motifs for each in STRUCTURES.values())
    return title_of(primitive) if known else primitive


def _node(names, node):
    name = names[node]
    return str(node) if name == str(node) else f"{node} ({name})"


def _is_kept(element):
    return element.tag.removeprefix(_SVG) in _KEPT


def _themed(element):
    """Returns an element as text, with the colors of the theme."""
    tag = element.tag.removeprefix(_SVG)
    attributes = {n: element.get(n) for n in _ATTRIBUTES if element.get(n)}
    style, tone = [], None
    for name in ("fill", "stroke"):
        color = (element.get(name) or "").lower()
        if color in _THEMED:
            style.append(f"{name}:{_THEMED[color]}")
        elif re.fullmatch("#[0-9a-f]{6}", color):
            tone = color
            style.append(f"{name}:var(--tone)")
        elif color:
            style.append(f"{name}:none")
    if tone:
        style.insert(0, f"--c:{tone}")
        attributes["class"] = "tone"
    if style:
        attributes["style"] = ";".join(style)
    themed = ET.Element(tag, attributes)
    if tag == "text":
        themed.text = element.text
        return ET.tostring(themed, encoding="unicode")
    children = "".join(_themed(each) for each in element if _is_kept(each))
    opened, _, _ = ET.tostring(themed, encoding="unicode").rpartition("/>")
    return f"{opened.rstrip()}>{children}</{tag}>"
