"""Pictures look alike, whatever style matplotlib has been given."""

import types

import matplotlib
import numpy as np
import pytest
from matplotlib import style

from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.rnn import RNNSearchSpace
from tfdarts.visualization.alpha_history import draw_alphas
from tfdarts.visualization.collapse import draw_collapse
from tfdarts.visualization.curves import draw_curves
from tfdarts.visualization.predictions import draw_confusion
from tfdarts.visualization.predictions import draw_reliability

pytestmark = pytest.mark.rendered

SPACES = {
    "normal": CNNSearchSpace(num_nodes=1),
    "recurrent": RNNSearchSpace(num_nodes=6),
}
VERDICT = types.SimpleNamespace(sound=True, headline="Well", reasons=["One."])


def alphas(cell_type, directory):
    space = SPACES[cell_type]
    last = np.full(space.alpha_shape, 1 / space.alpha_shape[1])
    genotype = space.derive({name: last for name in space.cell_types})
    history = {cell_type: np.stack([last, last])}
    draw_alphas(history, space.edges, space.primitives, genotype, directory)


def collapse(directory):
    history = {"normal": np.full((2, 14, 8), 1 / 8)}
    metrics = {"epochs_unchanged": [0]}
    draw_collapse(history, metrics, VERDICT, {}, directory / "a.png")


PICTURES = {
    "alphas": lambda directory: alphas("normal", directory),
    "alphas by node": lambda directory: alphas("recurrent", directory),
    "collapse": collapse,
    "curves": lambda directory: draw_curves(
        {"loss": [2.0, 1.0], "accuracy": [0.1, 0.2]}, "a", directory / "a.png"
    ),
    "confusion": lambda directory: draw_confusion(
        [[3, 1], [0, 2]], ["cat", "under $10"], directory / "a.png"
    ),
    "mistakes": lambda directory: draw_confusion(
        np.eye(21, k=1, dtype=int) + 1,
        [*map(str, range(21))],
        directory / "a.png",
    ),
    "reliability": lambda directory: draw_reliability(
        {
            "error": 0.1,
            "count": [1, 2],
            "confidence": [0.4, 0.8],
            "accuracy": [0, 1],
        },
        directory / "a.png",
    ),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_pictures_take_nothing_of_a_style_from_outside(kind, tmp_path):
    """Such as that of a notebook, or of a matplotlibrc; LaTeX may lack."""
    for name in ("plain", "styled"):
        (tmp_path / name).mkdir()
    PICTURES[kind](tmp_path / "plain")
    with style.context("dark_background"):
        matplotlib.rcParams["text.usetex"] = True
        matplotlib.rcParams["font.family"] = "serif"
        before = dict(matplotlib.rcParams)
        PICTURES[kind](tmp_path / "styled")
        assert dict(matplotlib.rcParams) == before
    plain, styled = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("plain", "styled")
    )
    assert plain and styled == plain
