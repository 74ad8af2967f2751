"""Random search with weight sharing."""

import dataclasses
import sys

from tfdarts.settings.fields import setting
from tfdarts.strategies.sampling.path_settings import PathSettings
from tfdarts.strategies.strategy import SupernetStrategy


@dataclasses.dataclass(frozen=True)
class RandomSharingSettings(PathSettings):
    """How genotypes are scored with the shared weights."""

    num_candidates: int = setting(
        1000,
        "Genotypes that are drawn and scored with the shared weights.",
        least=1,
    )
    score_batches: int = setting(
        10, "Validation batches that score each of them.", least=1
    )
    num_finalists: int = setting(
        10,
        "The best of them, which all validation batches score again.",
        least=1,
    )

    @property
    def can_be_extended(self):
        """See `RunConfig`; the choice follows the last epoch."""
        return False


class RandomSharing(SupernetStrategy):
    """Draws genotypes uniformly, and scores them with weights they share.

    Each step trains the path of one genotype in a supernet; only the
    operations of the genotype are computed. Then many genotypes are scored on
    validation batches, and the best one is the result.

    The authors also draw the operation `none`, which the genotypes of most
    spaces do not have. They score with the moving statistics of batch norms,
    which all paths have moved; this method takes the statistics of each
    batch. They repeat the selection for every 10,000 steps: raise
    `--num_candidates` and `--num_finalists` instead.

    Reference:

    - [Li and Talwalkar, 2019](https://arxiv.org/abs/1902.07638), and their
      code
    """

    name = "random_sharing"
    family = "Shared weights, trained path by path"
    settings = RandomSharingSettings
    moves_alphas = False
    takes_limits = False
    published = {"epochs": 100, "clip_norm": 0.25}
    fixed = {
        "relaxation": "uniform",
        "mixed_op": "chosen",
        "order": 1,
        "update_order": "alpha_first",
        "alpha_warmup_epochs": 0,
        "alpha_learning_rate": 0.0,
        "alpha_weight_decay": 0.0,
        "alpha_optimizer": "adam",
        "alpha_learning_rate_schedule": "constant",
        "alpha_average": 0.0,
        "alpha_regularizer": "none",
        "perturbation": "none",
        "derivation": "strongest",
        "early_stop": "none",
        "batch_norm": "local",
        "edge_normalization": False,
        "search_drop_path": 0.0,
        "stage_primitives": "none",
    }

    def supernet_arguments(self, config):
        from tfdarts.layers.chosen_mixed_op import ChosenMixedOp
        from tfdarts.layers.uniform_path import UniformPath

        arguments = {"relaxation": UniformPath(config.search_space)}
        if hasattr(config, "mixed_op"):  # Texts have no mixed operations.
            arguments["mixed_op"] = ChosenMixedOp
        return arguments

    def search_arguments(self, config):
        return {"alpha_warmup_steps": sys.maxsize}

    def run(self, search):
        from tfdarts.strategies.sampling.path_selection import PathSelection

        config, work = search.config, search.work
        selection = PathSelection(
            work.darts,
            work.validation_batches(),
            config.num_candidates,
            config.score_batches,
            config.num_finalists,
            config.seed,
            search.stage.path / "candidates.csv",
            limit=search.time_limit,
        )
        search.fit([selection])
