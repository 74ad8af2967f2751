"""What the README shows runs, in small."""

import pathlib
import re

import numpy as np
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
