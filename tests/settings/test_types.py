"""What type checkers are told of settings."""

import contextlib
import dataclasses
import inspect
import re

import pytest

import tfdarts
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting

CONFIGS = [
    getattr(tfdarts, name) for name in tfdarts.__all__ if "Config" in name
]


@pytest.mark.parametrize("config_class", CONFIGS)
def test_settings_that_take_more_than_text_say_so(config_class):
    classes = [each for each in config_class.__mro__ if each is not object]
    source = "".join(inspect.getsource(each) for each in classes)
    flexible = {*re.findall(r"^    (\w+): FromPython = ", source, re.M)}
    assert flexible == {
        field.name
        for field in dataclasses.fields(config_class)
        if field.metadata["form"]
    }
    if config_class is not tfdarts.TuneConfig:  # It is beside a training's.
        assert {"dataset", "run_dir"} <= flexible


@pytest.mark.parametrize("has_lines", [True, False])
def test_only_settings_that_have_lines_take_several(has_lines):
    """Whatever their names."""

    @dataclasses.dataclass(frozen=True)
    class Noted(Settings):
        text: str = setting("", "A text.", has_lines=has_lines)

    refusal = pytest.raises(ValueError, match="--text must have no control")
    with contextlib.nullcontext() if has_lines else refusal:
        Noted(text="one\ntwo")
