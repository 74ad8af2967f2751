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
    "Adam": "tfdarts.training.optimizers",
    "Alphas": "tfdarts.layers.alphas",
    "CNNNetwork": "tfdarts.models.cnn_network",
    "CNNSearchSpace": "tfdarts.search_spaces.cnn",
    "CNNSupernet": "tfdarts.models.cnn_supernet",
    "DARTS": "tfdarts.strategies.darts",
    "DataError": "tfdarts.data.image_source",
    "Genotype": "tfdarts.genotypes",
    "MixedOp": "tfdarts.layers.mixed_op",
    "RNNNetwork": "tfdarts.models.rnn_network",
    "RNNSearchConfig": "tfdarts.tasks.rnn_configs",
    "RNNSearchSpace": "tfdarts.search_spaces.rnn",
    "RNNSelectConfig": "tfdarts.tasks.rnn_configs",
    "RNNSupernet": "tfdarts.models.rnn_supernet",
    "RNNTrainConfig": "tfdarts.tasks.rnn_configs",
    "ResetStates": "tfdarts.training.reading",
    "Relaxation": "tfdarts.layers.relaxations",
    "SGD": "tfdarts.training.optimizers",
    "SearchConfig": "tfdarts.tasks.configs",
    "SelectConfig": "tfdarts.tasks.configs",
    "Task": "tfdarts.tasks.task",
    "TrainConfig": "tfdarts.tasks.configs",
    "WithCarriedState": "tfdarts.models.carried_state",
    "describe_data": "tfdarts.runs.data",
    "dry_run": "tfdarts.runs.dry_run",
    "evaluate": "tfdarts.runs.evaluate",
    "evaluate_seeds": "tfdarts.runs.seeds",
    "export": "tfdarts.runs.export",
    "export_saved_model": "tfdarts.serving.saved_model",
    "from_arrays": "tfdarts.data.arrays",
    "from_dataset": "tfdarts.data.arrays",
    "from_lines": "tfdarts.data.text_source",
    "Strategy": "tfdarts.strategies.strategy",
    "SupernetStrategy": "tfdarts.strategies.strategy",
    "Settings": "tfdarts.settings.fields",
    "setting": "tfdarts.settings.fields",
    "register_strategy": "tfdarts.strategies.registry",
    "search_config": "tfdarts.runs.search_configs",
    "hypergradient": "tfdarts.strategies.hypergradient",
    "pipeline": "tfdarts.runs.pipeline",
    "predict": "tfdarts.runs.predict",
    "register_primitive": "tfdarts.primitive_table",
    "register_task": "tfdarts.tasks.registry",
    "distribution_of": "tfdarts.training.distribution",
    "MeanStatistics": "tfdarts.training.mean_statistics",
    "search": "tfdarts.runs.search",
    "select": "tfdarts.runs.select",
    "train": "tfdarts.runs.train",
    "train_seeds": "tfdarts.runs.seeds",
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
