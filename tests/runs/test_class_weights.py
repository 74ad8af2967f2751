"""Runs on imbalanced classes: warned of, weighted, recorded."""

import dataclasses
import json
import logging

import keras
import numpy as np
import pytest
import sklearn.metrics
import tensorflow as tf
from tiny_training import SMALL

from tfdarts.data.arrays import from_arrays
from tfdarts.data.batches import stratified_split
from tfdarts.runs.describe_data import describe_data
from tfdarts.runs.evaluate import evaluate
from tfdarts.runs.train import train
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.image_search import ImageSearch

COUNTS = (24, 12, 6)


def source():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), COUNTS)
    images = random.integers(0, 256, (len(labels), 8, 8), "uint8")
    # Nothing of the third class in the test.
    return from_arrays((images, labels), (images[:36], labels[:36]), [*"abc"])


WEIGHT = dict(enumerate(42 / (3 * np.array(COUNTS))))
TRAIN = TrainConfig(
    preset="paper",
    genotype=SMALL,
    init_channels=2,
    num_cells=3,
    epochs=1,
    batch_size=28,
    validation_portion=1 / 3,
    crop_padding=0,
    drop_path_rate=0.0,
    auxiliary_weight=0.0,
    learning_rate=0.0,
    label_smoothing=0.1,
    class_weights="balanced",
)


def smoothed_losses(logits, labels, smoothing):
    """Cross-entropy of each example, by NumPy."""
    targets = np.eye(3)[labels] * (1 - smoothing) + smoothing / 3
    logits = np.float64(logits)
    log = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return -(targets * log).sum(1)


def network_of(path):
    file = path / "train" / "model.keras"
    return keras.saving.load_model(file, compile=False).get_layer("network")


def parts_of(path):
    """Images and labels of the training and of the validation part."""
    settings = json.loads((path / "train" / "config.json").read_text())
    images, labels = source().read("train")
    images = (images / 255 - settings["mean"]) / settings["std"]
    halves = stratified_split(labels, 1 - 1 / 3, seed=0)
    pairs = [(images[half].astype("float32"), labels[half]) for half in halves]
    return [*pairs[0], *pairs[1]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("run")
    config = dataclasses.replace(TRAIN, dataset=source(), run_dir=str(path))
    logger, records = logging.getLogger("tfdarts"), []
    handler = logging.Handler()
    handler.emit = records.append
    logger.addHandler(handler)
    results = train(config)
    logger.removeHandler(handler)
    return path, config, results, records


def test_a_training_descends_the_weighted_loss(trained):
    path, config, results, _ = trained
    settings = json.loads((path / "train" / "config.json").read_text())
    assert settings["class_weights"] == "balanced"
    assert settings["class_weight"] == pytest.approx([*WEIGHT.values()])
    network = network_of(path)
    images, labels, validation_images, validation_labels = parts_of(path)
    logits = network(images, training=True).numpy()
    each = smoothed_losses(logits, labels, 0.1)
    counts = [WEIGHT[label] for label in labels.tolist()]
    expected = np.dot(counts, each) / len(each)
    assert abs(expected - each.mean()) > 1e-3
    assert results["loss"] == pytest.approx(expected, rel=1e-4)
    # Of this the training mode has moved the statistics.
    logits = network_of(path).predict(validation_images, verbose=0)
    each = smoothed_losses(logits, validation_labels, 0.0)
    assert results["validation_loss"] == pytest.approx(each.mean(), rel=1e-4)
    assert results["validation_balanced_accuracy"] == pytest.approx(
        sklearn.metrics.balanced_accuracy_score(
            validation_labels, logits.argmax(1)
        )
    )


def test_a_training_goes_on_with_the_same_class_weights_only(trained):
    _, config, results, _ = trained
    assert train(config) == results
    other = dataclasses.replace(config, class_weights="none")
    with pytest.raises(ValueError, match="class_weights: balanced recorded"):
        train(other)


def test_an_imbalance_is_warned_of_once_before_training(trained):
    *_, records = trained
    said = [r.getMessage() for r in records if r.levelno == logging.WARNING]
    counts = "a has 16 training images, c 4 (of the 28 of 42 that the weights"
    assert [s for s in said if counts in s] == said
    assert len(said) == 1


def test_a_test_without_a_class_says_so_and_leaves_it_out(trained):
    path, config, *_ = trained
    results = evaluate(path, dataset=config.dataset)
    report = json.loads((path / "evaluation" / "report.json").read_text())
    matrix = np.array(report["confusion"])
    recalls = [matrix[k, k] / matrix[k].sum() for k in range(2)]
    assert results["test_balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert report["test_macro_f1"] == results["test_macro_f1"]
    assert report["classes"][2]["recall"] is None


def test_a_run_from_before_class_weights_goes_on(trained):
    path, config, *_ = trained
    file = path / "train" / "config.json"
    kept = file.read_text()
    settings = json.loads(kept)
    del settings["class_weights"], settings["class_weight"]
    file.write_text(json.dumps(settings))
    train(dataclasses.replace(config, class_weights="none"))
    with pytest.raises(ValueError, match="class_weights: none recorded"):
        train(config)
    file.write_text(kept)


def test_a_search_weights_the_losses_of_weights_and_of_alpha():
    config = SearchConfig(
        preset="paper",
        dataset=source(),
        order=1,
        init_channels=2,
        num_cells=3,
        num_nodes=1,
        batch_size=21,
        crop_padding=0,
        learning_rate=0.0,
        alpha_learning_rate=0.0,
        class_weights="balanced",
    )
    work = ImageSearch(config)
    assert work.derived["class_weight"] == pytest.approx([*WEIGHT.values()])
    pairs = next(iter(work.batches()))
    # Nothing is compiled, which would take longer than all else.
    tf.config.run_functions_eagerly(True)
    try:
        logs = work.darts.train_step(pairs)
    finally:
        tf.config.run_functions_eagerly(False)
    for (x, y), name in zip(pairs, ("loss", "alpha_loss")):
        logits = work.darts.supernet(x, training=True).numpy()
        counts = [WEIGHT[label] for label in y.numpy().tolist()]
        each = smoothed_losses(logits, y.numpy(), 0.0)
        expected = np.dot(counts, each) / len(each)
        assert float(logs[name]) == pytest.approx(expected, rel=1e-4)


def test_a_description_has_counts_and_warnings():
    said = describe_data(SearchConfig(dataset=source()))
    rows = [line.split() for line in said.splitlines()]
    assert ["class", "train", "test"] in rows
    assert ["a", "24", "24"] in rows and ["c", "6", "0"] in rows
    assert ["3", "total", "42", "36"] in rows
    assert "a ratio of 4.0" in said
    assert "The test split has no image of class c" in said
