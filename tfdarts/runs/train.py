"""Training the network of a genotype."""

import functools
import logging

from tfdarts.console import show_progress
from tfdarts.runs.data import recorded
from tfdarts.runs.image_training import ImageTraining
from tfdarts.runs.pictures import draw_again
from tfdarts.runs.pictures import optional_pictures
from tfdarts.runs.run_directory import Stage
from tfdarts.runs.run_directory import write_json
from tfdarts.runs.text_training import TextTraining
from tfdarts.runs.visualize import draw_curves_of
from tfdarts.runs.workers import as_worker
from tfdarts.settings.fields import require_config
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.rnn_configs import RNNTrainConfig

logger = logging.getLogger("tfdarts")


@show_progress()
def train(config):
    """Trains a genotype's network and leaves it in the run directory.

    The test examples are not read: `evaluate` does that. A training that was
    interrupted goes on after its last whole epoch, and so does one that is
    given more epochs than before.

    Args:
        config: `tfdarts.tasks.configs.TrainConfig`, or for texts
            `tfdarts.tasks.rnn_configs.RNNTrainConfig`.

    Returns:
        The results, a dict: what `train/results.json` holds.

    Raises:
        ValueError: If a setting cannot be, or the run directory holds a
            training with other settings.
        DataError: If the data do not fit the settings.
        DivergedError: If the loss becomes NaN; of a language model, if it
            still does so after it has gone back three times.
    """
    require_config("train", config, TrainConfig, RNNTrainConfig)
    with as_worker(config) as config:
        stage = Stage(config.run_dir, "train")
        work = kind_of_training(config)(stage.as_begun(config))
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
            logger.info("train: already finished, in %s", stage.path)
        else:
            with stage.running():
                begin()
                write_json(stage.path / "results.json", work.fit(stage))
                with optional_pictures(
                    "The training is done", draw_again(stage.run_dir)
                ):
                    draw_curves_of(stage)
                stage.report("finished", epochs=config.epochs)
        return stage.results()


def kind_of_training(config):
    """Returns the class of what is done to train, by the kind of config."""
    return TextTraining if isinstance(config, RNNTrainConfig) else ImageTraining
