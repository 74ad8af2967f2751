"""Cells of the page: shapes, texts and colors of Graphviz' drawing."""

import re
import xml.etree.ElementTree as ET

import pytest

from tfdarts import genotypes
from tfdarts.reports.cell_svg import cell_svg
from tfdarts.reports.cell_svg import describe_cell
from tfdarts.search_spaces.space_registry import SPACES
from tfdarts.structures import STRUCTURES


def genotypes_of_all_structures():
    spaces = {space.structure.name: space for space in SPACES.values()}
    for name, space in spaces.items():
        yield pytest.param(space().sample(0), id=name)


@pytest.mark.parametrize("genotype", [*genotypes_of_all_structures()])
def test_a_cell_has_its_nodes_and_operations(genotype):
    for name, cell in genotype.cells.items():
        drawn = cell_svg(genotype, name)
        root = ET.fromstring(f"<svg>{drawn['content']}</svg>")
        texts = [each.text for each in root.iter("text")]
        for primitive, _ in cell.edges:
            assert primitive in texts
        assert STRUCTURES[genotype.space].output in texts
        left, top, width, height = map(float, drawn["view_box"].split())
        assert width > 100 and height > 50 and drawn["width"] == round(width)


def test_colors_are_those_of_the_theme():
    drawn = cell_svg(genotypes.get("DARTS_V2"), "normal")
    root = ET.fromstring(f"<svg>{drawn['content']}</svg>")
    values = re.findall(r"(?:fill|stroke):([^;\"]+)", str(drawn["content"]))
    assert {
        *("none", "var(--ink)", "var(--node)", "var(--input)"),
        *("var(--output)", "var(--quiet)", "var(--tone)"),
    } == {*values}
    assert {each.tag for each in root.iter()} <= {
        *("svg", "g", "path", "polygon", "text"),
    }
    tones = [e for e in root.iter("text") if e.get("class") == "tone"]
    assert {e.text for e in tones} >= {"sep_conv_3x3", "skip_connect"}


def test_a_cell_in_words():
    said = describe_cell(genotypes.get("DARTS_V2"), "normal")
    assert said[0] == (
        "Node 2: sep_conv_3x3 of node 0 (cₖ₋₂), sep_conv_3x3 of node 1 (cₖ₋₁)."
    )
    assert said[-1] == "Output cₖ: nodes 2, 3, 4, 5."
