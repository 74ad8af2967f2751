"""The picture of a model's choices."""

import json

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import tfdarts
from tfdarts.visualization import panels
from tfdarts.visualization.choices import draw_choices

pytestmark = pytest.mark.rendered

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


def test_a_history_is_recorded_and_drawn(tmp_path, monkeypatch):
    inputs = keras.Input((3,))
    choice = tfdarts.LayerChoice.of_sizes(
        keras.layers.Dense, (2, 4), name="width"
    )
    search = tfdarts.DARTS(keras.Model(inputs, choice(inputs)), order=1)
    search.compile(alpha_optimizer=keras.optimizers.SGD(10.0), loss="mse")
    data = np.ones((8, 3)), np.ones((8, 4))
    path = tmp_path / "choices.json"
    for initial_epoch, epochs in ((0, 2), (1, 3)):
        # The second search repeats epoch 2, as after an interruption.
        search.fit(
            *(data, data),
            initial_epoch=initial_epoch,
            epochs=epochs,
            verbose=0,
            callbacks=[history := tfdarts.ChoiceHistory(path)],
        )
    assert history.epochs == json.loads(path.read_text())
    assert len(history.epochs) == 4
    probabilities = choice.probabilities()
    last = [*history.epochs[-1]["width"]["probabilities"].values()]
    np.testing.assert_allclose(last, probabilities)
    figures = []
    with monkeypatch.context() as patched:
        patched.setattr(
            panels, "to_png", lambda figure: figures.append(figure) or b"png"
        )
        history.draw(tmp_path / "choices.png")
    (axes,) = figures[0].axes
    for line, option in zip(axes.lines, ("2", "4"), strict=True):
        values = [e["width"]["probabilities"][option] for e in history.epochs]
        np.testing.assert_array_equal(line.get_ydata(), values)


def test_a_history_of_no_choices_is_refused():
    inputs = keras.Input((3,))
    plain = keras.Model(inputs, keras.layers.Dense(2)(inputs), name="plain")
    plain.compile(loss="mse")
    data = np.ones((8, 3)), np.ones((8, 2))
    with pytest.raises(ValueError, match="plain has no choices to record"):
        plain.fit(*data, verbose=0, callbacks=[tfdarts.ChoiceHistory()])


@pytest.mark.parametrize("text", ["[{", "{}"])
def test_a_damaged_history_is_refused(tmp_path, text):
    path = tmp_path / "choices.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="choices.json holds no record of ch"):
        tfdarts.ChoiceHistory(path)


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
