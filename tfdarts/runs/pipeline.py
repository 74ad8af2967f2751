"""The pipeline from data to an exported model."""

import contextlib
import logging
from typing import Any

from tfdarts.console import show_progress
from tfdarts.records.json_files import read_json
from tfdarts.records.recorded_settings import TIME_LIMIT
from tfdarts.records.run_directory import Stage
from tfdarts.runs.evaluate import evaluate
from tfdarts.runs.export import export
from tfdarts.runs.export import exported_versions
from tfdarts.runs.search import search
from tfdarts.runs.search_configs import all_search_configs
from tfdarts.runs.train import train
from tfdarts.runs.workers import run_as_worker
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import require_config
from tfdarts.tasks.task_registry import task_of_config
from tfdarts.training.divergence import DivergedError

logger = logging.getLogger("tfdarts")


@show_progress()
def pipeline(search_config: Settings, train_config: Settings) -> dict[str, Any]:
    """Searches, trains, tests and exports; skips stages that are done.

    Args:
        search_config: See `tfdarts.search`.
        train_config: See `tfdarts.train`; with the same run directory.

    Returns:
        Dict of the results in `train/results.json`, and under
        `"saved_model"` the path of the exported version.
    """
    require_config("pipeline", search_config, *all_search_configs())
    if getattr(search_config, "chief", None):
        raise ValueError(
            "--chief makes a worker of tfdarts-search, which trains and "
            "exports nothing: start workers by tfdarts-search."
        )
    task = task_of_config(search_config)
    with _prefix_training_errors():
        require_config("pipeline", train_config, task.configs["train"])
    with (
        run_as_worker(search_config) as search_config,
        run_as_worker(train_config) as train_config,
    ):
        # Fail before the search, not after it.
        training = task.training
        with _prefix_training_errors():
            training.require_data(
                train_config, training.distribution_of(train_config)
            )
        _require_same_genotype(search_config, train_config)
        search(search_config)
        with _prefix_training_errors():
            results = train(train_config)
        if "test_loss" in results:
            logger.info("evaluate: already done")
        else:
            results = evaluate(
                train_config.run_dir,
                dataset=train_config.dataset,
                distribute=train_config.distribute,
            )
        exported = _newest_export(train_config)
        if exported:
            logger.info("export: already done, in %s", exported)
        else:
            exported = export(train_config.run_dir)["saved_model"]
        return {**results, "saved_model": str(exported)}


@contextlib.contextmanager
def _prefix_training_errors():
    """Prefixes errors, to say that they concern the flags of the training."""
    try:
        yield
    except (ValueError, MemoryError, DivergedError) as error:
        error.args = (
            f"In the training, whose own flags begin with --train_: {error}",
        )
        raise


def _require_same_genotype(search_config, train_config):
    """Raises `ValueError` if the search could replace a trained cell."""
    stage = Stage(search_config.run_dir, "search")
    training = Stage(train_config.run_dir, "train")
    if not stage.finished or stage.is_complete(search_config):
        return
    if not (training.status().get("epoch") or training.finished):
        return
    before, length = stage.settings(), search_config.extended_by
    if getattr(search_config, length) in (None, before[length]):
        length = TIME_LIMIT  # The search has ended by its time.
    raise ValueError(
        f"{training.path} trains the cell that was found with "
        f"--{length}={before[length]}; with "
        f"--{length}={getattr(search_config, length)} the search may find "
        "another cell. Give another --run_dir, or for a longer training of "
        "the same cell raise --train_epochs or --train_max_minutes."
    )


def _newest_export(config):
    """Returns the path of the export of the last training, or `None`."""
    name = task_of_config(config).data_name(config.dataset)
    versions = exported_versions(config.run_dir, name)
    if not versions:
        return None
    card = versions[-1] / "model_card.json"
    # An export of fewer epochs is older than the present training.
    exported = read_json(card)["training"] if card.exists() else {}
    trained = Stage(config.run_dir, "train").settings()
    lengths = [
        (settings.get("epochs"), settings.get(TIME_LIMIT) or 0)
        for settings in (exported, trained)
    ]
    return versions[-1] if lengths[0] == lengths[1] else None
