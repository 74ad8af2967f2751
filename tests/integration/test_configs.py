"""Every config works with each command it is for, and says what it is."""

import pathlib
import re

import pytest

from tfdarts.cli import pipeline
from tfdarts.cli import search
from tfdarts.cli import train
from tfdarts.cli.command import settings_from_flagfile
from tfdarts.runs.configs import SearchConfig
from tfdarts.runs.configs import TrainConfig

CONFIGS = sorted((pathlib.Path(__file__).parents[2] / "configs").glob("*.cfg"))
COMMANDS = {
    "tfdarts-search": search.command,
    "tfdarts-train": train.command,
    "tfdarts-pipeline": pipeline.command,
}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_config_names_its_commands_and_works_with_them(path):
    header = path.read_text().split("--dataset")[0]
    for word in ("Source:", "Cost:", "Result:"):
        assert word in header
    named = re.findall(r"#   (tfdarts-\w+) --flagfile=(\S+)", header)
    assert named
    for command, flagfile in named:
        assert flagfile == f"configs/{path.name}"
        values = COMMANDS[command]._flag_values()
        assert values([command, f"--flagfile={path}"]) == [command]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_train_flagfile_is_there_and_is_one(path):
    text = path.read_text()
    config_class = SearchConfig if "_train" not in path.name else TrainConfig
    named = re.findall(r"^--train_flagfile=(.*)$", text, re.MULTILINE)
    assert bool(named) == (config_class is SearchConfig)
    for flagfile in named:
        config = settings_from_flagfile(
            TrainConfig, path.parents[1] / flagfile, run_dir="r"
        )
        assert config.run_dir == "r"
