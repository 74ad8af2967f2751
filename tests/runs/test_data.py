"""A run on data of one's own, from arrays and from files."""

import dataclasses
import json
import logging
import signal

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tiny_training import SMALL

from tfdarts.cli import search_command
from tfdarts.data.examples import TrainingExamples
from tfdarts.data.sources import DataError
from tfdarts.data.sources import from_arrays
from tfdarts.data.text_lookup import open_text_source
from tfdarts.data.text_source import from_lines
from tfdarts.records.run_directory import Stage
from tfdarts.runs.describe_data import describe_data
from tfdarts.runs.describe_data import to_recorded_config
from tfdarts.runs.evaluate import evaluate
from tfdarts.runs.evaluate import source_of_run
from tfdarts.runs.export import export
from tfdarts.runs.search import search
from tfdarts.runs.supernet_search import SupernetSearch
from tfdarts.runs.train import train
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.configs import SelectConfig
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.presets import apply_preset
from tfdarts.tasks.rnn_configs import RNNSearchConfig
from tfdarts.tasks.rnn_configs import RNNTrainConfig
from tfdarts.tasks.run_data import open_data
from tfdarts.tasks.run_data import training_data

SEARCH = SearchConfig(
    preset="paper",
    order=1,
    init_channels=2,
    num_cells=3,
    num_nodes=1,
    epochs=1,
    batch_size=8,
)
TRAIN = TrainConfig(
    preset="paper",
    genotype=SMALL,
    init_channels=2,
    num_cells=3,
    epochs=1,
    batch_size=8,
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
    with pytest.raises(
        ValueError, match="dataset: arrays:.* recorded, .* given"
    ):
        train(dataclasses.replace(config, dataset=source_of(seed=5)))


def test_the_test_is_that_of_the_same_data_only(trained):
    path, _ = trained
    results = evaluate(path, dataset=source_of())
    assert results["test_examples"] == 12
    with pytest.raises(DataError, match="trained on other data"):
        evaluate(path, dataset=source_of(seed=5))
    with pytest.raises(DataError, match="given as arrays"):
        evaluate(path)


def test_the_test_may_be_on_images_that_are_given(trained):
    path, _ = trained
    images, labels = examples(12, 1)
    expected = evaluate(path, dataset=source_of())
    names = np.array(["a", "b/c", "d"])
    results = evaluate(path, test=slices((images, names[labels])).batch(5))
    for figure in ("test_accuracy", "test_loss", "test_examples"):
        assert results[figure] == expected[figure]
    with pytest.raises(
        DataError, match="among the classes a, b/c, d. One.*'cat'"
    ):
        evaluate(path, test=(images[:1], ["cat"]))
    with pytest.raises(DataError, match="test images have the shape"):
        evaluate(path, test=(images[:, :-1], labels))
    with pytest.raises(ValueError, match="`test` replaces `dataset`"):
        evaluate(path, test=(images, labels), dataset=source_of())


# Data from Python


def slices(pair):
    return tf.data.Dataset.from_tensor_slices(pair)


@pytest.mark.parametrize(
    "given", [tuple, list, slices, lambda pair: slices(pair).batch(5)]
)
@pytest.mark.parametrize("config_class", [SearchConfig, TrainConfig])
def test_arrays_and_datasets_stand_where_dataset_does(config_class, given):
    train, validation, test = examples(36, 0), examples(12, 1), examples(9, 2)
    expected = from_arrays(train)
    config = config_class(dataset=given(train))
    assert config.dataset.name == expected.name
    assert config.dataset.splits == {"train": 28, "test": 8}
    config = config_class(
        dataset=given(train), validation=given(validation), test=given(test)
    )
    for split, pair in (
        ("train", train),
        ("validation", validation),
        ("test", test),
    ):
        for read, array in zip(config.dataset.read(split), pair):
            np.testing.assert_array_equal(np.squeeze(read), array)
    # Whatever is made of a config has its data.
    changed = dataclasses.replace(config, epochs=1)
    assert changed.dataset is config.dataset
    assert changed.validation is changed.test is None
    own, portion = config_class.own_validation
    assert getattr(changed, own) == portion


@pytest.mark.parametrize("config_class", [SearchConfig, TrainConfig])
def test_validation_examples_are_validated_on(config_class):
    train, validation = examples(36, 0), examples(12, 1)
    config = config_class(dataset=train, validation=validation, batch_size=4)
    portion = getattr(config, config_class.own_validation[0])
    portion = portion if config_class is SearchConfig else 1 - portion
    source = open_data(config)
    data = training_data(apply_preset(config, source), source, portion)
    for read, array in zip(data.examples.validation, validation):
        np.testing.assert_array_equal(np.squeeze(read), array)
    assert len(data.examples.train[1]) == 28


@pytest.mark.parametrize(
    ("config_class", "portion"),
    [(SearchConfig, "train_portion"), (SelectConfig, "validation_portion")],
)
def test_a_share_and_validation_examples_are_too_much(config_class, portion):
    pair = examples(36, 0)
    config = config_class(dataset=pair, validation=pair)
    assert getattr(config, portion) == (portion == "train_portion")
    with pytest.raises(ValueError, match=f"leave out --{portion}"):
        config_class(dataset=pair, validation=pair, **{portion: 0.25})


def test_a_search_with_no_image_for_alpha_is_refused():
    config = SearchConfig(
        dataset=examples(36, 0), train_portion=1, batch_size=8
    )
    with pytest.raises(DataError, match="leaves no image for alpha"):
        search(dataclasses.replace(config, run_dir="r"))


LINES = from_lines(*[["to be or not to be"] * 2] * 3)


@pytest.mark.parametrize(
    ("config_class", "settings", "sentence"),
    [
        (SearchConfig, {"dataset": np.zeros(3)}, "Received: ndarray"),
        (SearchConfig, {"dataset": 3}, "Received: int"),
        (SearchConfig, {"dataset": None}, "Received: NoneType"),
        (SearchConfig, {"dataset": ("a", "b")}, "images of the train split"),
        (
            SearchConfig,
            {"dataset": LINES},
            "TextSource.* task texts: use RNNSearch",
        ),
        (RNNSearchConfig, {"dataset": examples(9, 0)}, "tuple.*TrainConfig"),
        (RNNTrainConfig, {"dataset": source_of()}, "ImageSource.* task images"),
        (
            TrainConfig,
            {"validation": examples(9, 0)},
            "`validation` is for a `dataset` that is given as arrays",
        ),
        (
            TrainConfig,
            {"dataset": source_of(), "test": examples(9, 0)},
            "`test` is for a `dataset`.*to from_arrays",
        ),
    ],
)
def test_what_are_no_data(config_class, settings, sentence):
    with pytest.raises(DataError, match=sentence):
        config_class(**settings)


def test_lines_stand_where_dataset_does():
    assert RNNSearchConfig(dataset=LINES).dataset is LINES
    assert open_text_source(LINES).name == "lines:mine"


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

    monkeypatch.setattr(SupernetSearch, "fit", stop)
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
    with pytest.raises(
        ValueError, match="dataset: arrays:.* recorded, .* given"
    ):
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


def test_a_test_leaves_out_the_files_that_training_left_out(folder):
    (folder / "a" / "0.png").write_bytes(b"no image")
    config = TrainConfig(dataset=f"folder:{folder}", skip_broken=True)
    source = open_data(config)
    settings = {
        **dataclasses.asdict(to_recorded_config(config, source)),
        "fingerprint": source.fingerprint,
    }
    stage = Stage("nowhere", "train")
    found = source_of_run(stage, settings, None)
    assert found.splits == source.splits == {"train": 28, "test": 7}
    assert "1 of 36 files" in describe_data(config)
    del settings["skip_broken"]
    with pytest.raises(DataError, match="1 of 36 files in"):
        source_of_run(stage, settings, None)


def test_the_description_counts_each_class(folder):
    (folder / "a" / "0.png").unlink()
    text = describe_data(SearchConfig(dataset=f"folder:{folder}"))
    rows = [line.split() for line in text.splitlines()]
    assert ["a", "9", "2"] in rows and ["b", "9", "3"] in rows
    assert ["3", "total", "28", "7"] in rows
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

    def measure(config, name):
        costs.append(config)
        return "a table"

    monkeypatch.setattr(search_command, "cost_table", measure)
    typed = [f"--dataset=folder:{folder}", "--run_dir=my run", "--seed=7"]
    assert command(["--dry_run", *typed]) == 0
    following = (
        f"Next: tfdarts-search --dataset=folder:{folder} '--run_dir=my run' "
        f"--seed=7\n"
    )
    cost_of_training = (
        f"To predict the cost of the training: tfdarts-train "
        f"--dataset=folder:{folder} --seed=7 --genotype=random:0 --dry_run\n"
    )
    printed = capsys.readouterr().out
    assert printed == f"a table\n{cost_of_training}{following}"
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
        (break_one, "b/1.png: it is not a PNG"),
        (remove_two, "only one class, c"),
        (paint_black, "have the same value"),
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
