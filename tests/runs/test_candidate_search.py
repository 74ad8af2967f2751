"""A search that trains candidates: what it keeps, and where it goes on."""

import csv
import json

import pytest

import tfdarts
from tfdarts.records.run_directory import Stage
from tfdarts.runs import from_scratch
from tfdarts.runs.found_by import origin_of
from tfdarts.runs.found_by import search_facts
from tfdarts.runs.found_by import search_of
from tfdarts.search_spaces.cnn import CNNSearchSpace

ACCURACIES = [0.5, 0.7, 0.7, 0.6, 0.4, 0.3]
LOSSES = [0.9, 0.8, 0.7, 0.1, 0.2, 0.3]
SPACE = CNNSearchSpace()


@pytest.fixture
def trained(monkeypatch):
    """Trainings whose results are given; which candidates were trained."""
    numbers = []

    def train(config):
        number = int(config.run_dir[-4:])
        numbers.append(number)
        if numbers.count("stop") and number == 3:
            raise KeyboardInterrupt
        return {
            "validation_accuracy": ACCURACIES[number - 1],
            "validation_loss": LOSSES[number - 1],
            "seconds": 2.0,
            "num_parameters": 1000 + number,
            "multiply_adds": 10 * number,
        }

    monkeypatch.setattr(from_scratch, "train", train)
    return numbers


def config_of(run_dir, **settings):
    values = {"num_candidates": 4, "validation_portion": 0.2, **settings}
    return tfdarts.search_config("random", run_dir=str(run_dir), **values)


def trials(run_dir):
    return json.loads((run_dir / "search" / "trials.json").read_text())


def candidate(number, seed=0):
    return SPACE.sample(seed * 2**20 + number - 1)


def status(run_dir):
    return json.loads((run_dir / "search" / "status.json").read_text())


def test_the_best_of_equals_has_the_lower_loss(trained, tmp_path):
    genotype = tfdarts.search(config_of(tmp_path))
    assert trained == [1, 2, 3, 4]
    assert genotype == candidate(3) and genotype.name is None
    loaded = tfdarts.Genotype.load(tmp_path / "genotype.json")
    assert loaded == genotype
    with (tmp_path / "search" / "metrics.csv").open() as file:
        rows = [*csv.DictReader(file)]
    assert [float(row["score"]) for row in rows] == ACCURACIES[:4]
    assert [row["candidate"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[1]["parameters"] == "1002" and rows[1]["multiply_adds"] == "20"
    found = status(tmp_path)
    assert (found["state"], found["best_candidate"]) == ("finished", 3)
    assert found["seconds"] == 8.0
    assert (tmp_path / "search" / "candidates.png").stat().st_size > 1000
    assert (tmp_path / "cells" / "normal.png").exists()
    # It has finished, so nothing is trained again.
    assert tfdarts.search(config_of(tmp_path)) == genotype
    assert trained == [1, 2, 3, 4]


def test_seeds_draw_different_candidates(trained, tmp_path):
    for seed in (0, 1):
        tfdarts.search(config_of(tmp_path / str(seed), seed=seed))
        drawn = [t["genotype"]["name"] for t in trials(tmp_path / str(seed))]
        assert drawn == [f"random:{seed * 2**20 + n}" for n in range(4)]


def test_an_interrupted_search_goes_on_after_its_last_candidate(
    trained, tmp_path
):
    trained.append("stop")
    with pytest.raises(KeyboardInterrupt):
        tfdarts.search(config_of(tmp_path))
    assert len(trials(tmp_path)) == 2
    assert status(tmp_path)["state"] == "stopped"
    del trained[:]
    assert tfdarts.search(config_of(tmp_path)) == candidate(3)
    assert trained == [3, 4]


def test_more_candidates_extend_a_search(trained, tmp_path, caplog):
    caplog.set_level("INFO")
    tfdarts.search(config_of(tmp_path, num_candidates=2))
    assert tfdarts.search(config_of(tmp_path)) == candidate(3)
    # The trainings of candidates keep their epochs, and so their schedules.
    assert "in place of 2. The result is that of a run with" in caplog.text
    assert trained == [1, 2, 3, 4]
    moved = tmp_path / "search" / "after_epoch_2" / "genotype.json"
    assert tfdarts.Genotype.load(moved) == candidate(2)
    with pytest.raises(ValueError, match="num_candidates=4, which can only be"):
        tfdarts.search(config_of(tmp_path, num_candidates=3))


def test_patience_ends_a_search_that_gets_no_better(trained, tmp_path):
    config = config_of(tmp_path, num_candidates=6, patience=2)
    assert tfdarts.search(config) == candidate(3)
    assert trained == [1, 2, 3, 4, 5]
    assert tfdarts.search(config) == candidate(3)
    assert trained == [1, 2, 3, 4, 5]


def test_a_candidate_that_comes_twice_is_trained_once(
    trained, tmp_path, monkeypatch
):
    drawn = [candidate(1), candidate(1), candidate(2), candidate(2)]
    monkeypatch.setattr(
        CNNSearchSpace, "sample", lambda self, seed: drawn[seed]
    )
    tfdarts.search(config_of(tmp_path))
    assert trained == [1, 3]
    assert [trial["seconds"] for trial in trials(tmp_path)] == [2, 0, 2, 0]


def test_one_candidate_is_no_choice(trained, tmp_path):
    tfdarts.search(config_of(tmp_path, num_candidates=1))
    assert "nothing was chosen" in status(tmp_path)["warning"]


def test_a_strategy_stays_that_of_its_run_directory(trained, tmp_path):
    tfdarts.search(config_of(tmp_path))
    with pytest.raises(ValueError, match="was begun with --strategy=random"):
        tfdarts.search(tfdarts.SearchConfig(run_dir=str(tmp_path)))


def test_damaged_trials_are_named(trained, tmp_path):
    tfdarts.search(config_of(tmp_path))
    path = tmp_path / "search" / "trials.json"
    path.write_text(path.read_text()[:-9])
    with pytest.raises(ValueError, match="trials.json is damaged"):
        tfdarts.search(config_of(tmp_path, num_candidates=5))


def test_a_model_card_says_how_a_cell_was_found(trained, tmp_path):
    genotype = tfdarts.search(config_of(tmp_path))
    training = Stage(tmp_path, "train")
    training.begin(tfdarts.TrainConfig(run_dir=str(tmp_path)))
    fields = json.loads((tmp_path / "genotype.json").read_text())
    values = {n: fields[n] for n in ("name", "normal", "reduce")}
    values |= {n: fields[n] for n in ("normal_concat", "reduce_concat")}
    search = search_of(training, values)
    assert tfdarts.Genotype(**values) == genotype
    text = origin_of(training, values, search)
    assert text == "Found by a random search, its candidate 3; see below."
    assert search_facts(search) == {
        "strategy": "random",
        "candidates": 4,
        "candidate_of_the_genotype": 3,
        "score": 0.7,
        "seconds": 8.0,
    }
