"""The state of a training run, kept after each epoch."""

import keras
import tensorflow as tf


class EpochCheckpoint(keras.callbacks.Callback):
    """Saves variables after each epoch and brings the newest ones back.

    Args:
        directory: Path.
        **variables: Lists of Keras variables, all that changes in training.
            They are listed one by one because TensorFlow's tracking does not
            see into Keras' lists of layers and would leave batch-norm
            statistics out without a word.
    """

    def __init__(self, directory, **variables):
        super().__init__()
        self.epoch = tf.Variable(0, dtype=tf.int64)
        checkpoint = tf.train.Checkpoint(
            epoch=self.epoch,
            **{name: [v.value for v in vs] for name, vs in variables.items()},
        )
        self.manager = tf.train.CheckpointManager(
            checkpoint, str(directory), max_to_keep=2
        )

    def restore(self):
        """Restores the newest checkpoint; returns the epochs it has seen."""
        if self.manager.latest_checkpoint:
            status = self.manager.checkpoint.restore(
                self.manager.latest_checkpoint
            )
            status.assert_consumed()
        return int(self.epoch.numpy())

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.assign(epoch + 1)
        self.manager.save(checkpoint_number=epoch + 1)
