"""Choosing among candidates on tiny settings."""

import dataclasses
import json
import logging
import shutil

import pytest
from tiny_training import SELECTION as TINY

from tfdarts import genotypes
from tfdarts.data import digits
from tfdarts.data.sources import DataError
from tfdarts.genotypes import Genotype
from tfdarts.records.run_directory import Stage
from tfdarts.runs.genotype_origin import origin_of
from tfdarts.runs.genotype_origin import search_of
from tfdarts.runs.select import select
from tfdarts.search_spaces.lookup import find_genotype
from tfdarts.tasks.configs import SelectConfig
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.presets import fill_paper_settings


@pytest.fixture(scope="module")
def selected(tmp_path_factory):
    path = tmp_path_factory.mktemp("selected")
    read = []
    with pytest.MonkeyPatch.context() as patch:
        original = digits.read
        patch.setattr(
            digits, "read", lambda split: read.append(split) or original(split)
        )
        ranking = select(dataclasses.replace(TINY, run_dir=str(path)))
    assert set(read) == {"train"}
    return path, ranking


def test_the_best_on_validation_images_comes_first(selected):
    path, ranking = selected
    assert {row["candidate"] for row in ranking} == {"DARTS_V2", "random-3"}
    assert (
        ranking[0]["validation_accuracy"] >= ranking[1]["validation_accuracy"]
    )
    for row in ranking:
        stage = path / "candidates" / row["candidate"] / "train"
        results = json.loads((stage / "results.json").read_text())
        assert results.items() <= row.items()
        assert "test_accuracy" not in results
    assert json.loads((path / "selection.json").read_text()) == ranking
    winner = Genotype.load(path / "genotype.json")
    assert winner == find_genotype(ranking[0]["genotype"])
    assert find_genotype(str(path)) == winner


@pytest.fixture
def trained(monkeypatch):
    """Trainings whose results are given, and what was trained."""
    results, configs = {}, []

    def train(config):
        configs.append(config)
        return results[config.genotype]

    monkeypatch.setattr("tfdarts.runs.train.train", train)
    return results, configs


def validation(accuracy, loss):
    return {"validation_accuracy": accuracy, "validation_loss": loss}


def test_of_equals_the_lower_loss_wins(trained, tmp_path):
    results, configs = trained
    results["DARTS_V1"] = validation(0.5, 0.9)
    results["DARTS_V2"] = validation(0.5, 0.8)
    results["random:1"] = validation(0.4, 0.1)
    config = dataclasses.replace(
        TINY, run_dirs="DARTS_V1,random:1,DARTS_V2", run_dir=str(tmp_path)
    )
    ranking = select(config)
    names = [row["genotype"] for row in ranking]
    assert names == ["DARTS_V2", "DARTS_V1", "random:1"]
    assert Genotype.load(tmp_path / "genotype.json") == genotypes.get(
        "DARTS_V2"
    )
    chosen = fill_paper_settings(config)
    for trained_config in configs:
        for field in dataclasses.fields(SelectConfig):
            if field.name not in ("run_dirs", "run_dir"):
                value = getattr(trained_config, field.name)
                assert value == getattr(chosen, field.name)


def test_with_class_weights_balanced_accuracy_decides(trained, tmp_path):
    results, _ = trained
    balanced = "validation_balanced_accuracy"
    results["DARTS_V1"] = {**validation(0.9, 0.1), balanced: 0.5}
    results["DARTS_V2"] = {**validation(0.7, 0.9), balanced: 0.6}
    config = dataclasses.replace(
        TINY, run_dirs="DARTS_V1,DARTS_V2", run_dir=str(tmp_path)
    )
    weighted = dataclasses.replace(config, class_weights="balanced")
    assert select(weighted)[0]["genotype"] == "DARTS_V2"
    assert select(config)[0]["genotype"] == "DARTS_V1"


def test_run_directories_have_names_that_do_not_hang_on_others(
    trained, tmp_path, monkeypatch
):
    results, configs = trained
    monkeypatch.chdir(tmp_path)
    for place in ("a/run", "b/run"):
        path = tmp_path / place
        path.mkdir(parents=True)
        genotypes.get("DARTS_V2").save(path / "genotype.json")
        results[place] = validation(0.5, 0.5)
    results["random:1"] = validation(0.4, 0.5)
    (tmp_path / "out").mkdir()
    for given in ("b/run, random:1", "*/run,random:1"):
        config = dataclasses.replace(TINY, run_dirs=given, run_dir="out")
        ranking = {row["genotype"]: row["candidate"] for row in select(config)}
        assert ranking["b/run"] == "b-run"
        assert ranking["random:1"] == "random-1"
    assert ranking["a/run"] == "a-run"
    assert {c.run_dir for c in configs} == {
        f"out/candidates/{name}" for name in ("a-run", "b-run", "random-1")
    }


def test_the_best_epoch_of_a_search_is_chosen(trained, tmp_path):
    """Epochs of equal genotypes are trained once, and all have a row."""
    results, configs = trained
    files = tmp_path / "run" / "search" / "genotypes"
    files.mkdir(parents=True)
    cells = ("DARTS_V1", "DARTS_V2", "DARTS_V2", "PC_DARTS_cifar")
    for epoch, name in enumerate(cells, 1):
        path = files / f"epoch_{epoch}.json"
        cell = dataclasses.replace(genotypes.get(name), name=None)
        cell.save(path)
        results[str(path)] = validation([0.3, 0.5, 0.1, 0.4][epoch - 1], 1.0)
    out = tmp_path / "out"
    out.mkdir()
    config = dataclasses.replace(
        TINY, run_dirs=f"{files}/epoch_*.json", run_dir=str(out)
    )
    ranking = select(config)
    paths = [row["genotype"] for row in ranking]
    assert paths == [str(files / f"epoch_{n}.json") for n in (2, 3, 4, 1)]
    assert [row["validation_accuracy"] for row in ranking] == [
        *(0.5, 0.5, 0.4, 0.3)
    ]
    assert [each.genotype for each in configs] == [
        str(files / f"epoch_{n}.json") for n in (1, 2, 4)
    ]
    assert Genotype.load(out / "genotype.json") == genotypes.get("DARTS_V2")
    stage = Stage(out, "train")
    stage.begin(TrainConfig(run_dir=str(out)))
    genotype = Genotype.load(out / "genotype.json").to_dict()
    assert search_of(stage, genotype) is None
    assert origin_of(stage, genotype, None) == (
        f"Chosen by a selection among several genotypes: {paths[0]}."
    )


def test_a_candidate_given_twice_is_refused(tmp_path):
    config = dataclasses.replace(
        TINY, run_dirs="random:1,random:1", run_dir=str(tmp_path)
    )
    with pytest.raises(ValueError, match="share the directory random-1"):
        select(config)


def test_a_further_candidate_is_trained_alone(selected, tmp_path, caplog):
    path = tmp_path / "copy"
    shutil.copytree(selected[0], path)
    config = dataclasses.replace(
        TINY, run_dirs=[*TINY.run_dirs, "DARTS_V1"], run_dir=path
    )
    with caplog.at_level(logging.INFO, "tfdarts"):
        ranking = select(config)
    assert len(ranking) == 3
    assert caplog.text.count("already finished") == 2


@pytest.mark.parametrize("run_dirs", [None, "", ",", "DARTS_V2", "DARTS_V2,"])
def test_one_candidate_is_no_choice(run_dirs, tmp_path):
    config = dataclasses.replace(TINY, run_dirs=run_dirs, run_dir=str(tmp_path))
    with pytest.raises(ValueError, match="at least two candidates"):
        select(config)


def test_what_is_no_genotype_is_refused_before_any_training(trained, tmp_path):
    config = dataclasses.replace(
        TINY, run_dirs="DARTS_V2,nothing", run_dir=str(tmp_path)
    )
    with pytest.raises(ValueError, match="no genotype 'nothing'"):
        select(config)
    assert trained[1] == []


def test_there_must_be_something_to_rank_on(tmp_path):
    config = dataclasses.replace(
        TINY, run_dir=str(tmp_path), validation_portion=0.0
    )
    with pytest.raises(DataError, match="give --validation_portion"):
        select(config)


def test_a_searched_run_is_not_overwritten(tmp_path):
    genotypes.get("DARTS_V1").save(tmp_path / "genotype.json")
    config = dataclasses.replace(TINY, run_dir=str(tmp_path))
    with pytest.raises(ValueError, match="that no selection wrote"):
        select(config)
    with pytest.raises(ValueError, match="give --run_dir"):
        select(TINY)
