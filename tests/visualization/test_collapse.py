"""The picture of a collapse shows what was recorded."""

import matplotlib.image
import numpy as np
import pytest

from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.visualization import collapse
from tfdarts.visualization import panels

EPOCHS = 6
METRICS = {
    "loss": [1.0] * EPOCHS,
    "skip_connections": [0, 1, 2, 2, 3, 5],
    "epochs_unchanged": [0, 0, 0, 1, 0, 0],
}


@pytest.fixture
def draw(tmp_path, monkeypatch):
    figures = []
    png = panels.png
    monkeypatch.setattr(
        panels, "png", lambda figure: figures.append(figure) or png(figure)
    )

    def draw(metrics):
        random = np.random.default_rng(0)
        history = {
            name: random.normal(size=(EPOCHS + 1, 14, 8))
            for name in ("normal", "reduce")
        }
        path = tmp_path / "collapse.png"
        edges = CNNSearchSpace().edges
        collapse.draw_collapse(history, edges, metrics, path)
        assert matplotlib.image.imread(path).shape[:2] == (1125, 1999)
        return history, figures[-1].axes

    return draw


def test_entropies_are_those_of_each_edge_and_epoch(draw):
    history, axes = draw(METRICS)
    shown = [a for a in axes if a.images]
    assert len(shown) == 2
    for panel, alphas in zip(shown, history.values()):
        weights = np.exp(alphas) / np.exp(alphas).sum(-1, keepdims=True)
        expected = -(weights * np.log(weights)).sum(-1).T
        (image,) = panel.images
        np.testing.assert_allclose(image.get_array(), expected)
        assert image.get_clim() == (0, pytest.approx(np.log(8)))


def test_lines_are_those_of_the_metrics(draw):
    def lines(metrics):
        _, axes = draw(metrics)
        return [a.lines[0].get_xydata().T for a in axes if a.lines]

    skips, unchanged = lines(METRICS)
    np.testing.assert_array_equal(skips, [range(1, 7), [0, 1, 2, 2, 3, 5]])
    np.testing.assert_array_equal(unchanged[1], [0, 0, 0, 1, 0, 0])
    values = [0.1, 0.2, 0.1, 0.3, 0.5, 0.9]
    *_, eigenvalue = lines({**METRICS, "dominant_eigenvalue": values})
    np.testing.assert_array_equal(eigenvalue[1], values)
