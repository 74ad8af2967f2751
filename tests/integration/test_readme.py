"""What the README shows runs, in small."""

import importlib
import pathlib
import re
import shlex

import numpy as np
import pytest
import tensorflow as tf

from tfdarts import genotypes

README = pathlib.Path(__file__).parents[2] / "README.md"

SMALLER = {
    "init_channels=16": "init_channels=2",
    "num_cells=8": "num_cells=3, num_nodes=1",
    "init_channels=36": "init_channels=2",
    "num_cells=20": "num_cells=3",
    "epochs=50": "epochs=1",
}


def test_python_example_runs(tmp_path, monkeypatch):
    (example,) = re.findall(
        r"```python\n(import keras\n.*?)```", README.read_text(), re.DOTALL
    )
    for shown, smaller in SMALLER.items():
        assert shown in example
        example = example.replace(shown, smaller)
    images = np.random.default_rng(0).normal(size=(4, 32, 32, 3))
    batch = (images.astype("float32"), np.arange(4))
    names = {"pairs": tf.data.Dataset.from_tensors((batch, batch))}
    monkeypatch.chdir(tmp_path)
    exec(example, names)
    saved = genotypes.Genotype.load("genotype.json")
    assert saved == names["network"].genotype
    assert names["network"](images[:1].astype("float32")).shape == (1, 10)


def test_published_names_are_all_named():
    text = README.read_text()
    for name in genotypes.published_names():
        assert f"`{name}`" in text


PAGES = [README, *sorted((README.parent / "docs").rglob("*.md"))]
PAGE_NAMES = [str(path.relative_to(README.parent)) for path in PAGES]


def command_lines(path):
    """The commands of tfdarts in the blocks of a page, as words."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", path.read_text(), re.M | re.S)
    for language, block in blocks:
        for line in block.splitlines() if not language else ():
            if line.startswith("tfdarts-"):
                yield shlex.split(line.replace("$seed", "0"), comments=True)


@pytest.mark.parametrize("path", PAGES, ids=PAGE_NAMES)
def test_commands_have_the_flags_they_are_shown_with(path):
    for name, *flags in command_lines(path):
        module = name.removeprefix("tfdarts-")
        command = importlib.import_module(f"tfdarts.cli.{module}").command
        assert command.name == name
        command.parsed(flags)


def test_pages_show_commands():
    commands = [len([*command_lines(path)]) for path in PAGES]
    counts = dict(zip(PAGE_NAMES, commands))
    assert counts["README.md"] > 3 and counts["docs/training.md"] > 4
    assert counts["docs/serving/README.md"] > 2


@pytest.mark.parametrize("path", PAGES, ids=PAGE_NAMES)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target
