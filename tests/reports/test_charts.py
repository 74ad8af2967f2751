"""Charts as coordinates, against the transforms of matplotlib."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from tfdarts.reports import charts
from tfdarts.reports.charts import Line
from tfdarts.reports.charts import line_chart

XS = [1, 2, 3, 4, 5]
YS = [0.3, 2.5, -1.0, 4.0, 0.0]


def matplotlib_points(xs, ys, x_limits, y_limits):
    """Returns the points of a line in an axes as large as a chart."""
    size = charts.WIDTH, charts.HEIGHT
    figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100)
    left, right = charts.LEFT, size[0] - charts.RIGHT
    low, high = charts.BOTTOM, size[1] - charts.TOP
    axes = figure.add_axes(
        (
            left / size[0],
            low / size[1],
            (right - left) / size[0],
            (high - low) / size[1],
        )
    )
    axes.set(xlim=x_limits, ylim=y_limits)
    points = axes.transData.transform(np.column_stack([xs, ys]))
    return points * [1, -1] + [0, size[1]]


def test_points_are_where_matplotlib_draws_them():
    (line,) = line_chart("Title", [Line("a line", XS, YS)])["lines"]
    expected = matplotlib_points(XS, YS, (1, 5), (-1, 4))
    np.testing.assert_allclose(line["points"], expected, atol=0.06)
    assert line["parts"] == [line["points"]]


def test_limits_and_zero_belong_to_the_range():
    chart = line_chart(
        "Title",
        [Line("a line", XS, [2] * 5)],
        limits=[(8, "most")],
        marks=[(6, "x")],
        from_zero=True,
    )
    expected = matplotlib_points(XS, [2] * 5, (1, 6), (0, 8))
    np.testing.assert_allclose(chart["lines"][0]["points"], expected, atol=0.06)
    assert chart["limits"] == [{"y": charts.TOP, "words": "most"}]
    assert chart["marks"] == [{"x": charts.WIDTH - charts.RIGHT, "words": "x"}]


def test_a_gap_parts_a_line_and_ends_no_chart():
    ys = [1, math.nan, 2, 3, math.nan]
    chart = line_chart("Title", [Line("a line", XS, ys)])
    (line,) = chart["lines"]
    assert [len(part) for part in line["parts"]] == [2]
    assert len(line["points"]) == 3
    assert chart["table"]["rows"][1] == ["2", ""]
    assert "1 at epoch 1, 3 at epoch 4; lowest 1, highest 3" in chart["summary"]


def test_two_values_at_one_place_have_two_rows():
    lines = [Line("all", [3, 1, 3], [7, 8, 9], "dots"), Line("b", [3], [9])]
    table = line_chart("Title", lines)["table"]
    assert table["columns"] == ["epoch", "all", "b"]
    assert table["rows"] == [["1", "8", ""], ["3", "7", "9"], ["3", "9", ""]]


def test_a_step_keeps_its_height_until_the_next_value():
    line = Line("best", [1, 3], [1, 2], is_stepped=True)
    (drawn,) = line_chart("Title", [line])["lines"]
    (part,) = drawn["parts"]
    assert part[1] == (part[2][0], part[0][1])


@pytest.mark.parametrize("ys", [[], [math.nan], [math.inf]])
def test_without_values_there_is_no_chart(ys):
    assert line_chart("Title", [Line("a line", XS[: len(ys)], ys)]) is None


def test_one_value_is_in_the_middle():
    chart = line_chart("Title", [Line("a line", [1], [3])])
    middle = (charts.TOP + charts.HEIGHT - charts.BOTTOM) / 2
    assert chart["lines"][0]["points"][0][1] == middle
    assert [tick["text"] for tick in chart["y_ticks"]] == ["3"]


@pytest.mark.parametrize("top", [0.37, 4, 1234.5])
def test_ticks_are_within_the_range_and_where_their_number_is(top):
    chart = line_chart("Title", [Line("a line", XS, [0, 0, 0, 0, top])])
    ticks = chart["y_ticks"]
    assert 2 <= len(ticks) <= 7
    numbers = [float(tick["text"].replace(",", "")) for tick in ticks]
    ends = [charts.HEIGHT - charts.BOTTOM, charts.TOP]
    expected = np.interp(numbers, [0, top], ends)
    assert [tick["at"] for tick in ticks] == pytest.approx(expected, abs=0.06)


def test_ticks_of_counts_are_integers():
    chart = line_chart("Title", [Line("a line", XS, [0, 1, 2, 1, 0])])
    assert {t["text"] for t in chart["y_ticks"]} == {"0", "1", "2"}


def test_shares_are_in_percent():
    chart = line_chart("T", [Line("a", [1, 2], [0.25, 0.5])], percent=True)
    assert chart["table"]["rows"] == [["1", "25%"], ["2", "50%"]]
