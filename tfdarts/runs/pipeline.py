"""From data to a server in one go."""

import logging

from tfdarts.runs.evaluate import evaluate
from tfdarts.runs.export import export
from tfdarts.runs.export import export_directory
from tfdarts.runs.run_directory import Stage
from tfdarts.runs.search import search
from tfdarts.runs.train import train

logger = logging.getLogger("tfdarts")


def pipeline(search_config, train_config):
    """Searches, trains, tests and exports, whatever of it is still to do.

    Args:
        search_config: `tfdarts.runs.configs.SearchConfig`.
        train_config: `tfdarts.runs.configs.TrainConfig` of the same run
            directory.

    Returns:
        The results, a dict: what `train/results.json` holds, and under
        `"saved_model"` the path of the exported version.
    """
    search(search_config)
    train(train_config)
    results = evaluate(train_config.run_dir)
    stage = Stage(train_config.run_dir, "train")
    versions = export_directory(stage, train_config.dataset)
    exported = sorted(versions.glob("[0-9]*"), key=lambda path: int(path.name))
    if exported:
        logger.info("export: already there, in %s", exported[-1])
    else:
        exported = [export(train_config.run_dir)]
    return {**results, "saved_model": str(exported[-1])}
