"""What an evaluator of the user's may return."""

import json
import math

import numpy as np
import pytest

import tfdarts
from tfdarts import genotypes
from tfdarts.evaluators.evaluation import require_evaluation

CELL = genotypes.get("DARTS_V2")
OTHER = genotypes.get("DARTS_V1")


def test_numbers_of_numpy_become_plain():
    returned = tfdarts.Evaluation(
        *(CELL, (np.float32(0.5), np.int64(2)), np.float32(0.25)),
        parameters=np.int64(3),
    )
    evaluation = require_evaluation(returned, CELL, "own")
    assert evaluation == tfdarts.Evaluation(
        CELL, [0.5, 2], 0.25, parameters=3, seconds=None
    )
    assert json.dumps(evaluation.to_dict())


def test_one_number_is_a_rank():
    evaluation = require_evaluation(tfdarts.Evaluation(CELL, 2, 2), CELL, "own")
    assert evaluation.rank == [2]


def test_an_evaluation_of_a_diverged_training_is_usable():
    returned = tfdarts.Evaluation.of_diverged(CELL)
    assert require_evaluation(returned, CELL, "own").has_diverged


@pytest.mark.parametrize(
    "returned",
    [None, 0.5, (CELL, [1], 0.5), tfdarts.Evaluation(OTHER, [1], 0.5)],
)
def test_what_is_no_evaluation_of_the_genotype_is_refused(returned):
    message = "evaluator own must return the tfdarts.Evaluation of the genotype"
    with pytest.raises(ValueError, match=message):
        require_evaluation(returned, CELL, "own")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("rank", value) for value in ([], ["x"], [math.nan], [-math.inf])),
        *(("score", value) for value in ("x", None)),
        *(("seconds", value) for value in ("x", math.nan, -1)),
        *(("parameters", value) for value in ("x", 1.5, math.nan)),
        ("multiply_adds", "x"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(name, value):
    returned = tfdarts.Evaluation(CELL, [1], 0.5)._replace(**{name: value})
    message = f"evaluator own must return an evaluation whose {name} is "
    with pytest.raises(ValueError, match=message):
        require_evaluation(returned, CELL, "own")
