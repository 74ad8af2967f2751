"""The data, supernet and optimizers of a search on texts."""

import dataclasses

import keras

from tfdarts.data import segments
from tfdarts.replicas import rows_of_part
from tfdarts.replicas import worker_of
from tfdarts.strategies.gradient import gradient_parts
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.tasks.networks import build_search
from tfdarts.tasks.run_data import open_data
from tfdarts.tasks.set_up import require_float32
from tfdarts.tasks.set_up import set_up
from tfdarts.tasks.task_registry import task_of_config
from tfdarts.tasks.text_rows import least_bytes
from tfdarts.tasks.text_rows import rows_of_search
from tfdarts.training.distribution import distribution_of
from tfdarts.training.distribution import require_divisible_batch
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam
from tfdarts.training.segment_callbacks import Perplexity
from tfdarts.training.segment_callbacks import ResetStates
from tfdarts.training.segment_callbacks import SegmentRate


class TextSearch:
    """A text, a supernet of recurrent cells, and a compiled `DARTS`.

    The weights learn from the training text, alpha from the validation text.
    No step has been taken.

    Args:
        config: `tfdarts.RNNSearchConfig`.

    Raises:
        DataError: If the data do not fit the settings.
    """

    logged = (
        "loss",
        "alpha_loss",
        "validation_supernet_perplexity",
        "alpha_entropy",
        "epochs_unchanged",
    )
    validation_steps = None

    def __init__(self, config):
        require_float32()
        self.distribution = distribution_of(config.distribute)
        require_divisible_batch(self.distribution, config.batch_size)
        self.source = open_data(config)
        self.rows, self.val_rows = rows_of_search(
            config, self.source, self.distribution.num_replicas_in_sync
        )
        config = dataclasses.replace(config, batch_size=len(self.rows))
        self.steps_per_epoch = segments.num_segments(
            self.rows.shape[1], config.steps
        )
        set_up(config, self.distribution)
        self.begin_stage(config)

    def begin_stage(self, config):
        """Builds supernet and search; they depend on nothing before.

        Args:
            config: The settings of a stage of the search.
        """
        keras.utils.set_random_seed(config.seed)
        self.config = config
        supernet = task_of_config(config).build_supernet(config, self.source)
        self.darts = compile_search(
            config, supernet, self.steps_per_epoch, self.distribution
        )

    @property
    def derived(self):
        """Values computed from settings and data, for the run directory."""
        rows = len(self.val_rows)
        return {"validation_rows": rows if rows < len(self.rows) else None}

    @property
    def callbacks(self):
        """The callbacks that a search on texts needs, unlike one on images."""
        config = self.config
        return [
            ResetStates(),
            SegmentRate(config.learning_rate, config.steps, self.lengths),
            # The training loss includes the activation penalties.
            Perplexity(["val_loss"]),
        ]

    def lengths(self, epoch):
        """Returns the lengths of the segments of an epoch."""
        return segments.segment_lengths(
            self.rows.shape[1], self.config.steps, self.config.seed, epoch
        )

    def describe(self):
        """Returns a description of the data, in words."""
        return (
            f"{self.rows.size} words for the weights, {self.val_rows.size} "
            f"for alpha, in {len(self.rows)} and {len(self.val_rows)} rows; a "
            f"vocabulary of {len(self.source.vocabulary)}"
        )

    def batches(self, first_epoch=0):
        """Returns pairs of a batch for the weights and one for alpha."""
        return segments.search_batches(
            rows_of_part(self.rows, *worker_of(self.distribution)),
            rows_of_part(self.val_rows, *worker_of(self.distribution)),
            map(self.lengths, range(first_epoch, self.config.epochs)),
        ).prefetch(2)

    def least_bytes(self):
        """Returns the least memory of a step of this process, in bytes."""
        return least_bytes(self.config, self.source, self.distribution)

    def validation_batches(self):
        """Returns the batches that measure the supernet's perplexity."""
        return segments.evaluation_batches(
            self.source.read("validation"),
            segments.VALIDATION_ROWS,
            self.config.steps,
            worker_of(self.distribution),
        )


def compile_search(config, supernet, steps, distribution=None):
    """Returns the compiled search of a supernet.

    Args:
        config: `tfdarts.RNNSearchConfig`.
        supernet: `RNNSupernet`.
        steps: Integer, steps per epoch.
        distribution: `tf.distribute.Strategy`. Defaults to one device.
    """
    search = build_search(
        config,
        supernet,
        steps,
        clip_virtual_step=True,
        distribution=distribution,
    )
    weight_optimizer = SGD(
        config.learning_rate,
        momentum=0.0,
        l2=config.weight_decay,
        clip_norm=config.clip_norm,
    )
    alpha_rate = gradient_parts.alpha_learning_rate(config, steps)
    alpha_optimizer = Adam(
        alpha_rate,
        beta_1=0.9,
        l2=config.alpha_weight_decay,
    )
    search.compile(
        *gradient_parts.optimizers(
            get_strategy(config.strategy),
            config,
            weight_optimizer,
            alpha_optimizer,
            alpha_rate,
        )
    )
    return search
