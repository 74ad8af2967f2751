"""The Pareto front of a search in its run directory."""

import json

import pytest

import tfdarts
from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.genotypes import Genotype
from tfdarts.records.pareto_front import read_front
from tfdarts.records.pareto_front import write_front
from tfdarts.records.trials import read_trials
from tfdarts.runs.network_bounds import NetworkBounds
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace

SPACE = NASBench201SearchSpace()


def search(run_dir, count, objective="accuracy,multiply_adds", **settings):
    config = tfdarts.search_config(
        "evolution",
        evaluator="nas_bench_201",
        run_dir=run_dir,
        num_candidates=count,
        population=5,
        tournament=2,
        objective=objective,
        **settings,
    )
    return tfdarts.search(config)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    found = tmp_path_factory.mktemp("front") / "run"
    search(found, 20)
    return found


def non_dominated(points):
    """By the definition, of points to minimize."""
    return [
        one
        for one in points
        if not any(
            all(a <= b for a, b in zip(other, one)) and other != one
            for other in points
        )
    ]


def test_the_front_is_that_of_all_trials(run_dir):
    trials = read_trials(run_dir / "search")
    points = [(-t.score, t.multiply_adds) for t in trials]
    front = non_dominated(points)
    rows = read_front(run_dir / "search")
    kept = [row for row in rows if row["on_front"]]
    assert 1 < len(kept) < len(rows) == 20
    assert sorted((-r["score"], r["multiply_adds"]) for r in kept) == sorted(
        front
    )
    files = sorted((run_dir / "search" / "front").iterdir())
    assert len(files) == len(kept)
    for row in kept:
        name = f"candidate_{row['candidate']}.json"
        genotype = Genotype.load(run_dir / "search" / "front" / name)
        assert genotype == trials[row["candidate"] - 1].genotype
    assert (run_dir / "search" / "front.png").exists()
    # The result is the most accurate candidate.
    best = max(trials, key=lambda trial: trial.score)
    assert Genotype.load(run_dir / "genotype.json") == best.genotype


def test_more_candidates_have_the_same_trials(run_dir, tmp_path):
    search(tmp_path / "run", 8)
    before = read_front(tmp_path / "run" / "search")
    search(tmp_path / "run", 20)
    whole, parts = (
        [trial.genotype for trial in read_trials(path / "search")]
        for path in (run_dir, tmp_path / "run")
    )
    assert whole == parts
    after = read_front(tmp_path / "run" / "search")
    assert len(before) == 8 and after == read_front(run_dir / "search")


def test_other_costs_are_counted_on_the_network(monkeypatch, tmp_path):
    """Of the network that `tfdarts-train` builds, once a genotype."""
    counted = []

    def cost(self, genotype):
        counted.append(genotype)
        return {name: float(len(counted)) for name in self.names}

    monkeypatch.setattr(NetworkBounds, "cost", cost)
    search(tmp_path / "run", 8, "accuracy,parameters,milliseconds")
    trials = read_trials(tmp_path / "run" / "search")
    rows = read_front(tmp_path / "run" / "search")
    assert [row["milliseconds"] for row in rows] == [*range(1, 9)]
    assert [row["parameters"] for row in rows] == [t.parameters for t in trials]
    assert counted == [trial.genotype for trial in trials]


def test_diverged_and_repeated_candidates_are_left_out(tmp_path):
    one, two = SPACE.sample(0), SPACE.sample(1)
    trials = [
        Evaluation.of_diverged(one),
        Evaluation(two, [-0.5], 0.5),
        Evaluation(two, [-0.5], 0.5),
    ]
    write_front(tmp_path, trials, [None, {"parameters": 3}, {"parameters": 3}])
    assert read_front(tmp_path) == [
        {"candidate": 2, "score": 0.5, "parameters": 3, "on_front": True}
    ]
    (tmp_path / "front.json").write_text("[3]")
    with pytest.raises(ValueError, match="It holds no list of candidates"):
        read_front(tmp_path)


def test_a_selection_takes_the_front(run_dir, tmp_path):
    files = sorted((run_dir / "search" / "front").iterdir())[:2]
    for file in files:
        (tmp_path / file.name).write_text(file.read_text())
    config = tfdarts.SelectConfig(
        run_dirs=[tmp_path / "candidate_*.json"],
        run_dir=tmp_path / "selection",
        init_channels=2,
        num_cells=3,
        epochs=1,
        batch_size=256,
    )
    ranking = tfdarts.select(config)
    assert {row["genotype"] for row in ranking} == {
        str(tmp_path / file.name) for file in files
    }
    kept = json.loads((tmp_path / "selection" / "selection.json").read_text())
    assert len(kept) == 2


def test_a_removal_has_no_effect_on_a_front():
    config = tfdarts.search_config(
        "evolution", objective="accuracy,parameters", removal="worst"
    )
    with pytest.raises(ValueError, match="--removal=worst has no effect with"):
        tfdarts.search(config)


def test_texts_have_no_costs(tmp_path):
    config = tfdarts.search_config(
        "evolution",
        dataset="pydoc",
        run_dir=tmp_path,
        objective="accuracy,parameters",
    )
    with pytest.raises(ValueError, match="is only for networks of images"):
        tfdarts.search(config)
