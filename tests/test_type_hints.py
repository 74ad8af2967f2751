"""What a user imports from `tfdarts` has type hints."""

import dataclasses
import inspect

import pytest

import tfdarts
from tfdarts import genotypes

FUNCTIONS = {
    name: getattr(tfdarts, name)
    for name in tfdarts.__all__
    if inspect.isfunction(getattr(tfdarts, name))
} | {name: getattr(genotypes, name) for name in ("get", "published_names")}

CONSTRUCTORS = {
    name: getattr(tfdarts, name).__init__
    for name in tfdarts.__all__
    if "__init__" in vars(getattr(tfdarts, name))
    and not dataclasses.is_dataclass(getattr(tfdarts, name))
} | {"Genotype": tfdarts.Genotype.__init__}


def without_hint(function):
    """The parameters of a function that have no hint."""
    return [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.annotation is parameter.empty
        and parameter.kind is not parameter.VAR_POSITIONAL
        and parameter.kind is not parameter.VAR_KEYWORD
        and parameter.name != "self"
    ]


def test_all_public_names_are_looked_at():
    assert {"search", "train", "setting", "register_task"} <= {*FUNCTIONS}
    assert {"DARTS", "CNNSupernet", "SGD", "Genotype"} <= {*CONSTRUCTORS}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_hints(name):
    function = FUNCTIONS[name]
    assert without_hint(function) == []
    assert inspect.signature(function).return_annotation is not inspect._empty


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_a_constructor_has_hints(name):
    assert without_hint(CONSTRUCTORS[name]) == []


@pytest.mark.parametrize(
    "cls",
    [tfdarts.Task, tfdarts.Strategy, tfdarts.Evaluator, tfdarts.Relaxation],
)
def test_an_interface_has_hints(cls):
    methods = [
        value.fget if isinstance(value, property) else value
        for name, value in vars(cls).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or isinstance(value, property))
    ]
    for method in methods:
        hint = inspect.signature(method).return_annotation
        assert without_hint(method) == [] and hint is not inspect._empty, method


METHODS = {
    tfdarts.DARTS: (
        *("update_alphas", "update_weights", "weight_gradient"),
        *("step_weights", "alpha_curvature", "genotype"),
    ),
    tfdarts.SGD: ("virtual_step",),
    tfdarts.MixedOp: ("call",),
    tfdarts.Evaluation: ("to_dict", "from_dict", "of_diverged"),
    **dict.fromkeys(
        (
            tfdarts.EvolutionOracle,
            tfdarts.LocalSearchOracle,
            tfdarts.ReinforceOracle,
        ),
        ("propose", "learn", "get_state", "set_state"),
    ),
}
"""What a user calls or overrides."""


@pytest.mark.parametrize("cls", METHODS)
def test_methods_of_a_public_class_have_hints(cls):
    for name in METHODS[cls]:
        method = getattr(cls, name)
        hint = inspect.signature(method).return_annotation
        assert without_hint(method) == [] and hint is not inspect._empty, name


@pytest.mark.parametrize(
    "cls", [tfdarts.Task, tfdarts.Strategy, tfdarts.Evaluator]
)
def test_attributes_that_a_subclass_sets_have_hints(cls):
    """Without a hint, `name = None` lets no subclass have a name."""
    attributes = {
        name
        for name, value in vars(cls).items()
        if not name.startswith("_")
        and not inspect.isfunction(value)
        and not isinstance(value, property)
    }
    assert "name" in attributes
    assert attributes == {*inspect.get_annotations(cls)}
