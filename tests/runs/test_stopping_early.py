"""A search that stops early: what it keeps, and how it goes on."""

import contextlib
import csv
import dataclasses
import json
import logging
import types

import numpy as np
import pytest
import tiny_search

from tfdarts.genotypes import Genotype
from tfdarts.runs import early_stop as module
from tfdarts.runs import search as search_module
from tfdarts.runs import supernet_search
from tfdarts.runs.early_stop import EarlyStop
from tfdarts.runs.search import search
from tfdarts.strategies import early_stop_rules
from tfdarts.strategies.darts import DARTS
from tfdarts.tasks.configs import SearchConfig

TINY = dataclasses.replace(
    tiny_search.TINY,
    epochs=4,
    batch_size=512,
    # The rules compare convolutions.
    primitives="none,skip_connect,sep_conv_3x3,dil_conv_3x3",
)


def tiny(path, **changes):
    return dataclasses.replace(TINY, run_dir=str(path), **changes)


def stop_at(monkeypatch, epoch, best):
    """Lets the rule `stable` say so at an epoch, and gives what it saw."""
    seen = []

    def rule(history, patience):
        seen.append((len(history.genotypes), patience))
        assert {name: len(a) for name, a in history.probabilities.items()} == {
            "normal": len(history.genotypes) + 1,
            "reduce": len(history.genotypes) + 1,
        }
        return best if len(history.genotypes) >= epoch else None

    monkeypatch.setitem(early_stop_rules.RULES, "stable", rule)
    return seen


def test_it_stops_and_takes_the_genotype_of_the_best_epoch(
    tmp_path, monkeypatch, caplog
):
    seen = stop_at(monkeypatch, epoch=3, best=2)
    config = tiny(
        tmp_path, early_stop="stable", early_stop_from=2, early_stop_patience=7
    )
    with caplog.at_level(logging.INFO, "tfdarts"):
        genotype = search(config)
    # Asked at the end of each epoch from the second on, and for the result.
    assert seen[:2] == [(2, 7), (3, 7)] and {*seen[2:]} == {(3, 7)}
    kept = tmp_path / "search" / "genotypes"
    assert sorted(path.name for path in kept.iterdir()) == [
        "epoch_1.json",
        "epoch_2.json",
        "epoch_3.json",
    ]
    assert genotype == Genotype.load(kept / "epoch_2.json")
    assert genotype == Genotype.load(tmp_path / "genotype.json")
    status = json.loads((tmp_path / "search" / "status.json").read_text())
    assert (status["state"], status["epochs"]) == ("finished", 3)
    assert status["best_epoch"] == 2
    assert "stopped after epoch 3, because the order of alpha" in caplog.text
    assert "genotype of epoch 2" in caplog.text


@pytest.mark.slow
def test_what_was_killed_between_stop_and_end_does_not_go_on(
    tmp_path, monkeypatch, caplog
):
    stop_at(monkeypatch, epoch=2, best=1)
    config = tiny(tmp_path, early_stop="stable", early_stop_from=1)

    def killed(stage):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(search_module, "draw_run", killed)
        with pytest.raises(KeyboardInterrupt):
            search(config)
    monkeypatch.setattr(DARTS, "fit", None)
    with caplog.at_level(logging.INFO, "tfdarts"):
        genotype = search(config)
    assert "stopped after epoch 2" in caplog.text
    kept = tmp_path / "search" / "genotypes"
    assert genotype == Genotype.load(kept / "epoch_1.json")
    assert not (kept / "epoch_3.json").exists()


@pytest.mark.parametrize("rule", ["hessian", "robust_darts"])
def test_curvature_is_measured_each_epoch_on_the_same_batch(
    rule, tmp_path, monkeypatch
):
    batches = []

    def alpha_curvature(self, batch):
        batches.append([tensor.numpy() for tensor in batch])
        return 0.5 + len(batches)

    monkeypatch.setattr(DARTS, "alpha_curvature", alpha_curvature)
    search(tiny(tmp_path, early_stop=rule))
    assert len(batches) == 4
    (x, y), *others = batches
    assert x.shape == (512, 16, 16, 1) and len({*y}) == 10
    for other, _ in others:
        np.testing.assert_array_equal(other, x)
    with (tmp_path / "search" / "metrics.csv").open() as file:
        rows = [*csv.DictReader(file)]
    values = [float(row["dominant_eigenvalue"]) for row in rows]
    assert values == [1.5, 2.5, 3.5, 4.5]


@pytest.mark.slow
def test_what_was_in_the_warm_up_does_not_count(tmp_path, monkeypatch):
    """Nor is it measured; and the run can be drawn."""
    measured = []
    monkeypatch.setattr(
        DARTS, "alpha_curvature", lambda *_: measured.append(1) or 1.0
    )
    seen = []

    def rule(history, patience):
        seen.append([len(history.genotypes), len(history.eigenvalues)])
        return 1 if len(history.genotypes) == 2 else None

    monkeypatch.setitem(early_stop_rules.RULES, "hessian", rule)
    # A failure to draw shall be one here.
    monkeypatch.setattr(
        search_module,
        "optional_pictures",
        lambda *_: contextlib.nullcontext(),
    )
    config = tiny(
        tmp_path,
        early_stop="hessian",
        early_stop_from=1,
        alpha_warmup_epochs=1,
    )
    search(config)
    assert seen[:2] == [[1, 1], [2, 2]] and len(measured) == 2
    status = json.loads((tmp_path / "search" / "status.json").read_text())
    assert (status["epochs"], status["best_epoch"]) == (3, 2)
    assert (tmp_path / "cells" / "collapse.png").exists()


def stopping(rule, epochs, eigenvalues=(), earlier=0, **settings):
    config = SearchConfig(early_stop=rule, epochs=50, **settings)
    genotype = types.SimpleNamespace(num_skip_connections=4)
    record = types.SimpleNamespace(
        genotypes=[genotype] * epochs,
        probabilities={},
        supernet=types.SimpleNamespace(primitives=()),
        search=types.SimpleNamespace(may_stop_early=True),
    )
    rows = [{"dominant_eigenvalue": str(value)} for value in eigenvalues]
    metrics = types.SimpleNamespace(rows=rows)
    return EarlyStop(config, record, metrics, earlier).best_epoch()


def test_no_rule_stops_before_its_time():
    assert stopping("skips", epochs=9) is None
    assert stopping("skips", epochs=10) == 10
    assert stopping("skips", epochs=9, early_stop_from=3) == 9
    assert stopping("skips", epochs=12, alpha_warmup_epochs=3) is None
    assert stopping("skips", epochs=13, alpha_warmup_epochs=3) == 13
    assert stopping("none", epochs=49) is None
    assert stopping("none", epochs=50) == 50


def test_eigenvalues_are_those_of_the_metrics_file():
    grown = [1.0] * 10 + [9.0]
    assert stopping("hessian", 11, grown) == 6
    assert stopping("hessian", 10, grown[:-1]) is None
    # At the last epoch, too.
    assert stopping("hessian", 50, [1.0] * 49 + [9.0]) == 45
    assert stopping("hessian", 50, [1.0] * 50) == 50
    grown = [1.0] * 22 + [9.0]
    assert stopping("robust_darts", 23, grown) == 11
    assert stopping("robust_darts", 26, grown, alpha_warmup_epochs=3) == 14
    grown = [1.0] * 10 + [9.0]
    # Those of the warm-up are not there; the epoch counts from the start.
    assert stopping("hessian", 14, grown, alpha_warmup_epochs=3) == 9


def test_earlier_stages_do_not_count():
    assert stopping("skips", epochs=30, earlier=21) is None
    assert stopping("skips", epochs=31, earlier=21) == 31
    grown = [1.0] * 20 + [5.0] + [1.0] * 10 + [9.0]
    assert stopping("hessian", 32, grown, earlier=21) == 27
    assert stopping("hessian", 31, grown[:-1], earlier=21) is None
    assert stopping("none", epochs=71, earlier=21) == 71
    assert stopping("none", epochs=50, earlier=21) is None


@pytest.mark.parametrize(
    ("rule", "first"), [("skips", 10), ("robust_darts", 23)]
)
def test_a_rule_that_comes_too_late_is_said(rule, first, caplog):
    config = SearchConfig(early_stop=rule, epochs=first - 1)
    with caplog.at_level(logging.INFO, "tfdarts"):
        EarlyStop(config, None, None).on_train_begin()
    said = f"cannot stop the search before epoch {first}, and --epochs is "
    assert f"{said}{first - 1}" in caplog.text
    caplog.clear()
    config = SearchConfig(early_stop=rule, epochs=first)
    EarlyStop(config, None, None).on_train_begin()
    assert not caplog.text


def test_each_rule_has_a_reason():
    assert {*module.REASONS} == {*early_stop_rules.RULES}
    field = SearchConfig.__dataclass_fields__["early_stop"]
    assert {*field.metadata["choices"]} == {"none", *early_stop_rules.RULES}


def test_many_skips_are_warned_of(caplog):
    for skips in (2, 5):
        edges = [
            ("skip_connect" if i < skips else "sep_conv_3x3", i % 2)
            for i in range(8)
        ]
        genotype = Genotype(edges, [2, 3, 4, 5], edges, [2, 3, 4, 5])
        supernet_search._warn_of_skips(genotype)
        assert ("5 of the 8 edges" in caplog.text) == (skips == 5)
