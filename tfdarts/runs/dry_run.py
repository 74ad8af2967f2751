"""One step of everything, to know what a search or a training will cost."""

import dataclasses
import functools
import tempfile
import time

from tfdarts.runs.alpha_movement import warn_of_short_path
from tfdarts.runs.from_scratch import FromScratch
from tfdarts.runs.heartbeat import heartbeat
from tfdarts.runs.search_configs import all_search_configs
from tfdarts.runs.supernet_search import checkpoint_of
from tfdarts.runs.supernet_search import curvature
from tfdarts.runs.workers import as_worker
from tfdarts.settings.fields import require_config
from tfdarts.tasks.registry import config_classes
from tfdarts.tasks.registry import task_of_config
from tfdarts.training.memory import most_held_bytes
from tfdarts.training.memory import require_memory

STEPS = 3
"""Steps that are timed, behind the first, which builds the graphs."""


def dry_run(config):
    """Does one step of all that a command does, and leaves nothing.

    Args:
        config: See `tfdarts.search` and `tfdarts.train`. It needs no
            `run_dir`, but for the genotype of a training.

    Returns:
        Dict: `first_step_seconds`, with the building of the graphs;
        `step_seconds`; `steps_per_epoch`; `epochs`; `epoch_seconds`, with
        validation, checkpoint and, for `early_stop="hessian"`, its
        eigenvalue; `total_seconds`, without an early stop; `data_wait`, the
        share of the timed steps spent waiting for batches; and
        `memory_bytes`, the most that the process has held, on its GPUs if it
        has any. Epochs of alpha's warm-up take less.

    Raises:
        ValueError: If a setting cannot be.
        DataError: If the data do not fit the settings.
        MemoryError: If a step needs more memory than there is.
    """
    searching = tuple(all_search_configs())
    require_config("dry_run", config, *searching, *config_classes("train"))
    task = task_of_config(config)
    if config.extended_by == "num_candidates":
        return _of_candidates(config, task)
    with as_worker(config) as config:
        searches = isinstance(config, searching)
        with heartbeat("dry run: reading the data and building the network"):
            work = (task.search if searches else task.training)(config)
        if not searches:
            return _measured(work, work.model, work.checkpoint)
        warn_of_short_path(work.config, work.steps_per_epoch)
        darts = work.darts
        # All steps move alpha.
        darts.alpha_warmup_steps = 0
        work.config = dataclasses.replace(work.config, alpha_warmup_epochs=0)
        return _measured(
            work,
            darts,
            functools.partial(checkpoint_of, darts),
            lambda: sum(_eigenvalue_seconds(darts, c) for c in curvature(work)),
        )


def _of_candidates(config, task):
    """The cost of a search that trains candidates, from that of one."""
    settled = task.settle_selection(config)
    first = FromScratch(task, settled).training_config("random:0", None)
    cost = dry_run(first)
    return {
        **cost,
        "epochs": cost["epochs"] * config.num_candidates,
        "total_seconds": cost["total_seconds"] * config.num_candidates,
    }


def _measured(work, model, checkpoint, other_seconds=lambda: 0):
    """Returns what `dry_run` returns.

    Args:
        work: What is searched or trained with.
        model: Keras model, what is fitted.
        checkpoint: Function of a directory that returns the callback.
        other_seconds: Function that returns what else an epoch takes.
    """
    epochs = work.config.epochs
    # As many as it takes.
    work.config = dataclasses.replace(
        work.config, epochs=max(epochs, 1 + STEPS)
    )
    batches = work.batches()
    with heartbeat("dry run: building the graphs, which takes a while"):
        first = _seconds(lambda: require_memory(work.least_bytes()))
        # Where devices share a batch, only `fit` builds all metrics first.
        first += _seconds(
            lambda: model.fit(
                batches, steps_per_epoch=1, verbose=0, shuffle=False
            )
        )
    timed = _TimedSteps(model, batches)
    with heartbeat("dry run: measuring steps, validation and checkpoint"):
        timed.do()  # The reading of the data begins once more.
        timed.waited = 0.0
        step = sum(_seconds(timed.do) for _ in range(STEPS)) / STEPS
        epoch = work.steps_per_epoch * step + _seconds(
            lambda: _save(checkpoint)
        )
        validation = work.validation_batches()
        if validation is not None:
            # This builds a graph, too.
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
        "memory_bytes": most_held_bytes(),
    }


class _TimedSteps:
    """Steps of a model, and how long they waited for batches."""

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
    callback.on_epoch_end(0, {})  # This builds a graph, too.
    return _seconds(lambda: callback.on_epoch_end(0, {}))


def _save(checkpoint):
    with tempfile.TemporaryDirectory() as directory:
        checkpoint(directory).on_epoch_end(0)
