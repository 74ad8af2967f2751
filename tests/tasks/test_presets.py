"""What nobody gives is the paper's, or fits the data."""

import dataclasses
import logging

import numpy as np
import pytest

from tfdarts.data.image_source import ImageSource
from tfdarts.runs.search_configs import search_config
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.configs import SelectConfig
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.presets import apply_preset
from tfdarts.tasks.presets import fill_paper_settings
from tfdarts.tasks.presets import unset_settings

ALL = (SearchConfig, TrainConfig, SelectConfig)
FOR_SIZE = {"crop_padding", "cutout_length"}


def source_of(images, side=32):
    splits = {"train": images, "test": 10}
    shape = (side, side + 1, 3)
    return ImageSource("folder:x", ("a", "b"), shape, splits, None)


def settled(config, images, side=32, multiple=1):
    return apply_preset(config, source_of(images, side), multiple)


@pytest.mark.parametrize("config_class", ALL)
@pytest.mark.parametrize("preset", ["auto", "paper"])
@pytest.mark.parametrize("images", [2, 20, 327, 5_000, 50_000])
def test_nothing_stays_open(config_class, preset, images):
    config = settled(config_class(preset=preset), images)
    assert not unset_settings(config)
    assert settled(config, 99_999) == config


@pytest.mark.parametrize("images", [20, 100, 327, 1_000, 5_000, 19_999, 50_000])
@pytest.mark.parametrize("warm_up", [0, 5])
def test_alpha_can_move_as_far_as_in_the_paper(images, warm_up):
    given = SearchConfig(alpha_warmup_epochs=warm_up)
    config = settled(given, images)
    steps = images // 2 // config.batch_size * (config.epochs - warm_up)
    path = steps * config.alpha_learning_rate
    # 50 epochs of 390 steps at 3e-4 are 5.85; the rate has one digit.
    assert 4 < path < 12
    assert config.batch_size <= max(images // 2, 1)


@pytest.mark.parametrize("epochs", [1, 2, 9])
@pytest.mark.parametrize("images", [2, 42, 327])
def test_few_epochs_do_not_raise_the_rate_of_alpha_without_end(images, epochs):
    config = settled(SearchConfig(epochs=epochs), images)
    assert config.alpha_learning_rate <= 0.1


@pytest.mark.parametrize("images", [327, 1_000, 5_000, 19_999])
def test_a_search_on_few_images_has_some_hundred_steps(images):
    config = settled(SearchConfig(), images)
    steps = images // 2 // config.batch_size * config.epochs
    assert 400 <= steps <= 1_600
    assert config.order == 1


@pytest.mark.parametrize("config_class", ALL)
def test_as_many_images_as_the_papers_get_the_papers_settings(config_class):
    found = dataclasses.asdict(settled(config_class(), 50_000))
    paper = dataclasses.asdict(fill_paper_settings(config_class()))
    differing = {k for k, v in paper.items() if found[k] != v}
    # A crop of 4 pixels is an eighth of 32.
    assert not differing


@pytest.mark.parametrize("config_class", ALL)
@pytest.mark.parametrize("side", [5, 28, 224])
def test_augmentation_follows_the_size_of_the_images(config_class, side):
    config = settled(config_class(), 327, side)
    assert config.crop_padding == side // 8
    expected = 0 if config_class is SearchConfig else side // 4
    assert config.cutout_length == expected
    # The paper's are in pixels.
    assert settled(config_class(preset="paper"), 327, side).crop_padding == 4


GIVEN = {
    SearchConfig: {
        "order": 2,
        "init_channels": 3,
        "num_cells": 4,
        "epochs": 3,
        "batch_size": 5,
        "crop_padding": 1,
        "learning_rate": 0.5,
        "alpha_learning_rate": 0.25,
        "alpha_weight_decay": 0.5,
    },
    TrainConfig: {
        "init_channels": 3,
        "num_cells": 4,
        "epochs": 3,
        "batch_size": 5,
        "crop_padding": 1,
        "cutout_length": 2,
        "auxiliary_weight": 0.5,
        "drop_path_rate": 0.5,
        "learning_rate": 0.5,
    },
}


@pytest.mark.parametrize("preset", ["auto", "paper"])
@pytest.mark.parametrize("config_class", GIVEN)
def test_what_is_given_wins(config_class, preset):
    for name, value in GIVEN[config_class].items():
        config = config_class(preset=preset, **{name: value})
        assert getattr(settled(config, 327), name) == value
    everything = config_class(**GIVEN[config_class])
    assert {*unset_settings(config_class())} == {*GIVEN[config_class]}
    assert settled(everything, 327) == everything


def test_what_is_given_is_taken_into_account():
    plain = settled(SearchConfig(), 327)
    short = settled(SearchConfig(epochs=5), 327)
    ratio = short.alpha_learning_rate / plain.alpha_learning_rate
    assert ratio == pytest.approx(plain.epochs / 5, rel=0.3)
    large = settled(SearchConfig(batch_size=80), 327)
    assert large.alpha_learning_rate > plain.alpha_learning_rate
    assert settled(SearchConfig(method="exact"), 327).order == 2
    assert settled(SearchConfig(train_portion=0.9), 100).batch_size <= 10
    of_its_own = SearchConfig(train_portion=1.0)
    source = source_of(327)
    source.splits["validation"] = 40
    assert apply_preset(of_its_own, source).batch_size == 16
    source.splits["validation"] = 9
    assert apply_preset(of_its_own, source).batch_size == 9
    assert settled(TrainConfig(crop_size=20), 327).crop_padding == 0
    assert settled(TrainConfig(crop_size=20), 327).cutout_length == 5
    assert settled(TrainConfig(optimizer="adamw"), 327).learning_rate < 0.01
    assert settled(TrainConfig(warmup_epochs=200), 327).epochs == 200
    assert settled(SelectConfig(), 327).epochs == 25


@pytest.mark.parametrize("preset", ["auto", "paper"])
def test_a_network_without_cells_has_no_drop_path_and_no_head(preset):
    given = TrainConfig(network="densenet_bc", preset=preset)
    config = settled(given, 327)
    assert (config.drop_path_rate, config.auxiliary_weight) == (0.0, 0.0)


@pytest.mark.parametrize("config_class", ALL)
@pytest.mark.parametrize("multiple", [3, 7, 40])
def test_devices_share_what_is_chosen(config_class, multiple):
    config = settled(config_class(), 327, multiple=multiple)
    assert config.batch_size % multiple == 0


def test_it_is_said_what_is_chosen_for_what(caplog):
    with caplog.at_level(logging.INFO, "tfdarts"):
        config = settled(SearchConfig(order=2), 327, 64)
    (line,) = caplog.messages
    assert line.startswith(
        "--preset=auto chooses, for 327 training images of 64x65 in 2 "
        "classes: --alpha_weight_decay=0.0001 --init_channels=8"
    )
    assert f"--epochs={config.epochs} " in line and "--order" not in line
    assert np.isfinite(config.alpha_learning_rate)


@pytest.mark.parametrize("method", ["exact", "one_sided_difference"])
@pytest.mark.parametrize(
    ("strategy", "preset", "images"),
    [("pc_darts", "paper", 327), ("gaea", "auto", 20_000)],
)
def test_what_the_choices_leave_without_effect_is_refused(
    strategy, preset, images, method
):
    config = search_config(strategy, preset=preset, method=method)
    with pytest.raises(ValueError, match="has no effect with --order=1"):
        settled(config, images)


def test_settings_that_an_earlier_preset_chose_are_not_refused():
    config = settled(TrainConfig(network="densenet_bc", depth=40), 20_000)
    config = dataclasses.replace(config, init_channels=36, num_cells=20)
    assert settled(config, 20_000) == config
