"""The picture of a Pareto front."""

import pytest
from matplotlib.axes import Axes

from tfdarts.visualization.front_picture import draw_front

pytestmark = pytest.mark.rendered

ROWS = [
    {"candidate": 1, "score": 0.5, "parameters": 10, "on_front": True},
    {"candidate": 2, "score": 0.4, "parameters": 20, "on_front": False},
    {"candidate": 3, "score": 0.9, "parameters": 40, "on_front": True},
    {"candidate": 4, "score": 0.901, "parameters": 40.5, "on_front": True},
    *(
        {"candidate": n, "score": 0.6, "parameters": 50, "on_front": False}
        for n in range(5, 20)
    ),
]


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn: points by label, steps and numbers."""
    found = {"steps": [], "numbers": []}
    plot, step, annotate = Axes.plot, Axes.step, Axes.annotate

    def keep_plot(self, x, y, *arguments, **options):
        if "label" in options:
            found[options["label"]] = ([*x], [*y])
        return plot(self, x, y, *arguments, **options)

    def keep_step(self, x, y, **options):
        found["steps"].append(([*x], [*y]))
        return step(self, x, y, **options)

    def keep_annotate(self, text, place, **options):
        found["numbers"].append((text, place))
        return annotate(self, text, place, **options)

    monkeypatch.setattr(Axes, "plot", keep_plot)
    monkeypatch.setattr(Axes, "step", keep_step)
    monkeypatch.setattr(Axes, "annotate", keep_annotate)
    return found


FRONT = "the front, with numbers of candidates"


def test_the_front_is_drawn_above_the_others(drawn, tmp_path):
    path = tmp_path / "front.png"
    draw_front(ROWS, ["parameters"], "accuracy", path)
    assert path.stat().st_size > 0
    assert drawn[FRONT] == ([10, 40, 40.5], [0.5, 0.9, 0.901])
    assert drawn["steps"] == [drawn[FRONT]]
    # The worst tenth of all candidates is left out, and counted.
    others = drawn["a candidate that another dominates; 1 more are below"]
    assert others == ([50] * 15, [0.6] * 15)
    # 3 and 4 would cover one another.
    assert {text for text, _ in drawn["numbers"]} == {"1", "4"}


def test_two_costs_have_two_panels(drawn, tmp_path):
    rows = [{**row, "milliseconds": row["candidate"]} for row in ROWS]
    costs = ["parameters", "milliseconds"]
    draw_front(rows, costs, "score", tmp_path / "front.png")
    assert drawn["steps"] == []
    assert drawn[FRONT] == ([1, 3, 4], [0.5, 0.9, 0.901])
