"""Training the network of a genotype."""

import functools
import logging
from typing import Any

from tfdarts.console import show_progress
from tfdarts.files import write_atomically
from tfdarts.models.inherited_weights import inherit_weights
from tfdarts.records.json_files import write_json
from tfdarts.records.pictures import optional_pictures
from tfdarts.records.pictures import redraw_advice
from tfdarts.records.progress import MetricsFile
from tfdarts.records.progress import tensorboard_callbacks
from tfdarts.records.run_directory import Stage
from tfdarts.runs.evaluate import load_network
from tfdarts.runs.fitting import agree_on_start
from tfdarts.runs.fitting import fit
from tfdarts.runs.sizes_in_time import choose_sizes
from tfdarts.runs.stages import run_stage
from tfdarts.runs.time_budget import report_finished
from tfdarts.runs.time_budget import time_limit_of
from tfdarts.runs.visualize import draw_curves_of
from tfdarts.runs.workers import run_as_worker
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import require_config
from tfdarts.tasks.networks import count_parameters
from tfdarts.tasks.networks import save_network
from tfdarts.tasks.task_registry import config_classes
from tfdarts.tasks.task_registry import task_of_config
from tfdarts.training.divergence import DivergedError

logger = logging.getLogger("tfdarts")


@show_progress()
def train(config: Settings) -> dict[str, Any]:
    """Trains a genotype's network and writes it to the run directory.

    The test examples are not read; `evaluate` reads them. An interrupted
    training resumes after its last whole epoch, and so does a training whose
    number of epochs is raised.

    Args:
        config: `tfdarts.TrainConfig`, or for texts
            `tfdarts.RNNTrainConfig`.

    Returns:
        Dict of the results in `train/results.json`.

    Raises:
        ValueError: If a setting is invalid, or the run directory holds a
            training with other settings.
        DataError: If the data do not fit the settings.
        DivergedError: If the loss becomes NaN; for a language model, if it
            still does after going back three times.
    """
    return train_from(config, None)


def train_from(config, parent_dir):
    """Trains a network that inherits weights; see `train`.

    Args:
        config: See `train`.
        parent_dir: Path of the training whose weights the network inherits
            where it has the same layers, or `None`.
    """
    require_config("train", config, *config_classes("train"))
    task = task_of_config(config)
    with run_as_worker(config) as config:
        stage = Stage(config.run_dir, "train")
        config = choose_sizes(task, stage.restore_choices(config), stage)
        work = task.training(config)
        run_stage(stage, work, functools.partial(_finish, parent_dir))
        return stage.results()


def _finish(parent_dir, work, stage):
    """Trains the network, and writes the results and their curves."""
    limit = time_limit_of(stage, work.config, work.distribution)
    results = _fit(work, stage, parent_dir, limit)
    write_json(stage.path / "results.json", results)
    with optional_pictures(
        "The training is done", redraw_advice(stage.run_dir)
    ):
        draw_curves_of(stage)
    report_finished(
        *(stage, limit.has_ended, "the network is saved as it is", work.config),
        epochs=work.config.epochs,
    )


def _fit(work, stage, parent_dir, limit):
    """Trains to the end, writes the network, returns the results."""
    for name, text in work.files.items():
        write_atomically(stage.path / name, text)
    while True:
        try:
            metrics = _fit_once(work, stage, parent_dir, limit)
            break
        except DivergedError as error:
            work.roll_back(error)
    save_network(work.saved_model(), stage)
    return {
        "num_parameters": count_parameters(work.network),
        **task_of_config(work.config).cost(work.network),
        **work.sizes,
        "seconds": round(stage.seconds, 1),
        **work.results(metrics.rows),
    }


def _fit_once(work, stage, parent_dir, limit):
    """Trains to the end, or until the loss is NaN; returns the metrics."""
    logger.info(
        "train: %s; %s parameters",
        work.describe(),
        f"{count_parameters(work.network):,}",
    )
    metrics = MetricsFile(stage.path / "metrics.csv", 0)
    callbacks = work.callbacks(lambda: metrics.rows)
    checkpoint = work.checkpoint(stage.path / "checkpoints")
    first_epoch = work.restore(checkpoint)
    if parent_dir is not None and not first_epoch:
        _inherit(work.network, parent_dir)
    agree_on_start(
        *(work, stage, first_epoch),
        **{
            "the genotype": work.genotype,
            "the weights": checkpoint.variables,
        },
    )
    metrics.resume_from(first_epoch)
    records = [metrics, *tensorboard_callbacks(work.config, stage, metrics)]
    fit(
        *(work.model, work, stage, first_epoch, callbacks, records),
        *(checkpoint, limit),
    )
    return metrics


def _inherit(network, parent_dir):
    """Copies the weights that a network inherits, and logs their number."""
    parent, _ = load_network(Stage(parent_dir, "train"))
    copied = inherit_weights(network, parent)
    logger.info(
        "train: inherits %d of %d weights", copied, len(network.weights)
    )
