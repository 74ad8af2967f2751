"""The tests that README.md names are there."""

import pathlib
import re

HERE = pathlib.Path(__file__).parent


def test_named_tests_exist():
    text = (HERE / "README.md").read_text()
    named = re.findall(r"`tests/([\w/]+\.py)(?:::(test_\w+))?`", text)
    assert len(named) > 50
    for path, test in named:
        source = (HERE.parent / path).read_text()
        assert not test or f"\ndef {test}(" in source, f"{path}::{test}"
