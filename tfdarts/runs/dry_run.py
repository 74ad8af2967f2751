"""One step of each kind, to predict the cost of a search or a training."""

import dataclasses
import functools
import tempfile
import time
from typing import Any

from tfdarts.runs.alpha_movement import warn_of_short_path
from tfdarts.runs.evaluator_registry import get_evaluator
from tfdarts.runs.from_scratch import FromScratchEvaluator
from tfdarts.runs.heartbeat import heartbeat
from tfdarts.runs.search_configs import all_search_configs
from tfdarts.runs.search_configs import strategy_of_config
from tfdarts.runs.shared_weights import SharedWeightsEvaluator
from tfdarts.runs.stages_of_search import plan_stages
from tfdarts.runs.stages_of_search import space_of_stage
from tfdarts.runs.supernet_search import checkpoint_of
from tfdarts.runs.supernet_search import curvature_callbacks
from tfdarts.runs.workers import run_as_worker
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import require_config
from tfdarts.tasks.task_registry import config_classes
from tfdarts.tasks.task_registry import task_of_config
from tfdarts.training.memory import peak_process_bytes
from tfdarts.training.memory import require_memory

STEPS = 3
"""Number of timed steps; the first step builds the graphs and is extra."""


def dry_run(config: Settings) -> dict[str, Any]:
    """Runs one step of everything that a command does; leaves no files.

    Args:
        config: See `tfdarts.search` and `tfdarts.train`. `run_dir` is only
            needed for the genotype of a training.

    Returns:
        Dict: `first_step_seconds`, including building the graphs;
        `step_seconds`; `steps_per_epoch`; `epochs`; `epoch_seconds`, with
        validation, checkpoint and, if `early_stop` reads it, the
        curvature; `total_seconds`, without early stopping; `data_wait`, the
        share of the timed steps spent waiting for batches; and
        `memory_bytes`, the peak memory of the process, on its GPUs if it has
        any. Epochs of alpha's warm-up take less time. A search in stages has
        such a dict for each stage, in the list `stages`; the search itself
        has the figures of its first stage, with the `epochs`,
        `total_seconds` and `memory_bytes` of all. Each stage keeps the
        primitives that are strongest after a few steps of the stage before,
        and the decisions of `derivation="perturbation"` are not timed.

    Raises:
        ValueError: If a setting is invalid.
        DataError: If the data do not fit the settings.
        MemoryError: If a step needs more memory than is available.
    """
    searching = tuple(all_search_configs())
    require_config("dry_run", config, *searching, *config_classes("train"))
    task = task_of_config(config)
    if isinstance(config, searching):
        strategy_of_config(config)
    if config.extended_by == "num_candidates":
        return _dry_run_candidates(config, task)
    with run_as_worker(config) as config:
        searches = isinstance(config, searching)
        with heartbeat("dry run: reading the data and building the network"):
            work = (task.search if searches else task.training)(config)
        if not searches:
            return _measure(work, work.model, work.checkpoint)
        warn_of_short_path(work.config, work.steps_per_epoch)
        return _measure_stages(work)


def _measure_stages(work):
    """Measures the stages of a search; returns the dict of `dry_run`."""
    stages, configs = plan_stages(work.config)
    space = work.config.search_space
    costs = [_measure_search(work, is_last=len(stages) == 1)]
    for stage, config in zip(stages[1:], configs[1:]):
        before = work.darts
        probabilities = before.probabilities()
        space = space_of_stage(stage, space, probabilities)
        with heartbeat("dry run: building the network of the next stage"):
            work.begin_stage(config.in_space(space))
        if stage.carry is not None:
            stage.carry(before, work.darts)
        costs.append(_measure_search(work, is_last=stage is stages[-1]))
    if len(costs) == 1:
        return costs[0]
    return {
        **costs[0],
        "epochs": sum(cost["epochs"] for cost in costs),
        "total_seconds": sum(cost["total_seconds"] for cost in costs),
        "memory_bytes": costs[-1]["memory_bytes"],
        "stages": costs,
    }


def _measure_search(work, is_last):
    """Measures one stage of a search; returns the dict of `dry_run`."""
    darts = work.darts
    # Every timed step shall update alpha.
    darts.alpha_warmup_steps = 0
    work.config = dataclasses.replace(work.config, alpha_warmup_epochs=0)
    curvatures = curvature_callbacks(work) if is_last else []
    return _measure(
        work,
        darts,
        functools.partial(checkpoint_of, darts),
        lambda: sum(_eigenvalue_seconds(darts, c) for c in curvatures),
    )


def _dry_run_candidates(config, task):
    """Returns the cost of a search from the cost of one candidate."""
    evaluator = get_evaluator(config.evaluator)
    if issubclass(evaluator, SharedWeightsEvaluator):
        # Scoring is not counted, nor is that of `random_sharing`.
        selection = task.apply_selection_preset(config)
        return dry_run(evaluator(task, selection).supernet_config())
    if not issubclass(evaluator, FromScratchEvaluator):
        raise ValueError(
            "A dry run predicts the cost of trainings, and the evaluator "
            f"{config.evaluator} need not train: its cost is not known. "
            "Search a few candidates instead, --num_candidates=2."
        )
    selection = task.apply_selection_preset(config)
    genotype = config.search_space.sample(0)
    first = evaluator(task, selection).training_config(genotype, None)
    cost = dry_run(first)
    return {
        **cost,
        "epochs": cost["epochs"] * config.num_candidates,
        "total_seconds": cost["total_seconds"] * config.num_candidates,
    }


def _measure(work, model, checkpoint, other_seconds=lambda: 0):
    """Measures the steps of a model; returns the dict of `dry_run`.

    Args:
        work: The data and settings of the search or training.
        model: Keras model to fit.
        checkpoint: Function of a directory that returns the callback.
        other_seconds: Function that returns the other seconds of an epoch.
    """
    epochs = work.config.epochs
    # The data set must have enough batches for all timed steps.
    work.config = dataclasses.replace(
        work.config, epochs=max(epochs, 1 + STEPS)
    )
    batches = work.batches()
    with heartbeat("dry run: building the graphs, which takes a while"):
        first = _seconds(lambda: require_memory(work.least_bytes()))
        # With several replicas, only `fit` builds all metrics first.
        first += _seconds(
            lambda: model.fit(
                batches, steps_per_epoch=1, verbose=0, shuffle=False
            )
        )
    timed = _TimedSteps(model, batches)
    with heartbeat("dry run: measuring steps, validation and checkpoint"):
        timed.do()  # Its batch waits until the data pipeline has started.
        timed.waited = 0.0
        step = sum(_seconds(timed.do) for _ in range(STEPS)) / STEPS
        epoch = work.steps_per_epoch * step + _seconds(
            lambda: _save(checkpoint)
        )
        validation = work.validation_batches()
        if validation is not None:
            # The first step of `evaluate` builds another graph.
            model.evaluate(validation, steps=1, verbose=0)
            steps = work.validation_steps
            epoch += _seconds(
                lambda: model.evaluate(validation, steps=steps, verbose=0)
            )
        epoch += other_seconds()
    return {
        "first_step_seconds": first,
        "step_seconds": step,
        "steps_per_epoch": work.steps_per_epoch,
        "epochs": epochs,
        "epoch_seconds": epoch,
        "total_seconds": first + epochs * epoch,
        "data_wait": timed.waited / (STEPS * step),
        "memory_bytes": peak_process_bytes(),
    }


class _TimedSteps:
    """Runs steps of a model and counts the seconds of waiting for batches."""

    def __init__(self, model, batches):
        self.model = model
        self.batches = iter(batches)
        self.waited = 0.0

    def do(self):
        started = time.monotonic()
        batch = next(self.batches)
        self.waited += time.monotonic() - started
        float(self.model.train_function(iter([batch]))["loss"])


def _seconds(function):
    started = time.monotonic()
    function()
    return time.monotonic() - started


def _eigenvalue_seconds(darts, callback):
    callback.set_model(darts)
    callback.on_epoch_end(0, {})  # The first call builds another graph.
    return _seconds(lambda: callback.on_epoch_end(0, {}))


def _save(checkpoint):
    with tempfile.TemporaryDirectory() as directory:
        checkpoint(directory).on_epoch_end(0)
