"""On few cores a search gives each operation one thread."""

import dataclasses
import os

import pytest

from tfdarts.cli import process
from tfdarts.cli.pipeline_command import command as pipeline
from tfdarts.cli.search_command import command as search

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


def test_a_search_on_few_cores(threads_of):
    assert threads_of(search, 2, *IMAGES) == "1"
    assert threads_of(search, 3, *IMAGES) is None


def test_the_choice_of_the_user_is_kept(threads_of):
    assert threads_of(search, 2, *IMAGES, chosen="2") == "2"


def test_loops_over_words_and_measured_networks_keep_all_threads(threads_of):
    assert threads_of(search, 2, "--dataset=pydoc") is None
    assert threads_of(pipeline, 2, *IMAGES) is None
