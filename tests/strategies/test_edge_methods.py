"""PC-DARTS, DARTS- and DrNAS: settings, records and the fading skip."""

import keras
import numpy as np
import pytest
from test_gradient_parts import TINY
from tiny_search import TINY as TINY_CONFIG

import tfdarts
from tfdarts.layers.auxiliary_skip import AuxiliarySkipMixedOp
from tfdarts.layers.nested import nested_layers
from tfdarts.runs.visualize import draw_run
from tfdarts.strategies.gradient import gradient_parts
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.tasks.presets import chosen_settings
from tfdarts.tasks.presets import fill_paper_settings


@pytest.mark.parametrize(
    ("name", "published"),
    [
        (
            "pc_darts",
            {
                "mixed_op": "partial",
                "channel_parts": 4,
                "edge_normalization": True,
                "relaxation": "softmax",
                "order": 1,
                "batch_size": 256,
                "epochs": 50,
                "init_channels": 16,
                "learning_rate": 0.1,
                "min_learning_rate": 0.0,
                "alpha_learning_rate": 6e-4,
                "alpha_warmup_epochs": 15,
            },
        ),
        # Chen et al., 2019, and the command of their README.
        (
            "p_darts",
            {
                "stage_primitives": "5,3",
                "stage_num_cells": "11,17",
                "mixed_op": "skip_dropout",
                "skip_dropout": 0.1,
                "stage_skip_dropout": "0.4,0.7",
                "derivation": "few_skips",
                "most_skips": 2,
                "order": 1,
                "num_cells": 5,
                "epochs": 25,
                "batch_size": 96,
                "learning_rate": 0.025,
                "min_learning_rate": 0.0,
                "alpha_learning_rate": 6e-4,
                "alpha_weight_decay": 1e-3,
                "alpha_warmup_epochs": 10,
            },
        ),
        (
            "darts_minus",
            {
                "mixed_op": "auxiliary_skip",
                "edge_normalization": False,
                "order": 1,
                "batch_size": 64,
                "learning_rate": 0.025,
                "alpha_learning_rate": 3e-4,
                "alpha_warmup_epochs": 0,
            },
        ),
        (
            "drnas",
            {
                "relaxation": "dirichlet",
                "mixed_op": "partial",
                "channel_parts": 6,
                "stage_channel_parts": "4",
                "stage_primitives": "4",
                "epochs": 25,
                "edge_normalization": False,
                "order": 1,
                "batch_size": 64,
                "init_channels": 36,
                "num_cells": 20,
                "learning_rate": 0.1,
                "min_learning_rate": 0.0,
                "alpha_learning_rate": 6e-4,
                "alpha_weight_decay": 1e-3,
                "alpha_warmup_epochs": 10,
            },
        ),
    ],
)
def test_the_settings_of_the_authors_code(name, published):
    config = tfdarts.search_config(name, preset="paper")
    config = fill_paper_settings(config)
    assert {key: getattr(config, key) for key in published} == published


class FewImages:
    image_shape = (8, 8, 3)
    splits = {"train": 1000}


@pytest.mark.parametrize(
    ("name", "settings", "channels", "least_epochs"),
    [
        ("darts", {}, 8, 10),
        ("pc_darts", {}, 8, 30),
        ("pc_darts", {"channel_parts": 5}, 10, 30),
        ("drnas", {}, 12, 20),
    ],
)
def test_few_images_get_channels_that_split_and_epochs_of_alpha(
    name, settings, channels, least_epochs
):
    config = tfdarts.search_config(
        name, **settings, batch_size=16, preset="auto"
    )
    chosen = chosen_settings(config, FewImages)
    assert chosen["init_channels"] == channels
    assert chosen["epochs"] >= least_epochs


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        (
            *("pc_darts", {"init_channels": 18}),
            "a multiple of --channel_parts.*--init_channels=18",
        ),
        (
            *("drnas", {"init_channels": 18}),
            "in each stage.*--init_channels=18 and parts=4",
        ),
        ("drnas", {"stage_channel_parts": "8"}, "must not grow"),
        ("drnas", {"stage_channel_parts": "1"}, "numbers of at least 2"),
        (
            *("drnas", {"stage_num_cells": "8"}),
            "always has",
        ),
        ("pc_darts", {"init_channels": 4}, "equal parts of at least 2"),
        (
            *("pc_darts", {"alpha_optimizer": "exponentiated"}),
            "moves the softmax of all edges.*leave it or --edge_normalization",
        ),
        (
            *("pc_darts", {"derivation": "threshold"}),
            "leave it or --edge_normalization",
        ),
        (
            *("pc_darts", {"relaxation": "straight_through"}),
            "--mixed_op=partial computes all",
        ),
        ("drnas", {"jit_compile": True}, "leave --jit_compile out"),
        (
            *("drnas", {"early_stop": "hessian", "stage_primitives": "none"}),
            "needs the second derivative",
        ),
        (
            *("pc_darts", {"dataset": "pydoc"}),
            "cannot search on texts.*no --edge_normalization, --mixed_op",
        ),
        ("darts_minus", {"dataset": "pydoc"}, "has no --mixed_op"),
    ],
)
def test_what_cannot_be_searched_is_refused(name, settings, message):
    with pytest.raises(ValueError, match=message):
        tfdarts.search_config(name, **settings)


def test_parts_of_channels_without_effect_are_refused():
    config = tfdarts.search_config("darts", channel_parts=2)
    with pytest.raises(ValueError, match="no effect with --mixed_op=all"):
        tfdarts.search(config)


def test_dirichlet_weights_search_recurrent_cells():
    config = tfdarts.search_config(
        "darts", dataset="pydoc", relaxation="dirichlet"
    )
    arguments = gradient_parts.supernet_arguments(get_strategy("darts"), config)
    assert type(arguments["relaxation"]).__name__ == "Dirichlet"


def test_betas_are_recorded_and_alphas_drawn(tmp_path):
    config = tfdarts.search_config(
        "pc_darts", **TINY | {"init_channels": 8}, run_dir=str(tmp_path)
    )
    genotype = tfdarts.search(config)
    search = tmp_path / "search"
    with (
        np.load(search / "alphas.npz") as alphas,
        np.load(search / "probabilities.npz") as probabilities,
    ):
        assert {*alphas} == {"normal", "reduce", "normal_beta", "reduce_beta"}
        assert {*probabilities} == {"normal", "reduce"}
        beta = np.exp(alphas["normal_beta"].astype("float64"))
        assert beta.shape == (TINY["epochs"] + 1, 2)
        assert (beta[0] != beta[-1]).all()
        np.testing.assert_allclose(
            probabilities["normal"].sum(axis=-1),
            beta / beta.sum(axis=-1, keepdims=True),
            rtol=1e-12,
        )
    columns = np.genfromtxt(search / "metrics.csv", delimiter=",", names=True)
    # Of four primitives; the factor of the edge is left out.
    assert columns["entropy_normal_0_2"][0] > 0.9 * np.log(4)
    draw_run(str(tmp_path))
    assert (tmp_path / "cells" / "collapse.png").exists()
    assert tfdarts.search(config) == genotype


def test_the_auxiliary_skip_fades_to_0(tmp_path):
    seen = []

    class Note(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append({float(each.skip_weight) for each in skips_of(search)})

    class Fading(type(get_strategy("darts_minus"))):
        name = "fading"

        def callbacks(self, config, search):
            return [Note()]

    def skips_of(search):
        return [
            each
            for each in nested_layers(search.supernet)
            if isinstance(each, AuxiliarySkipMixedOp)
        ]

    strategy = Fading()
    config = tfdarts.search_config(
        "darts_minus", **TINY | {"epochs": 3}, run_dir=str(tmp_path)
    )
    assert config.init_channels == TINY_CONFIG.init_channels
    supernet = tfdarts.CNNSupernet(
        *(2, 3, 3, (4, 4, 1)),
        num_nodes=1,
        **gradient_parts.supernet_arguments(strategy, config),
    )
    search = tfdarts.DARTS(supernet, order=1)
    search.compile()
    assert len(skips_of(search)) == 6
    random = np.random.default_rng(0)
    data = random.normal(size=(8, 4, 4, 1)).astype("float32"), np.arange(8) % 3
    search.fit(
        *(data, data),
        epochs=3,
        callbacks=gradient_parts.callbacks(strategy, config, search),
        verbose=0,
    )
    assert seen == [{1.0}, {0.5}, {0.0}]
