"""P-DARTS: dropout on skips, few skips, the settings of its stages."""

import dataclasses
import math
import types

import keras
import numpy as np
import pytest

import tfdarts
from tfdarts.layers.skip_dropout import SkipDropout
from tfdarts.layers.skip_dropout import SkipDropoutMixedOp
from tfdarts.strategies.gradient import gradient_parts
from tfdarts.strategies.gradient.derivations import derive_few_skips
from tfdarts.strategies.gradient.fading_dropout import FadingDropout
from tfdarts.strategies.strategy_registry import get_strategy

PRIMITIVES = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3")


def genotype_by_hand(space, values):
    """The rule of DARTS, a set of (node, source, primitive)."""
    found = set()
    for node in space.nodes:
        into = [e for e, (to, _) in enumerate(space.edges) if to == node]
        into.sort(key=lambda e: -max(values[e][1:]))
        for edge in into[:2]:
            best = 1 + int(np.argmax(values[edge][1:]))
            found.add((edge, best))
    return found


def few_skips_by_hand(space, values, most):
    values = values.copy()
    while True:
        cell = genotype_by_hand(space, values)
        skips = [edge for edge, name in cell if name == 1]
        if len(skips) <= most:
            return cell
        weakest = min(skips, key=lambda edge: values[edge][1])
        values[weakest][1] = 0


@pytest.mark.parametrize("seed", range(20))
def test_skips_are_left_out_from_the_weakest_on(seed):
    space = tfdarts.CNNSearchSpace(4, PRIMITIVES)
    random = np.random.default_rng(seed)
    likely = [1.0, 4.0, 1.0, 1.0]  # Skips are most of the cell.
    probabilities = {
        name: random.dirichlet(likely, 14) for name in space.cell_types
    }
    for most in (0, 2, 8):
        genotype = derive_few_skips(space, probabilities, most)
        found = {
            (space.edges.index((node, source)), PRIMITIVES.index(name))
            for node, edges in zip(space.nodes, genotype.cells["normal"].nodes)
            for name, source in edges
        }
        expected = few_skips_by_hand(space, probabilities["normal"], most)
        assert found == expected
        plain = space.derive(probabilities).cells["reduce"]
        assert genotype.cells["reduce"] == plain
    assert space.derive(probabilities).num_skip_connections > 2


def test_edges_that_may_only_skip_keep_their_skips():
    space = tfdarts.CNNSearchSpace(1, ("skip_connect", "max_pool_3x3"))
    kept = np.tile([True, False], (2, 1))
    space = space.narrow({"normal": kept, "reduce": kept})
    ones = {name: 1.0 * kept for name in space.cell_types}
    assert derive_few_skips(space, ones, 0).num_skip_connections == 2


def test_the_rate_is_that_of_the_authors_code():
    """`p (E - e - 1) / E` in the warm-up, then `p exp(-0.2 (e - 10))`."""
    layer = SkipDropout(1, 2)
    search = types.SimpleNamespace(supernet=layer)
    callback = FadingDropout(search, 0.4, warmup_epochs=10)
    callback.set_params({"epochs": 25})
    rates = []
    for epoch in range(25):
        callback.on_epoch_begin(epoch)
        rates.append(float(layer.rate))
    expected = [0.4 * (25 - e - 1) / 25 for e in range(10)]
    expected += [0.4 * math.exp(-0.2 * (e - 10)) for e in range(10, 25)]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


def test_elements_of_skips_are_dropped_for_each_edge():
    keras.utils.set_random_seed(0)
    mixed_op = SkipDropoutMixedOp(3, 4, primitives=PRIMITIVES)
    plain = tfdarts.MixedOp(3, 4, primitives=PRIMITIVES)
    images = np.ones((50, 8, 8, 4), "float32")
    only_skips = np.array([[0, 1, 0, 0], [0, 2, 0, 0], [0, 3, 0, 0]], "float32")
    for training in (False, True):
        np.testing.assert_array_equal(
            mixed_op(images, only_skips, training=training),
            plain(images, only_skips, training=training),
        )
    (skip,) = [o for o in mixed_op.operations if isinstance(o, SkipDropout)]
    skip.rate.assign(0.4)
    np.testing.assert_array_equal(
        mixed_op(images, only_skips), plain(images, only_skips)
    )
    outputs = mixed_op(images, only_skips, training=True).numpy()
    for edge, outputs in enumerate(np.split(outputs, 3, axis=3)):
        kept = outputs > 0
        np.testing.assert_allclose(outputs[kept], (edge + 1) / 0.6, rtol=1e-6)
        # 12,800 draws: 0.6 with a standard deviation of 0.0043.
        assert abs(kept.mean() - 0.6) < 0.02
        assert 0 < kept[:, 0, 0, 0].mean() < 1
    masks = [
        m > 0
        for m in np.split(
            mixed_op(images, only_skips, training=True).numpy(), 3, axis=3
        )
    ]
    assert (masks[0] != masks[1]).any() and (masks[1] != masks[2]).any()
    strided = SkipDropoutMixedOp(3, 4, 2, primitives=PRIMITIVES)
    assert not any(isinstance(o, SkipDropout) for o in strided.operations)


def test_the_stages_of_the_authors_code():
    config = tfdarts.search_config("p_darts", preset="paper")
    stages = gradient_parts.stages(get_strategy("p_darts"), config)
    assert [stage.changes for stage in stages] == [
        {"num_cells": 11, "skip_dropout": 0.4},
        {"num_cells": 17, "skip_dropout": 0.7},
    ]
    space = tfdarts.CNNSearchSpace()
    random = np.random.default_rng(0)
    for stage, count in zip(stages, (5, 3)):
        probabilities = {
            name: random.dirichlet(np.ones(8), 14) for name in space.cell_types
        }
        space = space.narrow(stage.keep(space, probabilities))
        for name in space.cell_types:
            assert (space.mask(name).sum(axis=1) == count).all()


@pytest.mark.parametrize(
    ("strategy", "settings", "message"),
    [
        ("p_darts", {"dataset": "pydoc"}, "cannot search on texts"),
        (
            *("gdas", {"derivation": "perturbation"}),
            "computes one operation of each edge",
        ),
        ("gdas", {"derivation": "greedy"}, "computes one operation"),
        ("darts_pt", {"early_stop": "skips"}, "would end the search before"),
        ("sgas", {"early_stop": "stable"}, "would end the search before"),
        (
            "p_darts",
            {"stage_skip_dropout": "0.4"},
            "a number for each of the 2 stages",
        ),
    ],
)
def test_senseless_combinations_are_refused(strategy, settings, message):
    with pytest.raises(ValueError, match=message):
        tfdarts.search_config(strategy, **settings)


def test_a_projection_follows_the_stages_of_a_method():
    config = tfdarts.search_config(
        "drnas", preset="paper", derivation="perturbation", learning_rate=0.1
    )
    strategy = get_strategy("drnas")
    wider, projection = gradient_parts.stages(strategy, config)
    assert wider.keep is not None and projection.keep is None
    assert wider.carry is not projection.carry
    assert "epochs" in projection.changes and "epochs" not in wider.changes


def test_a_derivation_and_a_regularizer_join_any_method():
    config = tfdarts.search_config(
        "pc_darts", alpha_regularizer="beta", derivation="perturbation"
    )
    assert (config.mixed_op, config.edge_normalization) == ("partial", True)
    strategy = get_strategy("pc_darts")
    config = dataclasses.replace(config, learning_rate=0.1)
    (stage,) = gradient_parts.stages(strategy, config)
    assert stage.changes["epochs"] == 81
    assert stage.changes["learning_rate"] == pytest.approx(0.01)
    arguments = gradient_parts.search_arguments(strategy, config)
    assert type(arguments["alpha_regularizer"]).__name__ == "Beta"
