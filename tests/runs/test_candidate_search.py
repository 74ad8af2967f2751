"""A search that trains candidates: what it keeps, and where it goes on."""

import csv
import json
import math

import pytest
import tensorflow as tf

import tfdarts
from tfdarts.cells import Cell
from tfdarts.records.run_directory import Stage
from tfdarts.records.trials import read_trials
from tfdarts.runs.genotype_origin import origin_of
from tfdarts.runs.genotype_origin import search_facts
from tfdarts.runs.genotype_origin import search_of
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.training.divergence import DivergedError

ACCURACIES = [0.5, 0.7, 0.7, 0.6, 0.4, 0.3]
LOSSES = [0.9, 0.8, 0.7, 0.1, 0.2, 0.3]
SPACE = CNNSearchSpace()


@pytest.fixture
def diverging():
    """The numbers of the candidates whose trainings diverge."""
    return set()


@pytest.fixture
def failure():
    """What a training that diverges raises."""
    return DivergedError("The loss is NaN")


@pytest.fixture
def trained(monkeypatch, diverging, failure):
    """Trainings whose results are given; which candidates were trained."""
    numbers = []

    def train(config):
        number = int(config.run_dir[-4:])
        numbers.append(number)
        if numbers.count("stop") and number == 3:
            raise KeyboardInterrupt
        if number in diverging:
            raise failure
        return {
            "validation_accuracy": ACCURACIES[number - 1],
            "validation_loss": LOSSES[number - 1],
            "seconds": 2.0,
            "num_parameters": 1000 + number,
            "multiply_adds": 10 * number,
        }

    monkeypatch.setattr("tfdarts.runs.train.train", train)
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
    with (tmp_path / "search" / "trials.csv").open() as file:
        rows = [*csv.DictReader(file)]
    assert [float(row["score"]) for row in rows] == ACCURACIES[:4]
    assert [row["candidate"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[1]["parameters"] == "1002" and rows[1]["multiply_adds"] == "20"
    read = [tfdarts.Genotype.from_json(row["genotype"]) for row in rows]
    assert read == [candidate(number) for number in (1, 2, 3, 4)]
    found = status(tmp_path)
    assert (found["state"], found["best_candidate"]) == ("finished", 3)
    assert found["seconds"] == 8.0
    assert (tmp_path / "search" / "candidates.png").exists()
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
    assert "replaces 2. The result equals that of a run that" in caplog.text
    assert trained == [1, 2, 3, 4]
    moved = tmp_path / "search" / "after_epoch_2" / "genotype.json"
    assert tfdarts.Genotype.load(moved) == candidate(2)
    with pytest.raises(ValueError, match="num_candidates=4, which can only be"):
        tfdarts.search(config_of(tmp_path, num_candidates=3))


def test_patience_ends_a_search_that_gets_no_better(trained, tmp_path):
    config = config_of(tmp_path, num_candidates=6, patience=2)
    assert tfdarts.search(config) == candidate(3)
    log = (tmp_path / "search" / "log.txt").read_text()
    assert (
        "search: ended, because none of the last 2 candidates was better" in log
    )
    assert trained == [1, 2, 3, 4, 5]
    assert tfdarts.search(config) == candidate(3)
    assert trained == [1, 2, 3, 4, 5]


def test_a_candidate_that_comes_twice_is_trained_once(
    trained, tmp_path, monkeypatch
):
    # The order of the edges of a node makes no other network.
    same = tfdarts.Genotype(
        cells={
            cell_type: Cell(tuple(n[::-1] for n in cell.nodes), cell.concat)
            for cell_type, cell in candidate(1).cells.items()
        }
    )
    drawn = [candidate(1), same, candidate(2), candidate(2)]
    monkeypatch.setattr(
        CNNSearchSpace, "sample", lambda self, seed: drawn[seed]
    )
    tfdarts.search(config_of(tmp_path))
    assert trained == [1, 3]
    assert [trial["seconds"] for trial in trials(tmp_path)] == [2, 0, 2, 0]


def test_a_search_ends_when_its_minutes_are_spent(trained, tmp_path):
    config = config_of(tmp_path, num_candidates=6, max_minutes=5 / 60)
    assert tfdarts.search(config) == candidate(3)
    log = (tmp_path / "search" / "log.txt").read_text()
    assert "search: ended, because the candidates have cost 0.1 min" in log
    assert trained == [1, 2, 3]  # Each takes two seconds.
    assert tfdarts.search(config) == candidate(3)
    assert trained == [1, 2, 3]


def test_patience_beyond_the_last_candidate_is_refused():
    with pytest.raises(ValueError, match="--patience must be below --num_can"):
        config_of("r", num_candidates=3, patience=3)


def test_a_candidate_that_diverges_is_the_worst(trained, diverging, tmp_path):
    diverging |= {1, 3}
    assert tfdarts.search(config_of(tmp_path)) == candidate(2)
    assert trained == [1, 2, 3, 4]
    assert tfdarts.search(config_of(tmp_path, num_candidates=5))
    assert trained == [1, 2, 3, 4, 5]
    assert (tmp_path / "search" / "candidates.png").exists()


@pytest.mark.parametrize(
    "failure",
    [MemoryError("8 GB"), tf.errors.ResourceExhaustedError(None, None, "OOM")],
)
def test_a_candidate_that_does_not_fit_into_memory_has_failed(
    trained, diverging, failure, tmp_path
):
    diverging |= {1, 3}
    assert tfdarts.search(config_of(tmp_path)) == candidate(2)
    assert trained == [1, 2, 3, 4]
    assert (
        "candidate 3: Out of memory: "
        in (tmp_path / "search" / "log.txt").read_text()
    )


@pytest.mark.parametrize(
    "failure",
    [
        tf.errors.ResourceExhaustedError(None, None, "No space left on device"),
        OSError("The disk is gone"),
    ],
)
def test_other_errors_end_a_search(trained, diverging, failure, tmp_path):
    diverging.add(1)
    with pytest.raises(type(failure)):
        tfdarts.search(config_of(tmp_path))
    assert trained == [1]


def test_trials_are_valid_json_and_old_ones_are_read(
    trained, diverging, tmp_path
):
    diverging.add(1)
    tfdarts.search(config_of(tmp_path))
    path = tmp_path / "search" / "trials.json"

    def refuse(constant):
        raise AssertionError(f"JSON has no {constant}")

    first, *others = json.loads(path.read_text(), parse_constant=refuse)
    assert (first["rank"], first["score"]) == ([None], None)
    for rank, score in ((None, None), (math.inf, math.nan)):
        path.write_text(
            json.dumps([{**first, "rank": [rank], "score": score}, *others])
        )
        read = read_trials(path.parent)
        assert read[0].has_diverged and math.isnan(read[0].score)
        assert min(read, key=lambda trial: trial.rank) == read[2]


def test_a_search_whose_candidates_all_diverge_fails(
    trained, diverging, tmp_path
):
    diverging |= {1, 2}
    with pytest.raises(DivergedError, match="All candidates have diverged"):
        tfdarts.search(config_of(tmp_path, num_candidates=2))


def test_the_space_is_that_of_the_settings(trained, tmp_path):
    config = config_of(
        tmp_path, num_nodes=2, primitives="skip_connect,max_pool_3x3"
    )
    genotype = tfdarts.search(config)
    space = CNNSearchSpace(2, ("skip_connect", "max_pool_3x3"))
    assert genotype in space


def test_settings_stay_once_a_candidate_has_an_epoch(trained, tmp_path):
    stage = Stage(tmp_path, "search")
    stage.begin(config_of(tmp_path, epochs=30, batch_size=32))
    kept = stage.path / "candidates" / "0001" / "train" / "checkpoints"
    kept.mkdir(parents=True)
    (kept / "ckpt-1.index").touch()
    with pytest.raises(ValueError, match="search was started with other"):
        tfdarts.search(config_of(tmp_path, epochs=2, batch_size=32))


@pytest.fixture
def proposing():
    """Registers a strategy that evaluates what a test gives it."""
    proposals = []

    class Proposing(tfdarts.Strategy):
        name = "proposing"
        trains = "candidates"

        def run(self, search):
            for genotype in proposals:
                search.evaluate(genotype)

    tfdarts.register_strategy(Proposing())
    return proposals


@pytest.mark.parametrize(
    ("genotype", "message"),
    [
        (
            "DARTS_V2",
            "proposing must evaluate a tfdarts.Genotype. Received: 'D",
        ),
        (None, "proposing must evaluate a tfdarts.Genotype. Received: None"),
        (
            tfdarts.genotypes.get("DARTS_V2", "rnn"),
            "proposing must evaluate a genotype of convolutional cells. Recei",
        ),
    ],
)
def test_a_strategy_must_evaluate_genotypes_of_its_task(
    genotype, message, proposing, trained, tmp_path
):
    proposing.append(genotype)
    config = tfdarts.search_config("proposing", run_dir=str(tmp_path))
    with pytest.raises(ValueError, match=message):
        tfdarts.search(config)
    assert trained == []


def test_a_strategy_evaluates_no_more_than_all_candidates(
    proposing, trained, tmp_path
):
    proposing += [candidate(1), candidate(2), candidate(3)]
    config = tfdarts.search_config(
        "proposing", run_dir=str(tmp_path), num_candidates=2
    )
    message = "proposing evaluates more candidates than --num_candidates=2: its"
    with pytest.raises(ValueError, match=message):
        tfdarts.search(config)
    assert trained == [1, 2]


def test_one_candidate_is_no_choice(trained, tmp_path):
    tfdarts.search(config_of(tmp_path, num_candidates=1))
    assert "there was no choice" in status(tmp_path)["warning"]


def test_a_strategy_stays_that_of_its_run_directory(trained, tmp_path):
    tfdarts.search(config_of(tmp_path))
    with pytest.raises(ValueError, match="was started with --strategy=ran"):
        tfdarts.search(tfdarts.SearchConfig(run_dir=str(tmp_path)))


@pytest.mark.parametrize("text", ["[{", '{"a": 1}', '[{"a": 1}]', "3"])
def test_damaged_trials_are_named(trained, tmp_path, text):
    tfdarts.search(config_of(tmp_path))
    (tmp_path / "search" / "trials.json").write_text(text)
    with pytest.raises(ValueError, match="trials.json is damaged") as refusal:
        tfdarts.search(config_of(tmp_path, num_candidates=5))
    assert str(refusal.value).count("Restore an intact copy") == 1


def test_a_model_card_says_how_a_cell_was_found(trained, tmp_path):
    genotype = tfdarts.search(config_of(tmp_path))
    training = Stage(tmp_path, "train")
    training.begin(tfdarts.TrainConfig(run_dir=str(tmp_path)))
    values = json.loads((tmp_path / "genotype.json").read_text())
    search = search_of(training, values)
    assert tfdarts.Genotype.from_dict(values) == genotype
    text = origin_of(training, values, search)
    assert text == "Found by a random search, as its candidate 3; see below."
    facts = search_facts(search)
    assert facts["strategy"] == "random" and facts["candidates"] == 4
    assert facts["candidate_of_the_genotype"] == 3
    assert facts["validation_accuracy"] == 0.7 and facts["seconds"] == 8.0
    # What the candidates were ranked by.
    assert facts["epochs"] > 1 and facts["validation_portion"] == 0.2
