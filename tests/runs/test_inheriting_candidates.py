"""Candidates of a search that inherit weights."""

import pytest

import tfdarts
from tfdarts.models.inherited_weights import inherit_weights
from tfdarts.records.trials import read_trials
from tfdarts.strategies.proposers.edit_distance import EditDistance

SETTINGS = {
    "dataset": "digits",
    "num_initial": 2,
    "num_nodes": 1,
    "primitives": "nor_conv_1x1,nor_conv_3x3",
    "init_channels": 2,
    "num_cells": 3,
    "epochs": 1,
    "batch_size": 512,
    "auxiliary_weight": 0.0,
}


@pytest.fixture
def inherited(monkeypatch):
    """The genotypes of networks and of their parents, and copied weights."""
    calls = []

    def inherit(network, parent):
        copied = inherit_weights(network, parent)
        calls.append((network.genotype, parent.genotype, copied))
        return copied

    monkeypatch.setattr("tfdarts.runs.train.inherit_weights", inherit)
    return calls


@pytest.mark.slow
def test_the_nearest_candidate_is_the_parent(tmp_path, inherited):
    config = tfdarts.search_config(
        "auto_keras", run_dir=str(tmp_path), num_candidates=3, **SETTINGS
    )
    tfdarts.search(config)
    ((genotype, parent, copied),) = inherited  # The first two are random.
    trials = read_trials(tmp_path / "search")
    first, second, third = (trial.genotype for trial in trials)
    assert genotype == third and parent in (first, second)
    metric = EditDistance(config.search_space)

    def distance(one, other):
        pairs = zip(one.cells.values(), other.cells.values())
        return sum(
            metric.compare(*(metric.describe(a), [metric.describe(b)])).item()
            for a, b in pairs
        )

    other = second if parent == first else first
    assert distance(third, parent) <= distance(third, other)
    log = (tmp_path / "search" / "log.txt").read_text()
    number = 1 if parent == first else 2
    assert f"inherits weights from candidate {number}\n" in log
    assert f"train: inherits {copied} of " in log
