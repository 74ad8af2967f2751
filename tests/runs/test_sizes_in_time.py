"""Sizes that fit into `--max_minutes`."""

import dataclasses
import json
import logging

import numpy as np
import pytest
import tiny_search

import tfdarts
from tfdarts.records.run_directory import Stage
from tfdarts.runs import sizes_in_time
from tfdarts.runs.dry_run import dry_run
from tfdarts.tasks.images import ImageTask
from tfdarts.tasks.texts import TextTask

TASK = ImageTask()
COMMANDS = {
    "search": lambda **given: tfdarts.search_config("darts", **given),
    "candidates": lambda **given: tfdarts.search_config("random", **given),
    "train": lambda **given: tfdarts.TrainConfig(genotype="DARTS_V2", **given),
}


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (60, 48, 48, 1), "uint8")
    return tfdarts.from_arrays((pixels, np.arange(60) % 3))


@pytest.fixture(autouse=True)
def trials(monkeypatch):
    """A machine whose seconds follow from the sizes; the runs it measured."""
    measured = []

    def measure(config):
        measured.append(config)
        return cost_of(config)

    monkeypatch.setattr(sizes_in_time, "dry_run", measure)
    return measured


def cost_of(config):
    whole = config.image_size or 48
    filled = tfdarts.tasks.presets.fill_paper_settings(config)
    epoch = filled.init_channels * filled.num_cells * whole**2 / 10_000
    length = config.epochs
    if config.extended_by == "num_candidates":
        length *= config.num_candidates
    return {
        "first_step_seconds": 5.0,
        "step_seconds": epoch / 10,
        "epoch_seconds": epoch,
        "total_seconds": 5.0 + length * epoch,
    }


def choose(config, tmp_path, name="search"):
    stage = Stage(tmp_path, name)
    return stage, sizes_in_time.choose_sizes(TASK, config, stage)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("minutes", [0.5, 3, 20, 90, 10_000])
def test_the_largest_size_with_enough_epochs(
    command, minutes, images, tmp_path
):
    """All sizes, and the number by its closed form: costs are linear."""
    config = COMMANDS[command](dataset=images, max_minutes=minutes)
    length = config.extended_by
    _, chosen = choose(config, tmp_path)
    sizes = TASK.sizes(config, images, 1)
    fitting = []
    for size in sizes.steps:
        one = cost_of(dataclasses.replace(config, **size(1)))
        left = 0.8 * 60 * minutes - one["first_step_seconds"]
        each = one["total_seconds"] - one["first_step_seconds"]
        fitting.append(min(max(int(left / each), 1), sizes.most))
    enough = [n for n, number in enumerate(fitting) if number >= sizes.least]
    rank = max(enough, default=0)
    number = fitting[rank]
    expected = dataclasses.replace(config, **sizes.steps[rank](number))
    # Within the seconds that this test takes.
    assert abs(getattr(chosen, length) - number) <= 1 + number / 20
    same = {length: number, "alpha_learning_rate": None}
    same = {n: v for n, v in same.items() if hasattr(chosen, n)}
    assert dataclasses.replace(chosen, **same) == dataclasses.replace(
        expected, **same
    )


def test_without_limit_or_with_given_epochs_nothing_is_measured(
    images, tmp_path, trials
):
    for command, make in COMMANDS.items():
        config = make(dataset=images)
        assert choose(config, tmp_path)[1] is config
        given = {config.extended_by: 3, "max_minutes": 5.0}
        config = make(dataset=images, **given)
        assert choose(config, tmp_path)[1] is config
    assert trials == []


def test_given_sizes_stay(images, tmp_path):
    config = COMMANDS["search"](
        dataset=images,
        **{"max_minutes": 30.0, "init_channels": 6, "image_size": 24},
        batch_size=5,
    )
    _, chosen = choose(config, tmp_path)
    assert (chosen.init_channels, chosen.image_size) == (6, 24)
    assert chosen.batch_size == 5 and chosen.epochs is not None


def test_the_preset_of_the_paper_chooses_epochs_alone(images, tmp_path):
    config = COMMANDS["train"](
        dataset=images, max_minutes=600.0, preset="paper"
    )
    _, chosen = choose(config, tmp_path)
    assert (chosen.init_channels, chosen.num_cells) == (36, 20)
    assert 0 < chosen.epochs < 600


def test_a_large_data_set_gets_a_small_search(tmp_path):
    """`--preset=auto` alone would take the paper's sizes."""
    pixels = np.zeros((25_000, 8, 8, 1), "uint8")
    data = tfdarts.from_arrays((pixels, np.arange(25_000) % 2))
    config = COMMANDS["search"](dataset=data, max_minutes=1.0)
    _, chosen = choose(config, tmp_path)
    assert (chosen.init_channels, chosen.num_cells) == (8, 5)
    assert (chosen.order, chosen.learning_rate) == (1, 0.05)


@pytest.mark.parametrize("strategy", ["p_darts", "drnas"])
def test_a_search_in_stages_keeps_their_sizes(
    strategy, images, tmp_path, trials
):
    stages = {"stage_channel_parts": "2"} if strategy == "drnas" else {}
    config = tfdarts.search_config(
        strategy, dataset=images, max_minutes=5.0, **stages
    )
    assert choose(config, tmp_path)[1] is config and trials == []


def test_a_text_keeps_its_sizes(tmp_path, trials):
    config = tfdarts.search_config("darts", dataset="pydoc", max_minutes=1.0)
    stage = Stage(tmp_path, "search")
    assert sizes_in_time.choose_sizes(TextTask(), config, stage) is config
    assert trials == []


def test_a_run_keeps_the_sizes_that_it_chose(
    images, tmp_path, monkeypatch, caplog, trials
):
    """The chosen side of images is restored, too, with other minutes."""
    settings = dataclasses.asdict(tiny_search.TINY)
    kept = ("num_nodes", "primitives", "init_channels", "num_cells")
    settings = {name: settings[name] for name in kept}
    settings |= {"dataset": images, "run_dir": tmp_path, "batch_size": 8}
    config = tfdarts.search_config("darts", max_minutes=3.0, **settings)

    def measure(config):
        """Takes steps, as `dry_run` does; says that they take long."""
        dry_run(config)
        slow = {"first_step_seconds": 0.0, "step_seconds": 1.0}
        return slow | {"epoch_seconds": 60.0, "total_seconds": 600.0}

    monkeypatch.setattr(sizes_in_time, "dry_run", measure)
    with caplog.at_level(logging.INFO, "tfdarts"):
        tfdarts.search(config)
    assert "search: --max_minutes=3 chooses --epochs=2 " in caplog.text
    recorded = json.loads((tmp_path / "search" / "config.json").read_text())
    assert recorded["image_size"] == 16
    assert recorded["chosen_for_max_minutes"] == sorted(
        ["alpha_learning_rate", "alpha_weight_decay", "crop_padding", "epochs"]
        + ["image_size", "learning_rate", "order"]
    )
    # The measured steps change no number of the run.
    chosen = {n: recorded[n] for n in recorded["chosen_for_max_minutes"]}
    given = settings | chosen | {"run_dir": tmp_path / "given"}
    tfdarts.search(tfdarts.search_config("darts", **given))
    found, expected = (
        np.load(path / "search" / "alphas.npz")
        for path in (tmp_path, given["run_dir"])
    )
    assert len(expected.files) == 2
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])
    monkeypatch.setattr(sizes_in_time, "dry_run", None)
    more = dataclasses.replace(config, max_minutes=60.0)
    assert isinstance(tfdarts.search(more), tfdarts.Genotype)
    status = json.loads((tmp_path / "search" / "status.json").read_text())
    assert status["epochs"] == recorded["epochs"]
    other = dataclasses.replace(config, image_size=20)
    with pytest.raises(ValueError, match="image_size: 16 recorded, 20 given"):
        tfdarts.search(other)
