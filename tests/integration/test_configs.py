"""Every config works with each command it is for, and says what it is."""

import dataclasses
import pathlib
import re

import numpy as np
import pytest

from tfdarts.cli import pipeline_command
from tfdarts.cli import search_command
from tfdarts.cli import train_command
from tfdarts.cli.command import settings_from_flagfile
from tfdarts.cli.command import settings_of
from tfdarts.cli.training_flags import shared_settings
from tfdarts.data import sources
from tfdarts.data.image_source import ImageSource
from tfdarts.data.sources import open_source
from tfdarts.runs.pipeline import pipeline as run_pipeline
from tfdarts.runs.search_configs import search_config
from tfdarts.runs.search_configs import search_config_class_of
from tfdarts.strategies.strategy_registry import STRATEGIES
from tfdarts.strategies.strategy_registry import strategies
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.presets import fill_paper_settings
from tfdarts.tasks.rnn_configs import RNNSearchConfig
from tfdarts.tasks.rnn_configs import RNNTrainConfig

CONFIGS = sorted((pathlib.Path(__file__).parents[2] / "configs").glob("*.cfg"))
COMMANDS = {
    "tfdarts-search": search_command.command,
    "tfdarts-train": train_command.command,
    "tfdarts-pipeline": pipeline_command.command,
}


@dataclasses.dataclass(frozen=True)
class SearchFlags(SearchConfig, search_command.TrainFlagfile):
    """What the flagfile of a search may hold."""


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_config_names_its_commands_and_works_with_them(path):
    header = path.read_text().split("--dataset")[0]
    for word in ("Source:", "Cost:", "Result:"):
        assert word in header
    named = re.findall(r"#   (tfdarts-\w+) --flagfile=(\S+)", header)
    assert named
    for command, flagfile in named:
        assert flagfile == f"configs/{path.name}"
        _, task = COMMANDS[command].parse_arguments([f"--flagfile={path}"])
        of_texts = path.name.startswith(("ptb", "pydoc", "wikitext2"))
        assert task.name == ("texts" if of_texts else "images")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_train_flagfile_is_there_and_is_one(path):
    text = path.read_text()
    named = re.findall(r"^--train_flagfile=(.*)$", text, re.MULTILINE)
    assert bool(named) == ("_train" not in path.name)
    for flagfile in named:
        values, task = search_command.command.parse_arguments(
            [f"--flagfile={path}"]
        )
        given = values.flag_values_dict()
        searched = settings_of(search_config_class_of(given, task), given)
        config = settings_from_flagfile(
            task.configs["train"], path.parents[1] / flagfile, run_dir="r"
        )
        assert config.run_dir == "r"
        shared = [
            {**shared_settings(each, task), "run_dir": "r", "seed": 0}
            for each in (searched, config)
        ]
        assert shared[0] == shared[1]


OF_METHODS = [path for path in CONFIGS if path.stem in STRATEGIES]


def test_each_gradient_method_has_a_config():
    methods = {each.name for each in strategies() if each.trains == "supernet"}
    assert methods - {path.stem for path in OF_METHODS} == {"darts"}


@pytest.mark.parametrize("path", OF_METHODS, ids=lambda path: path.name)
def test_a_config_of_a_method_has_its_published_settings(path):
    values, task = search_command.command.parse_arguments(
        [f"--flagfile={path}"]
    )
    config_class = search_config_class_of({"strategy": path.stem}, task)
    found, published = map(
        fill_paper_settings,
        (
            settings_of(config_class, values.flag_values_dict()),
            search_config(path.stem, preset="paper"),
        ),
    )
    differing = {
        field.name
        for field in dataclasses.fields(config_class)
        if getattr(found, field.name) != getattr(published, field.name)
    }
    # Three methods have no operation "none".
    assert differing - {"primitives"} == {"dataset", "random_flip"}


# Section A.1.1 and A.2.1 of the paper; the mirror images of its code.
PAPER = {
    "cifar10_search.cfg": SearchConfig(order=1),
    "cifar10_search_second_order.cfg": SearchConfig(order=2),
    "cifar10_train.cfg": TrainConfig(cutout_length=16),
    # Section A.2.3, and the authors' code.
    "imagenet_train.cfg": TrainConfig(
        image_size=256,
        image_fit="crop",
        crop_size=224,
        crop_padding=0,
        color_jitter=0.4,
        stem="imagenet",
        init_channels=48,
        num_cells=14,
        epochs=250,
        batch_size=128,
        learning_rate=0.1,
        schedule="exponential",
        decay_rate=0.97,
        momentum=0.9,
        weight_decay=3e-5,
        clip_norm=5.0,
        label_smoothing=0.1,
        drop_path_rate=0.0,
        auxiliary_weight=0.4,
    ),
    # Huang et al., 2017, section 4.2.
    "densenet_bc_train.cfg": TrainConfig(
        network="densenet_bc",
        depth=100,
        growth_rate=12,
        epochs=300,
        batch_size=64,
        learning_rate=0.1,
        schedule="steps",
        momentum=0.9,
        nesterov=True,
        weight_decay=1e-4,
        clip_norm=0.0,
        drop_path_rate=0.0,
        auxiliary_weight=0.0,
    ),
}


# Sections A.1.2 and A.2.2, and the authors' code and README.
PAPER_OF_TEXTS = {
    "ptb_search.cfg": RNNSearchConfig(
        dataset="text:ptb", seed=3, batch_size=256
    ),
    "ptb_train.cfg": RNNTrainConfig(
        dataset="text:ptb", seed=1267, batch_size=64
    ),
    "wikitext2_train.cfg": RNNTrainConfig(
        dataset="text:wikitext2",
        seed=1267,
        batch_size=64,
        units=700,
        recurrent_dropout=0.15,
        weight_decay=5e-7,
    ),
}


@pytest.mark.parametrize("name", PAPER_OF_TEXTS)
def test_the_papers_configs_of_texts_are_the_papers(name):
    command = (
        train_command.command if "_train" in name else search_command.command
    )
    flagfile = CONFIGS[0].parent / name
    values, _ = command.parse_arguments([f"--flagfile={flagfile}"])
    expected = PAPER_OF_TEXTS[name]
    assert settings_of(type(expected), values.flag_values_dict()) == expected


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_configs_are_the_papers(name):
    config_class = type(PAPER[name])
    flags = SearchFlags if config_class is SearchConfig else TrainConfig
    config = settings_from_flagfile(flags, CONFIGS[0].parent / name)
    assert config.preset == "paper"
    config, paper = map(fill_paper_settings, (config, PAPER[name]))
    for field in dataclasses.fields(config_class):
        if field.name in ("dataset", "random_flip", "preset"):
            continue
        expected = getattr(paper, field.name)
        assert getattr(config, field.name) == expected, field.name
    dataset = "imagenet2012" if "imagenet" in name else "cifar10"
    assert (config.dataset, config.random_flip) == (f"tfds:{dataset}", "on")


@pytest.mark.parametrize(
    "path",
    [path for path in CONFIGS if "fashion" in path.name],
    ids=lambda path: path.name,
)
def test_fashion_mnist_is_where_debian_puts_it(path):
    directory = "/usr/share/datasets/fashion-mnist"
    assert f"\n--dataset=idx:{directory}\n" in path.read_text()
    if not pathlib.Path(directory).exists():
        pytest.skip("needs Debian's package dataset-fashion-mnist")
    source = open_source(f"idx:{directory}")
    assert source.splits == {"train": 60000, "test": 10000}
    assert source.image_shape == (28, 28, 1)
    assert len(source.class_names) == 10


@pytest.fixture
def cifar10(monkeypatch):
    """A few images of noise in its place."""
    random = np.random.default_rng(0)

    def examples(count):
        images = random.integers(0, 256, (count, 32, 32, 3), "uint8")
        return images, np.arange(count) % 10

    arrays = {"train": examples(80), "test": examples(10)}
    source = ImageSource(
        "tfds:cifar10",
        tuple("abcdefghij"),
        (32, 32, 3),
        {"train": 80, "test": 10},
        arrays.__getitem__,
    )
    monkeypatch.setattr(sources.tfds, "open_tfds", lambda *arguments: source)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["cifar10_search.cfg", "cifar10_search_second_order.cfg"]
)
def test_a_config_of_the_paper_goes_all_the_way(name, cifar10, tmp_path):
    """With smaller networks and fewer epochs, and all else as it is."""
    tiny = {
        "run_dir": str(tmp_path),
        "epochs": 1,
        "init_channels": 2,
        "num_cells": 3,
        "batch_size": 40,
    }
    path = CONFIGS[0].parent / name
    config = settings_from_flagfile(SearchFlags, path, **tiny, num_nodes=1)
    (train_flagfile,) = re.findall(
        r"^--train_flagfile=(.*)$", path.read_text(), re.MULTILINE
    )
    train_config = settings_from_flagfile(TrainConfig, train_flagfile, **tiny)
    results = run_pipeline(config, train_config)
    assert results["test_examples"] == 10
    assert pathlib.Path(results["saved_model"]).is_dir()
