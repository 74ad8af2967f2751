"""tfdarts: differentiable architecture search for Keras on TensorFlow.

Importing it is cheap: TensorFlow is imported when a name that needs it is
first used.
"""

import importlib

from tfdarts._registered import register_stand_ins
from tfdarts._runtime import prepare

prepare()
register_stand_ins()

__version__ = "0.1.0"

_PUBLIC = {
    "Alphas": "tfdarts.layers.alphas",
    "CNNNetwork": "tfdarts.models.cnn_network",
    "CNNSearchSpace": "tfdarts.search_spaces.cnn",
    "CNNSupernet": "tfdarts.models.cnn_supernet",
    "DARTS": "tfdarts.strategies.darts",
    "Genotype": "tfdarts.genotypes",
    "MixedOp": "tfdarts.layers.mixed_op",
    "RNNNetwork": "tfdarts.models.rnn_network",
    "RNNSearchSpace": "tfdarts.search_spaces.rnn",
    "RNNSupernet": "tfdarts.models.rnn_supernet",
    "evaluate": "tfdarts.runs.evaluate",
    "export": "tfdarts.runs.export",
    "export_saved_model": "tfdarts.serving.saved_model",
    "hypergradient": "tfdarts.strategies.hypergradient",
    "pipeline": "tfdarts.runs.pipeline",
    "predict": "tfdarts.runs.predict",
    "search": "tfdarts.runs.search",
    "select": "tfdarts.runs.select",
    "train": "tfdarts.runs.train",
    "visualize": "tfdarts.runs.visualize",
}

__all__ = sorted([*_PUBLIC, "genotypes"])


def __getattr__(name):
    if name == "genotypes":
        return importlib.import_module("tfdarts.genotypes")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'tfdarts' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__():
    return [*__all__, "__version__"]
