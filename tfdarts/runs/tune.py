"""Tuning the settings of a training by keras-tuner."""

import dataclasses
import itertools
import logging
import pathlib
import time
from typing import Any

from tfdarts.console import show_progress
from tfdarts.duration import format_duration
from tfdarts.files import write_atomically
from tfdarts.records.json_files import read_json
from tfdarts.records.json_files import write_json
from tfdarts.records.lock import hold_lock
from tfdarts.records.recorded_settings import TIME_LIMIT
from tfdarts.records.run_directory import Stage
from tfdarts.runs.train import train
from tfdarts.runs.tuning_oracles import build_oracle
from tfdarts.settings.effect import flag_lines
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import require_config
from tfdarts.strategies.proposers.ask_tell import ask
from tfdarts.strategies.proposers.ask_tell import tell
from tfdarts.strategies.proposers.oracle_strategy import restore_oracle
from tfdarts.tasks.run_data import find_data
from tfdarts.tasks.task_registry import config_classes
from tfdarts.tasks.task_registry import task_of_config
from tfdarts.tasks.tuned_settings import TuneConfig
from tfdarts.tasks.tuned_settings import tuned_settings
from tfdarts.training.divergence import DivergedError
from tfdarts.training.memory import is_out_of_memory

logger = logging.getLogger("tfdarts")

OBJECTIVE = "validation"
"""What keras-tuner minimizes: the first number of a training's rank."""


@show_progress()
def tune(training: Settings, tuning: TuneConfig) -> list[dict[str, Any]]:
    """Tunes settings of a training on validation examples.

    Each trial trains the network from new weights, in `<run_dir>/trials`.
    Test examples are never read. An interrupted tuning resumes, and more
    `max_trials` continue it. `<run_dir>/tuned.cfg` is a flagfile for
    `tfdarts-train` with the best values.

    Args:
        training: `tfdarts.TrainConfig` or `tfdarts.RNNTrainConfig`, with a
            share of the examples for validation. Its `max_minutes` limits
            all trainings together.
        tuning: `tfdarts.TuneConfig`.

    Returns:
        List of dicts, one per trial, best first, as in `tuning.json` of the
        run directory.

    Raises:
        ValueError: If a setting is invalid, the run directory holds another
            tuning, or no training has finished.
        DataError: If the data do not fit the settings, or there are no
            validation examples.

    References:

    - [O'Malley et al., KerasTuner](https://github.com/keras-team/keras-tuner)
    - [Li et al., 2018](https://arxiv.org/abs/1603.06560), Hyperband
    """
    require_config("tune", training, *config_classes("train"))
    require_config("tune", tuning, TuneConfig)
    if not training.run_dir:
        raise ValueError("A tuning needs a run directory: give --run_dir.")
    run_dir = pathlib.Path(training.run_dir)
    task = task_of_config(training)
    training = task.apply_selection_preset(training)
    tuned = tuned_settings(tuning.tune, training, _side(training))
    with hold_lock(run_dir / "tuning.lock", "--run_dir"):
        _require_same(run_dir / "tuning_settings.json", training, tuning)
        oracle = build_oracle(
            *(tuning, tuned, OBJECTIVE, training.epochs, training.seed)
        )
        restore_oracle(oracle, run_dir)
        trials = _run_all(oracle, task, training, tuned, run_dir)
    # Of equal ones, the trainings of the most epochs are more certain.
    ranking = sorted(
        trials, key=lambda trial: (trial["rank"], -trial["epochs"])
    )
    if not ranking:
        raise ValueError(
            "No training of the tuning has finished with a result: give more "
            "--max_minutes, or other ranges in --tune."
        )
    write_json(run_dir / "tuning.json", ranking)
    names = [each.name for each in tuned]
    best = dataclasses.replace(training, **{n: ranking[0][n] for n in names})
    lines = flag_lines(best, ("run_dir", "validation_portion", TIME_LIMIT))
    write_atomically(run_dir / "tuned.cfg", "\n".join(lines) + "\n")
    return ranking


def _side(training):
    """Returns the shorter side of the images, or `None` for texts."""
    shape = getattr(find_data(training), "image_shape", None)
    return min(shape[:2]) if shape else None


def _require_same(path, training, tuning):
    """Raises `ValueError` if the directory holds another tuning."""
    changing = ("run_dir", "dataset", TIME_LIMIT, "max_trials")
    now = {
        field.name: str(getattr(each, field.name))
        for each in (training, tuning)
        for field in dataclasses.fields(each)
        if field.name not in changing
    }
    before = read_json(path) if path.exists() else now
    differing = [
        f"{name}: {before.get(name)} before, {now.get(name)} now"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
    if differing:
        raise ValueError(
            f"{path.parent} holds a tuning with other settings "
            f"({'; '.join(differing)}): give these, or another --run_dir."
        )
    write_json(path, now)


def _run_all(oracle, task, training, tuned, run_dir):
    """Trains with the values that the oracle proposes; returns the trials."""
    limit = 60 * getattr(training, TIME_LIMIT, 0)
    names = [each.name for each in tuned]
    begun = time.monotonic()
    for number in itertools.count(1):
        trial = ask(oracle)
        if trial is None:
            break
        config = _config_of(trial, names, training, run_dir)
        stage = Stage(config.run_dir, "train")
        if limit:
            left = limit - _seconds_spent(run_dir)
            if left <= 0:
                break
            before = stage.status().get("seconds", 0.0)
            config = dataclasses.replace(
                config, max_minutes=(before + left) / 60
            )
        shown = " ".join(f"--{n}={getattr(config, n):.4g}" for n in names)
        logger.info(
            "tune: training %d, %s, %d epochs, %s so far",
            *(number, shown, config.epochs),
            format_duration(time.monotonic() - begun),
        )
        value = _train(config, task)
        if stage.is_out_of_time:
            logger.info("tune: ended because of --max_minutes")
            break
        tell(oracle, trial, _worst(oracle) if value is None else value)
    return _finished(oracle, task, names, run_dir)


def _config_of(trial, names, training, run_dir):
    """Returns the settings of the training of a trial of keras-tuner."""
    values = trial.hyperparameters.values
    chosen = {name: values[name] for name in names}
    if "tuner/epochs" in values:
        chosen["epochs"] = values["tuner/epochs"]
    if training.takes_genotype:
        chosen["genotype"] = training.genotype or str(run_dir)
    path = run_dir / "trials" / trial.trial_id
    return dataclasses.replace(training, **chosen, run_dir=str(path))


def _train(config, task):
    """Returns what a training is ranked by; `None` if it failed."""
    try:
        return float(task.rank(train(config), config)[0])
    except DivergedError as error:
        logger.warning("tune: the training failed: %s", error)
    except Exception as error:  # Out of memory, in several classes.
        if not is_out_of_memory(error):
            raise
        logger.warning("tune: the training does not fit into memory")
    return None


def _worst(oracle):
    """Returns the worst value so far, which a failed training gets.

    Otherwise a model of the values would propose more like it.
    """
    scores = [trial.score for trial in oracle.trials.values()]
    return max((score for score in scores if score is not None), default=None)


def _seconds_spent(run_dir):
    """Returns the seconds of all trainings so far."""
    stages = [Stage(each, "train") for each in run_dir.glob("trials/*")]
    return sum(stage.status().get("seconds", 0.0) for stage in stages)


def _finished(oracle, task, names, run_dir):
    """Returns the trials that have finished, a list of dicts."""
    trials = []
    for trial_id, trial in sorted(oracle.trials.items()):
        stage = Stage(run_dir / "trials" / trial_id, "train")
        if trial.status != "COMPLETED" or not stage.finished:
            continue
        results, settings = stage.results(), stage.settings()
        trials.append(
            {
                "trial": trial_id,
                **{name: settings[name] for name in names},
                "epochs": settings["epochs"],
                "rank": trial.score,
                **{n: v for n, v in results.items() if "validation" in n},
                "seconds": results["seconds"],
            }
        )
    return trials
