"""The evaluator that trains a network from scratch."""

import dataclasses
import math

from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.evaluators.evaluation import OutOfTime
from tfdarts.evaluators.evaluator import FROM_SCRATCH
from tfdarts.evaluators.evaluator import Evaluator
from tfdarts.genotypes import Genotype
from tfdarts.records.recorded_settings import TIME_LIMIT
from tfdarts.records.run_directory import Stage


class FromScratchEvaluator(Evaluator):
    """Trains the network of a genotype and measures it on validation data.

    Each training is a run of its own. An interrupted training is resumed; of
    a finished one, the results are read. A strategy may have a network inherit
    weights of an earlier one.

    Args:
        task: `Task`.
        config: The settings of the trainings; settings that a training does
            not have are ignored.
    """

    name = FROM_SCRATCH
    score_name = None
    inherits_weights = True
    seconds_left = math.inf
    """The time that the next training may take."""

    def __call__(self, genotype, run_dir, parent_dir=None):
        results = self.train(genotype, run_dir, parent_dir)
        if run_dir and Stage(run_dir, "train").is_out_of_time:
            raise OutOfTime
        return Evaluation(
            genotype=genotype,
            rank=list(self.task.rank(results, self.config)),
            score=results[self.task.figure_of_selection(self.config)],
            seconds=results["seconds"],
            parameters=results["num_parameters"],
            multiply_adds=results.get("multiply_adds"),
        )

    def train(self, genotype, run_dir, parent_dir=None):
        """Trains the network of a genotype; returns the results, a dict.

        Args:
            genotype: `Genotype`, or its identifier; see `--genotype`.
            run_dir: Path of the training.
            parent_dir: Path of the training whose weights the network
                inherits. Defaults to new weights.
        """
        from tfdarts.runs import train

        config = self.training_config(genotype, run_dir)
        if parent_dir is None:
            return train.train(config)
        return train.train_from(config, parent_dir)

    def training_config(self, genotype, run_dir):
        """Returns the settings of a training; see `train`."""
        config_class = self.task.configs["train"]
        settings = {
            field.name: getattr(self.config, field.name)
            for field in dataclasses.fields(config_class)
            if hasattr(self.config, field.name)
        }
        run_dir = run_dir and str(run_dir)
        settings |= {"genotype": genotype, "run_dir": run_dir}
        # A task of a plugin may have no time limit.
        if TIME_LIMIT in config_class.__dataclass_fields__:
            settings[TIME_LIMIT] = self._minutes_of_training(run_dir)
        if isinstance(genotype, Genotype):
            settings["space"] = None  # It says itself what its cells are.
        return config_class(**settings)

    def _minutes_of_training(self, run_dir):
        """Returns the minutes of a training with those of earlier processes."""
        if math.isinf(self.seconds_left) or not run_dir:
            return 0.0
        before = Stage(run_dir, "train").status().get("seconds", 0.0)
        # Without any, there would be no limit.
        return max(before + self.seconds_left, 1.0) / 60
