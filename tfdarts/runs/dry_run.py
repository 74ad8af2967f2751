"""One step of everything, to know what a search will cost."""

import dataclasses
import tempfile
import time

from tfdarts.runs.search import checkpoint_of
from tfdarts.runs.search import curvature
from tfdarts.runs.search import prepared
from tfdarts.runs.workers import of_this_worker
from tfdarts.training.memory import most_held_bytes
from tfdarts.training.memory import require_memory

STEPS = 3
"""Steps that are timed, behind the first, which builds the graphs."""


def dry_run(config):
    """Does one step of everything that a search does, and leaves nothing.

    Args:
        config: See `tfdarts.search`. It needs no `run_dir`.

    Returns:
        Dict: `first_step_seconds`, with the building of the graphs;
        `step_seconds`; `steps_per_epoch`; `epoch_seconds`, with validation
        checkpoint and, for `early_stop="hessian"`, its eigenvalue;
        `search_seconds`, without an early stop; `data_wait`, the share of the
        timed steps spent waiting for batches; and `memory_bytes`, the most
        that the process has held, on its GPUs if it has any. Epochs of
        alpha's warm-up take less.

    Raises:
        ValueError: If a setting cannot be.
        DataError: If the data do not fit the settings.
        MemoryError: If a step needs more memory than there is.
    """
    config = of_this_worker(config)
    work = prepared(config)
    darts = work.darts
    darts.alpha_warmup_steps = 0
    # As many epochs as it takes, all of them with batches for alpha.
    work.config = dataclasses.replace(
        work.config,
        epochs=max(config.epochs, 1 + STEPS),
        alpha_warmup_epochs=0,
    )
    pairs = work.batches()
    tracing = _seconds(lambda: require_memory(work.least_bytes(pairs)))
    darts.make_train_function()
    pairs = iter(pairs)

    def do_step():
        darts.train_function(pairs)["loss"].numpy()

    first = tracing + _seconds(do_step)
    waited = darts.seconds_waited
    step = sum(_seconds(do_step) for _ in range(STEPS)) / STEPS
    waited = darts.seconds_waited - waited
    validation = work.validation_batches()
    # This builds a graph, too.
    darts.evaluate(validation.take(1), verbose=0)
    epoch = (
        work.steps_per_epoch * step
        + _seconds(lambda: darts.evaluate(validation, verbose=0))
        + _seconds(lambda: _save(darts))
        + sum(_eigenvalue_seconds(darts, c) for c in curvature(work))
    )
    return {
        "first_step_seconds": first,
        "step_seconds": step,
        "steps_per_epoch": work.steps_per_epoch,
        "epoch_seconds": epoch,
        "search_seconds": first + config.epochs * epoch,
        "data_wait": waited / (STEPS * step),
        "memory_bytes": most_held_bytes(),
    }


def _seconds(function):
    started = time.monotonic()
    function()
    return time.monotonic() - started


def _eigenvalue_seconds(darts, callback):
    callback.set_model(darts)
    callback.on_epoch_end(0, {})  # This builds a graph, too.
    return _seconds(lambda: callback.on_epoch_end(0, {}))


def _save(darts):
    with tempfile.TemporaryDirectory() as directory:
        checkpoint_of(darts, directory).on_epoch_end(0)
