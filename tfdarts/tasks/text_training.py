"""The data, network and callbacks of a training on texts."""

import dataclasses
import logging

import keras

from tfdarts.data import segments
from tfdarts.models.carried_state import WithCarriedState
from tfdarts.replicas import rows_of_part
from tfdarts.replicas import worker_of
from tfdarts.search_spaces.lookup import find_genotype
from tfdarts.tasks.run_data import find_data
from tfdarts.tasks.run_data import open_data
from tfdarts.tasks.set_up import require_float32
from tfdarts.tasks.set_up import set_up
from tfdarts.tasks.task_registry import task_of_config
from tfdarts.tasks.text_rows import least_bytes
from tfdarts.tasks.text_rows import rows_of_training
from tfdarts.training.averaging import AveragedWeights
from tfdarts.training.checkpoints import EpochCheckpoint
from tfdarts.training.distribution import distribution_of
from tfdarts.training.distribution import require_divisible_batch
from tfdarts.training.divergence import ADVICE
from tfdarts.training.divergence import DivergedError
from tfdarts.training.optimizers import SGD
from tfdarts.training.schedules import LearningRate
from tfdarts.training.segment_callbacks import Perplexity
from tfdarts.training.segment_callbacks import ResetStates
from tfdarts.training.segment_callbacks import SegmentRate
from tfdarts.training.shared_data import share_dataset

logger = logging.getLogger("tfdarts")

MOST_ROLLBACKS = 3


class TextTraining:
    """A text, the language model of a cell, and its compiled model.

    Args:
        config: `tfdarts.RNNTrainConfig`.

    Raises:
        ValueError: If a setting is invalid.
        DataError: If the data do not fit the settings.
    """

    logged = ("perplexity", "validation_perplexity")

    def __init__(self, config):
        require_float32()
        self.distribution = self.distribution_of(config)
        count = self.distribution.num_replicas_in_sync
        self.genotype = None
        if config.takes_genotype:
            self.genotype = find_genotype(
                config.genotype or config.run_dir,
                config.space or task_of_config(config).space,
            )
        self.source = open_data(config)
        self.rows = rows_of_training(config, self.source, count)
        self.config = dataclasses.replace(config, batch_size=len(self.rows))
        self.steps_per_epoch = segments.num_segments(
            self.rows.shape[1], config.steps
        )
        set_up(config, self.distribution)
        self._build(attempt=0)

    @staticmethod
    def distribution_of(config):
        """Returns the distribution strategy of a config.

        Raises:
            ValueError: If replicas cannot share a batch or dropout masks.
        """
        distribution = distribution_of(config.distribute)
        require_divisible_batch(distribution, config.batch_size)
        _require_different_masks(config, distribution)
        return distribution

    @staticmethod
    def require_data(config, distribution):
        """Raises `DataError` if the text is too short for a config."""
        source = find_data(config)
        rows_of_training(config, source, distribution.num_replicas_in_sync)

    @property
    def derived(self):
        """Values computed from settings and data, for the run directory."""
        genotype = self.genotype
        return {
            "genotype": genotype and genotype.to_dict(),
            "vocabulary_size": len(self.source.vocabulary),
            "tokenizer": self.source.tokenizer,
        }

    @property
    def files(self):
        """Further files of the stage: their texts by file name."""
        words = "".join(f"{word}\n" for word in self.source.vocabulary)
        return {"vocabulary.txt": words}

    def describe(self):
        """Returns a description of the data, in words."""
        return (
            f"{self.rows.size} words, {self.source.splits['validation']} for "
            f"validation, in {self.config.batch_size} rows"
        )

    @property
    def sizes(self):
        """The number of words in each split, by name."""
        return {
            "train_words": self.source.splits["train"],
            "validation_words": self.source.splits["validation"],
        }

    def callbacks(self, rows):
        """Returns the callbacks that precede the metrics callback.

        Args:
            rows: Function that returns the metrics of all epochs so far.
        """
        config = self.config
        self._metrics = rows
        return [
            ResetStates(),
            SegmentRate(config.learning_rate, config.steps, self.lengths),
            Perplexity(["loss", "val_loss"]),
            LearningRate(),
            self.averaging,
        ]

    def saved_model(self):
        """Returns the network in the form of `model.keras`."""
        return self.network

    def roll_back(self, error):
        """Prepares to resume from the last whole epoch after a NaN loss.

        The next attempt draws other random numbers.

        Args:
            error: `DivergedError`.

        Raises:
            DivergedError: If the loss is NaN for the fourth time.
        """
        reason = str(error).partition(ADVICE)[0]
        if self.attempt == MOST_ROLLBACKS:
            raise DivergedError(
                f"{reason}, after rolling back {MOST_ROLLBACKS} times{ADVICE}"
            ) from error
        logger.warning(
            "train: rolling back to the last whole epoch, or to the start, "
            "for the %s time of at most %d: %s.",
            ("first", "second", "third")[self.attempt],
            MOST_ROLLBACKS,
            reason,
        )
        self._build(self.attempt + 1)

    def checkpoint(self, directory):
        """Returns the callback that saves all variables of the training."""
        return EpochCheckpoint(
            directory,
            network=self.network.variables,
            optimizer=self.model.optimizer.variables,
            averaging=self.averaging.variables,
            rollbacks=[self.rollbacks],
        )

    def _build(self, attempt):
        """Builds the network, the optimizer and the averaged weights."""
        config = self.config
        keras.utils.set_random_seed(config.seed + attempt)
        self.attempt = attempt
        self.rollbacks = keras.Variable(attempt, dtype="int64")
        with self.distribution.scope():
            self.network = task_of_config(config).build_network(
                config, self.genotype, self.source
            )
            self.model = WithCarriedState(self.network)
            self.model.compile(
                SGD(
                    config.learning_rate,
                    momentum=0.0,
                    l2=config.weight_decay,
                    clip_norm=config.clip_norm,
                )
            )
        self.averaging = AveragedWeights(
            self.network.trainable_variables,
            config.nonmonotone,
            lambda: [float(row["validation_loss"]) for row in self._metrics()],
        )

    def restore(self, checkpoint):
        """Restores the last whole epoch; returns the number of epochs."""
        attempt = self.attempt
        first_epoch = checkpoint.restore()
        before = int(self.rollbacks.numpy())
        self.attempt = max(attempt, before)
        self.rollbacks.assign(self.attempt)
        if first_epoch:
            _shift_seeds(self.network, self.attempt - before)
        return first_epoch

    def lengths(self, epoch):
        """Returns the lengths of the segments of an epoch."""
        return segments.segment_lengths(
            self.rows.shape[1],
            self.config.steps,
            self.config.seed,
            epoch,
            self.config.step_spread,
            self.attempt,
        )

    def batches(self, first_epoch=0):
        """Returns the training segments, starting at an epoch."""
        epochs = range(first_epoch, self.config.epochs)
        rows = rows_of_part(self.rows, *worker_of(self.distribution))
        dataset = segments.training_batches(rows, map(self.lengths, epochs))
        return share_dataset(dataset.prefetch(2), self.distribution)

    def least_bytes(self):
        """Returns the least memory of a step of this process, in bytes."""
        return least_bytes(self.config, self.source, self.distribution)

    def validation_batches(self):
        """Returns the validation segments."""
        return share_dataset(self._own_validation_batches(), self.distribution)

    @property
    def validation_steps(self):
        """The number of validation batches; Keras cannot count them itself."""
        return int(self._own_validation_batches().cardinality())

    def _own_validation_batches(self):
        """Returns this process's local part of the validation batches."""
        return segments.evaluation_batches(
            self.source.read("validation"),
            segments.VALIDATION_ROWS,
            self.config.steps,
            worker_of(self.distribution),
        )

    def results(self, rows):
        """Returns the metrics of the best epoch, which the network is from.

        Args:
            rows: List of dicts, the metrics of all epochs.
        """
        best = min(rows, key=lambda row: float(row["validation_loss"]))
        names = (
            *("loss", "perplexity", "validation_loss"),
            *("validation_perplexity", "averaged_steps"),
        )
        return {
            "best_epoch": int(best["epoch"]),
            **{name: float(best[name]) for name in names},
        }


def _shift_seeds(network, shift):
    """Adds an integer to the seed of each random generator of a network."""
    for variable in network.non_trainable_variables:
        if variable.name == "seed_generator_state":
            seed, num_calls = keras.ops.unstack(variable)
            shifted = seed + keras.ops.cast(shift, seed.dtype)
            variable.assign(keras.ops.stack([shifted, num_calls]))


def _require_different_masks(config, distribution):
    """Raises `ValueError` if dropout masks would repeat on each replica."""
    rates = ("input_dropout", "recurrent_dropout")
    given = [name for name in rates if getattr(config, name)]
    several = distribution.num_replicas_in_sync > 1
    if several and not config.takes_genotype and given:
        raise ValueError(
            f"--cell={config.cell} draws the same dropout masks on every "
            "device, so that several devices would not compute what one "
            "device computes: give --distribute=none, or "
            f"{' and '.join(f'--{name}=0' for name in given)}."
        )
