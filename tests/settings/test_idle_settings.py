"""A setting without effect beside the others is refused, by one rule."""

import dataclasses

import pytest

import tfdarts
from tfdarts.settings.conditions import GIVEN
from tfdarts.settings.effect import settings_with_effect
from tfdarts.settings.fields import require_config

CASES = [
    (tfdarts.TrainConfig, {"momentum": 0.5}, {"optimizer": "adamw"}),
    (tfdarts.TrainConfig, {"nesterov": True}, {"momentum": 0.0}),
    (tfdarts.TrainConfig, {"decay_rate": 0.5}, {"schedule": "cosine"}),
    (tfdarts.TrainConfig, {"min_learning_rate": 0.1}, {"schedule": "steps"}),
    (tfdarts.TrainConfig, {"depth": 40}, {"network": "cells"}),
    (tfdarts.TrainConfig, {"growth_rate": 40}, {"network": "cells"}),
    (tfdarts.TrainConfig, {"genotype": "DARTS_V2"}, {"network": "densenet_bc"}),
    (tfdarts.TrainConfig, {"stem": "cifar"}, {"network": "densenet_bc"}),
    (tfdarts.TrainConfig, {"num_cells": 8}, {"network": "densenet_bc"}),
    (tfdarts.TrainConfig, {"drop_path_rate": 0.1}, {"network": "densenet_bc"}),
    (
        tfdarts.TrainConfig,
        {"auxiliary_weight": 0.4},
        {"network": "densenet_bc"},
    ),
    (tfdarts.TrainConfig, {"crop_padding": 2}, {"crop_size": 8}),
    (tfdarts.TrainConfig, {"image_fit": "crop"}, {"image_size": 0}),
    (tfdarts.SelectConfig, {"momentum": 0.5}, {"optimizer": "adamw"}),
    (tfdarts.SearchConfig, {"method": "exact"}, {"order": 1}),
    (tfdarts.SearchConfig, {"early_stop_from": 3}, {"early_stop": "none"}),
    (
        tfdarts.SearchConfig,
        {"early_stop_patience": 3},
        {"early_stop": "hessian"},
    ),
    (tfdarts.RNNSearchConfig, {"method": "exact"}, {"order": 1}),
    (tfdarts.RNNTrainConfig, {"genotype": "DARTS_V2"}, {"cell": "lstm"}),
]


@pytest.mark.parametrize(("config_class", "idle", "beside"), CASES)
def test_what_changes_nothing_is_refused(config_class, idle, beside):
    ((name, value),) = idle.items()
    ((other, state),) = beside.items()
    config = config_class(**idle, **beside)
    with pytest.raises(ValueError) as refusal:
        require_config("train", config, config_class)
    sentence = str(refusal.value)
    assert f"--{name}={value} has no effect with " in sentence
    assert f"--{other}={state}" in sentence
    assert sentence.endswith(f"or leave --{name} out, also in flagfiles.")


@pytest.mark.parametrize(("config_class", "idle", "beside"), CASES)
def test_its_default_is_not_refused(config_class, idle, beside):
    require_config("train", config_class(**beside), config_class)


@pytest.mark.parametrize(
    ("config_class", "settings"),
    [
        (tfdarts.TrainConfig, {"crop_size": 8, "crop_padding": 0}),
        (tfdarts.TrainConfig, {"network": "densenet_bc", "depth": 40}),
        (tfdarts.TrainConfig, {"schedule": "exponential", "decay_rate": 0.5}),
        (tfdarts.TrainConfig, {"image_fit": "crop", "image_size": 8}),
        # A run begun on several devices may be resumed on one.
        (tfdarts.TrainConfig, {"batch_norm": "global", "distribute": "none"}),
        # Which order there will be is not known yet.
        (tfdarts.SearchConfig, {"method": "exact"}),
        (
            tfdarts.SearchConfig,
            {"early_stop": "stable", "early_stop_patience": 3},
        ),
    ],
)
def test_what_has_an_effect_is_taken(config_class, settings):
    require_config("train", config_class(**settings), config_class)


def test_every_condition_names_settings_and_values_that_exist():
    for config_class in {case[0] for case in CASES}:
        for field in dataclasses.fields(config_class):
            for name, wanted in (field.metadata["when"] or {}).items():
                other = config_class.__dataclass_fields__.get(name)
                choices = other and other.metadata["choices"]
                several = wanted if isinstance(wanted, tuple) else (wanted,)
                known = not choices or {*several} <= {*choices, GIVEN}
                assert known, (field.name, name)


def test_model_cards_leave_out_what_had_no_effect():
    settings = vars(tfdarts.TrainConfig(optimizer="adamw", cutout_length=3))
    used = settings_with_effect(tfdarts.TrainConfig, settings)
    assert "momentum" not in used and used["cutout_length"] == 3


def test_model_cards_name_the_batch_norm_of_several_devices():
    """A run directory stores `distribute` as none."""
    settings = vars(tfdarts.TrainConfig(batch_norm="global"))
    assert (
        settings_with_effect(tfdarts.TrainConfig, settings)["batch_norm"]
        == "global"
    )
