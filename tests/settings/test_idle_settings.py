"""A setting without effect beside the others is refused, by one rule."""

import contextlib
import re

import pytest

import tfdarts
from tfdarts.cli import search_command
from tfdarts.settings.conditions import GIVEN
from tfdarts.settings.conditions import SEVERAL
from tfdarts.settings.effect import settings_with_effect
from tfdarts.settings.fields import flag_fields
from tfdarts.settings.fields import require_config
from tfdarts.strategies.gradient import gradient_parts
from tfdarts.strategies.strategy_registry import get_strategy

SNAS = tfdarts.search_config("snas")
SDARTS = tfdarts.search_config("sdarts")
SURROGATE = tfdarts.search_config("random", evaluator="surrogate")

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
        {"channel_multiplier": 1.9},
        {"network": "densenet_bc"},
    ),
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
    (tfdarts.RNNTrainConfig, {"space": "darts_rnn"}, {"cell": "lstm"}),
    (tfdarts.TrainConfig, {"space": "s1"}, {"network": "densenet_bc"}),
    # 0 is a value, too.
    (tfdarts.TrainConfig, {"momentum": 0.0}, {"optimizer": "adamw"}),
    (type(SNAS), {"last_temperature": 0.1}, {"epochs": 1}),
    (type(SDARTS), {"last_perturbation_radius": 0.1}, {"epochs": 1}),
    (type(SURROGATE), {"epochs": 3}, {"evaluator": "surrogate"}),
    (type(SURROGATE), {"mixup": 0.2}, {"evaluator": "surrogate"}),
    (type(SURROGATE), {"momentum": 0.0}, {"evaluator": "surrogate"}),
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
        (type(SNAS), {"last_temperature": 0.1, "epochs": 2}),
        # They describe the data, which a later training shares.
        (type(SURROGATE), {"image_size": 8, "num_nodes": 4}),
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
        # Others have one value only.
        for field in flag_fields(config_class):
            for name, wanted in (field.metadata["when"] or {}).items():
                other = config_class.__dataclass_fields__.get(name)
                choices = other and other.metadata["choices"]
                several = wanted if isinstance(wanted, tuple) else (wanted,)
                known = not choices or {*several} <= {*choices, GIVEN, SEVERAL}
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


@pytest.mark.parametrize(
    ("strategy", "setting", "reason"),
    [
        ("snas", {"order": 2}, "has --order=1: leave --order out."),
        (
            "shapley_nas",
            {"edge_normalization": True},
            "has --edge_normalization=False: leave --edge_normalization out.",
        ),
        (
            "oles",
            {"method": "exact"},
            "has --order=1, so --method has no effect: leave it out.",
        ),
        (
            "snas",
            {"perturbation_radius": 0.1},
            "has --perturbation=none, so --perturbation_radius has no effect: "
            "leave it out.",
        ),
    ],
)
def test_a_setting_that_a_method_fixes_is_refused_with_a_reason(
    strategy, setting, reason, capsys
):
    sentence = f"--strategy={strategy} always {reason}"
    with pytest.raises(ValueError) as refusal:
        tfdarts.search_config(strategy, **setting)
    assert str(refusal.value) == sentence
    ((name, value),) = setting.items()
    flag = f"--{name}" if value is True else f"--{name}={value}"
    assert search_command.main([f"--strategy={strategy}", flag]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("genotype", "is_refused"),
    [("DARTS_V2", True), ("random:3", False), (None, False)],
)
def test_a_space_is_only_for_random_genotypes(genotype, is_refused):
    refusal = pytest.raises(ValueError, match="leave --space=s1 out")
    with refusal if is_refused else contextlib.nullcontext():
        tfdarts.TrainConfig(genotype=genotype, space="s1")


class OwnRelaxation(tfdarts.SupernetStrategy):
    name = "own_relaxation"
    fixed = {"relaxation": "own"}

    def supernet_arguments(self, config):
        return {"relaxation": tfdarts.Relaxation}


def test_a_relaxation_of_ones_own_has_no_temperature_of_the_settings():
    tfdarts.register_strategy(OwnRelaxation())
    config = tfdarts.search_config("own_relaxation")
    strategy = get_strategy(config.strategy)
    parts = gradient_parts.supernet_arguments(strategy, config)
    assert parts == {"relaxation": tfdarts.Relaxation}
    for given, reason in (
        ({"relaxation": "concrete"}, ": leave --relaxation out."),
        ({"temperature": 2.0}, ", so --temperature has no effect"),
    ):
        message = f"always has --relaxation=own{reason}"
        with pytest.raises(ValueError, match=message):
            tfdarts.search_config("own_relaxation", **given)


@pytest.mark.parametrize(
    ("parts", "hidden", "shown"),
    [
        (
            {"strategy": "snas"},
            {"order", "method", "perturbation", "last_perturbation_radius"},
            {"temperature", "derivation"},
        ),
        ({"strategy": "oles"}, {"order", "method"}, {"perturbation"}),
        (
            {"strategy": "random", "evaluator": "surrogate"},
            {"epochs", "learning_rate", "mixup", "batch_norm"},
            {"dataset", "image_size", "num_candidates", "train_epochs"},
        ),
        ({"strategy": "random"}, {"order"}, {"epochs", "mixup"}),
    ],
)
def test_help_hides_what_can_have_no_effect(parts, hidden, shown, capsys):
    flags = [f"--{name}={value}" for name, value in parts.items()]
    assert search_command.main([*flags, "--help"]) == 0
    listed = {*re.findall(r"^  --(\w+)", capsys.readouterr().out, re.M)}
    assert not listed & hidden and listed >= shown


@pytest.mark.parametrize(
    ("settings", "is_refused"),
    [
        ({"population": 10, "tournament": 3, "num_candidates": 10}, True),
        ({"population": 10, "tournament": 3, "num_candidates": 11}, False),
        ({"population": 10, "removal": "worst", "num_candidates": 11}, True),
        ({"population": 10, "removal": "worst", "num_candidates": 12}, False),
        # The default of --preset=auto.
        ({"population": 20, "tournament": 5}, False),
    ],
)
def test_evolution_refuses_what_comes_after_its_last_candidate(
    settings, is_refused
):
    refusal = pytest.raises(
        ValueError, match="no effect before candidate|needs a larger --num_ca"
    )
    with refusal if is_refused else contextlib.nullcontext():
        tfdarts.search_config("evolution", **settings)
