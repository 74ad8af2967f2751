"""Fitting a model epoch by epoch, for searches and trainings."""

import logging

import keras

from tfdarts.records.progress import Progress
from tfdarts.records.progress import tensorboard_callbacks
from tfdarts.runs.workers import WorkerAgreementCheck
from tfdarts.runs.workers import require_agreement
from tfdarts.training.divergence import StopOnNaN
from tfdarts.training.memory import require_memory

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


def fit(model, work, stage, first_epoch, callbacks, metrics, checkpoint):
    """Fits a model to the end of its epochs.

    Args:
        model: Keras model.
        work: The data and settings of the search or training.
        stage: `Stage`.
        first_epoch: Integer, the epoch to resume at.
        callbacks: List of Keras callbacks that add to the logs.
        metrics: List of callbacks: `MetricsFile`, which stores the logs, and
            callbacks that read the stored logs.
        checkpoint: `EpochCheckpoint`.
    """
    epochs = work.config.epochs
    model.fit(
        work.batches(first_epoch),
        epochs=epochs,
        initial_epoch=first_epoch,
        steps_per_epoch=work.steps_per_epoch,
        validation_data=work.validation_batches(),
        validation_steps=work.validation_steps,
        callbacks=[
            StopOnNaN(),
            *callbacks,
            *metrics,
            *tensorboard_callbacks(work.config, stage, metrics[0]),
            WorkerAgreementCheck(work.distribution, checkpoint.variables),
            checkpoint,
            Progress(stage, epochs, work.steps_per_epoch, work.logged),
            keras.callbacks.LambdaCallback(
                on_train_begin=lambda logs: require_memory(work.least_bytes())
            ),
        ],
        shuffle=False,
        verbose=0,
    )
