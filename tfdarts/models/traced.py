"""The functional model that computes what a layer or model computes."""

import inspect

import keras
import tensorflow as tf

from tfdarts.layers.nested import nested_layers


def trace_model(model, inputs=None):
    """Returns a functional model of what a model computes.

    Args:
        model: Keras model of a class of its own, or sequential, built.
        inputs: Structure of symbolic inputs. Defaults to floats of the shapes
            that the model was built with.

    Raises:
        ValueError: If the model computes other things than calls of layers
            and functions of `keras.ops`.
    """
    if inputs is None:
        shapes = (model.get_build_config() or {}).get("input_shape")
        if shapes is None or model.input_dtype in ("float16", "bfloat16"):
            raise ValueError(
                f"The shapes or types of the inputs of {model.name} are not "
                "known: give `inputs`, such as keras.Input((40,), "
                "dtype='int32')."
            )
        inputs = _inputs_of_shapes(shapes, model.input_dtype)
    return trace(model, inputs, (inputs,), {})


def _inputs_of_shapes(shapes, dtype, name=None):
    """Returns inputs of any batch size, named as the keys of dicts."""
    if isinstance(shapes, dict):
        return {
            key: _inputs_of_shapes(each, dtype, key)
            for key, each in shapes.items()
        }
    if shapes and isinstance(shapes[0], (dict, list, tuple)):
        return [_inputs_of_shapes(each, dtype) for each in shapes]
    return keras.Input(shapes[1:], dtype=dtype, name=name)


def trace(layer, inputs, args, kwargs):
    """Returns a functional model of what a layer computes.

    Args:
        layer: Keras layer or model.
        inputs: Structure of symbolic inputs.
        args, kwargs: The arguments of the layer's `call`, which contain the
            inputs.

    Raises:
        ValueError: If the layer computes other things than calls of layers
            and functions of `keras.ops`.
    """
    parameters = inspect.signature(layer.call).parameters
    takes_mask = any(name.endswith("mask") for name in parameters)
    if takes_mask and not isinstance(layer, keras.Sequential):
        raise _refusal(layer, "its `call` takes a mask")
    _refuse_own_variables(layer)
    args, kwargs = keras.tree.map_structure(
        lambda value: _converted(value, layer.input_dtype), (args, kwargs)
    )
    modes = [{}]
    if "training" in parameters:
        modes += [{"training": True}, {"training": False}]
    models = [_model(layer, inputs, args, kwargs | mode) for mode in modes]
    model, *others = models
    steps = _steps(model)
    if any(_steps(other) != steps for other in others):
        raise _refusal(layer, "it computes something else in training")
    for node in _nodes(model):
        if any(map(_may_hold_weights, _constants(node))):
            raise _refusal(layer, "it computes with weights or tensors itself")
        if node.arguments.kwargs.get("training") is not None:
            raise _refusal(layer, "it sets `training` of a layer itself")
    return model


def _converted(value, dtype):
    """Returns a symbolic input as Keras converts it before a call."""
    if not isinstance(value, keras.KerasTensor) or value.dtype == dtype:
        return value
    if not keras.backend.is_float_dtype(value.dtype):
        return value
    return keras.ops.cast(value, dtype)


def _refuse_own_variables(layer):
    _, *inner = nested_layers(layer)
    known = {id(v) for each in inner for v in each.variables}
    own = [v.name for v in layer.variables if id(v) not in known]
    if own:
        names = ", ".join(own)
        raise _refusal(layer, f"it has variables of its own: {names}")


def _model(layer, inputs, args, kwargs):
    try:
        outputs = layer.call(*args, **kwargs)
        return keras.Model(inputs, outputs, name=layer.name)
    except Exception as error:
        first, *_ = str(error).strip().split("\n")
        reason = f"its `call` fails: {first}"
        if first.startswith("`add_loss"):
            reason = "it adds losses itself"
        raise _refusal(layer, reason) from error


def _nodes(model):
    """Returns the calls of layers and functions in a model, in order."""
    by_depth = model._nodes_by_depth
    depths = sorted(by_depth, reverse=True)
    nodes = [node for depth in depths for node in by_depth[depth]]
    return [node for node in nodes if not node.is_input]


def _steps(model):
    """Returns what a model computes, in a form that can be compared."""
    numbers = {}
    steps = []
    for node in _nodes(model):
        step = node.operation
        if isinstance(step, keras.Layer):
            what = id(step)
        else:  # Each call of a function has an object of its own.
            options = {k: str(v) for k, v in vars(step).items() if k[0] != "_"}
            what = type(step), options | {"name": ""}
        tensors = [*node.input_tensors, *node.outputs]
        steps.append(
            (
                what,
                [numbers.setdefault(id(t), len(numbers)) for t in tensors],
                [str(value) for value in _constants(node)],
            )
        )
    return steps


def _constants(node):
    """Returns the arguments of a call that are no symbolic tensors."""
    arguments = node.arguments
    options = arguments.kwargs | {"training": None}
    values = keras.tree.flatten((arguments.args, options))
    return [each for each in values if not isinstance(each, keras.KerasTensor)]


def _may_hold_weights(value):
    """Returns whether a constant may be computed from weights."""
    if isinstance(value, (keras.Variable, tf.Variable)):
        return True
    return tf.is_tensor(value) and value.dtype.is_floating


def _refusal(layer, reason):
    return ValueError(
        f"What {layer.name} of the class {type(layer).__name__} computes "
        f"cannot be derived, because {reason}. Compute everything by layers "
        "and by functions of keras.ops, or build the model again with what "
        "tfdarts.choices_of(model) says."
    )
