"""The choice among paths: planted scores, and accuracies by Keras."""

import csv
import json
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from path_accuracy import accuracy_by_keras

import tfdarts
from tfdarts.layers.chosen_mixed_op import ChosenMixedOp
from tfdarts.layers.uniform_path import UniformPath
from tfdarts.search_spaces.derivation import edge_weights_of
from tfdarts.strategies.sampling.path_scores import score_path
from tfdarts.strategies.sampling.path_selection import PathSelection

SPACE = tfdarts.CNNSearchSpace(2, ("none", "skip_connect", "max_pool_3x3"))
FEW, ALL = ["a", "b"], ["a", "b", "c"]


@pytest.fixture
def supernet():
    keras.utils.set_random_seed(0)
    return tfdarts.CNNSupernet(
        *(2, 3, 3, (4, 4, 1)),
        space=SPACE,
        relaxation=UniformPath(SPACE, seed=1),
        mixed_op=ChosenMixedOp,
    )


def select(search, epochs=3, **options):
    selection = PathSelection(search, ALL, score_batches=2, **options)
    selection.set_params({"epochs": epochs})
    for epoch in range(epochs):
        undecided = search.supernet.alphas["normal"].allowed()
        assert undecided.all()
        selection.on_epoch_end(epoch)


@pytest.mark.parametrize("seed", range(3))
def test_the_winner_is_the_best_of_the_finalists(supernet, seed, tmp_path):
    """Planted scores differ between few and all batches."""
    random = np.random.default_rng(seed)
    credits = {len(each): random.random((2, 5, 3)) for each in (FEW, ALL)}

    def score(genotype, batches):
        weights = edge_weights_of(SPACE, genotype)
        weights = np.stack([weights["normal"], weights["reduce"]])
        return float(np.sum(weights * credits[len(batches)]))

    def score_of(edge_weights, batches):
        assert batches in (FEW, ALL)
        weights = dict(zip(("normal", "reduce"), edge_weights))
        return score(SPACE.derive(weights), batches)

    search = types.SimpleNamespace(supernet=supernet, score_of=score_of)
    path = tmp_path / "candidates.csv"
    select(search, num_candidates=40, num_finalists=5, seed=seed, path=path)
    drawn = [SPACE.sample(seed * 2**20 + n) for n in range(40)]
    drawn = [*dict.fromkeys(drawn)]
    ranked = sorted(drawn, key=lambda each: -score(each, FEW))
    best = max(ranked[:5], key=lambda each: score(each, ALL))
    assert supernet.genotype() == best
    with path.open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert len(rows) == len(drawn)
    finals = set()
    for row, genotype in zip(rows, drawn):
        cells = tfdarts.Genotype.from_dict(json.loads(row["genotype"]))
        assert cells == genotype
        assert float(row["score"]) == score(genotype, FEW)
        if row["final_score"]:
            assert float(row["final_score"]) == score(genotype, ALL)
            finals.add(genotype)
    assert finals == {*ranked[:5]}


def test_nan_loses(supernet):
    scores = iter([np.nan, 0.1, 0.3, np.nan, np.nan, 0.3])
    search = types.SimpleNamespace(
        supernet=supernet, score_of=lambda weights, batches: next(scores)
    )
    select(search, epochs=1, num_candidates=4, num_finalists=2)
    # Of the finalists, the third and the second, the third has no score.
    assert supernet.genotype() == SPACE.sample(1)


def test_the_score_is_the_accuracy_of_the_path(supernet, monkeypatch):
    search = tfdarts.DARTS(supernet, order=1)
    search.compile(tfdarts.SGD(0.1), tfdarts.Adam(0.1))
    random = np.random.default_rng(0)
    batches = [
        (
            tf.constant(random.normal(1, 1, (8, 4, 4, 1)).astype("float32")),
            tf.constant(random.integers(0, 3, 8)),
        )
        for _ in range(3)
    ]
    scores = set()
    for seed in range(4):
        genotype = SPACE.sample(seed)
        weights = edge_weights_of(SPACE, genotype)
        weights = [w.astype("float32") for w in weights.values()]
        expected = accuracy_by_keras(supernet, weights, batches, monkeypatch)
        found = score_path(search, genotype, batches)
        assert found == pytest.approx(expected, abs=1e-6)
        scores.add(found)
    assert len(scores) > 1


def test_models_without_cells_have_no_paths():
    with pytest.raises(ValueError, match="supernet of cells"):
        PathSelection(types.SimpleNamespace(supernet=None), [])
