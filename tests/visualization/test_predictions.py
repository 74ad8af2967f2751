"""Pictures of predictions show what they are given."""

import matplotlib.image
import numpy as np
import pytest

from tfdarts.visualization import panels
from tfdarts.visualization import predictions

pytestmark = pytest.mark.rendered


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draws, and returns the axes."""
    figures = []
    png = panels.to_png
    monkeypatch.setattr(
        panels,
        "to_png",
        lambda figure, **options: (
            figures.append(figure) or png(figure, **options)
        ),
    )

    def draw(function, *arguments):
        function(*arguments, tmp_path / "a.png")
        height, width, _ = matplotlib.image.imread(tmp_path / "a.png").shape
        assert min(height, width) > 600
        return figures[-1]

    return draw


def test_fields_are_shares_of_the_row_with_their_counts(drawn):
    matrix = [[8, 2, 0], [0, 0, 5], [0, 0, 0]]
    names = ["cat", "a dog", "bird"]
    figure = drawn(predictions.draw_confusion, matrix, names)
    axes = figure.axes[0]
    (image,) = axes.images
    np.testing.assert_allclose(
        image.get_array(), [[0.8, 0.2, 0], [0, 0, 1], [0, 0, 0]]
    )
    texts = {t.get_position(): t.get_text() for t in axes.texts}
    assert texts == {(0, 0): "8", (1, 0): "2", (2, 1): "5"}
    assert [t.get_text() for t in axes.get_yticklabels()] == names
    assert image.get_clim() == (0, 1)
    assert "53.3% right" in figure.get_suptitle()


@pytest.mark.parametrize(("classes", "named"), [(30, True), (100, False)])
def test_of_many_classes_the_mistakes_are_listed(drawn, classes, named):
    names = [f"${k}$ {{%" for k in range(classes)]
    matrix = 50 * np.eye(classes, dtype=int)
    matrix[3, 7], matrix[7, 3], matrix[1, 2] = 9, 1, 5
    figure = drawn(predictions.draw_confusion, matrix, names)
    axes, beside = figure.axes[:2]
    assert not axes.texts
    assert beside.texts[0].get_text().splitlines()[1:] == [
        "9 of 59  $3$ {% → $7$ {%",
        "5 of 55  $1$ {% → $2$ {%",
        "1 of 51  $7$ {% → $3$ {%",
    ]
    assert not beside.texts[0].get_parse_math()
    shown = [t.get_text().replace("\\$", "$") for t in axes.get_yticklabels()]
    assert (shown == names) == named


@pytest.mark.parametrize("classes", [10, 25, 40])
def test_long_names_and_counts_have_room_and_can_be_told_apart(drawn, classes):
    names = [
        f"class {k} of those with the longest names" for k in range(classes)
    ]
    matrix = np.full((classes, classes), 1000)
    figure = drawn(predictions.draw_confusion, matrix, names)
    axes = figure.axes[0]
    labels = axes.get_yticklabels()
    assert len({label.get_text() for label in labels}) == classes
    for texts, dimension in ((labels, 1), (axes.texts[:classes], 0)):
        boxes = [text.get_window_extent().get_points() for text in texts]
        spans = np.sort(np.reshape(boxes, (-1, 2, 2))[..., dimension], axis=0)
        assert all(spans[1:, 0] > spans[:-1, 1])


def test_bars_are_the_accuracy_of_each_bin(drawn):
    calibration = {
        "error": 0.123,
        "count": [0, 10, 30],
        "confidence": [None, 0.5, 0.9],
        "accuracy": [None, 0.4, 1.0],
    }
    figure = drawn(predictions.draw_reliability, calibration)
    above, below = figure.axes
    assert [bar.get_height() for bar in above.patches] == [0.4, 1.0]
    assert [bar.get_alpha() for bar in above.patches] == [0.5, 1.0]
    assert [bar.get_height() for bar in below.patches] == [0, 10, 30]
    assert [text.get_text() for text in below.texts] == ["10", "30"]
    points = above.lines[1].get_xydata()
    np.testing.assert_allclose(points, [[0.5, 0.4], [0.9, 1.0]])
    assert "(ECE) 12.3%, 40 examples" in figure.get_suptitle()
