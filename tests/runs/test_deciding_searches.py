"""SGAS and DARTS-PT in a run directory: records, resume, combinations."""

import json
import shutil

import numpy as np
import pytest
from tiny_search import TINY

import tfdarts
from tfdarts.records.progress import Progress
from tfdarts.strategies.gradient import greedy_decisions

SMALL = ("init_channels", "num_cells", "num_nodes", "primitives", "batch_size")
SMALL = {name: getattr(TINY, name) for name in SMALL}
SMALL |= {"learning_rate": 0.1, "alpha_learning_rate": 0.1}


def config_of(path, strategy, **settings):
    return tfdarts.search_config(
        strategy, **{**SMALL, **settings}, run_dir=str(path)
    )


def probabilities_of(path):
    with np.load(path / "search" / "probabilities.npz") as file:
        return dict(file)


def kept_edges(genotype, cell_type):
    """Returns a set of (node, source, primitive)."""
    cell = genotype.cells[cell_type]
    return {
        (node, source, name)
        for node, edges in zip(cell.concat, cell.nodes)
        for name, source in edges
    }


def decided_edges(values, primitives):
    """The same from decided probabilities; node 2 has the first two edges."""
    edges = [(2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]
    return {
        (*edge, primitives[int(row.argmax())])
        for edge, row in zip(edges, values)
        if row.any()
    }


def search_with_copies(path, config):
    """Searches, with a copy of the run after each epoch."""
    report = Progress.on_epoch_end

    def copied(self, epoch, logs=None):
        report(self, epoch, logs)
        shutil.copytree(path / "run", path / f"after_{epoch + 1}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Progress, "on_epoch_end", copied)
        return tfdarts.search(config)


def require_equal_probabilities(*run_dirs):
    one, other = map(probabilities_of, run_dirs)
    np.testing.assert_equal(one, other)


SGAS = {"num_nodes": 2, "epochs": 4, "decision_history": 2}


@pytest.fixture(scope="module")
def sgas(tmp_path_factory):
    path = tmp_path_factory.mktemp("sgas")
    config = config_of(path / "run", "sgas", **SGAS)
    return path, search_with_copies(path, config)


def test_the_genotype_of_sgas_is_what_was_decided(sgas):
    path, genotype = sgas
    primitives = SMALL["primitives"].split(",")
    for name, values in probabilities_of(path / "run").items():
        assert set(values[-1].ravel()) == {0, 1}
        decided = decided_edges(values[-1], primitives)
        assert decided == kept_edges(genotype, name)
        # 4 decisions between 0.2 and 0.9 of 4 epochs.
        counts = [(row.max(axis=1) == 1).sum() for row in values]
        assert counts == [0, 1, 2, 3, 4]
    assert (path / "run" / "cells" / "collapse.png").exists()


@pytest.mark.slow
def test_sgas_resumes_with_its_decisions(sgas):
    path, genotype = sgas
    again = config_of(path / "after_2", "sgas", **SGAS)
    assert tfdarts.search(again) == genotype
    require_equal_probabilities(path / "run", path / "after_2")


@pytest.mark.slow
def test_sgas_resumes_where_operations_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(greedy_decisions, "LEAST_STEPS", 0)
    config = config_of(tmp_path / "run", "sgas", **SGAS)
    genotype = search_with_copies(tmp_path, config)
    again = config_of(tmp_path / "after_2", "sgas", **SGAS)
    assert tfdarts.search(again) == genotype
    require_equal_probabilities(tmp_path / "run", tmp_path / "after_2")


PT = {
    "alpha_regularizer": "beta",
    "derivation": "perturbation",
    "decision_epochs": 1,
    "channel_parts": 2,
    "init_channels": 4,
    "num_nodes": 2,
    "epochs": 1,
    "alpha_warmup_epochs": 0,
}


@pytest.fixture(scope="module")
def projected(tmp_path_factory):
    """PC-DARTS with beta decay, whose cell DARTS-PT chooses."""
    path = tmp_path_factory.mktemp("pt")
    config = config_of(path / "run", "pc_darts", **PT)
    return path, search_with_copies(path, config)


def test_a_search_is_projected_after_its_epochs(projected):
    path, genotype = projected
    primitives = SMALL["primitives"].split(",")
    # One epoch, then 5 edges and 1 node.
    for name, values in probabilities_of(path / "run").items():
        one_left = [((row > 0).sum(axis=1) == 1).sum() for row in values]
        assert one_left == [0, 0, 1, 2, 3, 4, 5, 4]
        # A node whose edges are all none takes what DARTS takes.
        decided = decided_edges(values[-1], primitives)
        operations = {edge for edge in decided if edge[2] != "none"}
        assert operations <= kept_edges(genotype, name)
    rows = np.genfromtxt(
        path / "run" / "search" / "metrics.csv", delimiter=",", names=True
    )
    assert rows["epoch"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    rates = rows["learning_rate"]
    assert rates[1] == pytest.approx(rates[0] / 10, rel=1e-6)
    assert (np.diff(rates[1:]) < 0).all()
    status = json.loads(
        (path / "run" / "search" / "status.json").read_text("utf-8")
    )
    assert status["epochs"] == status["best_epoch"] == 7


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [1, 4])
def test_a_projection_resumes(projected, epoch):
    path, genotype = projected
    again = config_of(path / f"after_{epoch}", "pc_darts", **PT)
    assert tfdarts.search(again) == genotype
    require_equal_probabilities(path / "run", path / f"after_{epoch}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strategy", "settings"),
    [
        ("sgas", {"epochs": 2}),
        ("darts_pt", {"epochs": 1, "decision_epochs": 1}),
    ],
)
def test_recurrent_cells_are_decided(tmp_path, strategy, settings):
    config = tfdarts.search_config(
        strategy,
        dataset="pydoc",
        num_nodes=2,
        units=4,
        batch_size=64,
        run_dir=str(tmp_path),
        **settings,
    )
    genotype = tfdarts.search(config)
    (values,) = probabilities_of(tmp_path).values()
    assert ((values[-1] > 0).sum(axis=1) <= 1).all()
    assert len(genotype.cells["recurrent"].nodes) == 2


@pytest.mark.slow
def test_p_darts_searches(tmp_path):
    config = config_of(
        tmp_path,
        "p_darts",
        stage_primitives="3,2",
        stage_num_cells="3,4",
        epochs=1,
        alpha_warmup_epochs=0,
        most_skips=0,
    )
    genotype = tfdarts.search(config)
    assert genotype.num_skip_connections == 0
    for values in probabilities_of(tmp_path).values():
        counts = [(row > 0).sum(axis=1).tolist() for row in values]
        assert counts == [[4, 4], [4, 4], [3, 3], [2, 2]]
