import math
import struct

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy.special import softmax

from tfdarts import genotypes
from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.rnn import RNNSearchSpace
from tfdarts.visualization import palette
from tfdarts.visualization import panels
from tfdarts.visualization.alpha_history import draw_alphas

pytestmark = pytest.mark.rendered

EDGES = ((2, 0), (2, 1))
PRIMITIVES = ("none", "skip_connect", "sep_conv_3x3")
LAST = [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]
HISTORY = np.stack([np.full((2, 3), 1 / 3), LAST])
GENOTYPE = Genotype(
    normal=[("sep_conv_3x3", 1), ("skip_connect", 0)],
    normal_concat=[2],
    reduce=[("skip_connect", 0), ("sep_conv_3x3", 1)],
    reduce_concat=[2],
)
THIRD = pytest.approx([1 / 3] * 3)


def entropy(*weights):
    return sum(weight * math.log(1 / weight) for weight in weights)


def image_of(axes):
    return np.asarray(axes.images[0].get_array())


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draws a history and returns the figures instead of their bytes."""

    def draw(history, edges=EDGES, primitives=PRIMITIVES, genotype=GENOTYPE):
        figures = []
        monkeypatch.setattr(
            panels, "to_png", lambda figure: figures.append(figure) or b""
        )
        (cell_type, *_) = genotype.cell_types
        draw_alphas({cell_type: history}, edges, primitives, genotype, tmp_path)
        return figures

    return draw


def random_walk(rows, space, seed=0):
    steps = np.random.default_rng(seed).normal(
        0, 0.2, (rows, *space.alpha_shape)
    )
    return softmax(steps.cumsum(axis=0), axis=-1)


@pytest.mark.parametrize("rows", [1, 2, 26])
def test_three_pictures_a_cell_type(tmp_path, rows):
    space = CNNSearchSpace()
    history = {"normal": random_walk(rows, space)}
    if rows == 2:
        history["reduce"] = random_walk(rows, space, seed=1)
    directory = tmp_path / "a" / "b"
    paths = draw_alphas(
        history,
        space.edges,
        space.primitives,
        genotypes.get("DARTS_V2"),
        directory,
    )
    assert [path.name for path in paths] == [
        f"alphas_{cell_type}{suffix}.png"
        for cell_type in history
        for suffix in ("", "_over_time", "_over_time_heatmap")
    ]
    assert sorted(directory.iterdir()) == sorted(paths)
    for path in paths:
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert content.endswith(b"IEND\xaeB`\x82")
        width, height = struct.unpack(">II", content[16:24])
        assert 1800 <= width <= 2000
        assert 1100 <= height <= 1200


def framed(axes):
    """What of a heat map is framed, as (column, row)."""
    return {
        tuple(np.round(np.add(p.get_xy(), (0.47, 0.43)), 6))
        for p in axes.patches
    }


def test_edges_of_the_genotype_are_marked_in_every_picture(drawn):
    space = CNNSearchSpace()
    genotype = genotypes.get("DARTS_V2")
    final, lines, over_time = drawn(
        random_walk(3, space), space.edges, space.primitives, genotype
    )
    chosen = {
        (2 + k // 2, predecessor): primitive
        for k, (primitive, predecessor) in enumerate(genotype.normal)
    }
    assert framed(final.axes[0]) == {
        (space.primitives.index(primitive), space.edges.index(edge))
        for edge, primitive in chosen.items()
    }
    for edge, panel, heat_map in zip(space.edges, lines.axes, over_time.axes):
        primitive = chosen.get(edge)
        thick = [a.get_label() for a in panel.lines if a.get_linewidth() > 3]
        assert thick == ([primitive] if primitive else [])
        rows = {(0, space.primitives.index(primitive))} if primitive else set()
        assert framed(heat_map) == rows
        for axes in (panel, heat_map):
            color = to_hex(axes.spines["top"].get_edgecolor()).upper()
            assert (color == palette.CHOSEN) == (primitive is not None)
            assert (axes.title.get_weight() == "bold") == bool(primitive)
    for figure in (final, over_time):
        assert "framed: the edges" in figure.get_supxlabel()
    assert "framed, with a thick" in lines.legends[0].get_title().get_text()


def test_of_many_edges_each_node_has_a_panel(drawn):
    """Its lines are the strongest weights of the edges into it."""
    space = RNNSearchSpace()
    history = random_walk(4, space)
    genotype = space.derive({"recurrent": history[-1]})
    _, lines, over_time = drawn(
        history, space.edges, space.primitives, genotype
    )
    strongest = history[..., 1:].max(-1)
    assert len(lines.axes) == 8
    for node, axes in enumerate(lines.axes, 1):
        primitive, predecessor = genotype.recurrent[node - 1]
        expected = {
            tuple(
                strongest[:, space.edges.index((node, source))].round(6)
            ): source
            for source in range(node)
        }
        drawn_edges = {
            expected[tuple(np.round(line.get_ydata(), 6))]: line
            for line in axes.lines
        }
        assert {*drawn_edges} == {*range(node)}
        for source, line in drawn_edges.items():
            color = to_hex(line.get_color()).upper()
            if source == predecessor:
                assert color == palette.primitive_color(primitive)
            else:
                assert color == palette.FAINT
        assert axes.get_title().endswith(f": {primitive}")
    heat_map = over_time.axes[0]
    np.testing.assert_allclose(image_of(heat_map), strongest.T)
    bold = [
        label.get_text().split(": ")[1]
        for label in heat_map.get_yticklabels()
        if label.get_weight() == "bold"
    ]
    assert bold == [primitive for primitive, _ in genotype.recurrent]


def test_the_final_heatmap_shows_the_last_weights(drawn):
    axes, bar = drawn(HISTORY)[0].axes
    assert image_of(axes) == pytest.approx(np.array(LAST))
    assert [text.get_text() for text in axes.texts] == [
        *("0.50", "0.30", "0.20"),
        *("0.10", "0.20", "0.70"),
    ]
    bold = [t.get_text() for t in axes.texts if t.get_weight() == "bold"]
    assert bold == ["0.30", "0.70"]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "cₖ₋₂ → 2",
        "cₖ₋₁ → 2",
    ]
    assert [label.get_text() for label in axes.get_xticklabels()] == list(
        PRIMITIVES
    )


def test_the_lines_follow_the_weights_of_each_edge(drawn):
    first, second, _ = drawn(HISTORY)[1].axes
    for axes, last in zip((first, second), LAST):
        values = np.array([line.get_ydata() for line in axes.get_lines()])
        assert values[:, 0] == THIRD
        assert values[:, 1] == pytest.approx(last)
        assert [to_hex(line.get_color()).upper() for line in axes.lines] == [
            palette.primitive_color(primitive) for primitive in PRIMITIVES
        ]


def test_one_legend_names_the_primitives(drawn):
    figure = drawn(HISTORY)[1]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(PRIMITIVES)
    assert all(axes.get_legend() is None for axes in figure.axes)


def test_the_corner_shows_the_mean_entropy_in_nats(drawn):
    corner = drawn(HISTORY)[1].axes[-1]
    uniform, mean = corner.get_lines()
    assert list(uniform.get_ydata()) == pytest.approx([1.0986, 1.0986], 1e-4)
    expected = (entropy(0.5, 0.3, 0.2) + entropy(0.1, 0.2, 0.7)) / 2
    assert expected == pytest.approx(0.9157, abs=1e-4)
    assert mean.get_ydata() == pytest.approx([math.log(3), expected])


def test_the_heatmap_over_time_has_epochs_as_columns(drawn):
    first, second, _ = drawn(HISTORY)[2].axes[:3]
    for axes, last in zip((first, second), LAST):
        image = image_of(axes)
        assert image.shape == (3, 2)
        assert image[:, 0] == THIRD
        assert image[:, 1] == pytest.approx(last)
    assert [label.get_text() for label in first.get_yticklabels()] == list(
        PRIMITIVES
    )


def test_all_panels_of_a_heatmap_share_one_scale(drawn):
    figure = drawn(HISTORY)[2]
    scales = [a.images[0].get_clim() for a in figure.axes if a.images]
    assert scales == [(0, pytest.approx(0.7))] * 2


def test_an_undecided_search_looks_undecided(drawn):
    for figure in (drawn(np.full((2, 2, 3), 1 / 3))[i] for i in (0, 2)):
        assert figure.axes[0].images[0].get_clim() == (0, 2 / 3)


@pytest.mark.parametrize("picture", [1, 2])
def test_panels_stand_by_node_and_predecessor(drawn, picture):
    space = CNNSearchSpace()
    figure = drawn(
        random_walk(3, space),
        space.edges,
        space.primitives,
        genotypes.get("DARTS_V2"),
    )[picture]
    places = {
        axes.get_title(): (
            axes.get_subplotspec().rowspan.start,
            axes.get_subplotspec().colspan.start,
        )
        for axes in figure.axes[:14]
    }
    assert places == {
        "cₖ₋₂ → 2": (0, 0),
        "cₖ₋₁ → 2": (0, 1),
        "cₖ₋₂ → 3": (1, 0),
        "cₖ₋₁ → 3": (1, 1),
        "2 → 3": (1, 2),
        "cₖ₋₂ → 4": (2, 0),
        "cₖ₋₁ → 4": (2, 1),
        "2 → 4": (2, 2),
        "3 → 4": (2, 3),
        "cₖ₋₂ → 5": (3, 0),
        "cₖ₋₁ → 5": (3, 1),
        "2 → 5": (3, 2),
        "3 → 5": (3, 3),
        "4 → 5": (3, 4),
    }
    first = figure.axes[0]
    for axes in figure.axes[1:14]:
        assert first.get_shared_x_axes().joined(first, axes)
        assert first.get_shared_y_axes().joined(first, axes)


@pytest.mark.filterwarnings("error")
def test_a_settled_edge_overflows_nowhere(drawn):
    history = np.full((2, 2, 3), 1 / 3)
    history[1] = [0.0, 0.0, 1.0]
    figures = drawn(history)
    assert figures[1].axes[-1].get_lines()[1].get_ydata()[1] == 0.0
    assert image_of(figures[0].axes[0])[0, 2] == 1.0


@pytest.mark.parametrize(
    "shape", [(2, 3), (0, 2, 3), (4, 3, 3), (4, 2, 2), (4, 3, 2), (1, 4, 2, 3)]
)
def test_wrong_shapes_are_refused(tmp_path, shape):
    history = {"normal": HISTORY, "reduce": np.zeros(shape)}
    with pytest.raises(
        ValueError, match="reduce cell must have the shape"
    ) as e:
        draw_alphas(history, EDGES, PRIMITIVES, GENOTYPE, tmp_path / "pictures")
    assert f"Received shape: {shape}." in str(e.value)
    assert not (tmp_path / "pictures").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path, value):
    history = HISTORY.copy()
    history[1, 0, 0] = value
    with pytest.raises(ValueError, match="must be finite, but"):
        draw_alphas({"normal": history}, EDGES, PRIMITIVES, GENOTYPE, tmp_path)


def test_matplotlib_keeps_its_settings(tmp_path):
    before = dict(matplotlib.rcParams)
    draw_alphas({"normal": HISTORY}, EDGES, PRIMITIVES, GENOTYPE, tmp_path)
    assert dict(matplotlib.rcParams) == before
