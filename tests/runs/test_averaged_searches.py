"""A run whose genotypes are those of averaged alphas, and its resumption."""

import dataclasses
import logging
import shutil

import numpy as np
import pytest
import scipy.special
import tiny_text
from tiny_search import TINY

import tfdarts
from tfdarts.data.image_source import ImageSource
from tfdarts.genotypes import Genotype
from tfdarts.records.probabilities import read_arrays
from tfdarts.records.progress import Progress
from tfdarts.runs.alpha_movement import warn_of_short_path
from tfdarts.tasks.presets import chosen_settings

CONFIG = dataclasses.replace(
    TINY,
    epochs=3,
    alpha_warmup_epochs=1,
    alpha_average=0.9,
    alpha_learning_rate_schedule="cosine",
)


def arrays_of(run_dir):
    names = ("alphas.npz", "probabilities.npz")
    return [read_arrays(run_dir / "search" / name) for name in names]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run directory, and copies of it after each epoch."""
    path = tmp_path_factory.mktemp("averaged")
    report = Progress.on_epoch_end

    def copied(self, epoch, logs=None):
        report(self, epoch, logs)
        shutil.copytree(path / "run", path / f"after_{epoch + 1}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Progress, "on_epoch_end", copied)
        found = tfdarts.search(
            dataclasses.replace(CONFIG, run_dir=str(path / "run"))
        )
    return path, found


def test_genotypes_are_derived_from_the_recorded_probabilities(run):
    path, found = run
    alphas, probabilities = arrays_of(path / "run")
    derived = [
        CONFIG.search_space.derive(
            {name: values[epoch] for name, values in probabilities.items()}
        )
        for epoch in range(4)
    ]
    files = path / "run" / "search" / "genotypes"
    for epoch in (1, 2, 3):
        assert Genotype.load(files / f"epoch_{epoch}.json") == derived[epoch]
    assert found == derived[3]
    for name, values in alphas.items():
        current = scipy.special.softmax(values.astype("float64"), -1)
        # Alpha has not moved in the warm-up.
        np.testing.assert_allclose(probabilities[name][:2], current[:2], 1e-6)
        assert np.abs(probabilities[name] - current)[2:].max() > 1e-3


@pytest.mark.parametrize("epoch", [1, 2])
def test_an_averaged_search_resumes_bit_for_bit(run, epoch, tmp_path):
    path, found = run
    shutil.copytree(path / f"after_{epoch}", tmp_path / "run")
    config = dataclasses.replace(CONFIG, run_dir=str(tmp_path / "run"))
    assert tfdarts.search(config) == found
    for one, other in zip(arrays_of(path / "run"), arrays_of(tmp_path / "run")):
        np.testing.assert_equal(one, other)


def test_another_average_is_another_search(run):
    path, _ = run
    config = dataclasses.replace(
        CONFIG, run_dir=str(path / "run"), alpha_average=0.8
    )
    with pytest.raises(ValueError, match="alpha_average"):
        tfdarts.search(config)


def test_the_preset_moves_alpha_as_far_with_a_cosine():
    source = ImageSource("few", ["a", "b"], (8, 8, 1), {"train": 2_000}, None)
    rates = [
        chosen_settings(
            tfdarts.search_config(alpha_learning_rate_schedule=schedule), source
        )["alpha_learning_rate"]
        for schedule in ("constant", "cosine")
    ]
    assert rates[1] == pytest.approx(2 * rates[0], rel=0.1)


def test_a_cosine_moves_alpha_half_as_far(caplog):
    """500 steps at most at .003 are 1.5 nats, and .75 with a cosine."""
    config = tfdarts.search_config(
        epochs=10, alpha_learning_rate=0.003, alpha_warmup_epochs=0
    )
    with caplog.at_level(logging.WARNING, "tfdarts"):
        warn_of_short_path(config, 50)
        assert not caplog.text
        warn_of_short_path(
            dataclasses.replace(config, alpha_learning_rate_schedule="cosine"),
            50,
        )
    assert "move alpha by at most 0.75 nats" in caplog.text
    assert "--alpha_learning_rate to 0.02 or more" in caplog.text


def test_the_epochs_of_a_cosine_on_texts_count():
    plain = tiny_text.SEARCH
    assert not plain.depends_on_epochs
    cosine = {"alpha_learning_rate_schedule": "cosine"}
    assert dataclasses.replace(plain, **cosine).depends_on_epochs
