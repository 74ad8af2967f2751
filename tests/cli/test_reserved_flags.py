"""No setting of a strategy or an evaluator can replace a command's flag."""

import pytest

from tfdarts.cli import pipeline
from tfdarts.cli import search
from tfdarts.runs.search_configs import search_config_class_of
from tfdarts.settings.parts import is_reserved
from tfdarts.strategies.registry import strategies
from tfdarts.tasks.registry import tasks

STRATEGIES = [each.name for each in strategies()]
PARTS = {"strategy", "evaluator"}


@pytest.mark.parametrize("module", [search, pipeline])
@pytest.mark.parametrize("task", tasks(), ids=lambda task: task.name)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_flags_that_are_no_settings_are_reserved(module, task, strategy):
    command = module.command.for_strategy([f"--strategy={strategy}"])
    settings = search_config_class_of({"strategy": strategy}, task)
    own = {*command._flag_values(task)} - {*settings.__dataclass_fields__}
    assert {"quiet", "train_flagfile", "train_epochs"} < own
    assert [name for name in own | PARTS if not is_reserved(name)] == []


@pytest.mark.parametrize("task", tasks(), ids=lambda task: task.name)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_settings_are_not_reserved(task, strategy):
    settings = search_config_class_of({"strategy": strategy}, task)
    names = {*settings.__dataclass_fields__}
    assert {name for name in names if is_reserved(name)} == names & PARTS
