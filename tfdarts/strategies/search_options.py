"""Checks of the options of a search."""

import numbers
from collections.abc import Mapping

import keras

from tfdarts.layers.alphas import alpha_variables_of
from tfdarts.layers.batch_norm import has_synchronized
from tfdarts.layers.nested import nested_layers
from tfdarts.layers.relaxations import Relaxation
from tfdarts.models.chosen_options import choices_by_name
from tfdarts.models.supernet import Supernet
from tfdarts.models.supernet import carries_state
from tfdarts.models.word_cross_entropy import WordCrossEntropy
from tfdarts.replicas import worker_of
from tfdarts.strategies import hypergradient

SECOND_ORDER_METHODS = tuple(
    method for method in hypergradient.METHODS if method != "first_order"
)
ONE_OUTPUT = (
    "`class_weight` is for models with one output. Give weights of the "
    "examples for each output instead, the third part of (x, y, sample_weight)."
)
UPDATE_ORDERS = ("alpha_first", "weights_first")


def default_loss(supernet, dtype):
    """Returns the loss of a search for which none was given.

    Args:
        supernet: Keras model.
        dtype: The dtype in which the loss is computed.
    """
    if carries_state(supernet):
        return WordCrossEntropy(dtype=dtype)
    return keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, dtype=dtype
    )


def check_options(
    order, method, update_order, alpha_warmup_steps, micro_batches
):
    """Raises `ValueError` if an argument of `DARTS` has an unknown value.

    Raises:
        ValueError: If an argument is not one of its choices or too small.
    """
    for name, value, choices in (
        ("order", order, (1, 2)),
        ("method", method, SECOND_ORDER_METHODS),
        ("update_order", update_order, UPDATE_ORDERS),
    ):
        if value not in choices:
            raise ValueError(
                f"`{name}` must be one of {', '.join(map(str, choices))}. "
                f"Received: {name}={value!r}."
            )
    for name, value, least in (
        ("alpha_warmup_steps", alpha_warmup_steps, 0),
        ("micro_batches", micro_batches, 1),
    ):
        if value < least:
            raise ValueError(
                f"`{name}` must be at least {least}. Received: {name}={value}."
            )


def check_compilation(
    supernet,
    distribution,
    micro_batches,
    loss,
    class_weight,
    metrics,
    run_eagerly,
    jit_compile,
):
    """Raises `ValueError` if arguments of `DARTS.compile` are incompatible.

    Raises:
        ValueError: If two arguments are incompatible, or the loss does not
            take logits.
    """
    several = distribution.num_replicas_in_sync > 1
    if several and run_eagerly:
        raise ValueError(
            "A search on several devices must be compiled: leave out "
            "`run_eagerly`, or search on one device."
        )
    if several and has_synchronized(supernet):
        if jit_compile or micro_batches > 1:
            raise ValueError(
                "Global batch norms on several devices normalize only the "
                "rows that all devices compute at the same time, and XLA does "
                "not compile communication between devices: leave out "
                "`micro_batches` and `jit_compile`, or do not synchronize "
                "batch norms."
            )
    if metrics is not None and worker_of(distribution)[1] > 1:
        raise ValueError(
            "`metrics` see only the examples of their own process: leave "
            "them out with several processes; `accuracy` is a mean over all."
        )
    if jit_compile and getattr(supernet, "recompute", False):
        raise ValueError(
            "XLA undoes the recomputation of a supernet with "
            "`recompute=True`. Leave out one of `recompute` and `jit_compile`."
        )
    if class_weight is not None:
        _check_class_weight(class_weight, loss, supernet)
    if not isinstance(supernet, Supernet):
        return
    if isinstance(loss, str) or _takes_probabilities(loss):
        raise ValueError(
            f"A supernet returns logits, so `loss` must be a loss of logits, "
            f"such as keras.losses.CategoricalCrossentropy(from_logits=True). "
            f"Received: loss={loss!r}."
        )


def require_known(arguments):
    """Raises `TypeError` if `DARTS.compile` is given arguments of Keras alone.

    Args:
        arguments: Names of arguments that `DARTS.compile` does not take.
    """
    if "optimizer" in arguments:
        raise TypeError(
            "A search has two optimizers: give `weight_optimizer` and "
            "`alpha_optimizer` in place of `optimizer`."
        )
    if arguments:
        raise TypeError(
            f"`compile` of a search has no argument {', '.join(arguments)}: "
            "leave it out."
        )


def _check_class_weight(class_weight, loss, supernet):
    names = getattr(supernet, "output_names", None) or ()
    if len(names) > 1 or isinstance(loss, (dict, list, tuple)):
        raise ValueError(ONE_OUTPUT)
    if not isinstance(class_weight, Mapping) or not all(
        isinstance(number, numbers.Real)
        for number in [*class_weight, *class_weight.values()]
    ):
        raise ValueError(
            "`class_weight` must be a dict from class numbers to weights, such "
            f"as {{0: 1.0, 1: 5.0}}. Received: class_weight={class_weight!r}."
        )
    if callable(loss) and not isinstance(loss, keras.losses.Loss):
        raise ValueError(
            f"`class_weight` needs a `loss` that weights examples: a "
            f"keras.losses.Loss, not a function. Received: loss={loss!r}."
        )


def _takes_probabilities(loss):
    if not isinstance(loss, keras.losses.Loss):
        return False
    return loss.get_config().get("from_logits") is False


def accuracy_of(accuracy, supernet, loss):
    """Returns the function that `accuracy` of `DARTS.compile` stands for."""
    if accuracy != "auto":
        return keras.metrics.get(accuracy)
    if loss is None or isinstance(supernet, Supernet):
        return keras.metrics.sparse_categorical_accuracy
    return None


def require_alphas(model):
    """Returns the alphas of a model, or raises `ValueError`.

    Raises:
        ValueError: If the model has no alphas or no trainable weights, is not
            built, has constraints, stateful layers or choices of equal names.
    """
    if not isinstance(model, keras.Model):
        raise ValueError(
            "A search takes a Keras model with choices, or a supernet. "
            f"Received: {model!r}."
        )
    # A choice may make its alphas only when the model is called.
    if not model.built:
        raise ValueError(
            f"The model {model.name} has no weights yet: call it on a batch "
            "of examples before the search."
        )
    variables = alpha_variables_of(model)
    if not variables:
        raise ValueError(
            f"The model {model.name} has nothing to choose: put a "
            "tfdarts.LayerChoice into it, or search a tfdarts.CNNSupernet or "
            "tfdarts.RNNSupernet."
        )
    constrained = [v.path for v in model.trainable_variables if v.constraint]
    if constrained:
        raise ValueError(
            "A search updates all weights as one vector, so it cannot keep "
            f"the constraints of {', '.join(constrained)}: leave them out."
        )
    stateful = [
        layer.name
        for layer in nested_layers(model)
        if getattr(layer, "stateful", False)
    ]
    if stateful:
        raise ValueError(
            "A search keeps no state of recurrent layers from batch to batch: "
            f"build {', '.join(stateful)} with stateful=False."
        )
    choices_by_name(model)
    if not model.trainable_variables:
        raise ValueError(
            f"The model {model.name} has no trainable weights, so there is "
            "nothing to learn beside the choices. Are all its layers frozen?"
        )
    return variables


def check_precision(method, model):
    """Raises `ValueError` for half precision that a search cannot bear.

    Raises:
        ValueError: If `method` is a difference and a layer computes in half
            precision, or a layer computes in float16.
    """
    for layer in nested_layers(model):
        if isinstance(layer, Relaxation):
            continue  # It computes in the type of the alphas.
        dtype = layer.compute_dtype
        if dtype == "float16":
            raise ValueError(
                f"{_who(layer, model)} computes in float16, whose gradients "
                "vanish without loss scaling, which a search does not have. "
                "Build it with dtype='mixed_bfloat16' or 'float32'."
            )
        if dtype == "bfloat16" and method.endswith("difference"):
            raise ValueError(
                f"{_who(layer, model)} computes in {dtype}, which has too few "
                f"digits for method={method!r}: the difference would be only "
                "rounding error. Build it with dtype='float32', or search "
                "with order=1 or method='exact'."
            )


def _who(layer, model):
    return "The model" if layer is model else f"The layer {layer.name}"
