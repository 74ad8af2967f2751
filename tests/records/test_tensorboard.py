import io
import sys
import types

import numpy as np
import pytest
from matplotlib import style
from PIL import Image
from scipy.special import softmax
from tensorboard_events import events
from tensorboard_events import scalars

from tfdarts.records import tensorboard as tensorboard_module
from tfdarts.records.progress import tensorboard_callbacks
from tfdarts.records.tensorboard import TensorBoard
from tfdarts.records.tensorboard import write_pictures
from tfdarts.search_spaces.cnn import CNNSearchSpace

pytestmark = pytest.mark.rendered

SPACE = CNNSearchSpace(num_nodes=1)

# What matplotlib's "Blues" ends in.
DARKEST_BLUE = (8, 48, 107)


class Supernet:
    """All of a supernet that is looked at."""

    def __init__(self):
        self.space = SPACE
        self.alphas = {
            "normal": np.zeros(SPACE.alpha_shape, "float32"),
            "reduce": np.zeros(SPACE.alpha_shape, "float32"),
        }

    def probabilities(self):
        return {
            name: softmax(values, axis=-1)
            for name, values in self.alphas.items()
        }

    def genotype(self):
        return SPACE.derive(self.probabilities())


@pytest.fixture
def supernet():
    return Supernet()


class Metrics:
    """All of a `MetricsFile` that is looked at."""

    rows = [{"epoch": 1, "loss": "0.5"}, {"epoch": 2, "loss": 0.25}]


def callback_of(directory, epochs=2, supernet=None):
    callback = TensorBoard(directory, Metrics, "A run")
    callback.set_params({"epochs": epochs})
    model = types.SimpleNamespace(stop_training=False)
    if supernet is not None:
        model.supernet = supernet
        model.genotype = supernet.genotype
        model.probabilities = supernet.probabilities
    callback.set_model(model)
    return callback


def images(directory, name):
    """A dict from steps to the pictures of that name."""
    return {
        event.step: Image.open(io.BytesIO(event.tensor_proto.string_val[2]))
        for event in events(directory).Tensors(name)
    }


def pixels_of(image):
    """A dict from colours to how many pixels have them."""
    counted = image.convert("RGB").getcolors(image.width * image.height)
    return {color: count for count, color in counted}


def test_the_logs_of_a_training_are_scalars_by_epoch(tmp_path):
    callback = callback_of(tmp_path)
    callback.on_epoch_end(0, {"loss": 0.5, "val_accuracy": np.float32(0.25)})
    callback.on_epoch_end(1, {"loss": 0.125, "val_accuracy": 1})
    callback.on_train_end()
    assert scalars(tmp_path) == {
        "loss": [(1, 0.5), (2, 0.125)],
        "val_accuracy": [(1, 0.25), (2, 1.0)],
    }
    names = ["curves", "loss", "val_accuracy"]
    assert sorted(events(tmp_path).Tags()["tensors"]) == names


def test_an_epoch_can_be_read_as_soon_as_it_is_over(tmp_path):
    callback = callback_of(tmp_path)
    callback.on_epoch_end(0, {"loss": 0.5})
    assert scalars(tmp_path) == {"loss": [(1, 0.5)]}


def test_a_run_that_goes_on_goes_on_counting(tmp_path):
    for epochs in (range(2), range(2, 4)):
        callback = callback_of(tmp_path)
        for epoch in epochs:
            callback.on_epoch_end(epoch, {"loss": epoch / 2})
        callback.on_train_end()
    assert scalars(tmp_path) == {"loss": [(1, 0.0), (2, 0.5), (3, 1), (4, 1.5)]}


def test_alphas_are_a_heat_map_for_each_cell_type(tmp_path, supernet):
    supernet.alphas["reduce"][0, 3] = 20.0
    callback_of(tmp_path, supernet=supernet).on_epoch_end(4, {})
    normal, reduce = (
        images(tmp_path, f"alphas/{cell_type}")[5]
        for cell_type in ("normal", "reduce")
    )
    assert min(*normal.size, *reduce.size) > 300
    # A cell of the map, of 2 edges by 8 primitives, is that dark only where
    # an edge has decided; the scale beside the map ends in that colour.
    total = normal.width * normal.height
    assert pixels_of(reduce)[DARKEST_BLUE] > 0.01 * total
    assert pixels_of(normal)[DARKEST_BLUE] < 0.001 * total


def test_curves_are_a_picture_some_twenty_times_and_at_the_end(tmp_path):
    """Thousands of epochs would fill the disk with them."""
    callback = callback_of(tmp_path, epochs=60)
    for epoch in (0, 1, 2, 3, 58, 59):
        callback.on_epoch_end(epoch, {"loss": 0.5})
    callback.on_train_end()
    pictures = images(tmp_path, "curves")
    assert sorted(pictures) == [3, 60]
    assert pictures[60].size == (1999, 840)


def test_pictures_take_nothing_of_a_style_from_outside(tmp_path, supernet):
    shown = []
    for name in ("default", "dark_background"):
        with style.context(name):
            directory = tmp_path / name
            callback_of(directory, supernet=supernet).on_epoch_end(1, {})
        shown.append(
            [
                images(directory, name)[2].tobytes()
                for name in ("alphas/normal", "curves")
            ]
        )
    assert shown[0] == shown[1]


def test_pictures_of_a_test_are_shown_too(tmp_path):
    Image.new("RGB", (30, 20), (1, 2, 3)).save(tmp_path / "confusion.png")
    pictures = {"evaluation/confusion": tmp_path / "confusion.png"}
    write_pictures(tmp_path / "events", pictures, step=7)
    (shown,) = images(tmp_path / "events", "evaluation/confusion").items()
    assert shown[0] == 7 and shown[1].size == (30, 20)
    assert pixels_of(shown[1]) == {(1, 2, 3): 600}


def test_without_the_flag_nothing_of_it_is_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "tfdarts.records.tensorboard", None)
    config = types.SimpleNamespace(tensorboard=False)
    assert tensorboard_callbacks(config, None, None) == []
    config.tensorboard = True
    with pytest.raises(ImportError):
        tensorboard_callbacks(config, None, None)


def test_cells_are_drawn_when_they_have_changed(tmp_path, supernet):
    callback = callback_of(tmp_path, supernet=supernet)
    callback.on_epoch_end(0, {})
    callback.on_epoch_end(1, {})
    supernet.alphas["normal"][1, 4] = 1.0
    callback.on_epoch_end(2, {})
    for cell_type in ("normal", "reduce"):
        drawn = images(tmp_path, f"cells/{cell_type}")
        assert sorted(drawn) == [1, 3]
        assert len(pixels_of(drawn[1])) > 10
    assert sorted(images(tmp_path, "alphas/normal")) == [1, 2, 3]


def test_pictures_that_fail_cost_no_scalars(
    tmp_path, supernet, monkeypatch, caplog
):
    def broken(*arguments):
        raise OSError("no room")

    monkeypatch.setattr(tensorboard_module, "heat_map", broken)
    callback = callback_of(tmp_path, supernet=supernet)
    for epoch in range(3):
        callback.on_epoch_end(epoch, {"loss": epoch})
    assert scalars(tmp_path) == {"loss": [(1, 0), (2, 1), (3, 2)]}
    (record,) = caplog.records
    assert record.getMessage() == (
        "Epoch 1 is recorded, but drawing failed (OSError: no room). "
        "TensorBoard gets no more pictures."
    )


@pytest.mark.parametrize("missing", ["tensorboard", "tensorboard.summary.v2"])
def test_without_tensorboard_a_sentence_says_so_at_once(
    tmp_path, monkeypatch, missing
):
    for name in [*sys.modules]:
        if name == missing or name.startswith(f"{missing}."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ValueError, match="pip install tensorboard"):
        TensorBoard(tmp_path, Metrics, "A run")


def test_nothing_is_written_before_the_first_epoch_is_over(tmp_path):
    callback = callback_of(tmp_path / "tensorboard")
    callback.on_train_begin()
    callback.on_train_end()
    assert not (tmp_path / "tensorboard").exists()
