"""The picture of a collapse shows records, and what to think of them."""

import types

import matplotlib.image
import numpy as np
import pytest

from tfdarts.visualization import collapse
from tfdarts.visualization import palette
from tfdarts.visualization import panels

pytestmark = pytest.mark.rendered

EPOCHS = 6
METRICS = {
    "loss": [1.0] * EPOCHS,
    "skip_connections": [0, 1, 2, 2, 3, 5],
    "epochs_unchanged": [0, 0, 0, 1, 0, 0],
}
LIMITS = {"skip_connections": (2, "somebody stops here")}


@pytest.fixture
def draw(tmp_path, monkeypatch):
    figures = []
    png = panels.to_png
    monkeypatch.setattr(
        panels, "to_png", lambda figure: figures.append(figure) or png(figure)
    )

    def draw(metrics, sound=True, best_epoch=None):
        random = np.random.default_rng(0)
        history = {
            name: random.dirichlet(np.ones(8), size=(EPOCHS + 1, 14))
            for name in ("normal", "reduce")
        }
        verdict = types.SimpleNamespace(
            sound=sound, headline="All is well", reasons=["One.", "Two."]
        )
        path = tmp_path / "collapse.png"
        collapse.draw_collapse(
            history, metrics, verdict, LIMITS, path, best_epoch
        )
        assert matplotlib.image.imread(path).shape[:2] == (1125, 1999)
        return history, figures[-1]

    return draw


def test_entropies_are_the_mean_and_range_of_the_edges(draw):
    history, figure = draw(METRICS)
    axes = figure.axes[0]
    for line, band, weights in zip(
        axes.lines, axes.collections, history.values()
    ):
        expected = -(weights * np.log(weights)).sum(-1)
        np.testing.assert_allclose(line.get_ydata(), expected.mean(1))
        heights = band.get_paths()[0].vertices[:, 1]
        assert heights.min() == pytest.approx(expected.min())
        assert heights.max() == pytest.approx(expected.max())
    np.testing.assert_allclose(axes.lines[2].get_ydata(), np.log(8))


def test_lines_are_those_of_the_metrics_with_their_limits(draw):
    values = [0.1, 0.2, 0.1, 0.3, 0.5, 0.9]
    _, figure = draw({**METRICS, "dominant_eigenvalue": values})
    skips, unchanged, eigenvalue = (a.lines for a in figure.axes[1:])
    np.testing.assert_array_equal(
        skips[0].get_xydata().T, [range(1, 7), METRICS["skip_connections"]]
    )
    np.testing.assert_array_equal(skips[1].get_ydata(), [2, 2])
    assert [t.get_text() for t in figure.axes[1].texts] == [
        "somebody stops here"
    ]
    np.testing.assert_array_equal(unchanged[0].get_ydata(), [0, 0, 0, 1, 0, 0])
    np.testing.assert_array_equal(eigenvalue[0].get_ydata(), values)
    assert len(unchanged) == len(eigenvalue) == 1


@pytest.mark.parametrize(
    ("sound", "color"), [(True, palette.GOOD), (False, palette.BAD)]
)
def test_the_verdict_stands_above(draw, sound, color):
    _, figure = draw(METRICS, sound)
    assert figure.get_suptitle() == "All is well"
    assert figure._suptitle.get_color() == color
    (words,) = figure.subfigs[0].texts
    assert words.get_text() == "One.\nTwo."


def test_the_epoch_of_the_result_is_marked_where_it_is_not_the_last(draw):
    for best, marked in ((4, True), (EPOCHS, False)):
        _, figure = draw(METRICS, best_epoch=best)
        for axes in figure.axes:
            vertical = [
                line
                for line in axes.lines
                if np.array_equal(line.get_xdata(), [best, best])
            ]
            assert len(vertical) == marked
