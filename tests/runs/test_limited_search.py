"""Searches by gradient descent whose networks are within limits."""

import csv
import dataclasses
import json
import types

import numpy as np
import pytest
from tiny_search import TINY

import tfdarts
from tfdarts.genotypes import Genotype
from tfdarts.records.kept_values import KeptValues
from tfdarts.records.probabilities import read_arrays
from tfdarts.records.probabilities import read_probabilities
from tfdarts.records.progress import Progress
from tfdarts.runs.limited_search import LimitedSearch
from tfdarts.search_spaces.cell_costs import CellCosts
from tfdarts.search_spaces.cell_costs import cheapest
from tfdarts.search_spaces.cell_costs import derive_within
from tfdarts.tasks import edge_costs
from tfdarts.tasks import network_cost
from tfdarts.tasks.latency_table import LatencyTable

SETTINGS = dataclasses.replace(
    TINY,
    preset="auto",
    epochs=4,
    batch_size=256,
    alpha_learning_rate=0.3,
    primitives="skip_connect,dil_conv_3x3,sep_conv_3x3",
)


def count(genotype):
    """The default network of digits, 16 channels and 8 cells."""
    return tfdarts.genotype_cost(genotype, 16, 8, 10, (16, 16, 1))


def rows_of(run_dir):
    text = (run_dir / "search" / "metrics.csv").read_text()
    return [*csv.DictReader(text.splitlines())]


def genotypes_of(run_dir):
    kept = run_dir / "search" / "genotypes"
    return [Genotype.load(kept / f"epoch_{n}.json") for n in range(1, 5)]


@pytest.fixture(scope="module")
def free(tmp_path_factory):
    """The genotype that a search without limits finds, and its cost."""
    run_dir = tmp_path_factory.mktemp("free") / "run"
    genotype = tfdarts.search(dataclasses.replace(SETTINGS, run_dir=run_dir))
    return genotype, count(genotype)


def limited_config(free, run_dir):
    _, cost = free
    return dataclasses.replace(
        SETTINGS,
        run_dir=run_dir,
        max_parameters=cost["parameters"] - 1,
        max_multiply_adds=cost["multiply_adds"],
    )


@pytest.fixture(scope="module")
def limited(free, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("limited") / "run"
    config = limited_config(free, run_dir)
    return run_dir, config, tfdarts.search(config)


def test_the_limit_holds_that_the_free_search_breaks(free, limited):
    run_dir, config, genotype = limited
    cost = count(genotype)
    assert cost["parameters"] < free[1]["parameters"]
    assert cost["multiply_adds"] <= config.max_multiply_adds
    for each in genotypes_of(run_dir):
        assert count(each)["parameters"] <= config.max_parameters
    probabilities = read_probabilities(run_dir / "search")
    space, multiplier = SETTINGS.search_space, 0.0
    for epoch, row in enumerate(rows_of(run_dir), 1):
        # Of the genotype without limits, by hand.
        own = {name: values[epoch] for name, values in probabilities.items()}
        derived = count(space.derive(own))["parameters"]
        assert float(row["derived_parameters"]) == derived
        multiplier += derived / config.max_parameters - 1
        multiplier = max(multiplier, 0.0)
        assert float(row["multiplier_parameters"]) == pytest.approx(
            multiplier, rel=1e-5
        )
    assert max(float(r["multiplier_parameters"]) for r in rows_of(run_dir)) > 0


def test_an_interrupted_search_has_the_same_multipliers(
    free, limited, tmp_path, monkeypatch
):
    run_dir, _, genotype = limited
    config = limited_config(free, tmp_path / "run")

    def interrupt(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "on_epoch_begin", interrupt)
        with pytest.raises(KeyboardInterrupt):
            tfdarts.search(config)
    # Edges that are counted again could cost something else.
    monkeypatch.setattr(edge_costs, "edge_costs", None)
    assert tfdarts.search(config) == genotype
    for name in ("multiplier_parameters", "derived_multiply_adds"):
        own, other = (
            [row[name] for row in rows_of(path)]
            for path in (run_dir, tmp_path / "run")
        )
        assert own == other
    alphas = [
        read_arrays(path / "search" / "alphas.npz")
        for path in (run_dir, tmp_path / "run")
    ]
    for name, values in alphas[0].items():
        np.testing.assert_array_equal(values, alphas[1][name])


def test_alpha_moves_until_the_most_probable_genotype_holds(free, tmp_path):
    """The free search needs twice the parameters."""
    limit = free[1]["parameters"] // 2
    config = dataclasses.replace(
        SETTINGS, run_dir=tmp_path, max_parameters=limit
    )
    tfdarts.search(config)
    assert float(rows_of(tmp_path)[-1]["derived_parameters"]) <= limit


def test_a_latency_is_measured(tmp_path, monkeypatch):
    """With a clock that counts weights."""
    monkeypatch.setattr(
        LatencyTable,
        "milliseconds",
        lambda self, layer, shapes: 0.01 + len(layer.weights),
    )
    monkeypatch.setattr(LatencyTable, "save", lambda self: None)
    monkeypatch.setattr(
        network_cost,
        "milliseconds_of",
        lambda network: (
            0.5 * sum(len(layer.weights) for layer in network.layers)
        ),
    )
    config = dataclasses.replace(
        SETTINGS, epochs=1, run_dir=tmp_path, max_milliseconds=70
    )
    found = tfdarts.search(config)
    kept = json.loads((tmp_path / "search" / "network_costs.json").read_text())
    key = json.dumps(found.to_dict()["cells"])
    assert 0 < kept[key]["milliseconds"] <= 70
    # The sum over the layers is that of the measured network.
    row, *_ = rows_of(tmp_path)
    space = config.search_space
    probabilities = read_probabilities(tmp_path / "search")
    derived = space.derive({n: v[1] for n, v in probabilities.items()})
    network = tfdarts.CNNNetwork(derived, 16, 8, 10, (16, 16, 1))
    measured = network_cost.milliseconds_of(network)
    assert float(row["derived_milliseconds"]) == pytest.approx(
        measured, rel=0.01
    )


def limited_by_time(real, limit):
    """Limits of a time that is predicted to be the number of convolutions."""
    space = SETTINGS.search_space
    convolutions = np.array(["conv" in name for name in space.primitives])
    edges = np.tile(1.0 * convolutions, (space.num_edges, 1))
    cost = CellCosts(1.0, dict.fromkeys(space.cell_types, edges))
    limited = LimitedSearch.__new__(LimitedSearch)
    limited.space, limited.costs = space, {"milliseconds": cost}
    limited.cheapest = cheapest(space, cost)
    limited.bounds = types.SimpleNamespace(
        limits={"milliseconds": limit},
        costs=KeptValues(
            lambda genotype: {"milliseconds": real(cost.of(space, genotype))}
        ),
    )
    weights = np.tile([0.1, 0.6, 0.3], (space.num_edges, 1))
    return limited, dict.fromkeys(space.cell_types, weights), cost


def test_a_network_that_is_measured_to_be_slow_is_replaced():
    limited, probabilities, cost = limited_by_time(lambda n: 1.4 * n, 4.3)
    space = limited.space
    first = derive_within(space, probabilities, [cost], [4.3])
    assert cost.of(space, first) == 4
    found = limited.result(first, probabilities)
    # 1.4 times 3 is the most within the limit.
    assert cost.of(space, found) == 3
    assert limited.result(found, probabilities) == found


def test_the_cheapest_network_is_left():
    limited, probabilities, cost = limited_by_time(
        lambda n: 1.0 if n == 1 else 99.0, 4.3
    )
    first = derive_within(limited.space, probabilities, [cost], [4.3])
    assert limited.result(first, probabilities) == limited.cheapest


def test_the_cheapest_network_may_exceed_the_limit(tmp_path):
    config = dataclasses.replace(
        SETTINGS, run_dir=tmp_path, max_parameters=1000
    )
    with pytest.raises(ValueError) as caught:
        tfdarts.search(config)
    assert "has a network within --max_parameters=1000; the least" in str(
        caught.value
    )
    assert not (tmp_path / "search" / "metrics.csv").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "strategy",
    [
        *("gaea", "snas", "gdas", "pc_darts", "darts_minus"),
        *("beta_darts", "oles", "lambda_darts", "darts_es"),
    ],
)
def test_methods_hold_a_limit(strategy, tmp_path):
    """The cheapest network has 38,682 parameters, the largest 105,626."""
    config = tfdarts.search_config(
        strategy,
        init_channels=8,
        num_cells=4,
        num_nodes=1,
        primitives="none,skip_connect,sep_conv_3x3",
        epochs=2,
        batch_size=256,
        alpha_warmup_epochs=0,
        alpha_learning_rate=0.2,
        max_parameters=45_000,
        run_dir=tmp_path,
    )
    genotype = tfdarts.search(config)
    assert count(genotype)["parameters"] <= 45_000
    multipliers = [float(r["multiplier_parameters"]) for r in rows_of(tmp_path)]
    derived = [float(r["derived_parameters"]) for r in rows_of(tmp_path)]
    assert len(derived) == 2
    for above, multiplier in zip(np.array(derived) > 45_000, multipliers):
        assert multiplier > 0 or not above
