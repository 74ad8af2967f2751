"""Layers side by side, whose batch norms meet other replicas together.

Each batch norm of a batch that replicas share is a sum over all of them, and
it is the number of sums that costs. Batch norms that do not depend on each
other share one.

A run of a layer is a generator: it yields a batch norm with what is to be
normalised, is sent what that becomes, and returns the layer's output.
"""

from tfdarts.layers.batch_norm import batch_norms


def side_by_side(runs, training):
    """Returns the outputs of layers that do not depend on each other.

    Args:
        runs: List of generators. Each yields tuples `(batch_norm, inputs,
            scale)`, arguments of `BatchNorm`.
        training: Boolean, whether to normalise by the batch.
    """
    outputs = [None] * len(runs)
    asked = {}

    def go_on(position, normalised=None):
        try:
            asked[position] = runs[position].send(normalised)
        except StopIteration as end:
            outputs[position] = end.value

    for position in range(len(runs)):
        go_on(position)
    while asked:
        positions, questions = [*asked], [*asked.values()]
        asked.clear()
        for answer in zip(positions, batch_norms(questions, training)):
            go_on(*answer)
    return outputs


def alone(run, training):
    """Returns the output of a single run; see `side_by_side`."""
    (output,) = side_by_side([run], training)
    return output
