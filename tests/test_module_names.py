"""Tests of the names of modules: one that stands twice is found twice."""

import collections
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]


@pytest.mark.parametrize("directory", ["tfdarts", "tests"])
def test_each_module_has_a_name_of_its_own(directory):
    """pytest imports tests by their basename alone, so two cannot be equal."""
    names = collections.Counter(
        path.name
        for path in (ROOT / directory).rglob("*.py")
        if path.name != "__init__.py"
    )
    assert [name for name, count in names.items() if count > 1] == []
