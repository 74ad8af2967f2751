"""What a run will cost is said before it, and nothing is left."""

import dataclasses
import types

import pytest
import tiny_search
from tiny_training import TRAINING

import tfdarts
from tfdarts.cli.dry_run_flag import cost_table
from tfdarts.cluster import ClusterError
from tfdarts.runs import dry_run as module
from tfdarts.strategies.darts import DARTS
from tfdarts.training import memory

TINY = dataclasses.replace(tiny_search.TINY, epochs=7, alpha_warmup_epochs=3)


@pytest.fixture
def ticking(monkeypatch):
    """A clock that goes on by a second whenever it is looked at."""
    clock = types.SimpleNamespace(now=0)

    def monotonic():
        clock.now += 1
        return clock.now

    clock.monotonic = monotonic
    monkeypatch.setattr(module, "time", clock)


def test_a_dry_run_does_all_and_leaves_nothing(ticking, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    alphas_moved = []
    update = DARTS.update_alphas

    def update_alphas(self, *arguments):
        alphas_moved.append(True)
        update(self, *arguments)

    monkeypatch.setattr(DARTS, "update_alphas", update_alphas)
    held = []

    def peak_process_bytes():
        held.append(memory.peak_process_bytes())
        return held[-1]

    monkeypatch.setattr(module, "peak_process_bytes", peak_process_bytes)
    cost = module.dry_run(TINY)
    # Each timed part takes a second, a step 3, of which it waits for one; half
    # of 1,437 images are 2 batches.
    assert cost == {
        "first_step_seconds": 1 + 1,
        "step_seconds": 3,
        "steps_per_epoch": 2,
        "epochs": 7,
        "epoch_seconds": 2 * 3 + 1 + 1,
        "total_seconds": 2 + 7 * 8,
        "data_wait": pytest.approx(1 / 3),
        "memory_bytes": held[-1],
    }
    assert 1e8 < cost["memory_bytes"] < 1e11
    assert len(alphas_moved) == 2 + module.STEPS
    assert [*tmp_path.iterdir()] == []

    monkeypatch.setattr(module, "dry_run", lambda config: cost)
    assert cost_table(TINY, "search").splitlines()[:4] == [
        "First step   0:02, with the building of the graphs",
        "A step       3 s",
        "An epoch     0:08, 2 steps and the validation",
        "The search   0:58, 7 epochs",
    ]


def test_each_stage_is_built_and_measured(monkeypatch):
    """DrNAS: of three primitives an edge, its second stage has two."""
    config = tfdarts.search_config(
        "drnas",
        **{
            name: getattr(TINY, name)
            for name in ("num_cells", "num_nodes", "batch_size", "epochs")
        },
        init_channels=12,
        primitives="skip_connect,max_pool_3x3,dil_conv_3x3",
        channel_parts=6,
        stage_channel_parts="3",
        stage_primitives="2",
    )
    seen = []
    update = DARTS.update_alphas

    def update_alphas(self, *arguments):
        allowed = self.supernet.space.mask("normal").sum(axis=1)
        seen.append({*allowed.tolist()})
        update(self, *arguments)

    monkeypatch.setattr(DARTS, "update_alphas", update_alphas)
    cost = module.dry_run(config)
    steps = 2 + module.STEPS
    assert seen == [{3}] * steps + [{2}] * steps
    first, second = cost["stages"]
    assert cost["epochs"] == 14
    assert cost["total_seconds"] == sum(
        each["total_seconds"] for each in (first, second)
    )
    assert cost["step_seconds"] == first["step_seconds"]
    assert second["step_seconds"] > 0

    monkeypatch.setattr(module, "dry_run", lambda config: cost)
    lines = cost_table(config, "search").splitlines()
    assert lines[3].startswith("Stage 2      ")
    assert lines[4].endswith("14 epochs")


def test_one_is_no_plural(monkeypatch):
    names = ("first_step_seconds", "step_seconds", "epoch_seconds")
    more = ("total_seconds", "memory_bytes", "data_wait")
    cost = {**dict.fromkeys([*names, *more], 1.0), "epochs": 1}
    cost["steps_per_epoch"] = 1
    monkeypatch.setattr(module, "dry_run", lambda config: cost)
    _, _, epoch, search, *_ = cost_table(TINY, "search").splitlines()
    assert epoch.endswith("1 step and the validation")
    assert search.endswith("1 epoch")


def test_a_training_is_measured_by_the_same_figures(
    ticking, tmp_path, monkeypatch, caplog
):
    monkeypatch.chdir(tmp_path)
    config = dataclasses.replace(TRAINING, epochs=5, validation_portion=0.2)
    with caplog.at_level("INFO", "tfdarts"):
        cost = module.dry_run(config)
    # 1,149 of 1,437 images are 4 batches.
    assert {**cost, "memory_bytes": 0} == {
        "first_step_seconds": 1 + 1,
        "step_seconds": 3,
        "steps_per_epoch": 4,
        "epochs": 5,
        "epoch_seconds": 4 * 3 + 1 + 1,
        "total_seconds": 2 + 5 * 14,
        "data_wait": pytest.approx(1 / 3),
        "memory_bytes": 0,
    }
    assert [*tmp_path.iterdir()] == []
    assert caplog.messages[0].startswith("dry run: reading the data")


def test_a_search_of_one_step_can_be_measured_too():
    config = dataclasses.replace(TINY, epochs=1, batch_size=700)
    cost = module.dry_run(config)
    assert cost["steps_per_epoch"] == 1 and cost["step_seconds"] > 0
    assert 0 <= cost["data_wait"] < 1


@pytest.mark.parametrize(
    "batch_norm",
    [pytest.param("local", marks=pytest.mark.slow), "global"],
)
def test_a_training_on_two_devices_can_be_measured_too(batch_norm):
    config = dataclasses.replace(
        TRAINING, distribute="mirrored", batch_norm=batch_norm
    )
    assert module.dry_run(config)["step_seconds"] > 0


def test_what_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1e3)
    with pytest.raises(MemoryError, match="A step needs at least"):
        module.dry_run(TINY)


def test_workers_agree_on_what_is_measured(monkeypatch):
    def disagree(config):
        raise ClusterError("on --order")

    monkeypatch.setattr(module, "run_as_worker", disagree)
    with pytest.raises(ClusterError, match="on --order"):
        module.dry_run(TINY)
