"""What a version leaves behind and every later version must read.

`tests/golden/v<version>/README.md` has the commands that made the files.
Run as a script, this module completes the files of the version installed:

    python tests/golden_files.py DIRECTORY
"""

import contextlib
import pathlib
import re
import shutil
import sys
import tempfile

import keras
import numpy as np

from tfdarts.cli.search_command import main as search
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.primitives import primitive
from tfdarts.models.rnn_supernet import RNNSupernet
from tfdarts.primitive_table import primitive_names

MODELS = {
    "images": "images/train/model.keras",
    "texts": "texts/train/model.keras",
    "supernet": "rnn_supernet.keras",
}
"""Saved models: the path of each in the directory of a version."""

_UNREAD = (
    *("**/*.png", "**/*.svg", "**/*.dot", "**/lock", "**/log.txt"),
    *("*/train/checkpoints/*", "*/evaluation/report.json"),
)
_OF_THE_MACHINE = (
    (r'("platform"|"cpu"): ".*"', r'\1: "any"'),
    (r"/[^\"\n]*/([^/\"\n]+)(?=\"|\n)", r"\1"),
)


def layer_outputs():
    """Returns the outputs of new layers of each primitive, by name."""
    nodes = np.linspace(-1, 1, 2 * 6 * 6 * 4, dtype="float32")
    nodes = nodes.reshape(2, 6, 6, 4)
    weights = np.linspace(0, 1, 16, dtype="float32").reshape(2, 8)
    outputs = {}
    for strides in (1, 2):
        for name in primitive_names("cnn"):
            for form in (False, True):
                keras.utils.set_random_seed(0)
                layer = primitive(name, 4, strides, search=form)
                outputs[f"{name}/{strides}/{form}"] = layer(nodes)
        keras.utils.set_random_seed(0)
        outputs[f"MixedOp/{strides}"] = MixedOp(2, 4, strides)(nodes, weights)
    # A quarter of the pixels is enough to compare.
    return {k: np.asarray(v)[:, ::2, ::2] for k, v in outputs.items()}


def model_outputs(directory, name):
    """Returns the outputs of a saved model, a list of arrays.

    Args:
        directory: Path.
        name: String, a key of `MODELS`.
    """
    random = np.random.default_rng(0)
    if name == "images":
        inputs = random.uniform(0, 255, (2, 16, 16, 1)).astype("float32")
    else:
        inputs = random.integers(7, size=(2, 5))
    path = directory / MODELS[name]
    model = keras.saving.load_model(path, compile=False)
    return [np.asarray(each) for each in keras.tree.flatten(model(inputs))]


def resumed_alphas(directory, kind):
    """Resumes a search for one more epoch; returns its alphas by epoch.

    Args:
        directory: Path of a copy of the files: the run changes in it.
        kind: `"images"` or `"texts"`.
    """
    flagfile = directory / kind / "search" / "flags.cfg"
    with contextlib.chdir(directory):
        words = (f"--flagfile={flagfile}", f"--run_dir={kind}", "--epochs=2")
        assert search(words) == 0
        with np.load(pathlib.Path(kind, "search", "alphas.npz")) as file:
            return dict(file)


def _complete(directory):
    """Writes what layers, models and resumed searches give."""
    keras.utils.set_random_seed(0)
    supernet = RNNSupernet(vocabulary_size=7, units=4, num_nodes=2)
    supernet(np.zeros((1, 2), "int32"))
    supernet.save(directory / MODELS["supernet"])
    np.savez(directory / "layers.npz", **layer_outputs())
    for name in MODELS:
        outputs = model_outputs(directory, name)
        np.savez(directory / f"{name}_outputs.npz", *outputs)
    with tempfile.TemporaryDirectory() as copy:
        copy = shutil.copytree(directory, copy, dirs_exist_ok=True)
        for kind in ("images", "texts"):
            alphas = resumed_alphas(pathlib.Path(copy), kind)
            np.savez(directory / f"{kind}_resumed.npz", **alphas)


def _strip(directory):
    """Removes what nothing reads, and what is the machine's alone."""
    for pattern in _UNREAD:
        for path in directory.glob(pattern):
            path.unlink()
    for path in [*directory.rglob("*.json"), *directory.rglob("*.cfg")]:
        text = path.read_text()
        for found, replacement in _OF_THE_MACHINE:
            text = re.sub(found, replacement, text)
        path.write_text(text)


if __name__ == "__main__":
    place = pathlib.Path(sys.argv[1]).resolve()
    _strip(place)
    _complete(place)
