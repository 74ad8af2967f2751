"""Searches whose candidates share the weights of one supernet."""

import json
import shutil

import numpy as np
import pytest
import tiny_text
from path_accuracy import accuracy_by_keras

import tfdarts
from tfdarts.records.trials import read_trials
from tfdarts.runs.dry_run import dry_run
from tfdarts.runs.shared_weights import SharedWeightsEvaluator
from tfdarts.runs.supernet_search import SupernetSearch
from tfdarts.runs.supernet_search import checkpoint_of
from tfdarts.search_spaces.derivation import edge_weights_of
from tfdarts.strategies.edge_weight_score import EdgeWeightScore
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.trial_search import TrialSearch
from tfdarts.tasks.task_registry import task_of_config
from tfdarts.training.divergence import DivergedError

LABELS = np.arange(96) % 3
NOISE = np.random.default_rng(0).integers(0, 120, (96, 8, 8, 1))
IMAGES = (NOISE + 60 * LABELS[:, None, None, None]).astype("uint8")
SETTINGS = {
    "dataset": tfdarts.from_arrays((IMAGES, LABELS)),
    "init_channels": 2,
    "num_cells": 3,
    "num_nodes": 1,
    "primitives": "none,max_pool_3x3,skip_connect",
    "epochs": 2,
    "batch_size": 16,
    "num_candidates": 5,
}


def config_of(run_dir, strategy="evolution", **settings):
    if strategy == "evolution":
        settings = {"population": 2, "tournament": 2, **settings}
    return tfdarts.search_config(
        strategy,
        evaluator="shared_weights",
        run_dir=str(run_dir),
        **{**SETTINGS, **settings},
    )


def genotypes_and_scores(run_dir):
    trials = read_trials(run_dir / "search")
    return [(trial.genotype, trial.score) for trial in trials]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The directory of a search that is not interrupted."""
    run_dir = tmp_path_factory.mktemp("whole")
    tfdarts.search(config_of(run_dir))
    return run_dir


@pytest.fixture
def copied(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "copied")
    return tmp_path / "copied"


def forget_trials(run_dir):
    """Leaves the trained supernet and nothing after it."""
    search = run_dir / "search"
    shutil.rmtree(search / "oracle")
    for name in ("trials", "status", "config"):
        (search / f"{name}.json").unlink()


@pytest.fixture
def without_training(monkeypatch):
    def refuse(self, *args, **kwargs):
        raise AssertionError("The supernet is trained again.")

    monkeypatch.setattr(tfdarts.DARTS, "fit", refuse)


def test_scores_are_accuracies_of_the_trained_supernet(whole, monkeypatch):
    config = config_of(whole)
    task = task_of_config(config)
    evaluator = SharedWeightsEvaluator(task, config)
    search = SupernetSearch(task, evaluator.supernet_config())
    directory = whole / "search" / "shared" / "search" / "checkpoints"
    assert checkpoint_of(search.work.darts, directory).restore() == 2
    supernet = search.work.darts.supernet
    *batches, last = search.work.validation_batches()
    assert [len(labels) for _, labels in (*batches, last)] == [16, 16, 6]
    for genotype, score in genotypes_and_scores(whole):
        weights = edge_weights_of(config.search_space, genotype)
        weights = [w.astype("float32") for w in weights.values()]
        expected = accuracy_by_keras(supernet, weights, batches, monkeypatch)
        assert score == pytest.approx(expected, abs=1e-6)
    assert len({score for _, score in genotypes_and_scores(whole)}) > 1


def test_the_best_score_wins(whole):
    trials = read_trials(whole / "search")
    best = max(trials, key=lambda trial: trial.score)
    assert tfdarts.Genotype.load(whole / "genotype.json") == best.genotype
    assert (whole / "search" / "candidates.png").exists()
    recorded = json.loads((whole / "search" / "config.json").read_text())
    assert recorded["evaluator"] == "shared_weights"
    assert (recorded["strategy"], recorded["epochs"]) == ("evolution", 2)


def test_the_training_is_paid_once(whole):
    status = whole / "search" / "shared" / "search" / "status.json"
    training = json.loads(status.read_text())["seconds"]
    first, *others = [trial.seconds for trial in read_trials(whole / "search")]
    assert first > training > max(others)


def test_a_finished_training_is_not_repeated(copied, whole, without_training):
    forget_trials(copied)
    tfdarts.search(config_of(copied))
    assert genotypes_and_scores(copied) == genotypes_and_scores(whole)


def test_more_candidates_continue_a_search(copied, whole, without_training):
    tfdarts.search(config_of(copied, num_candidates=6))
    found = genotypes_and_scores(copied)
    assert len(found) == 6 and found[:5] == genotypes_and_scores(whole)


def test_the_budget_counts_the_training(copied, without_training):
    forget_trials(copied)
    tfdarts.search(config_of(copied, max_minutes=1e-3))
    assert len(read_trials(copied / "search")) == 1


@pytest.mark.slow
def test_an_interrupted_training_resumes(whole, tmp_path, monkeypatch):
    def interrupt(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        name = "tfdarts.records.progress.Progress.on_epoch_begin"
        patched.setattr(name, interrupt)
        with pytest.raises(KeyboardInterrupt):
            tfdarts.search(config_of(tmp_path))
    with pytest.raises(ValueError, match="search was started with other"):
        tfdarts.search(config_of(tmp_path, init_channels=4))
    tfdarts.search(config_of(tmp_path))
    assert genotypes_and_scores(tmp_path) == genotypes_and_scores(whole)


def test_a_score_that_is_no_number_is_a_failed_candidate(
    copied, monkeypatch, without_training
):
    forget_trials(copied)
    scores = iter([np.nan, 0.5, np.nan, 0.5, 0.5])
    monkeypatch.setattr(
        EdgeWeightScore, "score_of", lambda self, *args: next(scores)
    )
    tfdarts.search(config_of(copied, "random"))
    failed = [t.has_diverged for t in read_trials(copied / "search")]
    assert failed == [True, False, True, False, False]


def test_a_training_that_diverges_ends_the_search(tmp_path, monkeypatch):
    def diverge(self):
        raise DivergedError("The loss is NaN")

    monkeypatch.setattr(SupernetSearch, "fit", diverge)
    with pytest.raises(DivergedError):
        tfdarts.search(config_of(tmp_path))
    assert read_trials(tmp_path / "search") == []


def test_few_batches_may_score(copied, whole, without_training):
    forget_trials(copied)
    tfdarts.search(config_of(copied, score_batches=1))
    scores = [score for _, score in genotypes_and_scores(copied)]
    assert {round(16 * score, 6) % 1 for score in scores} == {0}


def test_missing_weights_are_a_sentence(copied, without_training):
    forget_trials(copied)
    shutil.rmtree(copied / "search" / "shared" / "search" / "checkpoints")
    with pytest.raises(ValueError, match="candidates share are missing in"):
        tfdarts.search(config_of(copied))


def test_a_dry_run_is_that_of_the_supernet(monkeypatch):
    monkeypatch.setattr(
        "tfdarts.runs.dry_run._measure", lambda work, *others: work.config
    )
    config = dry_run(config_of("", num_candidates=1000))
    assert (config.strategy, config.epochs) == ("random_sharing", 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"space": "s4", "primitives": "paper"},
            "of the primitive noise: choo",
        ),
        (
            {"space": "nasnet", "primitives": "paper"},
            "no supernet.*Give another --evaluator, such as from_scratch, or",
        ),
        (
            {"order": 2},
            "=evolution --evaluator=shared_weights always has --ord",
        ),
        ({"score_batches": -1}, "--score_batches must be at least 0"),
    ],
)
def test_what_cannot_share_weights_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        config_of("r", num_nodes=None, **settings)


def test_the_settings_are_those_of_a_training_path_by_path():
    config = tfdarts.search_config(
        "evolution", evaluator="shared_weights", preset="paper", run_dir="r"
    )
    task = task_of_config(config)
    config = task.apply_selection_preset(config)
    assert (config.population, config.tournament) == (100, 25)
    found = SharedWeightsEvaluator(task, config).supernet_config()
    assert (found.strategy, found.relaxation) == ("random_sharing", "uniform")
    assert (found.epochs, found.clip_norm) == (100, 0.25)
    assert found.run_dir.endswith("r/search/shared")


def test_a_search_in_memory_has_no_place_for_the_weights():
    config = config_of("", "random")
    evaluator = SharedWeightsEvaluator(task_of_config(config), config)
    with pytest.raises(ValueError, match="needs a run directory"):
        get_strategy("random").run(TrialSearch(config, evaluator))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strategy", "settings"),
    [
        ("local_search", {"num_initial": 2}),
        ("bayesian", {"num_initial_points": 3}),
        ("pnas", {"beam": 4}),
        ("nas_rl", {"space": "nas_bench_201", "primitives": "paper"}),
    ],
)
def test_every_proposer_shares_weights(strategy, settings, tmp_path):
    if strategy == "nas_rl":
        settings = {"num_nodes": None, **settings}
    genotype = tfdarts.search(config_of(tmp_path, strategy, **settings))
    scores = dict(genotypes_and_scores(tmp_path))
    assert scores[genotype] == max(scores.values()) > 1 / 3


@pytest.mark.slow
def test_texts_share_weights(tmp_path):
    names = ("dataset", "units", "steps", "batch_size", "epochs", "num_nodes")
    config = tfdarts.search_config(
        "random",
        evaluator="shared_weights",
        **{name: getattr(tiny_text.SEARCH, name) for name in names},
        learning_rate=2.0,
        num_candidates=3,
        run_dir=str(tmp_path),
    )
    genotype = tfdarts.search(config)
    scores = dict(genotypes_and_scores(tmp_path))
    # A loss about that of guessing one of the words.
    words = len(tiny_text.SOURCE.vocabulary)
    assert scores[genotype] == max(scores.values())
    assert all(-2 * np.log(words) < score < 0 for score in scores.values())
