"""A part that cannot work is refused with a sentence when it is given."""

import functools

import keras
import numpy as np
import pytest

import tfdarts
from tfdarts.layers.mixed_op import as_mixed_op
from tfdarts.layers.partial_mixed_op import PartialMixedOp
from tfdarts.tasks.networks import build_recurrent_supernet
from tfdarts.tasks.task_registry import get_task

IMAGES = get_task("images")


class Nothing(tfdarts.Relaxation):
    pass


class WithoutTraining(tfdarts.Relaxation):
    def weights_of(self, alpha):
        return alpha


class Summed(tfdarts.Relaxation):
    def weights_of(self, alpha, training=False):
        return keras.ops.sum(alpha, axis=-1)


@pytest.mark.parametrize("kind", [Nothing, WithoutTraining])
def test_a_relaxation_needs_weights_of(kind):
    with pytest.raises(ValueError, match=f"{kind.__name__} must have a method"):
        tfdarts.CNNSupernet(4, 3, 2, (8, 8, 1), relaxation=kind())


def test_weights_of_another_shape_are_refused():
    alphas = tfdarts.Alphas(3, 2, relaxation=Summed())
    with pytest.raises(ValueError, match=r"Summed must .*\(3, 2\). .*: \(3,\)"):
        alphas.edge_weights()


class Passing(tfdarts.MixedOp):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


@pytest.mark.parametrize(
    "identifier",
    [Passing, PartialMixedOp, functools.partial(PartialMixedOp, name="x")],
)
def test_classes_of_mixed_operations_are_taken(identifier):
    assert as_mixed_op(identifier) is identifier


@pytest.mark.parametrize(
    "identifier",
    [
        keras.layers.ReLU,
        keras.layers.Dense,
        tfdarts.MixedOp(1, 4),
        functools.partial(keras.layers.Dense, 3),
        3,
    ],
)
def test_what_is_no_class_of_mixed_operations_is_refused(identifier):
    with pytest.raises(ValueError, match="`mixed_op` must be the class of a"):
        tfdarts.CNNSupernet(4, 3, 2, (8, 8, 1), mixed_op=identifier)


def test_the_value_of_a_flag_is_no_mixed_operation():
    with pytest.raises(ValueError, match="'partial': give a class, such as"):
        as_mixed_op("partial")


class OwnMixedOp(tfdarts.SupernetStrategy):
    name = "own_mixed_op"

    def supernet_arguments(self, config):
        return {"mixed_op": tfdarts.MixedOp}


def test_a_mixed_operation_is_not_for_texts():
    tfdarts.register_strategy(OwnMixedOp())
    config = tfdarts.search_config("own_mixed_op", dataset="pydoc")
    with pytest.raises(ValueError, match="own_mixed_op chooses `mixed_op` of"):
        build_recurrent_supernet(config, 9)


@pytest.mark.parametrize("number", ["two", 2.5, True, 0, None])
def test_a_space_has_a_number_of_nodes(number):
    class Cells(tfdarts.CNNSearchSpace):
        name = "cells_of_test"
        num_nodes = number

    with pytest.raises(ValueError, match="must be an integer of at least 1"):
        tfdarts.register_space(Cells)


def test_one_primitive_may_be_a_string_and_numbers_may_be_of_numpy():
    space = tfdarts.CNNSearchSpace(np.int64(2), "skip_connect")
    assert (space.num_nodes, space.primitives) == (2, ("skip_connect",))


def layer(filters, strides, search, name=None, dtype=None):
    raise AssertionError("A check calls nothing.")


@pytest.mark.parametrize(
    ("functions", "form"),
    [
        ({"layer": lambda filters: None}, r"layer\(filters, strides, search"),
        ({"layer": layer, "bundle": lambda **kwargs: None}, None),
        ({"layer": layer, "bundle": lambda filters: 0}, r"bundle\(num_edges,"),
        ({"search": layer, "final": layer}, r"search\(filters, strides, name"),
        ({"layer": keras.ops.relu, "space": "rnn"}, None),
        ({"layer": layer, "space": "rnn"}, r"layer\(tensor\)"),
    ],
)
def test_functions_of_a_primitive_take_their_arguments(functions, form):
    if form is None:
        tfdarts.register_primitive("of_test", **functions)
        return
    with pytest.raises(ValueError, match=f"must be `{form}"):
        tfdarts.register_primitive("of_test", **functions)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("my task", "letters, digits and underscores"),
        ("mine", "Missing: takes, find_data, search, build_network"),
    ],
)
def test_a_task_needs_methods_and_a_name_for_the_command_line(given, message):
    class Mine(tfdarts.Task):
        name = given
        configs = IMAGES.configs

    with pytest.raises(ValueError, match=message):
        tfdarts.register_task(Mine())
