"""The models that the tests of a server ask for, and what they must answer.

A server that runs elsewhere needs them, too:

    python tests/serving/served_models.py DIRECTORY
"""

import functools
import pathlib
import sys

import numpy as np

from tfdarts import genotypes
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.models.rnn_network import RNNNetwork
from tfdarts.serving.saved_language_model import export_language_model
from tfdarts.serving.saved_model import export_saved_model
from tfdarts.serving.warm_up import FILE
from tfdarts.serving.warm_up import text_warm_up_requests
from tfdarts.serving.warm_up import warm_up_requests

NAME, WORDS = "pets", "words"
SHAPE = (12, 10, 3)
LABELS = ["cat", "dog", "Käfer", "ship"]
MEAN, STD = 0.4, 0.3
VOCABULARY = ["<unk>", "<eos>", "to", "be", "or", "not"]
CONFIG = (
    pathlib.Path(__file__).parents[2] / "docs" / "serving" / "canary.config"
)
"""Two versions under labels."""


@functools.cache
def network(version):
    """Returns the network of a version; its weights are always the same."""
    model = CNNNetwork(genotypes.get("DARTS_V2"), 2, 3, len(LABELS), SHAPE)
    random = np.random.default_rng(version)
    for variable in model.weights:
        low = 0.5 if "variance" in variable.path else -0.5
        variable.assign(random.uniform(low, low + 1, variable.shape))
    return model


def probabilities(version, images):
    """Returns what a version must answer, softmax in NumPy."""
    prepared = ((images / 255 - MEAN) / STD).astype("float32")
    logits = network(version).predict(prepared, verbose=0)
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


@functools.cache
def language_model():
    """Returns a language model; its weights are always the same."""
    model = RNNNetwork(genotypes.get("ENAS", "rnn"), len(VOCABULARY), 4)
    random = np.random.default_rng(3)
    for variable in model.trainable_weights:
        variable.assign(random.normal(size=variable.shape))
    return model


def write(directory, root=None):
    """Writes two versions and a language model, and a server's configuration.

    Args:
        directory: Path.
        root: String, where the server finds it. Defaults to the same place.
    """
    directory = pathlib.Path(directory).resolve()
    for version in (1, 2):
        export_saved_model(
            network(version),
            directory / NAME,
            LABELS,
            mean=MEAN,
            std=STD,
            extra_files={FILE: warm_up_requests(NAME, SHAPE)},
            version=version,
        )
    config = CONFIG.read_text().replace('"digits"', f'"{NAME}"')
    config = config.replace("/models/digits", f"{root or directory}/{NAME}")
    export_language_model(
        language_model(),
        directory / WORDS,
        VOCABULARY,
        "letters",
        extra_files={FILE: text_warm_up_requests(WORDS, 4)},
        version=1,
    )
    entry = (
        f'config {{ name: "{WORDS}" base_path: "{root or directory}/{WORDS}" '
        f'model_platform: "tensorflow" }}'
    )
    config = config.rstrip().removesuffix("}") + f"  {entry}\n}}\n"
    (directory / "models.config").write_text(config)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python served_models.py DIRECTORY")
    write(sys.argv[1], root="/models")
