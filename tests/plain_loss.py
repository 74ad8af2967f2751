"""A supernet's loss, written plainly."""

import tensorflow as tf


def plain_loss(supernet, x, y, class_weight=()):
    """Returns the loss as a function of lists of weights and alphas.

    Cross-entropy written out, weights found by identity, no flat vectors.
    Classes count what `class_weight` says, or 1.
    """
    counts = [dict(class_weight).get(int(label), 1.0) for label in y]
    variables = supernet.network_weights + supernet.alpha_variables

    def loss(weights, alphas):
        by_id = {id(v): t for v, t in zip(variables, weights + alphas)}
        logits, _ = supernet.stateless_call(
            [by_id[id(v)] for v in supernet.trainable_variables],
            [
                by_id.get(id(v), v.value)
                for v in supernet.non_trainable_variables
            ],
            x,
            training=True,
        )
        log = tf.nn.log_softmax(logits)
        of_labels = tf.gather(log, y, axis=1, batch_dims=1)
        return -tf.reduce_sum(counts * of_labels) / len(counts)

    return loss
