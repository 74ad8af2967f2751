"""Curves show the columns of a run's metrics."""

import matplotlib.image
import pytest

from tfdarts.visualization.curves import curves
from tfdarts.visualization.curves import draw_curves

pytestmark = pytest.mark.rendered

TRAINING = {
    "epoch": [1.0, 2.0, 3.0],
    "loss": [2.0, 1.0, 0.5],
    "accuracy": [0.2, 0.5, 0.8],
    "validation_loss": [2.1, 1.2, 0.9],
    "validation_accuracy": [0.2, 0.4, 0.6],
    "learning_rate": [0.1, 0.05, 0.01],
}
TEXT_SEARCH = {
    "loss": [6.0, 5.0],
    "alpha_loss": [6.1, 5.1],
    "validation_supernet_loss": [6.0, 5.5],
    "validation_supernet_perplexity": [403.4, 244.7],
    "learning_rate": [20.0, 20.0],
}


@pytest.mark.parametrize(
    ("metrics", "titles"),
    [
        (TRAINING, ["Loss in nats", "Accuracy", "Learning rate"]),
        (
            TEXT_SEARCH,
            [
                "Loss in nats",
                "Supernet perplexity: validation",
                "Learning rate",
            ],
        ),
    ],
)
def test_each_column_has_a_line_in_its_panel(metrics, titles):
    figure = curves(metrics, "A title")
    assert figure.get_suptitle() == "A title"
    assert [axes.get_title() for axes in figure.axes] == titles
    drawn = [[*line.get_ydata()] for axes in figure.axes for line in axes.lines]
    expected = [values for name, values in metrics.items() if name != "epoch"]
    assert sorted(drawn) == sorted(expected)
    epochs = [*range(1, len(metrics["loss"]) + 1)]
    assert all(
        [*line.get_xdata()] == epochs
        for axes in figure.axes
        for line in axes.lines
    )


def test_validation_and_training_are_told_apart_without_color():
    loss, accuracy, _ = curves(TRAINING, "").axes
    for axes in (loss, accuracy):
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        assert labels == ["training", "validation"]
        assert len({line.get_linestyle() for line in axes.lines}) == 2


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_picture_as_wide_as_a_slide(epochs, tmp_path):
    metrics = {name: values[:epochs] for name, values in TRAINING.items()}
    draw_curves(metrics, "Training", tmp_path / "curves.png")
    height, width, _ = matplotlib.image.imread(tmp_path / "curves.png").shape
    assert (height, width) == (840, 1999)
