"""Several seeds: each a run of its own, and what they have in common."""

import dataclasses
import json
import statistics

import pytest
from tiny_training import SMALL
from tiny_training import TRAINING as TINY

from tfdarts.cli.seeds_flag import Seeds
from tfdarts.cli.seeds_flag import seeds_table
from tfdarts.genotypes import Genotype
from tfdarts.runs import seeds as seeds_module
from tfdarts.runs.seeds import evaluate_seeds
from tfdarts.runs.seeds import train_seeds
from tfdarts.runs.train import train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("seeds")
    SMALL.save(path / "genotype.json")
    config = dataclasses.replace(TINY, run_dir=str(path), genotype=None)
    return path, train_seeds(config, [0, 3]), evaluate_seeds(path, [0, 3])


def test_each_seed_is_a_training_like_any_other(run, tmp_path):
    path, trained, _ = run
    alone = train(
        dataclasses.replace(
            TINY, run_dir=str(tmp_path), genotype=str(path), seed=3
        )
    )
    for name in ("loss", "accuracy", "num_parameters"):
        assert trained[name]["values"][1] == pytest.approx(alone[name], 1e-5)
        both = trained[name]["values"]
        assert both[0] != both[1] or name == "num_parameters"
    settings = json.loads((path / "seed3/train/config.json").read_text())
    assert settings["seed"] == 3
    assert Genotype.from_json(json.dumps(settings["genotype"])) == SMALL


def test_mean_and_deviation_are_those_of_the_values(run):
    path, trained, tested = run
    for summary in (trained, tested):
        for figure in summary.values():
            values = figure["values"]
            assert figure["mean"] == pytest.approx(statistics.mean(values))
            assert figure["std"] == pytest.approx(statistics.stdev(values))
    for position, seed in enumerate((0, 3)):
        results = path / f"seed{seed}" / "train" / "results.json"
        assert (
            json.loads(results.read_text())["test_accuracy"]
            == tested["test_accuracy"]["values"][position]
        )
    written = json.loads((path / "seeds.json").read_text())
    assert written == {
        "train": {"seeds": [0, 3], **trained},
        "evaluate": {"seeds": [0, 3], **tested},
    }


def test_one_seed_has_no_deviation():
    assert seeds_module._statistics([0.5]) == {
        "mean": 0.5,
        "std": None,
        "values": [0.5],
    }
    shown = seeds_table({"loss": seeds_module._statistics([0.5])})
    assert shown.splitlines()[1].split() == ["loss", "0.5", "0.5"]


def test_seeds_are_in_a_run_directory():
    with pytest.raises(ValueError, match="give --run_dir"):
        train_seeds(TINY, [0, 1])
    with pytest.raises(ValueError, match="give --run_dir"):
        evaluate_seeds(None, [0, 1])


@pytest.mark.parametrize(
    "text", ["", "0,,1", "a", "0;1", "-1", "1,1", "0,00", "4294967296"]
)
def test_what_are_no_seeds(text):
    with pytest.raises(ValueError, match="--seeds must be different integers"):
        Seeds(text)


def test_a_seed_that_was_not_trained_is_missed(run):
    with pytest.raises(
        ValueError, match=r"of seed 7: run .* --seeds=0,7 first"
    ):
        evaluate_seeds(run[0], [0, 7])
