"""Searching a cell."""

import functools
import logging

import keras

from tfdarts.console import show_progress
from tfdarts.genotypes import Genotype
from tfdarts.runs.alpha_movement import unmoved_warning
from tfdarts.runs.alpha_movement import warn_of_short_path
from tfdarts.runs.data import recorded
from tfdarts.runs.early_stop import Curvature
from tfdarts.runs.early_stop import EarlyStop
from tfdarts.runs.pictures import draw_again
from tfdarts.runs.pictures import optional_pictures
from tfdarts.runs.progress import DataWait
from tfdarts.runs.progress import MetricsFile
from tfdarts.runs.progress import Progress
from tfdarts.runs.progress import tensorboard
from tfdarts.runs.run_directory import Stage
from tfdarts.runs.search_record import SearchRecord
from tfdarts.runs.visualize import draw_run
from tfdarts.runs.workers import SameOnAllWorkers
from tfdarts.runs.workers import as_worker
from tfdarts.runs.workers import require_agreement
from tfdarts.settings.fields import require_config
from tfdarts.strategies.early_stop import MOST_SKIPS
from tfdarts.tasks.registry import config_classes
from tfdarts.tasks.registry import task_of_config
from tfdarts.training.checkpoints import EpochCheckpoint
from tfdarts.training.divergence import StopOnNaN
from tfdarts.training.memory import require_memory
from tfdarts.training.schedules import LearningRate

logger = logging.getLogger("tfdarts")


@show_progress()
def search(config):
    """Searches a cell and leaves its genotype in the run directory.

    A search that was interrupted goes on after its last whole epoch, and so
    does one that is given more epochs than before; one that has finished only
    returns its genotype.

    Args:
        config: `tfdarts.tasks.configs.SearchConfig`, or for texts
            `tfdarts.tasks.rnn_configs.RNNSearchConfig`.

    Returns:
        The `Genotype` found.

    Raises:
        ValueError: If a setting cannot be, or the run directory holds a
            search with other settings.
        DataError: If the data do not fit the settings.
        DivergedError: If the loss becomes NaN.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055)
    """
    require_config("search", config, *config_classes("search"))
    task = task_of_config(config)
    with as_worker(config) as config:
        stage = Stage(config.run_dir, "search")
        work = task.search(stage.as_begun(config))
        config = work.config  # What follows from the data is chosen.
        stage.replicas = work.distribution.num_replicas_in_sync
        begin = functools.partial(
            stage.begin,
            recorded(config, work.source),
            fingerprint=work.source.fingerprint,
            **work.derived,
        )
        if stage.is_complete(config):
            begin()
            logger.info("search: already finished, in %s", stage.path)
        else:
            with stage.running():
                begin()
                record, best = _fit(config, work, stage)
                genotype = record.genotypes[best - 1]
                genotype.save(stage.run_dir / "genotype.json")
                stage.report(
                    "running", epochs=len(record.genotypes), best_epoch=best
                )
                with optional_pictures(
                    "The search is done", draw_again(stage.run_dir)
                ):
                    draw_run(stage.run_dir)
                _warn_of_skips(genotype)
                unmoved = unmoved_warning(record.probabilities_of(best))
                if unmoved:
                    logger.warning("search: %s", unmoved)
                stage.report(
                    "finished", **({"warning": unmoved} if unmoved else {})
                )
        return Genotype.load(stage.run_dir / "genotype.json")


def _fit(config, work, stage):
    """Searches to the end; returns the record and the best epoch."""
    darts = work.darts
    supernet = darts.supernet
    logger.info(
        "search: %s; %s weights, %d alphas",
        work.describe(),
        f"{_size(supernet.network_weights):,}",
        _size(supernet.alpha_variables),
    )
    warn_of_short_path(config, work.steps_per_epoch)
    checkpoint = checkpoint_of(darts, stage.path / "checkpoints")
    first_epoch = checkpoint.restore()
    if first_epoch:
        logger.info("search: going on after epoch %d", first_epoch)
    require_agreement(
        work.distribution,
        **{
            "the data": work.source.fingerprint,
            "the epoch to go on from": first_epoch,
            "the weights": supernet.variables,
        },
    )
    record = SearchRecord(stage.path, darts, first_epoch)
    metrics = MetricsFile(
        stage.path / "metrics.csv", first_epoch, stage="search"
    )
    early_stop = EarlyStop(config, record, metrics)
    if early_stop.best_epoch() is not None:
        early_stop.report()
        return record, early_stop.best_epoch()
    darts.fit(
        work.batches(first_epoch),
        epochs=config.epochs,
        initial_epoch=first_epoch,
        steps_per_epoch=work.steps_per_epoch,
        validation_data=work.validation_batches(),
        callbacks=[
            StopOnNaN(),
            *work.callbacks,
            LearningRate(),
            DataWait(),
            *curvature(work),
            record,
            metrics,
            early_stop,
            *tensorboard(config, stage, metrics),
            SameOnAllWorkers(work.distribution, checkpoint.variables),
            checkpoint,
            Progress(stage, config.epochs, work.steps_per_epoch, work.logged),
            keras.callbacks.LambdaCallback(
                on_train_begin=lambda logs: require_memory(work.least_bytes())
            ),
        ],
        shuffle=False,
        verbose=0,
    )
    early_stop.report()
    return record, early_stop.best_epoch()


def checkpoint_of(darts, directory):
    """Returns the callback that keeps all that a search changes."""
    return EpochCheckpoint(
        directory,
        supernet=darts.supernet.variables,
        weight_optimizer=darts.optimizer.variables,
        alpha_optimizer=darts.alpha_optimizer.variables,
    )


def curvature(work):
    """Returns the callbacks that measure it, one or none.

    Args:
        work: What `tfdarts.tasks.task.Task.search` returned.
    """
    config = work.config
    if config.early_stop != "hessian":
        return []
    return [Curvature(work.curvature_batch(), config.alpha_warmup_epochs)]


def _warn_of_skips(genotype):
    skips = genotype.num_skip_connections
    if skips > MOST_SKIPS:
        logger.warning(
            "search: %d of the %d edges of the normal cell are skip "
            "connections. Such cells make poor networks as a rule: the search "
            "may have collapsed. Fewer epochs or an early stop may find a "
            "better cell.",
            skips,
            len(genotype.normal),
        )


def _size(variables):
    return sum(int(keras.ops.size(variable)) for variable in variables)
