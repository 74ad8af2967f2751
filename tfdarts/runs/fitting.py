"""Fitting a model epoch by epoch, for searches and trainings."""

import logging

import keras

from tfdarts.records.progress import Progress
from tfdarts.runs.workers import WorkerAgreementCheck
from tfdarts.runs.workers import require_agreement
from tfdarts.training.divergence import StopOnNaN
from tfdarts.training.memory import require_memory
from tfdarts.training.time_limit import WholeEpochs

logger = logging.getLogger("tfdarts")


def agree_on_start(work, stage, first_epoch, **facts):
    """Logs where a stage resumes, and checks that all workers agree.

    Args:
        work: The data, model and settings of the search or training.
        stage: `Stage`.
        first_epoch: Integer, the number of epochs done.
        **facts: Further values that must be equal on all workers.

    Raises:
        ClusterError: If the workers do not agree.
    """
    if first_epoch:
        logger.info("%s: resuming after epoch %d", stage.name, first_epoch)
    common = {
        "the data": work.source.fingerprint,
        "the epoch to resume from": first_epoch,
    }
    require_agreement(work.distribution, **common, **facts)


class EpochsOfAllStages(keras.callbacks.CallbackList):
    """Calls callbacks with the numbers of epochs of all stages of a search.

    Args:
        callbacks: List of Keras callbacks.
        earlier: Integer, the epochs of earlier stages.
    """

    def __init__(self, callbacks, earlier):
        super().__init__(callbacks)
        self.earlier = earlier

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(self.earlier + epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(self.earlier + epoch, logs)


def fit(
    model,
    work,
    stage,
    first_epoch,
    callbacks,
    records,
    checkpoint,
    limit,
    earlier=0,
    epochs=None,
):
    """Fits a model to the end of its epochs.

    Args:
        model: Keras model.
        work: The data and settings of the search or training.
        stage: `Stage`.
        first_epoch: Integer, the epoch to resume at.
        callbacks: List of Keras callbacks that add to the logs.
        records: List of callbacks: those that store the logs, such as
            `MetricsFile`, and those that read the stored logs.
        checkpoint: `EpochCheckpoint`.
        limit: `TimeLimit`.
        earlier: Integer, epochs of earlier stages of a search, which the
            records and the checkpoints count. Defaults to `0`.
        epochs: Integer, epochs of all stages. Defaults to those of `work`.
    """
    of_all_stages = [
        *records,
        WorkerAgreementCheck(work.distribution, checkpoint.variables),
        WholeEpochs([checkpoint], limit),
        Progress(
            stage,
            epochs or work.config.epochs,
            work.steps_per_epoch,
            work.logged,
            limit,
        ),
    ]
    model.fit(
        work.batches(first_epoch),
        epochs=work.config.epochs,
        initial_epoch=first_epoch,
        steps_per_epoch=work.steps_per_epoch,
        validation_data=work.validation_batches(),
        validation_steps=work.validation_steps,
        callbacks=[
            limit,
            StopOnNaN(),
            *callbacks,
            EpochsOfAllStages(of_all_stages, earlier),
            keras.callbacks.LambdaCallback(
                on_train_begin=lambda logs: require_memory(work.least_bytes())
            ),
        ],
        shuffle=False,
        verbose=0,
    )
