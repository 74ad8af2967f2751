"""From data to a server in one go."""

import logging

from tfdarts.console import show_progress
from tfdarts.data.sources import directory_name
from tfdarts.runs.evaluate import evaluate
from tfdarts.runs.export import export
from tfdarts.runs.export import exported_versions
from tfdarts.runs.search import search
from tfdarts.runs.train import kind_of_training
from tfdarts.runs.train import train
from tfdarts.runs.workers import meet
from tfdarts.runs.workers import of_this_worker

logger = logging.getLogger("tfdarts")


@show_progress()
def pipeline(search_config, train_config):
    """Searches, trains, tests and exports, whatever of it is still to do.

    Args:
        search_config: See `tfdarts.search`.
        train_config: See `tfdarts.train`; of the same run directory.

    Returns:
        The results, a dict: what `train/results.json` holds, and under
        `"saved_model"` the path of the exported version.
    """
    search_config = of_this_worker(search_config)
    train_config = of_this_worker(train_config)
    # Before the search, not behind it.
    training = kind_of_training(train_config)
    replicas = training.replicas_of(train_config)
    training.require_data(train_config, replicas)
    search(search_config)
    results = train(train_config)
    if "test_loss" in results:
        logger.info("evaluate: already done")
    else:
        results = evaluate(
            train_config.run_dir,
            dataset=train_config.dataset,
            distribute=train_config.distribute,
        )
    exported = exported_versions(
        train_config.run_dir, directory_name(train_config.dataset)
    )
    if exported:
        logger.info("export: already there, in %s", exported[-1])
    else:
        exported = [export(train_config.run_dir)["saved_model"]]
    meet(replicas)
    return {**results, "saved_model": str(exported[-1])}
