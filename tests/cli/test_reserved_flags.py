"""No setting of a strategy or an evaluator can replace a command's flag."""

import pytest

from tfdarts.cli import pipeline_command
from tfdarts.cli import search_command
from tfdarts.runs.search_configs import is_for
from tfdarts.runs.search_configs import search_config_class_of
from tfdarts.settings.part_checks import is_reserved
from tfdarts.strategies.strategy_registry import strategies
from tfdarts.tasks.task_registry import tasks

PAIRS = [
    pytest.param(strategy.name, task, id=f"{strategy.name}-{task.name}")
    for strategy in strategies()
    for task in tasks()
    if is_for(strategy, task)
]
PARTS = {"strategy", "evaluator"}


@pytest.mark.parametrize("module", [search_command, pipeline_command])
@pytest.mark.parametrize(("strategy", "task"), PAIRS)
def test_flags_that_are_no_settings_are_reserved(module, task, strategy):
    command = module.command.for_strategy([f"--strategy={strategy}"])
    settings = search_config_class_of({"strategy": strategy}, task)
    own = {*command._flag_values(task)} - {*settings.__dataclass_fields__}
    assert {"quiet", "train_flagfile", "train_epochs"} < own
    assert [name for name in own | PARTS if not is_reserved(name)] == []


@pytest.mark.parametrize(("strategy", "task"), PAIRS)
def test_settings_are_not_reserved(task, strategy):
    settings = search_config_class_of({"strategy": strategy}, task)
    names = {*settings.__dataclass_fields__}
    assert {name for name in names if is_reserved(name)} == names & PARTS
