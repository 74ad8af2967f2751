"""Names of classes mean themselves on an axis."""

import pathlib

import matplotlib
import pytest
from matplotlib import font_manager

from tfdarts.visualization import panels
from tfdarts.visualization.tick_names import name_ticks

pytestmark = pytest.mark.rendered

NAMES = [
    *("under $10", "$5 to $10", "$\\frac{$", "a\\$b", "\\", "_^{x}", "50 %"),
    *("<i>&amp;", "{0} %s", "[a] # ~", '"a"', "é", "e\u0301", "שלום", "سلام"),
    *("😀", "a\u200bb\u202ec"),
]


@pytest.fixture
def axis():
    return panels.new_figure("a title").subplots().xaxis


def labels(axis):
    return [tick.label1 for tick in axis.get_major_ticks()]


def drawn(label):
    """What matplotlib makes of a text, and whether it is a formula."""
    return label._preprocess_math(label.get_text())


def test_names_are_no_formulas(axis):
    name_ticks(axis, NAMES)
    assert panels.to_png(axis.get_figure())
    shown = [drawn(label) for label in labels(axis)]
    assert [text for text, _ in shown[:-1]] == NAMES[:-1]
    assert not any(formula for _, formula in shown)


def test_what_no_font_has_is_told_apart_by_its_position(axis, monkeypatch):
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    # Private signs, which nobody has agreed on.
    name_ticks(axis, ["cat", "\U000f0001", "\U000f0002 $"])
    assert panels.to_png(axis.get_figure())
    texts = [drawn(label)[0] for label in labels(axis)]
    assert texts == ["cat", "1: \U000f0001", "2: \U000f0002 $"]


@pytest.fixture
def two_fonts(monkeypatch):
    """Leaves matplotlib two of the fonts that come with it."""
    folder = pathlib.Path(matplotlib.get_data_path(), "fonts", "ttf")
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    for name in ("DejaVuSans.ttf", "STIXGeneral.ttf"):
        font_manager.fontManager.addfont(folder / name)


def test_another_font_helps_out(axis, two_fonts):
    # The second font has it, and the first, the default one, has not.
    circled = "Ⓐ"
    name_ticks(axis, [circled, "cat"])
    assert panels.to_png(axis.get_figure())
    assert [drawn(label)[0] for label in labels(axis)] == [circled, "cat"]
    fonts = labels(axis)[0].get_fontfamily()
    assert fonts == [*font_manager.FontProperties().get_family(), "STIXGeneral"]
