"""What is done already is not done again."""

import dataclasses

import numpy as np
import pytest

from tfdarts.data.image_source import DataError
from tfdarts.records.json_files import write_json
from tfdarts.records.run_directory import Stage
from tfdarts.runs import pipeline as pipeline_module
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.rnn_configs import RNNSearchConfig
from tfdarts.tasks.rnn_configs import RNNTrainConfig


def test_a_training_that_cannot_be_shared_is_refused_first(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(pipeline_module, "search", lambda config: 1 / 0)
    settings = {"run_dir": str(tmp_path), "distribute": "mirrored"}
    for search, training, message in (
        (
            SearchConfig(**settings),
            TrainConfig(**settings, batch_size=97),
            "must be a multiple of their number, 2. Received: 97",
        ),
        (
            SearchConfig(**settings),
            TrainConfig(**settings, jit_compile=True),
            "begin with --train_: --jit_compile needs a GPU",
        ),
        (
            RNNSearchConfig(**settings),
            RNNTrainConfig(**settings, cell="lstm", batch_size=8),
            "--cell=lstm",
        ),
        (
            SearchConfig(**settings),
            TrainConfig(**settings, optimizer="adamw", momentum=0.5),
            "^In the training, .* --train_: --momentum=0.5 has no effect",
        ),
        (
            RNNSearchConfig(**settings),
            TrainConfig(**settings),
            "^In the training, .*one object, a tfdarts.RNNTrainConfig. "
            "Received: TrainConfig.",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            pipeline_module.pipeline(search, training)


@pytest.mark.parametrize("crop_size", [0, 4])
def test_images_too_small_for_the_training_are_refused_before_the_search(
    crop_size, tmp_path, monkeypatch
):
    monkeypatch.setattr(pipeline_module, "search", lambda config: 1 / 0)
    side = 8 if crop_size else 4
    images = np.zeros((80, side, side, 1), "uint8")
    settings = {"dataset": (images, np.arange(80) % 2)}
    settings |= {"run_dir": str(tmp_path)}
    config = TrainConfig(**settings, crop_size=crop_size, auxiliary_weight=0.4)
    with pytest.raises(ValueError, match="at least 5 pixels a side"):
        pipeline_module.pipeline(SearchConfig(**settings), config)
    without = dataclasses.replace(config, auxiliary_weight=0.0)
    with pytest.raises(ZeroDivisionError):
        pipeline_module.pipeline(SearchConfig(**settings), without)


def test_a_search_is_not_extended_behind_its_training(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline_module, "search", lambda config: 1 / 0)
    run_dir = str(tmp_path)
    stage = Stage(run_dir, "search")
    stage.begin(SearchConfig(run_dir=run_dir, epochs=7))
    stage.report("finished", epoch=7)
    training = Stage(run_dir, "train")
    training.begin(TrainConfig(run_dir=run_dir))
    configs = (
        SearchConfig(run_dir=run_dir, epochs=9),
        TrainConfig(run_dir=run_dir),
    )
    with pytest.raises(ZeroDivisionError):
        pipeline_module.pipeline(*configs)
    training.report("running", epoch=1)
    with pytest.raises(ZeroDivisionError):
        pipeline_module.pipeline(
            SearchConfig(run_dir=run_dir), TrainConfig(run_dir=run_dir)
        )
    with pytest.raises(
        ValueError, match="was found with --epochs=7; with --epochs=9"
    ):
        pipeline_module.pipeline(*configs)


def test_what_is_wrong_with_a_training_names_its_flags(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline_module, "search", lambda config: None)
    run_dir = str(tmp_path)
    config = TrainConfig(run_dir=run_dir, epochs=3, genotype="random:0")
    stage = Stage(run_dir, "train")
    stage.begin(config)
    stage.report("finished", epoch=3)
    shorter = dataclasses.replace(config, epochs=2, batch_size=8)
    monkeypatch.setattr(
        pipeline_module, "train", lambda config: stage.begin(config)
    )
    with pytest.raises(
        ValueError, match="^In the training, .* --train_: .*--epochs=3, which"
    ):
        pipeline_module.pipeline(SearchConfig(run_dir=run_dir), shorter)
    with pytest.raises(DataError, match="^In the training, .*A batch of 5000"):
        pipeline_module.pipeline(
            SearchConfig(run_dir=run_dir),
            dataclasses.replace(config, batch_size=5000),
        )


@pytest.mark.parametrize(("epochs", "exported"), [(3, False), (2, True)])
def test_a_longer_training_is_exported_again(
    epochs, exported, tmp_path, monkeypatch
):
    monkeypatch.setattr(pipeline_module, "search", lambda config: None)
    results = {"test_accuracy": 0.5, "test_loss": 1.5}
    monkeypatch.setattr(pipeline_module, "train", lambda config: results)
    new = {"saved_model": tmp_path / "new"}
    monkeypatch.setattr(pipeline_module, "export", lambda run_dir: new)
    version = tmp_path / "export" / "digits" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").touch()
    write_json(version / "model_card.json", {"training": {"epochs": 2}})
    run_dir = str(tmp_path)
    trained = TrainConfig(run_dir=run_dir, epochs=epochs)
    Stage(run_dir, "train").begin(trained)
    # Without a number of epochs they follow from the data.
    outcome = pipeline_module.pipeline(
        SearchConfig(run_dir=run_dir), TrainConfig(run_dir=run_dir)
    )
    path = version if exported else tmp_path / "new"
    assert outcome["saved_model"] == str(path)


@pytest.mark.parametrize("tested", [False, True])
def test_test_examples_are_read_once(tmp_path, monkeypatch, tested):
    calls = []

    def stub(name, result=None):
        def stage(*arguments, **settings):
            calls.append(name)
            return result

        monkeypatch.setattr(pipeline_module, name, stage)

    results = {"test_accuracy": 0.5, "test_loss": 1.5}
    stub("search")
    stub("train", results if tested else {})
    stub("evaluate", results)
    stub("export", {"saved_model": tmp_path / "1"})
    run_dir = str(tmp_path)
    outcome = pipeline_module.pipeline(
        SearchConfig(run_dir=run_dir), TrainConfig(run_dir=run_dir)
    )
    expected = ["search", "train", "evaluate", "export"]
    assert calls == [c for c in expected if c != "evaluate" or not tested]
    assert outcome == {**results, "saved_model": str(tmp_path / "1")}
