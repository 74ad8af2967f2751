"""The same training with several seeds, and statistics over the seeds."""

import dataclasses
import logging
import os
import pathlib
import shlex
import statistics
from collections.abc import Sequence
from typing import Any

from tfdarts import arguments
from tfdarts.console import show_progress
from tfdarts.records.json_files import read_json
from tfdarts.records.json_files import write_json
from tfdarts.runs.evaluate import evaluate
from tfdarts.runs.train import train
from tfdarts.runs.workers import run_as_worker
from tfdarts.runs.workers import use_own_run_dir
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import require_config
from tfdarts.tasks.task_registry import config_classes
from tfdarts.training.distribution import distribution_of

logger = logging.getLogger("tfdarts")


@show_progress()
def train_seeds(config: Settings, seeds: Sequence[int]) -> dict[str, Any]:
    """Trains one network for each seed, each as a run of its own.

    Args:
        config: See `tfdarts.train`; its `seed` is ignored.
        seeds: Sequence of different integers, or one.

    Returns:
        Dict by metric: its `mean`, its `std` (of a sample; `None` for a
        single seed) and its `values`, in the order of the seeds.
        `seeds.json` in the run directory holds the dict under `"train"`.

    Raises:
        ValueError: See `train`.
    """
    require_config("train_seeds", config, *config_classes("train"))
    _require_run_dir(config.run_dir)
    seeds = arguments.seeds(seeds, "seeds")
    with (
        use_own_run_dir(
            None,
            distribution_of(config.distribute),
            **{"--seeds": str(seeds)},
        ),
        run_as_worker(config) as config,
    ):
        run_dir = pathlib.Path(config.run_dir)
        genotype = config.genotype
        if config.takes_genotype:
            genotype = genotype or str(run_dir)
        rows = []
        for seed in seeds:
            logger.info("train: seed %d of %s", seed, seeds)
            rows.append(
                train(
                    dataclasses.replace(
                        config,
                        seed=seed,
                        genotype=genotype,
                        run_dir=str(run_dir / f"seed{seed}"),
                    )
                )
            )
        return _summarize(run_dir, "train", seeds, rows)


@show_progress()
def evaluate_seeds(
    run_dir: str | os.PathLike,
    seeds: Sequence[int],
    batch_size: int = 128,
    dataset: Any = None,
    distribute: str = "none",
) -> dict[str, Any]:
    """Tests the networks of `train_seeds`.

    Args:
        run_dir: Path, the run directory of `train_seeds`.
        seeds: Sequence of different integers, or one.
        batch_size: See `evaluate`.
        dataset: See `evaluate`.
        distribute: See `evaluate`.

    Returns:
        See `train_seeds`; `seeds.json` holds the dict under `"evaluate"`.

    Raises:
        ValueError: See `evaluate`.
    """
    seeds = arguments.seeds(seeds, "seeds")
    run_dir = arguments.path_text(run_dir, "run_dir")
    with use_own_run_dir(
        _require_run_dir(run_dir),
        distribution_of(distribute),
        **{"--seeds": str(seeds)},
    ) as run_dir:
        run_dir = pathlib.Path(run_dir)
        missing = [s for s in seeds if not (run_dir / f"seed{s}").is_dir()]
        if missing:
            listed = ",".join(map(str, seeds))
            words = [
                "tfdarts-train",
                f"--run_dir={run_dir}",
                f"--seeds={listed}",
            ]
            raise ValueError(
                f"{run_dir} holds no training of seed {missing[0]}: run "
                f"{shlex.join(words)} first."
            )
        rows = [
            evaluate(run_dir / f"seed{seed}", batch_size, dataset, distribute)
            for seed in seeds
        ]
        return _summarize(run_dir, "evaluate", seeds, rows)


def _require_run_dir(run_dir):
    if not run_dir:
        raise ValueError("Several seeds need a run directory: give --run_dir.")
    return run_dir


def _summarize(run_dir, name, seeds, rows):
    """Writes and returns the statistics over the seeds."""
    figures = [
        key
        for key, value in rows[0].items()
        if isinstance(value, (int, float)) and all(key in row for row in rows)
    ]
    summary = {key: _statistics([row[key] for row in rows]) for key in figures}
    path = run_dir / "seeds.json"
    before = read_json(path) if path.exists() else {}
    if any("test_loss" not in row for row in rows):
        # The tests are of networks with fewer epochs of training.
        before.pop("evaluate", None)
    write_json(path, {**before, name: {"seeds": seeds, **summary}})
    return summary


def _statistics(values):
    return {
        "mean": statistics.mean(values),
        "std": statistics.stdev(values) if len(values) > 1 else None,
        "values": values,
    }
