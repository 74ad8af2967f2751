"""On few cores, commands that train give each operation one thread."""

import dataclasses
import os

import pytest

from tfdarts.cli import process
from tfdarts.cli.evaluate_command import command as evaluate
from tfdarts.cli.pipeline_command import command as pipeline
from tfdarts.cli.search_command import command as search
from tfdarts.cli.train_command import command as train

IMAGES = ("--dataset=digits",)


@pytest.fixture
def threads_of(monkeypatch, tmp_path):
    """Returns the threads of an operation that a command chooses."""

    def threads_of(command, cores, *arguments, chosen=None):
        monkeypatch.setattr(process, "cpu_cores", lambda: cores)
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "restored afterwards")
        if chosen is None:
            monkeypatch.delenv("TF_NUM_INTRAOP_THREADS")
        else:
            monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", chosen)
        idle = dataclasses.replace(command, run=lambda values: None)
        assert idle.main([*arguments, f"--run_dir={tmp_path}"]) == 0
        return os.environ.get("TF_NUM_INTRAOP_THREADS")

    return threads_of


@pytest.mark.parametrize("command", [search, pipeline, train])
def test_commands_that_train_on_few_cores(command, threads_of):
    """All the same: other threads round differently."""
    assert threads_of(command, 2, *IMAGES) == "1"
    assert threads_of(command, 3, *IMAGES) is None


def test_the_choice_of_the_user_is_kept(threads_of):
    assert threads_of(search, 2, *IMAGES, chosen="2") == "2"


def test_loops_over_words_and_commands_of_runs_keep_all_threads(threads_of):
    assert threads_of(search, 2, "--dataset=pydoc") is None
    assert threads_of(evaluate, 2) is None
