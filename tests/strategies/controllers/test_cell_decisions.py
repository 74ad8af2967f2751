"""Genotypes and sequences of decisions stand for each other."""

import itertools

import numpy as np
import pytest

from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.nasnet import NASNetSearchSpace
from tfdarts.search_spaces.rnn import RNNSearchSpace
from tfdarts.search_spaces.space_registry import get_space
from tfdarts.strategies.controllers.cell_decisions import CellDecisions

TWO = ("skip_connect", "sep_conv_3x3")


def numbers_of_options(decisions):
    return [len(each.values) for each in decisions.hyperparameters().space]


@pytest.mark.parametrize(
    ("name", "predecessors", "operations"),
    [
        # Node 2 of a cell has both inputs; three nodes choose two each.
        ("darts", 2 * 3 * 2, 2 * 4 * 2),
        # Node 1 has the input; seven nodes choose one each.
        ("darts_rnn", 7, 8),
        ("nas_bench_201", 0, 6),
        ("nasnet", 2 * 5 * 2, 2 * 5 * 2),
    ],
)
def test_each_choice_of_a_space_is_one_decision(name, predecessors, operations):
    decisions = CellDecisions(get_space(name)())
    kinds = [each.kind for each in decisions.sequence]
    assert kinds.count("predecessor") == predecessors
    assert kinds.count("operation") == operations
    names = [each.name for each in decisions.sequence]
    assert len({*names}) == len(names)


def test_predecessors_of_a_node_come_before_its_operations():
    sequence = CellDecisions(NASNetSearchSpace(1)).sequence
    assert [(each.kind, each.edge) for each in sequence[:4]] == [
        *(("predecessor", 0), ("predecessor", 1)),
        *(("operation", 0), ("operation", 1)),
    ]
    assert [each.cell_type for each in sequence] == ["normal"] * 4 + [
        "reduce"
    ] * 4


@pytest.mark.parametrize(
    "space", [RNNSearchSpace(3, ("tanh", "relu")), NASNetSearchSpace(1, TWO)]
)
def test_all_sequences_are_all_genotypes(space):
    decisions = CellDecisions(space)
    found = {
        decisions.genotype(choices)
        for choices in itertools.product(
            *map(range, numbers_of_options(decisions))
        )
    }
    assert all(genotype in space for genotype in found)
    assert len(found) == space.size ** len(space.cell_types)


def test_choices_come_back_from_values():
    decisions = CellDecisions(NASNetSearchSpace())
    generator = np.random.default_rng(0)
    choices = generator.integers(numbers_of_options(decisions)).tolist()
    values = decisions.to_values(choices)
    assert decisions.to_choices(values) == choices
    assert decisions.decode(values) == decisions.genotype(choices)
    # Loose ends are joined.
    assert decisions.decode(values) in decisions.space


def test_operations_depend_on_the_edge():
    space = CNNSearchSpace(
        1,
        ("none", *TWO),
        primitives_by_edge={
            "normal": [("none", TWO[0]), TWO],
            "reduce": [("none", *TWO), ("none", TWO[1])],
        },
    )
    decisions = CellDecisions(space)
    assert decisions.allowed_operations("normal", 2).tolist() == [
        [False, True, False],
        [False, True, True],
    ]
    assert decisions.allowed_operations("reduce", 2).tolist() == [
        [False, True, True],
        [False, False, True],
    ]
