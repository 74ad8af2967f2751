"""Trainings with what is off in the paper's, from data to a server."""

import dataclasses
import json
import logging

import keras
import numpy as np
import pytest
import scipy
import tensorflow as tf
from tiny_training import SMALL

from tfdarts.data.examples import TrainingExamples
from tfdarts.data.sources import from_arrays
from tfdarts.records.progress import Progress
from tfdarts.runs.evaluate import evaluate
from tfdarts.runs.export import export
from tfdarts.runs.train import train
from tfdarts.tasks import image_training
from tfdarts.tasks.configs import TrainConfig

random = np.random.default_rng(0)


def colour_images(count, channels=3):
    images = random.integers(0, 256, (count, 12, 14, channels), "uint8")
    return images, np.arange(count) % 4


SOURCE = from_arrays(
    train=colour_images(48),
    test=colour_images(20),
    class_names=["a", "b", "c", "d"],
)
ALL = TrainConfig(
    preset="paper",
    dataset=SOURCE,
    genotype=SMALL,
    init_channels=2,
    num_cells=3,
    epochs=2,
    batch_size=12,
    validation_portion=0.25,
    crop_padding=0,
    crop_size=8,
    random_flip="on",
    cutout_length=2,
    color_jitter=0.4,
    rand_augment=0.5,
    mixup=0.2,
    label_smoothing=0.1,
    optimizer="adamw",
    warmup_epochs=1,
    ema_momentum=0.9,
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("all")
    return path, train(dataclasses.replace(ALL, run_dir=str(path)))


def model_in(path):
    return keras.saving.load_model(path / "train/model.keras")


def network_in(path):
    return model_in(path).get_layer("network")


def centre(path, images):
    """What the network sees of images, in NumPy."""
    settings = json.loads((path / "train" / "config.json").read_text())
    pixels = images[:, 2:10, 3:11] / 255
    return ((pixels - settings["mean"]) / settings["std"]).astype("float32")


def test_tests_are_of_the_centre(trained):
    path, _ = trained
    images, labels = SOURCE.read("test")
    logits = network_in(path).predict(centre(path, images), verbose=0)
    answer = model_in(path).predict(images, verbose=0)["probabilities"]
    np.testing.assert_allclose(
        answer, scipy.special.softmax(logits, axis=1), atol=1e-5
    )
    results = evaluate(str(path), dataset=SOURCE)
    accuracy = (logits.argmax(1) == labels).mean()
    assert results["test_accuracy"] == pytest.approx(accuracy)


def test_a_server_takes_whole_images(trained):
    path, _ = trained
    images, _ = SOURCE.read("test")
    loaded = tf.saved_model.load(str(export(str(path))["saved_model"]))
    served = loaded.signatures["serving_default"](
        images=tf.constant(images, tf.float32)
    )
    logits = network_in(path).predict(centre(path, images), verbose=0)
    np.testing.assert_allclose(
        served["probabilities"], keras.ops.softmax(logits), atol=1e-5
    )


def test_validation_is_of_averaged_weights_and_plain_labels(trained):
    """It is that of the network which is kept."""
    path, results = trained
    examples = TrainingExamples.of(SOURCE, 0.75, ALL.seed)
    images, labels = examples.validation
    logits = network_in(path).predict(centre(path, images), verbose=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert results["validation_loss"] == pytest.approx(
        float(loss(labels, logits)), rel=1e-4
    )
    accuracy = (logits.argmax(1) == labels).mean()
    assert results["validation_accuracy"] == pytest.approx(accuracy)


def test_what_is_kept_is_the_average_and_not_the_last_weights(trained):
    path, _ = trained
    newest = max((path / "train" / "checkpoints").glob("ckpt-*.index"))
    reader = tf.train.load_checkpoint(str(newest.with_suffix("")))
    held = {"network": [], "optimizer": []}
    for name in reader.get_variable_to_shape_map():
        kind = name.split("/")[0]
        if kind in held:
            held[kind].append(reader.get_tensor(name))
    for variable in network_in(path).trainable_variables:
        value = variable.numpy()
        assert any(np.array_equal(value, x) for x in held["optimizer"])
        assert not any(np.array_equal(value, x) for x in held["network"])


@pytest.mark.slow
def test_what_was_interrupted_ends_as_if_it_had_not_been(
    trained, tmp_path, monkeypatch
):
    """Bit for bit: averages, seeds and augmentation go on, too."""

    def interrupt(self, epoch, logs=None):
        raise KeyboardInterrupt

    config = dataclasses.replace(ALL, run_dir=str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "on_epoch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(config)
    results = train(config)
    del results["seconds"]
    assert results.items() <= trained[1].items()
    pairs = zip(
        network_in(tmp_path).weights,
        network_in(trained[0]).weights,
        strict=True,
    )
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("settings", "least", "mixed"),
    [
        ({"label_smoothing": 0.2, "mixup": 0.0}, 0.05, False),
        ({"label_smoothing": 0.0, "mixup": 1.0}, 0.0, True),
    ],
)
def test_training_learns_from_the_targets_that_are_set(settings, least, mixed):
    config = dataclasses.replace(ALL, rand_augment=0.0, **settings)
    work = image_training.ImageTraining(config)
    _, targets = next(iter(work.batches()))
    assert targets.numpy().min() == pytest.approx(least)
    assert (np.sort(targets, axis=1)[:, -2] > 0.06).any() == mixed
    _, plain = next(iter(work.validation_batches()))
    assert set(np.unique(plain)) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("momentum", "steps", "warned"),
    [(0.999, 240, True), (0.98, 240, False), (0.0, 1, False)],
)
def test_an_average_near_the_first_weights_is_warned_of(
    momentum, steps, warned, caplog
):
    config = TrainConfig(ema_momentum=momentum)
    with caplog.at_level(logging.WARNING, "tfdarts"):
        image_training._warn_of_average(config, steps)
    assert ("over about 1000 steps" in caplog.text) == warned
    assert bool(caplog.records) == warned


def test_densenet_goes_all_the_way(tmp_path):
    config = TrainConfig(
        preset="paper",
        run_dir=str(tmp_path),
        dataset=SOURCE,
        network="densenet_bc",
        depth=10,
        growth_rate=2,
        drop_path_rate=0.0,
        auxiliary_weight=0.0,
        epochs=1,
        batch_size=24,
        schedule="steps",
        nesterov=True,
    )
    results = train(config)
    assert results["num_parameters"] < 1000
    assert evaluate(str(tmp_path), dataset=SOURCE)["test_examples"] == 20
    assert export(str(tmp_path))["saved_model"].name == "1"
    other = dataclasses.replace(config, growth_rate=3)
    with pytest.raises(ValueError, match="growth_rate: 2 recorded, 3 given"):
        train(other)
