"""Checks that labels fit the outputs and the losses of a model."""

import weakref

import keras
import tensorflow as tf

from tfdarts.layers.nested import is_functional
from tfdarts.strategies.output_losses import OutputLosses

_OUTPUTS = weakref.WeakKeyDictionary()
"""The outputs of models for one example, by the shapes of their inputs."""

POINTWISE = (
    "binary_crossentropy categorical_crossentropy mean_squared_error "
    "mean_absolute_error mean_absolute_percentage_error "
    "mean_squared_logarithmic_error cosine_similarity huber hinge "
    "squared_hinge categorical_hinge log_cosh kl_divergence poisson "
    "binary_focal_crossentropy categorical_focal_crossentropy"
).split()
"""The losses of Keras that take labels of the shape of the outputs."""


def check_batch(batch, model, loss):
    """Raises `ValueError` if the labels of a batch do not fit a model.

    Args:
        batch: Tuple `(x, y, sample_weight)` of at least one example.
        model: Keras model, built.
        loss: See `OutputLosses`.
    """
    x, y, _ = batch
    losses = OutputLosses(loss, output_names=getattr(model, "output_names", ()))
    for name, loss_of_one, *pair in losses.rows(y, _outputs_of(model, x)):
        if loss_of_one is not None:
            check_labels(loss_of_one, *pair, name)


def _outputs_of(model, x):
    """Returns symbolic outputs of a model, or those for one example."""
    if is_functional(model):
        return model.output
    known = _OUTPUTS.setdefault(model, {})
    shapes = str(tf.nest.map_structure(lambda tensor: tensor.shape[1:], x))
    if shapes not in known:
        known[shapes] = model(tf.nest.map_structure(lambda t: t[:1], x))
    return known[shapes]


def check_labels(loss, y, output, name=None):
    """Raises `ValueError` if labels do not fit an output and its loss.

    Args:
        loss: Keras loss, or a function of labels and outputs, which may take
            any labels.
        y: Tensor of labels, or `None`.
        output: Symbolic tensor or tensor, the output.
        name: The name of the output in errors, if the model has several.

    Example:

    >>> loss = keras.losses.MeanSquaredError()
    >>> check_labels(loss, tf.zeros((8,)), keras.KerasTensor((None, 1)))
    """
    of_output = "" if name is None else f" of the output {name!r}"
    if y is None:
        raise ValueError(
            f"There are no labels{of_output}, but it has a loss. Give labels, "
            "or give this output the loss None."
        )
    kind = _name_of(loss)
    shape, labels = tuple(output.shape[1:]), tuple(y.shape[1:])
    if kind == "sparse_categorical_crossentropy":
        if not _fits(labels, shape[:-1]):
            raise ValueError(
                f"Labels{of_output} must be class numbers of shape "
                f"{('batch', *shape[:-1])}, because the loss is sparse "
                "categorical cross-entropy. Received labels of shape "
                f"{('batch', *labels)}. For one-hot labels give `compile` "
                "loss=keras.losses.CategoricalCrossentropy(from_logits=True)."
            )
        _check_classes(loss, y, shape[-1], of_output)
    elif kind in POINTWISE and not _fits(labels, shape):
        raise ValueError(
            f"Labels{of_output} must have the shape of the outputs, "
            f"{('batch', *shape)}. Received labels of shape "
            f"{('batch', *labels)}."
        )


def _name_of(loss):
    """Returns the name of a loss of Keras, or `None`."""
    function = getattr(loss, "fn", None) or getattr(loss, "function", loss)
    if isinstance(function, keras.losses.Loss):
        function = getattr(function, "fn", None)
    is_of_keras = str(getattr(function, "__module__", "")).startswith("keras")
    return function.__name__ if is_of_keras else None


def _fits(labels, shape):
    """Returns whether labels have a shape, up to a last axis of 1."""
    forms = [shape, (*shape, 1)]
    if shape and shape[-1] == 1:
        forms.append(shape[:-1])
    return any(
        len(form) == len(labels)
        and all(None in pair or len({*pair}) == 1 for pair in zip(form, labels))
        for form in forms
    )


def _check_classes(loss, y, size, of_output):
    """Raises `ValueError` if labels are no class numbers."""
    ignored = getattr(loss, "ignore_class", None)
    values = tf.reshape(y, [-1])
    whole = values.dtype.is_integer or (
        values.dtype.is_floating
        and bool(tf.reduce_all(values == tf.floor(values)))
    )
    if not whole:
        raise ValueError(
            f"Labels{of_output} must be class numbers, 0, 1 and so on, not "
            f"names or probabilities. Received {y.dtype.name} labels of shape "
            f"{tuple(y.shape)}."
        )
    if ignored is not None:
        values = values[values != tf.cast(ignored, values.dtype)]
    if size is None or 0 in values.shape:
        return
    lowest, highest = int(tf.reduce_min(values)), int(tf.reduce_max(values))
    if lowest < 0 or highest >= size:
        raise ValueError(
            f"Labels{of_output} must be from 0 to {size - 1}, because the "
            f"output has {size} numbers for each example. Received labels "
            f"from {lowest} to {highest}."
        )
