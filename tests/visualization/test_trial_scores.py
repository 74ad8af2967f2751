"""The picture of the candidates of a search."""

import math

import pytest
from matplotlib.axes import Axes

from tfdarts.visualization.trial_scores import draw_trials

pytestmark = pytest.mark.rendered


@pytest.fixture
def lines(monkeypatch):
    """What is drawn, by its label."""
    drawn = {}

    def keep(self, x, y, *arguments, label, **options):
        drawn[label] = [*x], [*y]

    for name in ("plot", "step"):
        monkeypatch.setattr(Axes, name, keep)
    monkeypatch.setattr(Axes, "legend", lambda self, **options: None)
    monkeypatch.setattr(
        Axes,
        "set_xlabel",
        lambda self, text, **options: drawn.update(axis=text),
    )
    return drawn


def test_the_best_so_far_is_drawn_over_the_cost(lines, tmp_path):
    scores = [0.5, math.nan, 0.7, 0.6]
    ranks = [[-0.5], [math.inf], [-0.7], [-0.6]]
    seconds = [60, 30, 90, 120]
    draw_trials(scores, ranks, seconds, "accuracy", tmp_path / "picture.png")
    assert lines["axis"] == "cost so far, minutes"
    minutes = [1, 1.5, 3, 5]
    assert lines["the best so far"] == (minutes, [0.5, 0.5, 0.7, 0.7])
    assert lines["a candidate"][0] == minutes
    assert lines["the result: candidate 3"] == ([3], [0.7])


@pytest.mark.parametrize(
    ("seconds", "axis", "last"),
    [
        ([4000, 8000], "cost so far, hours", 12000 / 3600),
        ([1, 2], "cost so far, seconds", 3),
        ([0, 0.1], "candidate", 2),
    ],
)
def test_the_unit_fits_the_cost(seconds, axis, last, lines, tmp_path):
    draw_trials([1, 2], [[2], [1]], seconds, "score", tmp_path / "picture.png")
    assert lines["axis"] == axis
    assert lines["a candidate"][0][-1] == last
