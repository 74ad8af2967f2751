"""The picture of a model's choices."""

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import tfdarts
from tfdarts.visualization import panels
from tfdarts.visualization.choices import draw_choices

CHOICES = {
    "block1": {
        "chosen": "conv3",
        "probabilities": {"conv3": 0.7, "conv1": 0.1, "separable5": 0.2},
    },
    "skips": {
        "chosen": ["0", "2"],
        "probabilities": {"0": 0.4, "1": 0.1, "2": 0.5},
    },
}


@pytest.fixture
def figure(monkeypatch, tmp_path):
    """The figure of the picture."""
    kept = []
    monkeypatch.setattr(
        panels, "to_png", lambda figure: kept.append(figure) or b"picture"
    )
    draw_choices(CHOICES, tmp_path / "choices.png")
    (figure,) = kept
    assert isinstance(figure, Figure)
    return figure


def test_a_bar_is_a_probability_and_the_chosen_are_marked(figure):
    assert [axes.get_title("left") for axes in figure.axes] == [*CHOICES]
    for axes, choice in zip(figure.axes, CHOICES.values()):
        labels = [label.get_text() for label in axes.get_yticklabels()]
        widths = [bar.get_width() for bar in axes.patches]
        assert dict(zip(labels, widths)) == choice["probabilities"]
        colors = [bar.get_facecolor() for bar in axes.patches]
        marked = {
            label for label, c in zip(labels, colors) if colors.count(c) < 2
        }
        if isinstance(choice["chosen"], str):
            assert marked == {choice["chosen"]}


def test_a_model_is_drawn(tmp_path):
    inputs = keras.Input((3,))
    choice = tfdarts.LayerChoice.of_sizes(keras.layers.Dense, (2, 4))
    model = keras.Model(inputs, choice(inputs))
    (path,) = tfdarts.visualize(model, tmp_path / "new" / "pictures")
    pixels = np.asarray(Image.open(path).convert("L"))
    assert pixels.shape[1] > 800 and (pixels < 250).mean() > 0.01
    plain = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    with pytest.raises(ValueError, match="has no choices to draw"):
        tfdarts.visualize(plain, tmp_path)
