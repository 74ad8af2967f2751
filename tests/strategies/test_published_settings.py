"""The settings of each method against the values of its publication."""

import keras
import pytest

import tfdarts
from tfdarts.strategies.gradient.annealing import Anneal
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.tasks.presets import fill_paper_settings

DARTS = {
    "relaxation": "softmax",
    "alpha_optimizer": "adam",
    "alpha_regularizer": "none",
    "perturbation": "none",
    "derivation": "strongest",
    "early_stop": "none",
    "order": 2,
    "epochs": 50,
    "batch_size": 64,
    "init_channels": 16,
    "num_cells": 8,
    "learning_rate": 0.025,
    "min_learning_rate": 0.001,
    "momentum": 0.9,
    "weight_decay": 3e-4,
    "clip_norm": 5.0,
    "alpha_learning_rate": 3e-4,
    "alpha_weight_decay": 1e-3,
    "train_portion": 0.5,
}
"""Liu et al., 2019, section A.1.1, which the methods do not repeat."""

METHODS = {
    "darts": {},
    # Ye et al., 2022, and their code: the weight is half of the epoch.
    "beta_darts": {"alpha_regularizer": "beta", "beta_growth": 0.5, "order": 1},
    # Chu et al., 2020, section 4.2, and their code.
    "fair_darts": {
        "relaxation": "sigmoid",
        "alpha_regularizer": "zero_one",
        "zero_one_weight": 10.0,
        "derivation": "threshold",
        "derivation_threshold": 0.85,
        "order": 1,
        "batch_size": 128,
        "learning_rate": 0.005,
        "alpha_learning_rate": 3e-3,
    },
    # Li et al., 2021, and their code.
    "gaea": {
        "alpha_optimizer": "exponentiated",
        "order": 1,
        "alpha_learning_rate": 0.1,
    },
    # Chen and Hsieh, 2020, and their code.
    "sdarts": {
        "perturbation": "random",
        "perturbation_radius": 0.03,
        "last_perturbation_radius": 0.3,
        "order": 1,
    },
    # Zela et al., 2020, and their code.
    "darts_es": {"early_stop": "robust_darts", "order": 1},
    # Zela et al., 2020, and scripts/DARTS-ADA_search.sh of their code.
    "robust_darts": {
        "early_stop": "robust_darts",
        "decay_factor": 10.0,
        "largest_weight_decay": 0.03,
        "search_drop_path": 0.0,
        "order": 2,
    },
    # Jiang et al., 2023.
    "oles": {"freeze_every": 20, "freeze_below": 0.4, "order": 1},
    # Movahedi et al., 2023, the defaults of their code.
    "lambda_darts": {
        "alignment": 0.125,
        "alignment_epsilon": 1e-4,
        "order": 1,
    },
    # Xiao et al., 2022, and their code: 1,024 images are four batches.
    "shapley_nas": {
        "mixed_op": "partial",
        "channel_parts": 4,
        "edge_normalization": False,
        "shapley_samples": 10,
        "shapley_batches": 4,
        "shapley_momentum": 0.8,
        "shapley_least_accuracy": 0.5,
        "order": 1,
        "batch_size": 256,
        "learning_rate": 0.1,
        "min_learning_rate": 0.0,
        "alpha_learning_rate": 0.1,
        "alpha_weight_decay": 0.0,
        "alpha_warmup_epochs": 25,
    },
    # Xie et al., 2019, and their code: a batch is two halves of 32.
    "snas": {
        "relaxation": "concrete",
        "temperature": 1.0,
        "last_temperature": 0.03,
        "derivation": "all_edges",
        "order": 1,
        "epochs": 150,
        "batch_size": 32,
    },
    # Li et al., 2020, and their code; the first criterion.
    "sgas": {"derivation": "greedy", "decision_history": 0, "order": 1},
    # Wang et al., 2021, and darts-proj-sota.sh of their code.
    "darts_pt": {
        "derivation": "perturbation",
        "decision_epochs": 5,
        "order": 1,
    },
    # Li and Talwalkar, 2019, the defaults of random_weight_share.py.
    "random_sharing": {
        "relaxation": "uniform",
        "order": 1,
        "epochs": 100,
        "clip_norm": 0.25,
        "alpha_learning_rate": 0.0,
        "alpha_weight_decay": 0.0,
        "num_candidates": 1000,
        "score_batches": 10,
        "num_finalists": 10,
    },
    # Pham et al., 2018, and cifar10_micro_search.sh of their code, whose L2
    # of 1e-4 is of the squares.
    "enas": {
        "relaxation": "policy",
        "order": 1,
        "epochs": 150,
        "batch_size": 160,
        "init_channels": 20,
        "learning_rate": 0.05,
        "min_learning_rate": 0.0005,
        "weight_decay": 2e-4,
        "train_portion": 0.9,
        "alpha_learning_rate": 0.0,
        "alpha_weight_decay": 0.0,
        "num_candidates": 10,
        "controller_learning_rate": 0.0035,
        "controller_steps": 30,
        "controller_samples": 10,
        "controller_temperature": 1.0,
        "controller_tanh": 1.1,
        "controller_operation_tanh": 0.44,  # 1.1 / 2.5.
        "entropy_weight": 1e-4,
        "baseline_decay": 0.99,
    },
    # Dong and Yang, 2019, and GDAS-NASNet-CIFAR.config of their code.
    "gdas": {
        "relaxation": "straight_through",
        "temperature": 10.0,
        "last_temperature": 0.1,
        "order": 1,
        "epochs": 250,
        "batch_size": 256,
        "weight_decay": 5e-4,
    },
}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_its_published_settings(name):
    config = tfdarts.search_config(name, preset="paper")
    found = vars(fill_paper_settings(config))
    expected = DARTS | METHODS[name]
    assert {key: found[key] for key in expected} == expected


def test_help_names_the_published_value():
    fields = type(tfdarts.search_config("fair_darts")).__dataclass_fields__
    assert "--preset=paper: 128;" in fields["batch_size"].metadata["help"]


IMAGES_ONLY = {"darts_es", "lambda_darts", "robust_darts", "shapley_nas"}


@pytest.mark.parametrize("name", sorted({*METHODS} - {"darts", *IMAGES_ONLY}))
def test_texts_keep_the_values_of_texts(name):
    """The weights of a text have another rate than those of images."""
    darts, text = (
        tfdarts.search_config(each, dataset="pydoc") for each in ("darts", name)
    )
    assert text.learning_rate == darts.learning_rate == 20
    assert text.relaxation == (DARTS | METHODS[name])["relaxation"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"order": 2}, "snas always has --order=1: leave"),
        ({"alpha_warmup_epochs": 3}, "has --alpha_warmup_epochs=0: leave"),
        (
            {"update_order": "weights_first"},
            "always has --update_order=alpha_first",
        ),
        ({"perturbation": "random"}, "always has --perturbation=none: leave"),
        ({"early_stop": "hessian"}, "--early_stop=hessian watches the loss"),
    ],
)
def test_snas_refuses_what_one_level_has_no_use_for(setting, message):
    with pytest.raises(ValueError, match=message):
        tfdarts.search_config("snas", **setting)


@pytest.mark.parametrize(
    ("name", "values"),
    [("snas", [1.0, 0.515, 0.03]), ("gdas", [10.0, 5.05, 0.1])],
)
def test_the_temperature_falls_on_a_line(name, values):
    config = tfdarts.search_config(name)
    found = []
    anneal = Anneal(found.append, config.temperature, config.last_temperature)
    anneal.set_params({"epochs": 3})
    for epoch in range(3):
        anneal.on_epoch_begin(epoch)
    assert found == pytest.approx(values)


def test_gdas_has_momentum_of_nesterov():
    optimizer = tfdarts.SGD(0.025, momentum=0.9)
    config = tfdarts.search_config("gdas")
    strategy = get_strategy("gdas")
    weight_optimizer, _ = strategy.optimizers(config, optimizer, None)
    weight = keras.Variable([1.0])
    for _ in range(2):
        weight_optimizer.apply([keras.ops.ones(1)], [weight])
    # 1 - 0.025 (1 + 0.9) - 0.025 (1 + 0.9 (1 + 0.9)).
    assert float(weight[0]) == pytest.approx(1 - 0.0475 - 0.06775)


class OfTexts(tfdarts.SupernetStrategy):
    name = "of_texts"
    published = {"epochs": 123}
    published_for = "darts_rnn"


def test_published_values_are_for_cells_of_their_kind():
    tfdarts.register_strategy(OfTexts())
    config = tfdarts.search_config("of_texts", dataset="pydoc")
    assert config.epochs == 123
    config = tfdarts.search_config("of_texts", preset="paper")
    assert fill_paper_settings(config).epochs == 50
