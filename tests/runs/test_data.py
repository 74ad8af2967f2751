"""A run on data of one's own, from arrays and from files."""

import dataclasses
import json
import logging
import signal

import numpy as np
import pytest
from PIL import Image

from tfdarts.cli import search as search_command
from tfdarts.data.examples import TrainingExamples
from tfdarts.data.sources import DataError
from tfdarts.data.sources import from_arrays
from tfdarts.runs import search as search_module
from tfdarts.runs.configs import SearchConfig
from tfdarts.runs.configs import TrainConfig
from tfdarts.runs.data import describe_data
from tfdarts.runs.data import open_data
from tfdarts.runs.evaluate import evaluate
from tfdarts.runs.export import export
from tfdarts.runs.search import search
from tfdarts.runs.train import train

SEARCH = SearchConfig(
    order=1, init_channels=2, num_cells=3, num_nodes=1, epochs=1, batch_size=8
)
TRAIN = TrainConfig(
    genotype="DARTS_V2", init_channels=2, num_cells=3, epochs=1, batch_size=8
)


def examples(count, seed=0):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 8, 8), "uint8")
    return images, np.arange(count) % 3


def source_of(seed=0):
    train, test = examples(36, seed), examples(12, seed + 1)
    return from_arrays(train, test, ["a", "b/c", "d"], name="mine")


def settings_of(path, stage):
    return json.loads((path / stage / "config.json").read_text())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("run")
    config = dataclasses.replace(
        TRAIN, run_dir=str(path), dataset=source_of(), prepare=True
    )
    train(config)
    return path, config


def test_a_run_on_arrays_is_known_by_their_name(trained):
    path, _ = trained
    settings = settings_of(path, "train")
    assert settings["dataset"] == source_of().name
    assert settings["class_names"] == ["a", "b/c", "d"]
    assert f"--dataset={source_of().name}" in (
        (path / "train" / "flags.cfg").read_text()
    )
    assert export(path)["saved_model"].parent == path / "export" / (
        f"mine-{source_of().fingerprint}"
    )


def test_a_run_goes_on_with_the_same_data_only(trained):
    path, config = trained
    train(dataclasses.replace(config, prepare=False))
    with pytest.raises(ValueError, match="dataset: arrays:.* there, .* now"):
        train(dataclasses.replace(config, dataset=source_of(seed=5)))


def test_the_test_is_that_of_the_same_data_only(trained):
    path, _ = trained
    results = evaluate(path, dataset=source_of())
    assert results["test_examples"] == 12
    with pytest.raises(DataError, match="holds other data"):
        evaluate(path, dataset=source_of(seed=5))
    with pytest.raises(DataError, match="given from Python as arrays"):
        evaluate(path)


def test_training_augments_as_it_is_set(tmp_path, monkeypatch):
    class AugmentedError(Exception):
        """Augmentation was asked for."""

    def augment(self, *settings, **further):
        raise AugmentedError(settings, further)

    monkeypatch.setattr(TrainingExamples, "augment", augment)
    config = dataclasses.replace(
        TRAIN,
        run_dir=str(tmp_path),
        dataset=source_of(),
        crop_padding=3,
        random_flip="on",
        cutout_length=2,
        color_jitter=0.25,
        rand_augment=0.75,
    )
    further = {"crop_size": 0, "color_jitter": 0.25, "rand_augment": 0.75}
    with pytest.raises(AugmentedError) as error:
        train(config)
    assert error.value.args == ((3, "on", 2), further)
    further["crop_size"] = 4
    cropped = dataclasses.replace(config, crop_padding=0, crop_size=4)
    with pytest.raises(AugmentedError) as error:
        train(cropped)
    assert error.value.args == ((0, "on", 2), further)


@pytest.fixture
def without_fit(monkeypatch):
    """A search that reads its data, and stops before its first step."""

    class FirstStepError(Exception):
        """The first step would be now."""

    def stop(*arguments):
        raise FirstStepError

    monkeypatch.setattr(search_module, "_fit", stop)
    return FirstStepError


def test_a_search_goes_on_with_the_same_data_only(tmp_path, without_fit):
    config = dataclasses.replace(
        SEARCH, run_dir=str(tmp_path), dataset=source_of()
    )
    for _ in range(2):
        with pytest.raises(without_fit):
            search(config)
    assert settings_of(tmp_path, "search")["dataset"] == source_of().name
    (tmp_path / "search" / "checkpoints").mkdir()
    (tmp_path / "search" / "checkpoints" / "ckpt-1.index").touch()
    with pytest.raises(ValueError, match="dataset: arrays:.* there, .* now"):
        search(dataclasses.replace(config, dataset=source_of(seed=5)))


def test_what_was_found_is_said_before_work(tmp_path, without_fit, caplog):
    config = dataclasses.replace(
        SEARCH, run_dir=str(tmp_path), dataset=source_of(), image_size=6
    )
    with caplog.at_level(logging.INFO, "tfdarts"):
        with pytest.raises(without_fit):
            search(config)
    assert "36 train, 12 test images, 6x6 pixels" in caplog.text
    assert "3 classes: a, b/c, d" in caplog.text
    assert "resized from 8x8 to 6x6" in caplog.text
    assert settings_of(tmp_path, "search")["image_size"] == 6


@pytest.fixture
def folder(tmp_path):
    images, labels = examples(36)
    for number, (image, label) in enumerate(zip(images, labels)):
        path = tmp_path / "data" / "abc"[label]
        path.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path / f"{number}.png")
    return tmp_path / "data"


def test_the_description_counts_each_class(folder):
    (folder / "a" / "0.png").unlink()
    text = describe_data(SearchConfig(dataset=f"folder:{folder}"))
    assert "train: 28 images, 9 to 10 of a class" in text
    assert "test: 7 images, 2 to 3 of a class" in text
    assert "images are not mirrored at random (--random_flip=auto)" in text
    config = SearchConfig(dataset=f"folder:{folder}", random_flip="on")
    assert "images are mirrored at random" in describe_data(config)


def test_a_relative_folder_is_known_by_its_full_path(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    source = open_data(SearchConfig(dataset="folder:data"))
    assert source.name == f"folder:{folder}"


@pytest.fixture
def command():
    """The command, which takes the log and SIGTERM for itself."""
    logger = logging.getLogger("tfdarts")
    kept = logger.level, logger.propagate, logger.handlers
    on_sigterm = signal.getsignal(signal.SIGTERM)
    yield search_command.command.main
    logger.setLevel(kept[0])
    logger.propagate, logger.handlers = kept[1:]
    signal.signal(signal.SIGTERM, on_sigterm)


def test_the_command_describes_and_does_nothing_else(folder, command, capsys):
    assert command(["--describe_data", f"--dataset=folder:{folder}"]) == 0
    printed, said = capsys.readouterr()
    assert printed.startswith(f"folder:{folder}: 28 train, 8 test images")
    assert printed.endswith(
        f"training images are not mirrored at random (--random_flip=auto)\n"
        f"Next: tfdarts-search --dataset=folder:{folder} --run_dir=runs/data\n"
    )
    assert said == ""


def test_the_command_may_look_at_data_and_cost(
    folder, command, capsys, monkeypatch
):
    costs = []
    monkeypatch.setattr(search_command, "_dry_run", costs.append)
    typed = [f"--dataset=folder:{folder}", "--run_dir=my run", "--seed=7"]
    assert command(["--dry_run", *typed]) == 0
    following = (
        f"Next: tfdarts-search --dataset=folder:{folder} '--run_dir=my run' "
        f"--seed=7\n"
    )
    assert capsys.readouterr().out == following
    assert command([*typed, "--dry_run=true", "--describe_data"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"folder:{folder}: 28 train, 8 test images")
    assert printed.endswith(following)
    assert [cost.seed for cost in costs] == [7, 7]


def break_one(folder):
    (folder / "b" / "1.png").write_text("no image")


def remove_two(folder):
    for name in "ab":
        for path in (folder / name).iterdir():
            path.unlink()
        (folder / name).rmdir()


def paint_black(folder):
    for path in folder.glob("*/*.png"):
        Image.fromarray(np.zeros((8, 8), "uint8")).save(path)


def shrink(folder):
    for path in folder.glob("*/*.png"):
        Image.fromarray(np.eye(3, dtype="uint8")).save(path)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (break_one, "b/1.png is no image"),
        (remove_two, "only one class, c"),
        (paint_black, "same brightness everywhere"),
        (shrink, "3x3 pixels"),
    ],
)
def test_bad_data_are_exit_code_3_before_anything_is_written(
    folder, command, capsys, tmp_path, damage, sentence
):
    damage(folder)
    run_dir = tmp_path / "run"
    flags = [f"--dataset=folder:{folder}", f"--run_dir={run_dir}"]
    assert command([*flags, "--batch_size=8"]) == 3
    said = capsys.readouterr().err
    assert sentence in said and "Traceback" not in said
    assert not run_dir.exists()
