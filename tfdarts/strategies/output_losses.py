"""The loss of a model with one or several outputs."""

import keras
import tensorflow as tf

from tfdarts.replicas import num_replicas


class OutputLosses:
    """The weighted sum of the losses of all outputs of a model.

    Unlike Keras' own sum, this one changes no variables, so that it can be a
    part of pure functions.

    Args:
        loss: Keras loss, its name, or a function of labels and outputs that
            returns a number, or a number for each example; for several
            outputs a list, or a dict by the names of the outputs. An output
            whose loss is `None` has none.
        loss_weights: Number, or list or dict of numbers as for `loss`.
            Defaults to 1 for each.
        output_names: Sequence of strings, the names of the model's outputs,
            for dicts. Defaults to no names.
        dtype: The dtype in which named losses are computed.

    Example:

    >>> losses = OutputLosses(["mse", "mae"], [1.0, 0.5])
    >>> zeros, twos = tf.zeros((3, 1)), tf.fill((3, 1), 2.0)
    >>> float(losses([zeros, zeros], [twos, twos]))
    5.0
    """

    def __init__(
        self, loss, loss_weights=None, output_names=(), dtype="float32"
    ):
        self.loss = keras.tree.map_structure(
            lambda each: _as_loss(each, dtype), loss
        )
        self.loss_weights = loss_weights
        self.output_names = list(output_names or ())

    def __call__(self, y, outputs, sample_weight=()):
        """Returns the loss, a scalar.

        Args:
            y: Structure of labels; for several outputs as many labels.
            outputs: The outputs of the model.
            sample_weight: Tensor of weights of the examples, or one for each
                output. Defaults to 1 for each example.
        """
        names = self._names_of(outputs)
        weights = self._column(self.loss_weights, names, "loss weights")
        sample_weights = self._column(sample_weight, names, "sample weights")
        losses = [
            self._loss_of(*row[1:], *others)
            for row, *others in zip(
                self.rows(y, outputs), weights, sample_weights, strict=True
            )
            if row[1] is not None
        ]
        dtypes = [loss.dtype for loss in losses]
        return tf.add_n([tf.cast(loss, dtypes[0]) for loss in losses])

    def rows(self, y, outputs):
        """Returns tuples of name, loss, labels and output for each output.

        Args:
            y, outputs: See `__call__`.

        Raises:
            ValueError: If there are losses or labels of other outputs.
        """
        names = self._names_of(outputs)
        if names is None and keras.tree.is_nested(self.loss):
            raise ValueError(
                "The model has one output, so `loss` must be one loss. "
                f"Received: loss={self.loss!r}."
            )
        columns = [
            self._column(each, names, what)
            for each, what in (
                (self.loss, "losses"),
                (y, "labels"),
                (outputs, "outputs"),
            )
        ]
        return [*zip(names or [None], *columns, strict=True)]

    def _names_of(self, outputs):
        """Returns the names of several outputs, or `None` for one output."""
        if isinstance(outputs, dict):
            return [*outputs]
        if isinstance(outputs, (list, tuple)):
            if len(self.output_names) == len(outputs):
                return self.output_names
            return [*range(len(outputs))]
        return None

    def _column(self, values, names, what):
        """Returns the value for each output, as a list."""
        if names is None:
            return [values]
        if isinstance(values, dict):
            if unknown := {*values} - {*names}:
                raise ValueError(
                    f"There are {what} for {sorted(map(str, unknown))}, but "
                    f"the outputs of the model are {names}."
                )
            return [values.get(name) for name in names]
        if isinstance(values, (list, tuple)) and len(values):
            if len(values) != len(names):
                raise ValueError(
                    f"The model has {len(names)} outputs, {names}, and there "
                    f"are {len(values)} {what}: give one for each output."
                )
            return list(values)
        return [values] * len(names)

    def _loss_of(self, loss, y, output, loss_weight, sample_weight):
        """Returns the weighted loss of one output."""
        weighted = sample_weight is not None and not isinstance(
            sample_weight, tuple
        )
        weights = [sample_weight] if weighted else []
        if not isinstance(loss, keras.losses.Loss):
            y = loss(y, output)
            loss = _MeanOfValues("loss", dtype=y.dtype.name)
            if weighted:
                weights = [_expand(sample_weight, y)]
        if y.shape.rank == 0:  # A function has returned the mean itself.
            value = y
        else:
            # Keras divides the loss by the number of replicas.
            value = loss(y, output, *weights) * num_replicas()
        return value if loss_weight is None else loss_weight * value


class _MeanOfValues(keras.losses.Loss):
    """The mean of what a function has returned, with masks and weights."""

    def call(self, y_true, y_pred):
        return y_true


class _NamedLoss(keras.losses.Loss):
    """The loss of a name, with masks and weights as Keras treats them."""

    def __init__(self, name, dtype):
        super().__init__(name=name, dtype=dtype)
        self.function = keras.losses.get(name)

    def call(self, y_true, y_pred):
        if isinstance(self.function, keras.losses.Loss):
            return self.function.call(y_true, y_pred)
        missing = y_pred.shape.rank - y_true.shape.rank
        if missing == 1 and y_pred.shape[-1] == 1:
            y_true = y_true[..., None]
        elif missing == -1 and y_true.shape[-1] == 1:
            y_true = tf.squeeze(y_true, axis=-1)
        return self.function(y_true, y_pred)


def _as_loss(loss, dtype):
    """Returns a Keras loss for a name; other losses unchanged."""
    if isinstance(loss, str):
        return _NamedLoss(loss, dtype)
    return loss if loss is None else keras.losses.get(loss)


def _expand(sample_weight, values):
    """Returns the weights of examples, with as many axes as the values."""
    if values.shape.rank == 0:
        raise ValueError(
            "A loss that is one number for the whole batch cannot weight "
            "examples: use a keras.losses.Loss, or a function that returns a "
            "number for each example."
        )
    missing = values.shape.rank - sample_weight.shape.rank
    return sample_weight[(..., *[None] * missing)]
