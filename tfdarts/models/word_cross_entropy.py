"""Cross-entropy over the thousands of words of a vocabulary."""

import keras
import tensorflow as tf
from tensorflow.python.eager import record

from tfdarts.layers.custom_gradient import call_with_gradient
from tfdarts.layers.primitives import is_twice_differentiable


def word_cross_entropy(labels, logits):
    """Returns the cross-entropy of each word.

    It is TensorFlow's `sparse_softmax_cross_entropy_with_logits`, made of a
    softmax. On CPUs, oneDNN computes the softmax several times faster than
    TensorFlow computes the cross-entropy.

    Args:
        labels: Integer tensor, the numbers of the words.
        logits: Floating point tensor `(..., words)`, its other sizes those of
            `labels`.

    Example:

    >>> labels, logits = tf.constant([1]), tf.math.log([[0.5, 0.25, 0.25]])
    >>> loss = word_cross_entropy(labels, logits)
    >>> f"{float(tf.exp(-loss[0])):.2f}"
    '0.25'
    """
    rows = tf.reshape(logits, (-1, logits.shape[-1]))
    words = tf.reshape(tf.cast(labels, tf.int32), (-1,))
    of_rows = (
        tf.nn.sparse_softmax_cross_entropy_with_logits
        if is_twice_differentiable()
        else _of_rows
    )
    return tf.reshape(of_rows(words, rows), tf.shape(labels))


def _of_rows(words, logits):
    with record.stop_recording():
        probabilities = tf.nn.softmax(logits)

    def losses(logits):
        # The probability of the likeliest word never underflows.
        normalizers = tf.reduce_max(logits, -1) - tf.math.log(
            tf.reduce_max(probabilities, -1)
        )
        return normalizers - tf.gather(logits, words, batch_dims=1)

    def gradient(upstream):
        def of_logits():
            places = tf.stack([tf.range(tf.size(words)), words], axis=1)
            return tf.tensor_scatter_nd_sub(
                probabilities * upstream[:, None], places, upstream
            )

        return [of_logits]

    return call_with_gradient(losses, gradient, logits)


@keras.saving.register_keras_serializable(package="tfdarts")
class WordCrossEntropy(keras.losses.SparseCategoricalCrossentropy):
    """`keras.losses.SparseCategoricalCrossentropy` for many classes.

    It takes logits.

    Args:
        reduction, name, dtype: See
            `keras.losses.SparseCategoricalCrossentropy`.

    Example:

    >>> logits = tf.math.log([[[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]]])
    >>> loss = WordCrossEntropy()(tf.constant([[1, 1]]), logits)
    >>> f"{float(tf.exp(-loss)):.2f}"
    '0.25'
    """

    def __init__(
        self,
        reduction="sum_over_batch_size",
        name="word_cross_entropy",
        dtype=None,
    ):
        super().__init__(
            from_logits=True, reduction=reduction, name=name, dtype=dtype
        )

    def call(self, y_true, y_pred):
        return word_cross_entropy(y_true, y_pred)

    def get_config(self):
        return {"reduction": self.reduction, "name": self.name}
