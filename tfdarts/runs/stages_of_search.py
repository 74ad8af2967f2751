"""The stages of a search in its run directory, and where to resume."""

import dataclasses
import itertools

from tfdarts.records.probabilities import read_probabilities
from tfdarts.strategies.gradient import gradient_parts
from tfdarts.strategies.gradient.annealing import Anneal
from tfdarts.strategies.gradient.search_stages import SearchStage
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.training.checkpoints import newest_epoch


def plan_stages(config):
    """Returns the stages of a search and the settings of each, two lists.

    Args:
        config: The settings of the search, those of its first stage.
    """
    strategy = get_strategy(config.strategy)
    stages = [SearchStage(), *gradient_parts.stages(strategy, config)]
    configs = itertools.accumulate(
        stages[1:],
        lambda before, stage: dataclasses.replace(before, **stage.changes),
        initial=config,
    )
    return stages, [*configs]


def space_of_stage(stage, space, probabilities):
    """Returns the search space of a stage.

    Args:
        stage: `SearchStage`.
        space: The search space of the stage before.
        probabilities: Dict, the probabilities after the stage before.
    """
    if stage.keep is None:
        return space
    return space.narrow(stage.keep(space, probabilities))


class StagesOfSearch:
    """The stages of a search; see `SearchStage`.

    What a stage keeps of the one before follows from the recorded
    probabilities, so that it is the same when a search resumes.

    Args:
        config: The settings of the search, those of its first stage.
        path: Path of the search in the run directory.

    Attributes:
        ends: List of the epochs after which the stages end.
        first: Integer, the index of the stage to resume with.
    """

    def __init__(self, config, path):
        self.strategy = get_strategy(config.strategy)
        self.path = path
        self.stages, self.configs = plan_stages(config)
        self.ends = [*itertools.accumulate(c.epochs for c in self.configs)]
        self.done = newest_epoch(path / "checkpoints")
        self.first = sum(end <= self.done for end in self.ends[:-1])
        if self[self.first].carry and not self.has_begun(self.first):
            self.first -= 1

    def __len__(self):
        return len(self.stages)

    def __getitem__(self, number):
        return self.stages[number]

    def has_begun(self, number):
        """Returns whether the newest checkpoint is of this stage or later."""
        return self.done > (self.ends[number - 1] if number else 0)

    def config(self, number):
        """Returns the settings of a stage, in the space of what it keeps."""
        space = self.configs[0].search_space
        by_epoch = read_probabilities(self.path) if number else {}
        for stage, end in zip(self.stages[1 : number + 1], self.ends):
            probabilities = {
                name: values[end] for name, values in by_epoch.items()
            }
            space = space_of_stage(stage, space, probabilities)
        return self.configs[number].in_space(space)

    def callbacks(self, number, work):
        """Returns the callbacks of the method in a stage, a list.

        Args:
            number: Integer, the index of the stage.
            work: The result of `Task.search`, of this stage.
        """
        stage, search = self[number], work.darts
        config = self.configs[number - 1] if stage.holds else work.config
        found = gradient_parts.callbacks(self.strategy, config, search)
        if stage.holds:
            for each in found:
                if isinstance(each, Anneal):
                    each.first = each.last
        if stage.callbacks is not None:
            batches = work.validation_batches()
            found += stage.callbacks(work.config, search, batches)
        return found
