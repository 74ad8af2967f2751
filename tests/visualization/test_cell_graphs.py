import collections
import os
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
from xml.etree import ElementTree

import pytest

from tfdarts import genotypes
from tfdarts import primitive_table
from tfdarts.cells import Cell
from tfdarts.search_spaces.hierarchical import HierarchicalSearchSpace
from tfdarts.visualization import palette
from tfdarts.visualization.cell_graphs import cell_graph
from tfdarts.visualization.cell_graphs import draw_cells

SVG = "{http://www.w3.org/2000/svg}"
EDGE = re.compile(r'^"?([^" ]+)"? -> "?([^" ]+)"?(?: \[(.*)\])?;$', re.M)
CELL_TYPES = ("normal", "reduce")
CELL_NAMES = {"normal": "normal cell", "reduce": "reduction cell"}
EVERY_CELL = [
    (name, cell_type)
    for name in genotypes.published_names()
    for cell_type in CELL_TYPES
]

# Source, target and primitive, written out by hand.
BY_HAND = {
    ("DARTS_V2", "normal"): """
        0 2 sep_conv_3x3
        1 2 sep_conv_3x3
        0 3 sep_conv_3x3
        1 3 sep_conv_3x3
        1 4 sep_conv_3x3
        0 4 skip_connect
        0 5 skip_connect
        2 5 dil_conv_3x3
        2 output
        3 output
        4 output
        5 output
    """,
    ("DARTS_V2", "reduce"): """
        0 2 max_pool_3x3
        1 2 max_pool_3x3
        2 3 skip_connect
        1 3 max_pool_3x3
        0 4 max_pool_3x3
        2 4 skip_connect
        2 5 skip_connect
        1 5 max_pool_3x3
        2 output
        3 output
        4 output
        5 output
    """,
    ("NASNet", "normal"): """
        1 2 sep_conv_5x5
        0 2 sep_conv_3x3
        0 3 sep_conv_5x5
        0 3 sep_conv_3x3
        1 4 avg_pool_3x3
        0 4 skip_connect
        0 5 avg_pool_3x3
        0 5 avg_pool_3x3
        1 6 sep_conv_3x3
        1 6 skip_connect
        2 output
        3 output
        4 output
        5 output
        6 output
    """,
    ("AmoebaNet", "reduce"): """
        0 2 avg_pool_3x3
        1 2 sep_conv_3x3
        0 3 max_pool_3x3
        2 3 sep_conv_7x7
        0 4 sep_conv_7x7
        1 4 avg_pool_3x3
        0 5 max_pool_3x3
        1 5 max_pool_3x3
        0 6 conv_7x1_1x7
        5 6 sep_conv_3x3
        3 output
        4 output
        6 output
    """,
}


def published_graph(name, cell_type):
    return cell_graph(genotypes.get(name).cells[cell_type], title=name)


def attribute(name, attributes):
    found = re.search(rf'\b{name}="?([^",\]]+)', attributes or "")
    return found and found.group(1)


def drawn_edges(graph):
    return [
        (source, target, attribute("label", attributes))
        for source, target, attributes in EDGE.findall(graph.to_string())
    ]


def labels(graph):
    """What stands in the nodes, in their order."""
    shown = [node.get("label") for node in graph.get_nodes()]
    return [label.strip('"') for label in shown if label]


def png_size(path):
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert content.endswith(b"IEND\xaeB`\x82")
    return struct.unpack(">II", content[16:24])


@pytest.fixture
def program(tmp_path):
    """A program that takes a picture's place and notes its arguments."""
    path = tmp_path / "program"
    path.write_text('#!/bin/sh\necho "$@" >> "$0.calls"\ncat\n')
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name, cell_type", BY_HAND)
def test_the_edges_are_those_written_out(name, cell_type):
    expected = [
        (*line.split(), None)[:3]
        for line in BY_HAND[name, cell_type].strip().splitlines()
    ]
    assert drawn_edges(published_graph(name, cell_type)) == expected


@pytest.mark.parametrize("name, cell_type", EVERY_CELL)
def test_the_genotype_can_be_read_back_from_the_drawing(name, cell_type):
    genotype = genotypes.get(name)
    edges = drawn_edges(published_graph(name, cell_type))
    operations = [edge for edge in edges if edge[2]]
    assert getattr(genotype, cell_type) == tuple(
        (primitive, int(source)) for source, _, primitive in operations
    )
    assert [target for _, target, _ in operations] == [
        str(2 + i // 2) for i in range(len(operations))
    ]
    outputs = [(source, target) for source, target, label in edges if not label]
    assert outputs == [
        (str(node), "output")
        for node in getattr(genotype, f"{cell_type}_concat")
    ]


@pytest.mark.parametrize("name", genotypes.published_names("rnn"))
def test_a_recurrent_cell_can_be_read_back_from_its_drawing(name):
    genotype = genotypes.get(name, "rnn")
    graph = cell_graph(genotype.cells["recurrent"], name, "rnn")
    edges = drawn_edges(graph)
    assert edges[:2] == [("x", "0", None), ("h", "0", None)]
    assert labels(graph)[:2] == ["xₜ", "hₜ₋₁"]
    assert labels(graph)[-1] == "hₜ"
    operations = [edge for edge in edges if edge[2]]
    assert genotype.recurrent == tuple(
        (primitive, int(source)) for source, _, primitive in operations
    )
    targets = [int(target) for _, target, _ in operations]
    assert targets == [*range(1, len(genotype.recurrent) + 1)]
    outputs = edges[2 + len(operations) :]
    assert outputs == [
        (str(node), "output", None) for node in genotype.recurrent_concat
    ]


def test_a_recurrent_genotype_is_one_picture(tmp_path):
    paths = draw_cells(genotypes.get("DARTS_V1", "rnn"), tmp_path)
    assert [path.name for path in paths] == [
        *("recurrent.dot", "recurrent.svg", "recurrent.png")
    ]
    assert min(png_size(tmp_path / "recurrent.png")) > 500


def test_a_cell_of_motifs_is_drawn_with_the_motifs_that_it_uses(tmp_path):
    genotype = HierarchicalSearchSpace().sample(3)
    paths = draw_cells(genotype, tmp_path)
    names = [path.stem for path in paths if path.suffix == ".png"]
    assert names == [*genotype.cells] and len(paths) == 3 * 7
    used = {name for name, _ in genotype.cell_of_motifs} - {"none"}
    assert 0 < len(used) < 6
    text = (tmp_path / "cell_of_motifs.dot").read_text()
    found = [
        (source, target, attribute("label", attributes))
        for source, target, attributes in EDGE.findall(text)
    ]
    expected = collections.Counter()
    for name, cell in genotype.cells.items():
        prefix = f"{name}_" if name in used else ""
        if prefix or name == "cell_of_motifs":
            expected.update(
                (f"{prefix}{source}", f"{prefix}{node}", operation)
                for node, edges in enumerate(cell.nodes, 1)
                for operation, source in edges
            )
            last = f"{prefix}{len(cell.nodes)}"
            expected[last, f"{prefix}output", None] += 1
    assert collections.Counter(found) == expected
    root = ElementTree.parse(tmp_path / "cell_of_motifs.svg").getroot()
    shown = {element.text for element in root.iter(f"{SVG}text")}
    assert {f"motif {name[-1]}" for name in used} | used <= shown


def test_loose_ends_do_not_reach_the_output():
    node = (("skip_connect", 0), ("skip_connect", 1))
    graph = cell_graph(Cell((node,) * 3, (3,)), "Loose ends")
    edges = drawn_edges(graph)
    assert len(edges) == 7
    assert [edge[:2] for edge in edges if edge[1] == "output"] == [
        ("3", "output")
    ]
    assert labels(graph) == ["0: cₖ₋₂", "1: cₖ₋₁", "2", "3", "4", "cₖ"]


def test_a_family_has_one_legible_colour_of_its_own():
    families = (
        ("sep_conv_3x3", "sep_conv_5x5", "sep_conv_7x7"),
        ("dil_conv_3x3", "dil_conv_5x5"),
        ("max_pool_3x3", "avg_pool_3x3"),
        ("skip_connect",),
        ("conv_7x1_1x7",),
    )
    colors = [set(map(palette.family_color, family)) for family in families]
    assert [len(shades) for shades in colors] == [1] * 5
    assert len(set.union(*colors)) == 5
    for (color,) in colors:
        assert contrast_with_white(color) >= 4.5


def contrast_with_white(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
        for c in channels
    )
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def test_every_primitive_has_a_colour_of_its_own():
    primitives = primitive_table.primitive_names("cnn")[:10]
    colors = {palette.primitive_color(primitive) for primitive in primitives}
    assert len(colors) == 10
    assert palette.INK not in colors
    assert palette.primitive_color("unheard_of") == palette.INK


def test_edge_and_label_wear_the_colour_of_the_family():
    text = published_graph("NASNet", "reduce").to_string()
    labelled = [found for *_, found in EDGE.findall(text) if "label" in found]
    assert len(labelled) == 10
    for attributes in labelled:
        color = palette.family_color(attribute("label", attributes))
        assert attribute("color", attributes) == color
        assert attribute("fontcolor", attributes) == color


@pytest.mark.skipif(not shutil.which("dot"), reason="needs Graphviz")
@pytest.mark.parametrize("name", ["DARTS_V2", "NASNet", "AmoebaNet"])
def test_dot_draws_svg_and_png(tmp_path, name):
    genotype = genotypes.get(name)
    check_pictures(genotype, draw_cells(genotype, tmp_path / "a" / "cells"))


@pytest.mark.skipif(
    not shutil.which("graphviz-pure", path=sysconfig.get_path("scripts")),
    reason="needs graphviz-pure",
)
def test_graphviz_pure_draws_svg_and_png_without_dot(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    genotype = genotypes.get("NASNet")
    check_pictures(genotype, draw_cells(genotype, tmp_path))


def check_pictures(genotype, paths):
    folder = paths[0].parent
    assert sorted(path.name for path in paths) == [
        "normal.dot",
        "normal.png",
        "normal.svg",
        "reduce.dot",
        "reduce.png",
        "reduce.svg",
    ]
    assert sorted(folder.iterdir()) == sorted(paths)
    for cell_type in CELL_TYPES:
        svg = ElementTree.parse(folder / f"{cell_type}.svg").getroot()
        texts = [text.text.strip() for text in svg.iter(f"{SVG}text")]
        edges = getattr(genotype, cell_type)
        nodes = [str(2 + i) for i in range(len(edges) // 2)]
        assert collections.Counter(texts) == collections.Counter(
            [
                f"{genotype.name}: {CELL_NAMES[cell_type]}",
                *("0: cₖ₋₂", "1: cₖ₋₁", *nodes, "cₖ"),
                *(primitive for primitive, _ in edges),
            ]
        )
        width, height = png_size(folder / f"{cell_type}.png")
        points = [float(svg.get(side)[:-2]) for side in ("width", "height")]
        assert [width, height] == pytest.approx(
            [side * 200 / 72 for side in points], rel=0.02
        )


def test_a_genotype_without_a_name_is_drawn_without_one(tmp_path):
    genotype = genotypes.Genotype(
        normal=[("skip_connect", 0), ("skip_connect", 1)],
        normal_concat=[2],
        reduce=[("skip_connect", 0), ("skip_connect", 1)],
        reduce_concat=[2],
    )
    draw_cells(genotype, tmp_path)
    assert 'label="normal cell"' in (tmp_path / "normal.dot").read_text()


TITLES = [
    'a\\N "b" → c',
    '"quoted"',
    "<b>bold</b>",
    "<",
    "&amp; &lt;i&gt; &#65;",
    "{a | b} \\",
    "graph",
    "50 % of $10 [x] # // /* é e\u0301 😀 שלום",
]


@pytest.mark.parametrize("program", ["dot", "graphviz-pure"])
@pytest.mark.parametrize("title", TITLES)
def test_a_title_means_itself(program, title):
    program = shutil.which(program) or shutil.which(
        program, path=sysconfig.get_path("scripts")
    )
    if program is None:
        pytest.skip("needs Graphviz")
    graph = cell_graph(Cell(((("skip_connect", 0),),), (2,)), title)
    svg = subprocess.run(
        [program, "-Tsvg"],
        input=graph.to_string().encode(),
        capture_output=True,
        check=True,
    ).stdout
    texts = [e.text for e in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert title in texts


def test_what_cannot_be_shown_in_a_title_is_replaced(tmp_path):
    cell = Cell(((("skip_connect", 0),),), (2,))
    text = cell_graph(cell, "a\nb\0c\ud800").to_string()
    assert 'label="a�b�c�"' in text
    assert text.encode()


@pytest.mark.parametrize("scripts", [None, sysconfig.get_path("scripts")])
def test_graphviz_pure_stands_in_for_dot(
    tmp_path, monkeypatch, program, scripts
):
    def which(name, path=None):
        if name == "graphviz-pure" and path == scripts:
            return str(program)

    monkeypatch.setattr(shutil, "which", which)
    paths = draw_cells(genotypes.get("DARTS_V2"), tmp_path / "cells")
    assert len(paths) == 6
    calls = (tmp_path / "program.calls").read_text().splitlines()
    assert calls == ["-Tsvg", "-Tpng -Gdpi=200"] * 2
    dot = (tmp_path / "cells" / "normal.dot").read_bytes()
    assert (tmp_path / "cells" / "normal.svg").read_bytes() == dot


def test_dot_comes_before_graphviz_pure(tmp_path, monkeypatch, program):
    installed = {"dot": str(program), "graphviz-pure": "/nowhere"}
    monkeypatch.setattr(
        shutil, "which", lambda name, path=None: installed[name]
    )
    assert len(draw_cells(genotypes.get("DARTS_V2"), tmp_path)) == 6


@pytest.mark.parametrize(
    "program, reason",
    [
        (None, "neither dot nor graphviz-pure was found"),
        ("/bin/false", "returned non-zero exit status 1"),
        ("/nowhere/dot", "No such file or directory: '/nowhere/dot'"),
    ],
)
def test_a_failure_to_draw_is_only_a_warning(
    tmp_path, monkeypatch, caplog, program, reason
):
    monkeypatch.setattr(shutil, "which", lambda name, path=None: program)
    paths = draw_cells(genotypes.get("DARTS_V2"), tmp_path)
    assert [path.name for path in paths] == ["normal.dot", "reduce.dot"]
    assert sorted(tmp_path.iterdir()) == paths
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("tfdarts", "WARNING")
    message = record.getMessage()
    assert reason in message
    assert str(tmp_path) in message
    assert "pip install graphviz-pure" in message


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    def replace(source, target):
        raise OSError("The power is out.")

    (tmp_path / "normal.dot").write_text("old")
    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match="The power is out"):
        draw_cells(genotypes.get("DARTS_V2"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["normal.dot"]
    assert (tmp_path / "normal.dot").read_text() == "old"


def test_drawing_imports_neither_tensorflow_nor_pyplot():
    code = (
        "import sys, tfdarts.visualization.cell_graphs;"
        "import tfdarts.visualization.alpha_history;"
        "print({'tensorflow', 'matplotlib.pyplot'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"
