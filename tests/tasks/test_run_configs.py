import dataclasses

import pytest

from tfdarts.data.sources import open_source
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.presets import apply_preset
from tfdarts.tasks.rnn_configs import RNNSearchConfig
from tfdarts.tasks.rnn_configs import RNNTrainConfig

# Section A.1.1 and A.2.1 of the paper, and the authors' code.
PAPER = {
    SearchConfig: {
        "order": 2,
        "update_order": "alpha_first",
        "alpha_warmup_epochs": 0,
        "init_channels": 16,
        "num_cells": 8,
        "num_nodes": 4,
        "epochs": 50,
        "batch_size": 64,
        "train_portion": 0.5,
        "crop_padding": 4,
        "learning_rate": 0.025,
        "min_learning_rate": 0.001,
        "momentum": 0.9,
        "weight_decay": 0.0003,
        "clip_norm": 5.0,
        "cutout_length": 0,
        "alpha_learning_rate": 0.0003,
        "alpha_weight_decay": 0.001,
    },
    TrainConfig: {
        "init_channels": 36,
        "num_cells": 20,
        "epochs": 600,
        "batch_size": 96,
        "crop_padding": 4,
        "learning_rate": 0.025,
        "min_learning_rate": 0.0,
        "momentum": 0.9,
        "weight_decay": 0.0003,
        "clip_norm": 5.0,
        "cutout_length": 0,
        "auxiliary_weight": 0.4,
        "drop_path_rate": 0.2,
    },
}
# Sections A.1.2 and A.2.2 of the paper, and the authors' code.
PAPER_OF_TEXTS = {
    RNNSearchConfig: {
        "order": 2,
        "num_nodes": 8,
        "units": 300,
        "steps": 35,
        "batch_size": 256,
        "epochs": 50,
        "word_dropout": 0.0,
        "embedding_dropout": 0.2,
        "input_dropout": 0.75,
        "recurrent_dropout": 0.25,
        "output_dropout": 0.75,
        "activation_l2": 0.0,
        "temporal_l2": 1e-3,
        "learning_rate": 20.0,
        "weight_decay": 5e-7,
        "clip_norm": 0.25,
        "alpha_learning_rate": 3e-3,
        "alpha_weight_decay": 1e-3,
    },
    RNNTrainConfig: {
        "units": 850,
        "steps": 35,
        "step_spread": 5.0,
        "batch_size": 64,
        "epochs": 8000,
        "word_dropout": 0.1,
        "embedding_dropout": 0.2,
        "input_dropout": 0.75,
        "recurrent_dropout": 0.25,
        "output_dropout": 0.75,
        "activation_l2": 0.0,
        "temporal_l2": 1e-3,
        "learning_rate": 20.0,
        "weight_decay": 8e-7,
        "clip_norm": 0.25,
        "nonmonotone": 5,
    },
}


@pytest.mark.parametrize("config_class", PAPER_OF_TEXTS)
def test_the_defaults_for_texts_are_the_papers(config_class):
    settings = dataclasses.asdict(config_class())
    # As many rows as a long text has.
    assert settings["batch_size"] == 0
    settings["batch_size"] = config_class.most_rows
    expected = PAPER_OF_TEXTS[config_class]
    assert {name: settings[name] for name in expected} == expected
    assert settings["dataset"] == "pydoc"


@pytest.mark.parametrize("config_class", PAPER_OF_TEXTS)
def test_every_setting_for_texts_says_what_it_is(config_class):
    for field in dataclasses.fields(config_class):
        assert field.metadata["help"].endswith(".")
        assert field.type in (bool, int, float, str)


@pytest.mark.parametrize(
    ("config_class", "settings", "message"),
    [
        (RNNTrainConfig, {"step_spread": 9.0}, "a quarter of --steps, 35. R"),
        (RNNTrainConfig, {"cell": "rnn"}, "--cell must be one of genotype, ls"),
        (RNNSearchConfig, {"output_dropout": 1.0}, "must be below 1"),
        (RNNSearchConfig, {"steps": 1}, "--steps must be at least 2"),
    ],
)
def test_settings_for_texts_that_cannot_be(config_class, settings, message):
    with pytest.raises(ValueError, match=message):
        config_class(**settings)


LEAST = [
    (config_class, field.name, field.metadata["limits"]["at least"])
    for config_class in PAPER
    for field in dataclasses.fields(config_class)
    if field.metadata["limits"]["at least"] is not None
]
DIGITS = open_source("digits")
BOTH = pytest.mark.parametrize("config_class", PAPER)


@BOTH
def test_the_preset_of_the_paper_is_the_papers(config_class):
    config = apply_preset(config_class(preset="paper"), DIGITS)
    settings = dataclasses.asdict(config)
    expected = PAPER[config_class]
    assert {name: settings[name] for name in expected} == expected


@BOTH
def test_the_defaults_of_every_run(config_class):
    config = config_class()
    assert (config.run_dir, config.dataset) == (None, "digits")
    assert (config.seed, config.deterministic) == (0, False)
    assert (config.image_size, config.prepare) == (0, False)
    assert (config.random_flip, config.preset) == ("auto", "auto")


@BOTH
def test_every_setting_says_what_it_is(config_class):
    for field in dataclasses.fields(config_class):
        assert field.metadata["help"].endswith(".")
        assert field.type in (bool, int, float, str)
        assert field.default is None or type(field.default) is field.type


@pytest.mark.parametrize(("config_class", "name", "least"), LEAST)
def test_the_least_value_is_taken_and_less_is_refused(
    config_class, name, least
):
    assert getattr(config_class(**{name: least}), name) == least
    less = least - 1 if isinstance(least, int) else least - 1e-9
    message = f"^--{name} must be at least {least}. Received: {less}.$"
    with pytest.raises(ValueError, match=message):
        config_class(**{name: less})


@BOTH
def test_what_has_a_least_value(config_class):
    limits = {name: least for cls, name, least in LEAST if cls is config_class}
    expected = {
        "seed": 0,
        "init_channels": 1,
        "num_cells": 3,
        "epochs": 1,
        "batch_size": 1,
        "crop_padding": 0,
        "cutout_length": 0,
        "image_size": 0,
        "learning_rate": 0,
        "min_learning_rate": 0,
        "momentum": 0,
        "weight_decay": 0,
    }
    assert expected.items() <= limits.items()


@BOTH
def test_a_config_is_a_frozen_value(config_class):
    assert config_class(seed=1) == config_class(seed=1) != config_class()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config_class().seed = 1


@BOTH
@pytest.mark.parametrize(
    "setting",
    [
        {"learning_rate": float("nan")},
        {"clip_norm": -5.0},
        {"seed": 2**32},
    ],
)
def test_more_that_cannot_be_is_refused(config_class, setting):
    with pytest.raises(ValueError, match=f"--{next(iter(setting))} must be"):
        config_class(**setting)


@pytest.mark.parametrize(
    "setting",
    [
        {"order": 3},
        {"method": "third"},
        {"update_order": "both"},
        {"random_flip": "maybe"},
    ],
)
def test_what_is_none_of_the_choices_is_refused(setting):
    (name,) = setting
    with pytest.raises(ValueError, match=f"^--{name} must be one of"):
        SearchConfig(**setting)


@pytest.mark.parametrize(
    ("config_class", "settings", "message"),
    [
        (
            SearchConfig,
            {"batch_size": 64, "micro_batches": 3},
            "--batch_size must be a multiple of --micro_batches. "
            "Received: 64 and 3.",
        ),
        (
            SearchConfig,
            {"precision": "bfloat16", "order": 2},
            "--precision=bfloat16 has too few digits for "
            "--method=central_difference",
        ),
        (
            SearchConfig,
            {"recompute": True, "jit_compile": True},
            "--recompute cannot be combined with --jit_compile",
        ),
        (
            SearchConfig,
            {"batch_norm": "global", "micro_batches": 2, "batch_size": 64},
            "--batch_norm=global cannot be combined with --micro_batches",
        ),
    ],
)
def test_settings_that_do_not_go_together(config_class, settings, message):
    with pytest.raises(ValueError, match=message):
        config_class(**settings)


@pytest.mark.parametrize("settings", [{"order": 1}, {"method": "exact"}])
def test_half_precision_is_for_what_takes_no_difference(settings):
    assert SearchConfig(precision="bfloat16", **settings)


@BOTH
def test_only_files_of_a_folder_can_be_left_out(config_class):
    with pytest.raises(ValueError, match="--skip_broken leaves out files"):
        config_class(skip_broken=True)
    assert config_class(skip_broken=True, dataset="folder:here")
