"""The evaluator that scores genotypes with the weights of a supernet."""

import dataclasses
import itertools
import math
import typing

from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.evaluators.evaluator import FROM_SCRATCH
from tfdarts.evaluators.evaluator import Evaluator
from tfdarts.records.recorded_settings import TIME_LIMIT
from tfdarts.records.run_directory import OUT_OF_TIME
from tfdarts.records.run_directory import SHARED
from tfdarts.records.run_directory import Stage
from tfdarts.settings.fields import setting
from tfdarts.strategies.network_limits import NetworkLimits
from tfdarts.strategies.sampling.path_settings import PathSettings
from tfdarts.strategies.sampling.random_sharing import RandomSharing


@dataclasses.dataclass(frozen=True)
class SharedWeightsSettings(PathSettings):
    """How candidates are scored with the shared weights."""

    without_supernet: typing.ClassVar = (
        f"Give another --evaluator, such as {FROM_SCRATCH}"
    )

    score_batches: int = setting(
        0, "Validation batches that score each candidate; 0: all.", least=0
    )


class SharedWeightsEvaluator(Evaluator):
    """Scores a genotype with the weights that all genotypes share.

    Before the first candidate, a supernet is trained path by path, as
    `--strategy=random_sharing` trains it: a run of its own in `search/shared`.
    The score of a genotype is the accuracy of its path on validation batches;
    for texts, the negative loss. Batch norms take the statistics of each
    batch, because their moving statistics are those of all paths.

    Args:
        task: `Task`.
        config: The settings of the search, with the choices of the preset.

    Reference:

    - [Li and Talwalkar, 2019](https://arxiv.org/abs/1902.07638), section 3.2
    """

    name = "shared_weights"
    settings = SharedWeightsSettings
    score_name = "score_with_shared_weights"
    supernet_strategy = RandomSharing.name

    def __init__(self, task, config):
        super().__init__(task, config)
        self._darts = None

    def prepare(self):
        """Trains the supernet, or restores its weights."""
        if self._darts is not None:
            return
        from tfdarts.runs.stages import run_stage
        from tfdarts.runs.supernet_search import SupernetSearch
        from tfdarts.runs.supernet_search import checkpoint_of

        config = self.supernet_config()
        stage = Stage(config.run_dir, "search")
        if stage.is_out_of_time:
            # Other weights would not be comparable with those of before.
            minutes = stage.status()[OUT_OF_TIME]
            config = dataclasses.replace(config, max_minutes=minutes)
        search = SupernetSearch(self.task, config)
        run_stage(stage, search, _train)
        checkpoint = checkpoint_of(
            search.work.darts, stage.path / "checkpoints"
        )
        restored = checkpoint.restore()
        if not restored and stage.is_out_of_time:
            raise ValueError(
                f"--max_minutes={self.config.max_minutes:g} was not enough for "
                "one epoch of the weights that the candidates share: give "
                "another --run_dir and more --max_minutes, or leave "
                "--max_minutes out."
            )
        if not restored:
            raise ValueError(
                f"The weights that the candidates share are missing in "
                f"{checkpoint.directory}: restore this directory, or start "
                "over in another --run_dir."
            )
        self.seconds_before = stage.status()["seconds"]
        self._batches = search.work.validation_batches()
        if count := self.config.score_batches:
            self._batches = [*itertools.islice(self._batches, count)]
        self._darts = search.work.darts

    def __call__(self, genotype, run_dir):
        from tfdarts.strategies.sampling.path_scores import score_path

        score = score_path(self._darts, genotype, self._batches)
        if math.isinf(score):
            return Evaluation.of_diverged(genotype)
        return Evaluation(genotype, rank=[-score], score=score)

    def supernet_config(self):
        """Returns the settings of the training of the supernet."""
        from tfdarts.runs.search_configs import search_config_class_of

        settings = {
            field.name: getattr(self.config, field.name)
            for field in dataclasses.fields(self.task.configs["search"])
        }
        settings |= {"strategy": self.supernet_strategy}
        # The limits are those of the candidates, not of the supernet.
        settings |= {
            field.name: field.default
            for field in dataclasses.fields(NetworkLimits)
            if field.name in settings
        }
        from tfdarts.strategies.sampling.path_selection import KEPT_FOR_SCORES

        if TIME_LIMIT in settings:  # A task of a plugin may have none.
            settings[TIME_LIMIT] *= 1 - KEPT_FOR_SCORES
        run_dir = self.config.run_dir
        if run_dir:  # A dry run has none.
            run_dir = str(Stage(run_dir, "search").path / SHARED)
        config_class = search_config_class_of(settings, self.task)
        return config_class(**settings | {"run_dir": run_dir})


def _train(search, stage):
    """Trains a supernet, without the choice of a genotype."""
    from tfdarts.runs.time_budget import report_finished

    search.begin(stage)
    search.fit()
    report_finished(
        *(stage, search.is_out_of_time),
        "the weights of the last whole epoch score the candidates",
        search.config,
    )
