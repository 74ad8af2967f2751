"""The estimator for images."""

import pathlib
import pickle

import keras
import numpy as np
import pandas
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.utils import estimator_checks

import tfdarts
from tfdarts.estimators.image_inputs import training_source
from tfdarts.estimators.network_size import fit_channels

SMALL = {"init_channels": 2, "num_cells": 3, "epochs": 1, "batch_size": 64}
SEARCH = {**SMALL, "num_nodes": 1, "primitives": "max_pool_3x3,sep_conv_3x3"}
TRAINING = {**SMALL, "epochs": 4, "learning_rate": 0.1}


def tiny(**settings):
    given = {"search_settings": SEARCH, "train_settings": TRAINING}
    return tfdarts.ImageClassifier(**{"max_minutes": 0, **given, **settings})


@pytest.fixture(scope="module")
def digits():
    """Images of three digits, and names whose order is not theirs."""
    X, y = load_digits(n_class=3, return_X_y=True)
    pixels = (X.reshape(-1, 8, 8) * 15.9).astype("uint8")
    return pixels, np.array(["zero", "one", "two"])[y]


@pytest.fixture(scope="module")
def fitted(digits, tmp_path_factory):
    images, labels = digits
    run_dir = tmp_path_factory.mktemp("runs")
    return tiny(run_dir=run_dir).fit(images[:400], labels[:400])


def test_probabilities_are_those_of_the_network(fitted, digits):
    """By the network alone, on pixels normalized by hand."""
    images = digits[0][400:]
    learned = digits[0][:400] / 255
    network = keras.saving.load_model(
        fitted.run_dir_ / "train" / "model.keras", compile=False
    ).get_layer("network")
    normal = (images / 255 - learned.mean()) / learned.std()
    logits = network(normal[..., None].astype("float32")).numpy()
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = powers / powers.sum(axis=1, keepdims=True)
    found = fitted.predict_proba(images)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    names = np.array(["one", "two", "zero"])
    np.testing.assert_array_equal(fitted.classes_, names)
    predicted = names[expected.argmax(axis=1)]
    np.testing.assert_array_equal(fitted.predict(images), predicted)
    right = float(np.mean(predicted == digits[1][400:]))
    assert fitted.score(images, digits[1][400:]) == right > 0.5
    tested = fitted.evaluate(images, digits[1][400:])
    assert tested["test_accuracy"] == pytest.approx(right)
    assert (fitted.run_dir_ / "evaluation" / "confusion.png").exists()


def test_files_are_the_same_images(fitted, digits, tmp_path):
    images = digits[0][400:410]
    paths = [tmp_path / f"{n}.png" for n in range(10)]
    for path, image in zip(paths, images):
        Image.fromarray(image).save(path)
    expected = fitted.predict_proba(images)
    frame = pandas.DataFrame({"path": [*map(str, paths)]})
    for given in (paths, frame, frame["path"], np.array(frame["path"])):
        np.testing.assert_allclose(
            fitted.predict_proba(given), expected, atol=1e-6
        )
    larger = np.random.default_rng(0).integers(0, 256, (5, 21, 13), "uint8")
    resized = [
        Image.fromarray(each).resize((8, 8), Image.Resampling.BILINEAR)
        for each in larger
    ]
    np.testing.assert_allclose(  # Pillow's pixels may be one level off.
        fitted.predict_proba(larger),
        fitted.predict_proba(np.stack(resized)),
        atol=0.02,
    )


def test_every_form_of_data_is_the_same_source(digits, tmp_path):
    images, labels = digits[0][:60], digits[1][:60]
    paths = []
    for number, (image, label) in enumerate(zip(images, labels)):
        path = tmp_path / "folder" / label / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
        paths.append(str(path))
    names = ["one", "two", "zero"]
    numbers = np.array([names.index(label) for label in labels])
    pairs = tf.data.Dataset.from_tensor_slices((images, numbers)).batch(7)
    pairs.class_names = names
    frame = pandas.DataFrame({"path": paths})
    expected, classes = training_source(images, labels, 0)
    assert expected.splits == {"train": 60} and [*classes] == names
    for X, y in (
        (pairs, None),
        (paths, labels),
        (frame, pandas.Series(labels)),
        (images.astype(float), [*labels]),
        (images / 255, labels[:, None]),
    ):
        source, classes = training_source(X, y, 0)
        assert source.fingerprint == expected.fingerprint
        assert source.class_names == tuple(names) == tuple(classes)
    source, classes = training_source(tmp_path / "folder", None, 0)
    assert tuple(classes) == tuple(names)
    assert sum(source.splits.values()) == 60
    source, _ = training_source(paths, labels, 6)
    assert source.image_shape == (6, 6, 1)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.zeros((4, 8, 8), "uint8"), None, "Images need labels: give y"),
        (np.zeros((4, 8, 8), "uint8"), [0, 1, 0], "4 images and 3 labels"),
        (np.zeros((4, 8), "uint8"), [0, 1, 0, 1], "must be numbers of shape"),
        (np.zeros((4, 8, 8), "uint8"), np.eye(4), r"have the shape \(4, 4\)"),
        (["none.png", "no.png"], [0, 1], "2 of 2 image files cannot be used"),
        ("nowhere", None, "nowhere"),
        ("nowhere", [0, 1], "leave y out"),
        (
            pandas.DataFrame({"path": ["a"], "label": ["b"]}),
            [0],
            "must have one column, the paths of the image files. It has 2",
        ),
    ],
)
def test_data_are_refused_before_work_starts(X, y, message, tmp_path):
    estimator = tiny(run_dir=tmp_path / "runs")
    with pytest.raises(tfdarts.DataError, match=message):
        estimator.fit(X, y)
    assert not (tmp_path / "runs").exists()


def test_settings_of_the_training_are_refused_before_the_search(
    digits, tmp_path
):
    settings = {"train_settings": {"schedule": "none"}}
    with pytest.raises(ValueError, match="--schedule must be"):
        tiny(run_dir=tmp_path / "runs", **settings).fit(*digits)
    assert not (tmp_path / "runs").exists()


def test_parameters_are_settings_of_both_runs():
    settings = {"search_settings": {"epochs": 3}}
    estimator = tiny(strategy="random", random_state=7, **settings)
    common = {"dataset": "digits", "seed": estimator.random_state}
    search = estimator._search_config(common)
    assert (search.strategy, search.epochs, search.seed) == ("random", 3, 7)
    training = estimator._train_config(common)
    assert (training.learning_rate, training.seed) == (0.1, 7)


def test_unknown_labels_and_channels_are_refused(fitted, digits):
    with pytest.raises(tfdarts.DataError, match="is 'three'"):
        fitted.evaluate(digits[0][:2], ["zero", "three"])
    with pytest.raises(tfdarts.DataError, match="3 channels, and those of"):
        fitted.predict(np.zeros((2, 8, 8, 3), "uint8"))
    with pytest.raises(NotFittedError):
        tiny().predict(digits[0][:2])


def test_a_fit_with_other_data_has_a_directory_of_its_own(digits, tmp_path):
    paths = set()
    for settings in ({}, {"random_state": 1}, {"strategy": "random"}):
        for fingerprint in "ab":
            estimator = tiny(run_dir=tmp_path, **settings)
            paths.add(estimator._directory_of(fingerprint))
    same = tiny(run_dir=tmp_path, max_minutes=9)._directory_of("a")
    assert len(paths) == 6 and same in paths
    assert {path.parent for path in paths} == {tmp_path}
    at_home = tiny(run_dir="~/runs")._directory_of("a")
    assert at_home.parent == pathlib.Path.home() / "runs"


def test_the_same_fit_is_finished_at_once(fitted, digits, caplog):
    again = clone(fitted)
    with caplog.at_level("INFO", "tfdarts"):
        again.fit(digits[0][:400], digits[1][:400])
    assert "search: already finished" in caplog.text
    assert "train: already finished" in caplog.text
    assert again.genotype_ == fitted.genotype_


def test_a_pickle_predicts_alike(fitted, digits):
    fitted.predict(digits[0][:1])
    text = pickle.dumps(fitted)
    assert len(text) < 10_000
    np.testing.assert_array_equal(
        pickle.loads(text).predict_proba(digits[0]),
        fitted.predict_proba(digits[0]),
    )


def test_the_summary_the_page_and_the_export(fitted):
    summary = fitted.summary()
    assert str(fitted.genotype_) in summary
    assert f"num_parameters: {fitted.results_['num_parameters']}" in summary
    page = fitted.report().read_text()
    assert "<svg" in page and str(fitted.run_dir_) in page
    paths = fitted.export(formats=["keras"])
    assert paths["keras"].exists()


@pytest.mark.parametrize("most", [5_000, 90_000, 10**8])
def test_as_many_channels_as_fit(most, digits):
    source, _ = training_source(*digits, 0)
    genotype = tfdarts.genotypes.get("DARTS_V2")
    config = fit_channels(
        tfdarts.TrainConfig(genotype=genotype, num_cells=3),
        genotype,
        source,
        most,
    )

    def count(channels):
        network = tfdarts.CNNNetwork(
            genotype, channels, 3, 3, input_shape=(8, 8, 1)
        )
        return sum(w.shape.num_elements() for w in network.trainable_weights)

    if most == 10**8:
        assert config.init_channels is None  # The paper's fits.
        return
    channels = config.init_channels
    assert count(channels) <= most and config.num_cells == 3
    assert channels == 16 or count(channels + 1) > most


def test_no_network_is_small_enough(digits):
    source, _ = training_source(*digits, 0)
    genotype = tfdarts.genotypes.get("DARTS_V2")
    config = tfdarts.TrainConfig(genotype=genotype, num_cells=3)
    with pytest.raises(ValueError, match="with 1 channels and 3 cells"):
        fit_channels(config, genotype, source, 10)


@pytest.mark.parametrize(
    "estimator", [tfdarts.ImageClassifier(), tfdarts.TextModel()]
)
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_valid_tag_types,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
        estimator_checks.check_mixin_order,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
    ],
)
def test_checks_of_scikit_learn_that_need_no_table(estimator, check):
    """All other checks fit tables of numbers, which are no images."""
    check(type(estimator).__name__, estimator)


@pytest.mark.slow
def test_cross_validation(digits, tmp_path):
    training = {**TRAINING, "epochs": 15}
    estimator = tiny(run_dir=tmp_path, train_settings=training)
    scores = cross_val_score(estimator, *digits, cv=2)
    assert (scores > 0.6).all()
    assert len([*tmp_path.iterdir()]) == 2
