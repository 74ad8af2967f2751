"""ENAS: a controller draws the paths that share weights."""

import dataclasses
import sys

from tfdarts.settings.fields import setting
from tfdarts.settings.fields import with_default
from tfdarts.strategies.sampling.random_sharing import RandomSharing
from tfdarts.strategies.sampling.random_sharing import RandomSharingSettings
from tfdarts.strategies.strategy import SupernetStrategy


@dataclasses.dataclass(frozen=True)
class ENASSettings(RandomSharingSettings):
    """How the controller learns, and how its genotypes are chosen."""

    num_candidates: int = with_default(
        RandomSharingSettings, "num_candidates", 10
    )
    score_batches: int = with_default(RandomSharingSettings, "score_batches", 1)
    controller_learning_rate: float = setting(
        5e-5, "Learning rate of the controller (Adam).", above=0
    )
    controller_steps: int = setting(
        25, "Steps of the controller after each epoch.", least=1
    )
    controller_samples: int = setting(
        10,
        "Genotypes of each step, each scored on one validation batch.",
        least=1,
    )
    controller_temperature: float = setting(
        5.0, "What the logits of the controller are divided by.", above=0
    )
    controller_tanh: float = setting(
        2.25,
        "Bound of the logits x of the controller, which become "
        "controller_tanh * tanh(x).",
        above=0,
    )
    controller_operation_tanh: float = setting(
        2.25, "The same bound for the logits of operations.", above=0
    )
    entropy_weight: float = setting(
        1e-5,
        "Weight of the entropy of the controller, which is added to its "
        "rewards.",
        least=0,
    )
    baseline_decay: float = setting(
        0.999,
        "Decay of the average reward, to which rewards are compared.",
        least=0,
        below=1,
    )


class ENAS(SupernetStrategy):
    """Trains shared weights on paths of a controller that learns (ENAS).

    In each epoch, each step trains the path of a genotype that the controller
    draws. After the epoch, the controller learns by REINFORCE from the
    accuracy of paths on validation batches. In the end the controller draws
    `--num_candidates` genotypes, and the one of the highest accuracy wins.

    The defaults are those of the authors' code: of the search of cells on
    CIFAR-10, and of its corrected search of recurrent cells. The cells are
    those of the search space; the controller has neither a bias towards
    separable convolutions nor penalties of distant nodes.

    Reference:

    - [Pham et al., 2018](https://arxiv.org/abs/1802.03268), and their code
    """

    name = "enas"
    family = RandomSharing.family
    settings = ENASSettings
    moves_alphas = False
    takes_limits = False
    published = {
        "epochs": 150,
        "batch_size": 160,
        "init_channels": 20,
        "learning_rate": 0.05,
        "min_learning_rate": 5e-4,
        "weight_decay": 2e-4,
        "train_portion": 0.9,
        "controller_learning_rate": 0.0035,
        "controller_steps": 30,
        "controller_temperature": 1.0,
        "controller_tanh": 1.1,
        "controller_operation_tanh": 0.44,
        "entropy_weight": 1e-4,
        "baseline_decay": 0.99,
    }
    fixed = {**RandomSharing.fixed, "relaxation": "policy"}

    def supernet_arguments(self, config):
        from tfdarts.layers.chosen_mixed_op import ChosenMixedOp
        from tfdarts.layers.likeliest_path import LikeliestPath

        arguments = {"relaxation": LikeliestPath(config.search_space)}
        if hasattr(config, "mixed_op"):  # Texts have no mixed operations.
            arguments["mixed_op"] = ChosenMixedOp
        return arguments

    def search_arguments(self, config):
        from tfdarts.strategies.controllers.recurrent_controller import (
            RecurrentController,
        )

        return {
            "alpha_warmup_steps": sys.maxsize,
            "controller": RecurrentController(
                config.search_space,
                temperature=config.controller_temperature,
                tanh_constant=config.controller_tanh,
                operation_tanh_constant=config.controller_operation_tanh,
                seed=config.seed,
            ),
            "controller_learning_rate": config.controller_learning_rate,
            "entropy_weight": config.entropy_weight,
            "baseline_decay": config.baseline_decay,
            "seed": config.seed,
        }

    def build_search(self, supernet, **arguments):
        from tfdarts.strategies.sampling.policy_search import PolicySearch

        return PolicySearch(supernet, **arguments)

    def optimizers(self, config, weight_optimizer, alpha_optimizer):
        """Returns the optimizers; on images with warm restarts."""
        from tfdarts.training.schedules import EpochCosine
        from tfdarts.training.schedules import EpochCosineRestarts

        cosine = weight_optimizer._learning_rate
        if isinstance(cosine, EpochCosine):
            weight_optimizer.learning_rate = EpochCosineRestarts(
                **cosine.get_config()
            )
            weight_optimizer.nesterov = weight_optimizer.momentum > 0
        return weight_optimizer, alpha_optimizer

    def run(self, search):
        from tfdarts.strategies.sampling.path_selection import PathSelection
        from tfdarts.strategies.sampling.policy_search import ControllerTraining

        config, darts = search.config, search.work.darts
        batches = search.work.validation_batches()
        selection = PathSelection(
            darts,
            batches,
            config.num_candidates,
            config.score_batches,
            config.num_finalists,
            path=search.stage.path / "candidates.csv",
            draw=darts.draw_genotypes,
            limit=search.time_limit,
        )
        training = ControllerTraining(
            *(darts, batches),
            *(config.controller_steps, config.controller_samples),
            search.time_limit,
        )
        search.fit([training, selection])
