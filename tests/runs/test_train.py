"""Training, testing and exporting on tiny settings, in this process."""

import csv
import dataclasses
import json
import logging
import math
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard_events import scalars

from tfdarts import genotypes
from tfdarts.data import digits
from tfdarts.data.batches import stratified_split
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.models.multiply_adds import multiply_adds
from tfdarts.records.run_directory import Stage
from tfdarts.runs.evaluate import evaluate
from tfdarts.runs.export import export
from tfdarts.runs.export import exported_versions
from tfdarts.runs.train import train
from tfdarts.runs.visualize import draw_run
from tfdarts.serving.formats import convert
from tfdarts.serving.litert import litert_probabilities
from tfdarts.serving.warm_up import FILE
from tfdarts.tasks import image_export
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.image_training import ImageTraining
from tfdarts.training.optimizers import SGD
from tfdarts.training.schedules import EpochCosine
from tfdarts.visualization import predictions

TINY = TrainConfig(
    preset="paper",
    genotype="DARTS_V2",
    init_channels=2,
    num_cells=3,
    epochs=1,
    batch_size=256,
    validation_portion=0.2,
    learning_rate=0.1,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("run")
    read = []
    with pytest.MonkeyPatch.context() as patch:
        original = digits.read
        patch.setattr(
            digits, "read", lambda split: read.append(split) or original(split)
        )
        results = train(
            dataclasses.replace(TINY, run_dir=str(path), tensorboard=True)
        )
    assert read == ["train"]
    return path, results


@pytest.fixture(scope="module")
def model(run):
    return keras.saving.load_model(run[0] / "train" / "model.keras")


@pytest.fixture(scope="module")
def network(model):
    return model.get_layer("network")


def settings_of(path):
    return json.loads((path / "train" / "config.json").read_text())


def test_tensorboard_gets_what_the_results_say(run):
    path, results = run
    written = scalars(path / "train" / "tensorboard")
    assert len(written) > 3
    for name, values in written.items():
        if name == "learning_rate":
            results = {**results, name: TINY.learning_rate}
        assert values == [(1, pytest.approx(results[name], rel=1e-6))]


def test_training_leaves_a_network_that_comes_back_as_its_class(run, network):
    path, results = run
    assert type(network) is CNNNetwork
    assert network.genotype == genotypes.get("DARTS_V2")
    assert results["num_parameters"] == sum(
        int(np.prod(w.shape)) for w in network.trainable_weights
    )
    assert {
        "accuracy",
        "loss",
        "validation_accuracy",
        "validation_loss",
    } <= set(results)
    written = json.loads((path / "train" / "results.json").read_text())
    assert results.items() <= written.items()


def test_mean_and_deviation_are_those_of_what_was_trained_on(run):
    path, _ = run
    images, labels = digits.read("train")
    settings = settings_of(path)
    first, second = stratified_split(labels, 0.8, seed=0)
    pixels = images[first].astype("float64") / 255
    assert settings["mean"] == pytest.approx([pixels.mean()])
    assert settings["std"] == pytest.approx([pixels.std()])
    assert settings["class_names"] == list("0123456789")
    assert len(first) + len(second) == len(labels)


def test_finished_training_is_not_run_again(run, monkeypatch, caplog):
    path, results = run
    monkeypatch.delattr(ImageTraining, "batches")
    with caplog.at_level(logging.INFO, "tfdarts"):
        again = train(dataclasses.replace(TINY, run_dir=str(path)))
    assert results.items() <= again.items()
    assert "already finished" in caplog.text


def test_more_epochs_resume_a_finished_training(run, tmp_path):
    """Its rate is now the cosine's of two epochs at the second of them."""
    path = tmp_path / "longer"
    shutil.copytree(run[0], path)
    (path / "evaluation").mkdir()
    config = dataclasses.replace(TINY, run_dir=str(path), epochs=2)
    results = train(config)
    assert results == Stage(path, "train").results() and Stage(
        path, "train"
    ).is_complete(config)
    with (path / "train" / "metrics.csv").open() as file:
        first, second = csv.DictReader(file)
    assert float(first["loss"]) == pytest.approx(run[1]["loss"])
    assert float(second["loss"]) == results["loss"] < run[1]["loss"]
    rates = [float(row["learning_rate"]) for row in (first, second)]
    assert rates == pytest.approx([0.1, 0.1 * (1 + math.cos(math.pi / 2)) / 2])
    before = path / "train" / "after_epoch_1"
    assert {p.name for p in before.iterdir()} == {
        *("results.json", "model.keras", "evaluation")
    }
    pairs = zip(
        load_weights(before / "model.keras"),
        load_weights(path / "train" / "model.keras"),
    )
    assert any((old != new).any() for old, new in pairs)


def test_another_genotype_is_refused(run):
    config = dataclasses.replace(TINY, run_dir=str(run[0]), genotype="DARTS_V1")
    with pytest.raises(ValueError, match="genotype: .*DARTS_V2"):
        train(config)


def test_a_refused_extension_leaves_a_training_to_evaluate(run):
    config = dataclasses.replace(TINY, run_dir=str(run[0]), epochs=2, seed=1)
    with pytest.raises(ValueError, match="seed: 0 recorded, 1 given"):
        train(config)
    assert Stage(run[0], "train").finished


def probabilities(path, network, images):
    """The test images through the network, normalised in NumPy."""
    settings = settings_of(path)
    inputs = (images / 255 - settings["mean"]) / settings["std"]
    logits = network.predict(inputs.astype("float32"), verbose=0)
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


def test_evaluation_is_that_of_the_test_images(run, network):
    path, _ = run
    images, labels = digits.read("test")
    expected = probabilities(path, network, images)
    results = evaluate(str(path))
    accuracy = (expected.argmax(1) == labels).mean()
    loss = -np.log(expected[np.arange(len(labels)), labels]).mean()
    assert results["test_accuracy"] == pytest.approx(accuracy)
    assert results["test_loss"] == pytest.approx(loss, rel=1e-4)
    assert results["test_examples"] == 360
    written = json.loads((path / "train" / "results.json").read_text())
    assert written == results
    report = json.loads((path / "evaluation" / "report.json").read_text())
    assert results.items() <= report.items()
    right = sum(row[k] for k, row in enumerate(report["confusion"]))
    assert right / 360 == pytest.approx(accuracy)
    assert sum(row["examples"] for row in report["classes"]) == 360
    assert sum(report["calibration"]["count"]) == 360
    assert results["multiply_adds"] == multiply_adds(network)
    for name in ("confusion.png", "reliability.png"):
        assert (path / "evaluation" / name).exists()


def test_a_picture_that_fails_costs_no_score(run, monkeypatch, caplog):
    def broken(matrix, class_names, path):
        assert json.loads(results_path.read_text())["test_accuracy"]
        raise ValueError("no formula")

    path, _ = run
    results_path = path / "train" / "results.json"
    before = results_path.read_text()
    results_path.write_text(json.dumps({"loss": 1.0}))
    pictures = [
        path / "evaluation" / f"{n}.png" for n in ("confusion", "reliability")
    ]
    for picture in pictures:
        picture.unlink(missing_ok=True)
    with monkeypatch.context() as patch:
        patch.setattr(predictions, "draw_confusion", broken)
        results = evaluate(path)
    assert results == json.loads(results_path.read_text())
    assert results["test_examples"] == 360
    assert (
        f"The test is done, but drawing failed (ValueError: no formula). "
        f"Try again: tfdarts-visualize --run_dir={path}" in caplog.text
    )
    assert not any(picture.exists() for picture in pictures)
    # What the sentence says is true, also without a search.
    assert draw_run(path)[-2:] == pictures
    assert all(picture.exists() for picture in pictures)
    results_path.write_text(before)


def test_export_gives_the_probabilities_of_the_network(run, network):
    path, _ = run
    images, _ = digits.read("test")
    version = export(str(path))["saved_model"]
    assert version == path / "export" / "digits" / "1"
    assert (
        export(str(path), name="reader")["saved_model"].parent.name == "reader"
    )
    loaded = tf.saved_model.load(str(version))
    raw = tf.constant(images[:7].astype("float32"))
    served = loaded.signatures["serving_default"](images=raw)
    expected = probabilities(path, network, images[:7])
    np.testing.assert_allclose(served["probabilities"], expected, atol=1e-5)
    labels = [str(k).encode() for k in expected.argmax(1)]
    assert served["label"].numpy().tolist() == labels
    card = json.loads((version / "model_card.json").read_text())
    results = json.loads((path / "train" / "results.json").read_text())
    renamed = {"accuracy": "train_accuracy", "loss": "train_loss"}
    renamed["seconds"] = "seconds_of_training"
    # Where it was tested, it is among the facts of the network.
    results.pop("multiply_adds", None)
    assert card["results"] == {
        renamed.get(name, name): value for name, value in results.items()
    }
    examples = results["train_examples"], results["validation_examples"]
    assert sum(examples) == 1797 - 360
    assert examples[1] / sum(examples) == pytest.approx(0.2, abs=0.005)
    assert card["labels"] == list("0123456789")
    assert card["pictures"] == ["cells/normal.png", "cells/reduce.png"]
    for picture in card["pictures"]:
        assert (version / picture).read_bytes().startswith(b"\x89PNG")
    assert card["training"]["batch_size"] == TINY.batch_size
    assert card["data"]["validation_portion"] == 0.2
    text = (version / "MODEL_CARD.md").read_text()
    assert f"| num parameters | {results['num_parameters']:,} |" in text
    assert "The published cell DARTS_V2." in text and "Genotype(" in text
    assert "| cpu cores |" in text and card["search"] is None
    # No depth of DenseNet, no momentum of nobody, no flag of TensorBoard.
    assert not {"depth", "growth_rate", "tensorboard"} & {
        *card["training"],
        *card["network"],
    }
    assert genotypes.Genotype.load(version / "genotype.json") == genotypes.get(
        "DARTS_V2"
    )
    assert (version / FILE).stat().st_size > 1000
    assert "/models/reader" in (path / "export" / "models.config").read_text()


def test_the_saved_model_takes_pixels(run, model, network):
    """What it says of bytes is what evaluate found, without a word of ours."""
    path, _ = run
    images, labels = digits.read("test")
    assert images.dtype == np.uint8 and images.max() == 255
    answer = model.predict(images, verbose=0)["probabilities"]
    np.testing.assert_allclose(
        answer, probabilities(path, network, images), atol=1e-5
    )
    right = np.mean(answer.argmax(1) == labels)
    assert right == pytest.approx(evaluate(str(path))["test_accuracy"])
    # Neither does it ask for an optimizer, nor hold one.
    assert not model.compiled and not network.compiled
    assert len(model.variables) == len(network.variables)


def test_a_network_of_version_0_1_0_is_tested_and_exported(
    run, network, tmp_path
):
    """It was saved bare, and with its optimizer."""
    path = tmp_path / "run"
    shutil.copytree(run[0], path)
    expected = evaluate(str(path))
    network.compile(SGD(EpochCosine(0.1, 0.0, 1, 1)), "mse")
    network.optimizer.build(network.trainable_variables)
    network.save(path / "train/model.keras")
    results = evaluate(str(path))
    for name in ("test_loss", "test_accuracy", "multiply_adds"):
        assert results[name] == expected[name]
    exported = export(str(path), "old", ["keras"])["keras"]
    images, _ = digits.read("test")
    answer = keras.saving.load_model(exported).predict(images, verbose=0)
    np.testing.assert_allclose(
        answer["probabilities"],
        probabilities(path, network, images),
        atol=1e-5,
    )


def test_evaluation_needs_a_finished_training(tmp_path):
    with pytest.raises(ValueError, match="holds no train stage"):
        evaluate(str(tmp_path))
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "config.json").write_text('{"dataset": "x"}')
    with pytest.raises(ValueError, match="has not finished"):
        evaluate(str(tmp_path))


@pytest.mark.parametrize(
    "damage",
    [lambda p: p.unlink(), lambda p: p.write_bytes(p.read_bytes()[:99])],
)
def test_a_damaged_network_is_made_anew(run, tmp_path, damage):
    """As the sentence says, without training."""
    path = tmp_path / "run"
    shutil.copytree(run[0], path)
    model = path / "train" / "model.keras"
    before = load_weights(model)
    damage(model)
    with pytest.raises(ValueError, match="keras is missing or damaged. Remove"):
        evaluate(str(path))
    (path / "train" / "status.json").unlink()
    train(dataclasses.replace(TINY, run_dir=str(path)))
    for one, other in zip(load_weights(model), before, strict=True):
        np.testing.assert_array_equal(one, other)


def load_weights(path):
    return keras.saving.load_model(path, compile=False).get_weights()


def test_unknown_distribution_is_refused(tmp_path):
    with pytest.raises(ValueError, match="--distribute must be one of none"):
        dataclasses.replace(TINY, run_dir=str(tmp_path), distribute="cloud")


@pytest.mark.slow
def test_export_to_other_formats(run, network, monkeypatch):
    path, _ = run
    images, labels = digits.read("test")
    representative = {}

    def noted(model, format, images=None):
        representative[format] = images
        return convert(model, format, images)

    monkeypatch.setattr(image_export, "convert", noted)
    paths = export(str(path), "files", ["onnx", "litert_int8", "keras"])
    directory = path / "export" / "files"
    assert {p.name for p in directory.iterdir()} == {
        *("1.onnx", "1.int8.tflite", "1.tflite", "1.keras"),
        *("1.int8.json", "1.labels.txt", ".lock"),
    }
    assert list(paths) == ["keras", "litert", "litert_int8", "onnx"]
    assert (directory / "1.labels.txt").read_text() == "\n".join(
        [*"0123456789", ""]
    )
    report = json.loads((directory / "1.int8.json").read_text())
    expected = probabilities(path, network, images).argmax(1)
    assert report["litert"] == {
        "test_accuracy": pytest.approx(np.mean(expected == labels)),
        "bytes": paths["litert"].stat().st_size,
    }
    answers = litert_probabilities(paths["litert_int8"].read_bytes(), images)
    assert report["litert_int8"] == {
        "test_accuracy": pytest.approx(np.mean(answers.argmax(1) == labels)),
        "bytes": paths["litert_int8"].stat().st_size,
    }
    assert np.mean(answers.argmax(1) == expected) > 0.9
    # 200 of the training images, from the first to the last.
    of_training, _ = digits.read("train")
    chosen = representative["litert_int8"]
    assert len(chosen) == 200 and representative["litert"] is None
    np.testing.assert_array_equal(chosen[0], of_training[0])
    np.testing.assert_array_equal(chosen[-1], of_training[-1])
    # No directory of a version: nothing there is for a server.
    assert exported_versions(str(path), "files") == []
    assert export(str(path), "files")["saved_model"] == directory / "2"
    both = export(str(path), "both", ["keras", "saved_model"])
    assert both["keras"].name == "1.keras"
    assert both["saved_model"].name == "1"
