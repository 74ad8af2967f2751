"""Paths, names and hints of `--dataset`, which each task has of its own."""

import dataclasses
import os
import pathlib

import numpy as np
import pytest

import tfdarts
from tfdarts.tasks.images import ImageTask
from tfdarts.tasks.run_data import find_data
from tfdarts.tasks.shared_settings import specification
from tfdarts.tasks.task_registry import get_task

data_name = get_task("images").data_name


def arrays():
    return tfdarts.from_arrays((np.zeros((20, 8, 6, 3)), np.arange(20) % 2))


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("digits", "digits"),
        ("tfds:cifar10", "cifar10"),
        ("tfds:imagenet_resized/32x32", "imagenet_resized-32x32"),
        ("tfds:cifar10:3.0.2", "cifar10-3.0.2"),
        ("idx:/usr/share/datasets/fashion-mnist", "fashion-mnist"),
        ("folder:/home/me/my flowers/", "my-flowers"),
        ("folder:../here/..x", "x"),
        ("folder:/", "folder"),
        ("arrays:images-12ab", "images-12ab"),
    ],
)
def test_a_directory_can_be_called_by_the_data(spec, name):
    assert data_name(spec) == name


def test_a_directory_is_called_by_its_name_wherever_one_is(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert data_name("folder:.") == tmp_path.name
    source = dataclasses.replace(arrays(), name="folder:/a/b")
    assert data_name(source) == "b"


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("pydoc", "pydoc"),
        ("text:/novels/Emma by J. A.txt", "Emma-by-J.-A"),
        ("text:ptb/", "ptb"),
        ("tfds:tiny_shakespeare", "tiny_shakespeare"),
        ("text:/", "text"),
    ],
)
def test_a_directory_can_be_called_by_the_text(spec, name):
    assert get_task("texts").data_name(spec) == name


def test_a_path_is_asked_about(tmp_path):
    (tmp_path / "novel.txt").touch()
    (tmp_path / "ptb").mkdir()
    (tmp_path / "ptb" / "train.txt").touch()
    for config_class in (tfdarts.SearchConfig, tfdarts.RNNSearchConfig):
        for name, kind in (("", "folder"), ("ptb", "text")):
            config = config_class(dataset=str(tmp_path / name))
            meant = f"Did you mean {kind}:{tmp_path / name}?"
            with pytest.raises(tfdarts.DataError, match=meant.rstrip("/?")):
                find_data(config)


@pytest.mark.parametrize(
    ("config_class", "spec", "hint"),
    [
        (
            tfdarts.SearchConfig,
            "pydoc",
            "There is no data set 'pydoc'.*of the task texts: use "
            "RNNSearchConfig or RNNTrainConfig.$",
        ),
        (
            tfdarts.RNNTrainConfig,
            "digits",
            "There is no text 'digits'.*of the task images: use SearchConfig "
            "or TrainConfig.$",
        ),
        (
            tfdarts.RNNTrainConfig,
            "digit",
            "a feature text. The data sets of images are: digits, "
            "tfds:<name>, idx:<directory>, folder:<directory>.$",
        ),
        (tfdarts.RNNTrainConfig, "lines:1a", "same source as `dataset`.$"),
        (
            tfdarts.SearchConfig,
            "bogus:1",
            "folder:<directory>. The data sets of texts are: pydoc, "
            "text:<directory>, text:<file>, tfds:<name>.$",
        ),
    ],
)
def test_data_of_another_task_name_its_settings(config_class, spec, hint):
    with pytest.raises(tfdarts.DataError, match=hint):
        find_data(config_class(dataset=spec))


class Sounds(ImageTask):
    """Sounds are files that end in .wav."""

    name = "sounds"
    configs = {
        name: dataclasses.make_dataclass(
            f"Sound{base.__name__}", [], bases=(base,), frozen=True
        )
        for name, base in ImageTask.configs.items()
    }
    located = ("wav",)

    def takes(self, spec):
        return str(spec).startswith("wav:")

    def specification_of(self, path):
        return f"wav:{path}" if path.suffix == ".wav" else None


def test_a_third_task_has_paths_names_and_hints_of_its_own(tmp_path):
    tfdarts.register_task(Sounds())
    assert specification(tmp_path / "a.wav") == f"wav:{tmp_path}/a.wav"
    assert specification("wav:~/a") == f"wav:{os.path.expanduser('~')}/a"
    assert specification(pathlib.Path("a")) == "folder:a"
    assert get_task("sounds").data_name("wav:a/b.wav/") == "b.wav"
    for config_class in (tfdarts.SearchConfig, tfdarts.RNNSearchConfig):
        with pytest.raises(
            tfdarts.DataError,
            match="of the task sounds: use SoundSearchConfig or SoundTrain",
        ):
            find_data(config_class(dataset="wav:a"))


def test_an_unknown_data_set_is_told_those_of_a_third_task(monkeypatch):
    tfdarts.register_task(Sounds())
    config = tfdarts.SearchConfig(dataset="bogus:1")
    with pytest.raises(
        tfdarts.DataError, match="There are also data sets of sounds.$"
    ):
        find_data(config)
    monkeypatch.setattr(Sounds, "data_sets", ("wav:<file>",))
    with pytest.raises(
        tfdarts.DataError, match="The data sets of sounds are: wav:<file>.$"
    ):
        find_data(config)
