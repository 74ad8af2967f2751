"""Searches of several stages: what a stage keeps, records and resume."""

import json
import pathlib
import shutil

import numpy as np
import pytest
from tiny_search import TINY

import tfdarts
from tfdarts.records.progress import Progress
from tfdarts.records.search_record import SearchRecord
from tfdarts.strategies import early_stop_rules
from tfdarts.strategies.gradient.search_stages import SearchStage
from tfdarts.strategies.gradient.search_stages import keep_strongest

SMALL = ("init_channels", "num_cells", "num_nodes", "primitives", "batch_size")
SMALL = {name: getattr(TINY, name) for name in SMALL}
SMALL |= {"order": 1, "learning_rate": 0.1, "alpha_learning_rate": 0.1}
STAGES = {"stage_primitives": "2", "stage_num_cells": "4", "epochs": 2}


def config_of(path, strategy="darts", **settings):
    return tfdarts.search_config(
        strategy, **{**SMALL, **STAGES, **settings}, run_dir=str(path)
    )


def arrays_of(path, name):
    with np.load(path / "search" / f"{name}.npz") as file:
        return dict(file)


def files_of(path):
    """The contents of all files that a search writes once an epoch."""
    search = pathlib.Path(path) / "search"
    texts = {
        each.relative_to(search): each.read_text()
        for each in search.glob("genotypes/*.json")
    }
    rows = (search / "metrics.csv").read_text().splitlines()
    waits = rows[0].split(",").index("data_wait")
    rows = [
        [value for n, value in enumerate(row.split(",")) if n != waits]
        for row in rows
    ]
    return (
        texts,
        rows,
        arrays_of(path, "alphas"),
        arrays_of(path, "probabilities"),
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A search of two stages, with a copy of each of its epochs."""
    path = tmp_path_factory.mktemp("stages")
    seen = []
    save = SearchRecord.on_epoch_end
    copies = {}

    def noted(self, epoch, logs=None):
        save(self, epoch, logs)
        supernet = self.supernet
        seen.append((epoch, supernet.num_cells, supernet.space))

    report = Progress.on_epoch_end

    def copied(self, epoch, logs=None):
        report(self, epoch, logs)
        copies[epoch + 1] = shutil.copytree(
            path / "run", path / f"after_{epoch + 1}"
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SearchRecord, "on_epoch_end", noted)
        patch.setattr(Progress, "on_epoch_end", copied)
        genotype = tfdarts.search(config_of(path / "run"))
    return path / "run", genotype, seen, copies


def test_stages_are_deeper_and_keep_the_strongest_primitives(run):
    path, genotype, seen, _ = run
    assert [epoch for epoch, *_ in seen] == [0, 1, 2, 3]
    assert [cells for _, cells, _ in seen] == [3, 3, 4, 4]
    probabilities = arrays_of(path, "probabilities")
    for name in ("normal", "reduce"):
        values = probabilities[name]
        masks = [space.mask(name) for *_, space in seen]
        assert masks[1].all()
        assert (masks[2].sum(axis=1) == 2).all()
        for row, kept in zip(values[2], masks[2]):
            assert min(row[kept]) > max(row[~kept])
        # What is left out has no weight.
        for epoch in range(4):
            assert not values[epoch + 1][~masks[epoch]].any()
            assert values[epoch + 1][masks[epoch]].all()
        assert genotype in seen[-1][-1]


def test_all_epochs_are_in_one_record(run):
    path, _, _, copies = run
    rows = np.genfromtxt(
        path / "search" / "metrics.csv", delimiter=",", names=True
    )
    assert rows["epoch"].tolist() == [1, 2, 3, 4]
    assert np.isfinite(rows["alpha_entropy"]).all()
    assert arrays_of(path, "alphas")["normal"].shape[0] == 5
    status = json.loads((path / "search" / "status.json").read_text())
    assert (status["epoch"], status["epochs"]) == (4, 4)
    assert (path / "search" / "genotypes" / "epoch_4.json").exists()
    assert (path / "cells" / "collapse.png").exists()
    assert [*copies] == [1, 2, 3, 4]


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [2, 3])
def test_a_resumed_search_is_the_same(run, epoch):
    """At the end of the first stage, and within the second."""
    path, genotype, _, copies = run
    again = config_of(copies[epoch])
    assert tfdarts.search(again) == genotype
    for one, other in zip(files_of(copies[epoch]), files_of(path)):
        np.testing.assert_equal(one, other)


def test_an_early_stop_ends_only_the_last_stage(tmp_path, monkeypatch):
    seen = []

    def rule(history, patience):
        seen.append(len(history.genotypes))
        return 1

    monkeypatch.setitem(early_stop_rules.RULES, "skips", rule)
    settings = {"early_stop": "skips", "early_stop_from": 1, "epochs": 2}
    config = config_of(tmp_path, **settings)
    genotype = tfdarts.search(config)
    # The epochs of the first stage are not in the history.
    assert {*seen} == {1}
    assert arrays_of(tmp_path, "alphas")["normal"].shape[0] == 1 + 2 + 1
    search = tmp_path / "search"
    assert genotype == tfdarts.Genotype.load(
        search / "genotypes" / "epoch_3.json"
    )
    status = json.loads((search / "status.json").read_text())
    assert (status["epochs"], status["best_epoch"]) == (3, 3)
    assert tfdarts.search(config) == genotype


def test_stages_cannot_become_longer(run):
    path, *_ = run
    with pytest.raises(ValueError, match="search of several stages"):
        tfdarts.search(config_of(path, epochs=3))


class Carrying(tfdarts.SupernetStrategy):
    """The second stage goes on with the weights and alphas of the first."""

    name = "carrying"
    carried = []

    def stages(self, config, stages):
        return [SearchStage({"epochs": 1, "seed": 5}, carry=self.carry)]

    @classmethod
    def carry(cls, before, after):
        for one, other in zip(
            before.supernet.variables, after.supernet.variables
        ):
            other.assign(one)
        cls.carried.append([v.numpy() for v in before.supernet.variables])


@pytest.mark.slow
def test_a_stage_carries_values_also_when_resumed(tmp_path, monkeypatch):
    tfdarts.register_strategy(Carrying())
    settings = {"stage_primitives": "none", "stage_num_cells": "none"}
    config = config_of(tmp_path, "carrying", **settings, epochs=1)

    def interrupt(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_epoch_begin", interrupt)
        with pytest.raises(KeyboardInterrupt):
            tfdarts.search(config)
    tfdarts.search(config)
    first, again = Carrying.carried
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    alphas = arrays_of(tmp_path, "alphas")["normal"]
    assert len(alphas) == 3
    tfdarts.search(config)  # Finished: nothing is carried again.
    assert len(Carrying.carried) == 2


@pytest.mark.parametrize("seed", range(3))
def test_the_strongest_are_kept_by_brute_force(seed):
    space = tfdarts.CNNSearchSpace(2)
    random = np.random.default_rng(seed)
    mask = {name: random.random((5, 8)) < 0.7 for name in space.cell_types}
    for each in mask.values():
        each[:, 3] = True
    space = space.narrow(mask)
    probabilities = {
        name: random.random((5, 8)).round(1) for name in space.cell_types
    }
    kept = keep_strongest(space, probabilities, 3)
    for name in space.cell_types:
        for edge in range(5):
            left = [*np.flatnonzero(mask[name][edge])]
            while len(left) > 3:  # As the authors drop one after the other.
                weakest = min(left, key=lambda k: probabilities[name][edge, k])
                left.remove(weakest)
            assert [*np.flatnonzero(kept[name][edge])] == left


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stage_primitives": "3,1"}, "must not grow.*be at least 2"),
        ({"stage_primitives": "2,3"}, "must not grow"),
        ({"stage_primitives": "few"}, "numbers with commas"),
        (
            {"stage_primitives": "3,2", "stage_num_cells": "9"},
            "a number for each of the 2 stages",
        ),
    ],
)
def test_stages_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        tfdarts.search_config("darts", **settings)
