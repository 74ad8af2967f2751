"""tfdarts: differentiable architecture search for Keras on TensorFlow.

Importing it is cheap: TensorFlow is imported when a name that needs it is
first used.
"""

import importlib
import typing

from tfdarts._keras_classes import register_stand_ins
from tfdarts._runtime import prepare

if typing.TYPE_CHECKING:  # The same names as below, for type checkers.
    from tfdarts import genotypes as genotypes
    from tfdarts.data.arrays import from_arrays as from_arrays
    from tfdarts.data.arrays import from_dataset as from_dataset
    from tfdarts.data.image_source import DataError as DataError
    from tfdarts.data.text_source import from_lines as from_lines
    from tfdarts.estimators.image_classifier import (
        ImageClassifier as ImageClassifier,
    )
    from tfdarts.estimators.text_model import TextModel as TextModel
    from tfdarts.evaluators.evaluation import Evaluation as Evaluation
    from tfdarts.evaluators.evaluator import Evaluator as Evaluator
    from tfdarts.genotypes import Genotype as Genotype
    from tfdarts.layers.alphas import Alphas as Alphas
    from tfdarts.layers.bundle import Bundle as Bundle
    from tfdarts.layers.input_choice import InputChoice as InputChoice
    from tfdarts.layers.layer_choice import LayerChoice as LayerChoice
    from tfdarts.layers.mixed_op import MixedOp as MixedOp
    from tfdarts.layers.relaxations import Relaxation as Relaxation
    from tfdarts.layers.size_choice import SizeChoice as SizeChoice
    from tfdarts.models.carried_state import (
        WithCarriedState as WithCarriedState,
    )
    from tfdarts.models.chosen_options import choices_of as choices_of
    from tfdarts.models.cnn_network import CNNNetwork as CNNNetwork
    from tfdarts.models.cnn_supernet import CNNSupernet as CNNSupernet
    from tfdarts.models.derived_model import derive_model as derive_model
    from tfdarts.models.rnn_network import RNNNetwork as RNNNetwork
    from tfdarts.models.rnn_supernet import RNNSupernet as RNNSupernet
    from tfdarts.models.supernet import Supernet as Supernet
    from tfdarts.primitive_table import register_primitive as register_primitive
    from tfdarts.records.choice_history import ChoiceHistory as ChoiceHistory
    from tfdarts.reports.report import report as report
    from tfdarts.runs.describe_data import describe_data as describe_data
    from tfdarts.runs.dry_run import dry_run as dry_run
    from tfdarts.runs.evaluate import evaluate as evaluate
    from tfdarts.runs.evaluator_registry import (
        register_evaluator as register_evaluator,
    )
    from tfdarts.runs.export import export as export
    from tfdarts.runs.genotype_cost import genotype_cost as genotype_cost
    from tfdarts.runs.pipeline import pipeline as pipeline
    from tfdarts.runs.predict import predict as predict
    from tfdarts.runs.search import search as search
    from tfdarts.runs.search_configs import search_config as search_config
    from tfdarts.runs.seeds import evaluate_seeds as evaluate_seeds
    from tfdarts.runs.seeds import train_seeds as train_seeds
    from tfdarts.runs.select import select as select
    from tfdarts.runs.train import train as train
    from tfdarts.runs.tune import tune as tune
    from tfdarts.runs.visualize import visualize as visualize
    from tfdarts.search_spaces.cell_space import (
        CellSearchSpace as CellSearchSpace,
    )
    from tfdarts.search_spaces.cnn import CNNSearchSpace as CNNSearchSpace
    from tfdarts.search_spaces.rnn import RNNSearchSpace as RNNSearchSpace
    from tfdarts.search_spaces.space_registry import (
        register_space as register_space,
    )
    from tfdarts.serving.saved_model import (
        export_saved_model as export_saved_model,
    )
    from tfdarts.settings.fields import Settings as Settings
    from tfdarts.settings.fields import setting as setting
    from tfdarts.strategies.darts import DARTS as DARTS
    from tfdarts.strategies.gradient.search_stages import (
        SearchStage as SearchStage,
    )
    from tfdarts.strategies.hypergradient import hypergradient as hypergradient
    from tfdarts.strategies.proposers.ask_tell import ask as ask
    from tfdarts.strategies.proposers.ask_tell import tell as tell
    from tfdarts.strategies.proposers.evolution_oracle import (
        EvolutionOracle as EvolutionOracle,
    )
    from tfdarts.strategies.proposers.local_search_oracle import (
        LocalSearchOracle as LocalSearchOracle,
    )
    from tfdarts.strategies.proposers.oracle_strategy import (
        OracleSettings as OracleSettings,
    )
    from tfdarts.strategies.proposers.oracle_strategy import (
        OracleStrategy as OracleStrategy,
    )
    from tfdarts.strategies.proposers.reinforce_oracle import (
        ReinforceOracle as ReinforceOracle,
    )
    from tfdarts.strategies.strategy import Strategy as Strategy
    from tfdarts.strategies.strategy import SupernetStrategy as SupernetStrategy
    from tfdarts.strategies.strategy_registry import (
        register_strategy as register_strategy,
    )
    from tfdarts.structures import Structure as Structure
    from tfdarts.tasks.configs import SearchConfig as SearchConfig
    from tfdarts.tasks.configs import SelectConfig as SelectConfig
    from tfdarts.tasks.configs import TrainConfig as TrainConfig
    from tfdarts.tasks.images import ImageTask as ImageTask
    from tfdarts.tasks.rnn_configs import RNNSearchConfig as RNNSearchConfig
    from tfdarts.tasks.rnn_configs import RNNSelectConfig as RNNSelectConfig
    from tfdarts.tasks.rnn_configs import RNNTrainConfig as RNNTrainConfig
    from tfdarts.tasks.task import Task as Task
    from tfdarts.tasks.task_registry import register_task as register_task
    from tfdarts.tasks.texts import TextTask as TextTask
    from tfdarts.tasks.tuned_settings import TuneConfig as TuneConfig
    from tfdarts.training.distribution import distribution_of as distribution_of
    from tfdarts.training.mean_statistics import (
        MeanStatistics as MeanStatistics,
    )
    from tfdarts.training.optimizers import SGD as SGD
    from tfdarts.training.optimizers import Adam as Adam
    from tfdarts.training.segment_callbacks import ResetStates as ResetStates

prepare()
register_stand_ins()

__version__ = "0.1.0"

_PUBLIC = {
    "Adam": "tfdarts.training.optimizers",
    "Alphas": "tfdarts.layers.alphas",
    "Bundle": "tfdarts.layers.bundle",
    "CNNNetwork": "tfdarts.models.cnn_network",
    "CNNSearchSpace": "tfdarts.search_spaces.cnn",
    "CNNSupernet": "tfdarts.models.cnn_supernet",
    "CellSearchSpace": "tfdarts.search_spaces.cell_space",
    "ChoiceHistory": "tfdarts.records.choice_history",
    "DARTS": "tfdarts.strategies.darts",
    "DataError": "tfdarts.data.image_source",
    "Evaluation": "tfdarts.evaluators.evaluation",
    "Evaluator": "tfdarts.evaluators.evaluator",
    "EvolutionOracle": "tfdarts.strategies.proposers.evolution_oracle",
    "Genotype": "tfdarts.genotypes",
    "ImageClassifier": "tfdarts.estimators.image_classifier",
    "ImageTask": "tfdarts.tasks.images",
    "InputChoice": "tfdarts.layers.input_choice",
    "LayerChoice": "tfdarts.layers.layer_choice",
    "LocalSearchOracle": "tfdarts.strategies.proposers.local_search_oracle",
    "MeanStatistics": "tfdarts.training.mean_statistics",
    "MixedOp": "tfdarts.layers.mixed_op",
    "OracleSettings": "tfdarts.strategies.proposers.oracle_strategy",
    "OracleStrategy": "tfdarts.strategies.proposers.oracle_strategy",
    "RNNNetwork": "tfdarts.models.rnn_network",
    "RNNSearchConfig": "tfdarts.tasks.rnn_configs",
    "RNNSearchSpace": "tfdarts.search_spaces.rnn",
    "RNNSelectConfig": "tfdarts.tasks.rnn_configs",
    "RNNSupernet": "tfdarts.models.rnn_supernet",
    "RNNTrainConfig": "tfdarts.tasks.rnn_configs",
    "ReinforceOracle": "tfdarts.strategies.proposers.reinforce_oracle",
    "Relaxation": "tfdarts.layers.relaxations",
    "ResetStates": "tfdarts.training.segment_callbacks",
    "SGD": "tfdarts.training.optimizers",
    "SearchConfig": "tfdarts.tasks.configs",
    "SearchStage": "tfdarts.strategies.gradient.search_stages",
    "SelectConfig": "tfdarts.tasks.configs",
    "Settings": "tfdarts.settings.fields",
    "SizeChoice": "tfdarts.layers.size_choice",
    "Strategy": "tfdarts.strategies.strategy",
    "Structure": "tfdarts.structures",
    "Supernet": "tfdarts.models.supernet",
    "SupernetStrategy": "tfdarts.strategies.strategy",
    "Task": "tfdarts.tasks.task",
    "TextModel": "tfdarts.estimators.text_model",
    "TextTask": "tfdarts.tasks.texts",
    "TrainConfig": "tfdarts.tasks.configs",
    "WithCarriedState": "tfdarts.models.carried_state",
    "ask": "tfdarts.strategies.proposers.ask_tell",
    "TuneConfig": "tfdarts.tasks.tuned_settings",
    "choices_of": "tfdarts.models.chosen_options",
    "derive_model": "tfdarts.models.derived_model",
    "describe_data": "tfdarts.runs.describe_data",
    "distribution_of": "tfdarts.training.distribution",
    "dry_run": "tfdarts.runs.dry_run",
    "evaluate": "tfdarts.runs.evaluate",
    "evaluate_seeds": "tfdarts.runs.seeds",
    "export": "tfdarts.runs.export",
    "export_saved_model": "tfdarts.serving.saved_model",
    "from_arrays": "tfdarts.data.arrays",
    "from_dataset": "tfdarts.data.arrays",
    "from_lines": "tfdarts.data.text_source",
    "genotype_cost": "tfdarts.runs.genotype_cost",
    "hypergradient": "tfdarts.strategies.hypergradient",
    "pipeline": "tfdarts.runs.pipeline",
    "predict": "tfdarts.runs.predict",
    "register_evaluator": "tfdarts.runs.evaluator_registry",
    "register_primitive": "tfdarts.primitive_table",
    "register_space": "tfdarts.search_spaces.space_registry",
    "register_strategy": "tfdarts.strategies.strategy_registry",
    "register_task": "tfdarts.tasks.task_registry",
    "report": "tfdarts.reports.report",
    "search": "tfdarts.runs.search",
    "search_config": "tfdarts.runs.search_configs",
    "select": "tfdarts.runs.select",
    "setting": "tfdarts.settings.fields",
    "tell": "tfdarts.strategies.proposers.ask_tell",
    "train": "tfdarts.runs.train",
    "train_seeds": "tfdarts.runs.seeds",
    "tune": "tfdarts.runs.tune",
    "visualize": "tfdarts.runs.visualize",
}

__all__ = sorted([*_PUBLIC, "genotypes"])


if not typing.TYPE_CHECKING:  # Type checkers then know other names as wrong.

    def __getattr__(name):
        if name == "genotypes":
            return importlib.import_module("tfdarts.genotypes")
        if name not in _PUBLIC:
            raise AttributeError(f"module 'tfdarts' has no attribute {name!r}")
        return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__():
    return [*__all__, "__version__"]
