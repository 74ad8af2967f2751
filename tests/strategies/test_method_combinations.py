"""Every gradient method in every space, on texts, and on any model."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_text

import tfdarts
from tfdarts.runs.search_configs import is_for
from tfdarts.strategies.gradient.adaptive_decay import AdaptiveDecay
from tfdarts.strategies.gradient.joint_search import JointSearch
from tfdarts.strategies.gradient.perturbations import RandomPerturbation
from tfdarts.strategies.gradient.regularizers import Beta
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.strategy_registry import strategies
from tfdarts.tasks.image_search import compile_search
from tfdarts.tasks.networks import build_supernet
from tfdarts.tasks.presets import fill_paper_settings
from tfdarts.tasks.task_registry import task_of_data

METHODS = [each.name for each in strategies() if each.trains == "supernet"]
SPACES = ("nas_bench_201", "s1", "s2", "s3", "s4")
REFUSED = {
    (name, "s4"): "the primitive noise"
    for name in ("enas", "gdas", "random_sharing")
}
"""What a method cannot search, and a word of the sentence that says so."""


def config_of(method, space):
    parts = tfdarts.search_config(method).all_channel_parts
    return fill_paper_settings(
        tfdarts.search_config(
            method,
            space=space,
            preset="paper",
            init_channels=2 * max(parts) if len(parts) == 1 else 12,
            num_cells=5,
            batch_size=4,
            alpha_warmup_epochs=0,
        )
    )


@pytest.mark.parametrize("space", SPACES)
def test_every_method_has_settings_in_every_space(space):
    for method in METHODS:
        if message := REFUSED.get((method, space)):
            with pytest.raises(ValueError, match=message):
                config_of(method, space)
        else:
            assert config_of(method, space).search_space.name == space


# S2 has edges of single primitives, S4 noise.
@pytest.mark.slow
@pytest.mark.parametrize("space", ["nas_bench_201", "s2"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_takes_a_step_in_other_spaces(method, space):
    config = config_of(method, space)
    supernet = build_supernet(config, 3, (8, 8, 1))
    search = compile_search(config, supernet, 10)
    before = [v.numpy() for v in supernet.alpha_variables]
    random = np.random.default_rng(0)
    for _ in range(2):
        images = random.normal(size=(2, 4, 8, 8, 1)).astype("float32")
        labels = random.integers(0, 3, (2, 4))
        logs = search.train_step(
            tuple(
                (tf.constant(x), tf.constant(y)) for x, y in zip(images, labels)
            )
        )
    assert np.isfinite(float(logs["loss"]))
    # Those of three methods move after an epoch, or never.
    if method not in ("shapley_nas", "random_sharing", "enas"):
        for variable, value in zip(supernet.alpha_variables, before):
            assert (variable.numpy() != value).any()
    assert search.genotype() in config.search_space or method in (
        *("snas", "fair_darts"),  # They keep other numbers of edges.
    )


OF_TEXTS = [
    name
    for name in METHODS
    if is_for(get_strategy(name), task_of_data("pydoc"))
]


def test_methods_of_texts_are_those_without_mixed_operations():
    assert {"beta_darts", "gaea", "gdas", "sdarts", "snas"} <= {*OF_TEXTS}
    assert not {
        "darts_es",
        "drnas",
        "lambda_darts",
        "pc_darts",
        "shapley_nas",
    } & {*OF_TEXTS}


@pytest.mark.slow
@pytest.mark.parametrize("method", OF_TEXTS)
def test_every_method_of_texts_searches_them(method, tmp_path):
    names = ("dataset", "units", "steps", "batch_size", "epochs", "num_nodes")
    few = {
        "random_sharing": {"num_candidates": 5},
        "enas": {"controller_steps": 2},
    }.get(method, {})
    config = tfdarts.search_config(
        method,
        **{name: getattr(tiny_text.SEARCH, name) for name in names},
        **few,
        learning_rate=2.0,
        run_dir=str(tmp_path),
    )
    if method == "oles":
        with pytest.raises(ValueError, match="convolutional cells"):
            tfdarts.search(config)
    else:
        genotype = tfdarts.search(config)
        assert genotype.cell_types == ("recurrent",)


def model_of(relaxation):
    inputs = keras.Input((4,))
    choice = tfdarts.LayerChoice(
        [
            keras.layers.Dense(2, name="linear"),
            keras.layers.Dense(2, activation="tanh", name="tanh"),
        ],
        relaxation=relaxation,
    )
    return keras.Model(inputs, choice(inputs))


@pytest.mark.parametrize(
    ("kind", "relaxation", "options"),
    [
        (JointSearch, "concrete", {}),
        (tfdarts.DARTS, "straight_through", {}),
        (tfdarts.DARTS, "sigmoid", {"alpha_regularizer": Beta(0.5)}),
        (tfdarts.DARTS, "dirichlet", {}),
        (tfdarts.DARTS, "softmax", {"perturbation": RandomPerturbation(0.1)}),
        (AdaptiveDecay, "softmax", {}),
    ],
)
def test_any_model_with_choices_is_searched(kind, relaxation, options):
    own = {} if kind is JointSearch else {"order": 1}
    search = kind(model_of(relaxation), **own, **options)
    search.compile(
        tfdarts.SGD(0.1),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    random = np.random.default_rng(0)
    data = random.normal(size=(8, 4)), random.integers(0, 2, 8)
    search.fit(data, data, batch_size=4, verbose=0)
    (chosen,) = search.choices().values()
    assert {"linear", "tanh"} & {*map(str, keras.tree.flatten(chosen))}
    assert search.derived_model()(data[0]).shape == (8, 2)
