"""Registers the classes of tfdarts with Keras, without importing them.

Keras looks up the classes of a saved model by their registered names.
`register_keras_serializable` registers a class when its module is imported,
but `import tfdarts` imports no such module. So stand-ins are registered under
these names. A stand-in imports the class when Keras loads a model with it.
"""

import importlib
import importlib.util
import sys

PACKAGE = "tfdarts"

MODULES = {
    "Adam": "tfdarts.training.optimizers",
    "AdamW": "tfdarts.training.optimizers",
    "AdaptiveDecay": "tfdarts.strategies.gradient.adaptive_decay",
    "AdversarialPerturbation": "tfdarts.strategies.gradient.perturbations",
    "Alphas": "tfdarts.layers.alphas",
    "AuxiliarySkipMixedOp": "tfdarts.layers.auxiliary_skip",
    "BatchNorm": "tfdarts.layers.batch_norm",
    "CNNNetwork": "tfdarts.models.cnn_network",
    "CNNSupernet": "tfdarts.models.cnn_supernet",
    "Concrete": "tfdarts.layers.relaxations",
    "ChosenMixedOp": "tfdarts.layers.chosen_mixed_op",
    "ConvBNReLU": "tfdarts.layers.conv_bn_relu",
    "Conv7x1Conv1x7": "tfdarts.layers.convolutions",
    "DARTS": "tfdarts.strategies.darts",
    "DilConv": "tfdarts.layers.convolutions",
    "Dirichlet": "tfdarts.layers.relaxations",
    "DropPath": "tfdarts.layers.drop_path",
    "DropPathMixedOp": "tfdarts.layers.drop_path_mixed_op",
    "EpochCosine": "tfdarts.training.schedules",
    "EpochCosineRestarts": "tfdarts.training.schedules",
    "EpochExponential": "tfdarts.training.schedules",
    "EpochSteps": "tfdarts.training.schedules",
    "ExponentiatedGradient": "tfdarts.training.exponentiated",
    "FactorizedReduce": "tfdarts.layers.convolutions",
    "FactorizedReduceBundle": "tfdarts.layers.bundles",
    "HierarchicalNetwork": "tfdarts.models.hierarchical_network",
    "InputChoice": "tfdarts.layers.input_choice",
    "JointSearch": "tfdarts.strategies.gradient.joint_search",
    "LanguageModel": "tfdarts.models.language_model",
    "LayerAlignment": "tfdarts.strategies.gradient.layer_alignment",
    "LayerBundle": "tfdarts.layers.bundles",
    "LayerChoice": "tfdarts.layers.layer_choice",
    "LikeliestPath": "tfdarts.layers.likeliest_path",
    "MaxPooling3x3": "tfdarts.layers.primitives",
    "MixedOp": "tfdarts.layers.mixed_op",
    "NASBench201Network": "tfdarts.models.nas_bench_201_models",
    "NASBench201SearchCell": "tfdarts.layers.nas_bench_201_layers",
    "NASBench201Supernet": "tfdarts.models.nas_bench_201_models",
    "Noise": "tfdarts.layers.noise",
    "OperationFreezing": "tfdarts.strategies.gradient.operation_freezing",
    "PartialMixedOp": "tfdarts.layers.partial_mixed_op",
    "PolicySearch": "tfdarts.strategies.sampling.policy_search",
    "Pool3x3": "tfdarts.layers.primitives",
    "RNNNetwork": "tfdarts.models.rnn_network",
    "RNNSupernet": "tfdarts.models.rnn_supernet",
    "RandomPerturbation": "tfdarts.strategies.gradient.perturbations",
    "ReLUConvBN": "tfdarts.layers.convolutions",
    "RecurrentCell": "tfdarts.layers.recurrent_cell",
    "RecurrentController": (
        "tfdarts.strategies.controllers.recurrent_controller"
    ),
    "RecurrentSearchCell": "tfdarts.layers.recurrent_search_cell",
    "ResidualReduction": "tfdarts.layers.nas_bench_201_layers",
    "SGD": "tfdarts.training.optimizers",
    "SearchCell": "tfdarts.layers.search_cell",
    "SeparateMixedOp": "tfdarts.layers.separate_mixed_op",
    "SearchRNN": "tfdarts.layers.recurrent_search_cell",
    "SepConv": "tfdarts.layers.convolutions",
    "SepConvBundle": "tfdarts.layers.separable_bundles",
    "SeparableBundle": "tfdarts.layers.separable_bundles",
    "ShapleySearch": "tfdarts.strategies.gradient.shapley",
    "Sigmoid": "tfdarts.layers.relaxations",
    "SizeChoice": "tfdarts.layers.size_choice",
    "Skip": "tfdarts.layers.primitives",
    "SkipDropout": "tfdarts.layers.skip_dropout",
    "SkipDropoutMixedOp": "tfdarts.layers.skip_dropout",
    "Softmax": "tfdarts.layers.relaxations",
    "SpatialDropout1D": "tfdarts.layers.dropout",
    "StraightThrough": "tfdarts.layers.relaxations",
    "Subsample": "tfdarts.layers.subsample",
    "UniformPath": "tfdarts.layers.uniform_path",
    "WarmUp": "tfdarts.training.schedules",
    "WithAuxiliaryHead": "tfdarts.models.auxiliary_head",
    "WithCarriedState": "tfdarts.models.carried_state",
    "WordCrossEntropy": "tfdarts.models.word_cross_entropy",
    "Zero": "tfdarts.layers.primitives",
}
"""The module of each class, by the name that the class is registered under."""


class StandIn:
    """Holds the registered name of a class until the class is imported.

    Args:
        name: String, a key of `MODULES`.
    """

    def __init__(self, name):
        self.name = name

    def from_config(self, config):
        """Imports the class, and returns an instance of it."""
        module = importlib.import_module(MODULES[self.name])
        return getattr(module, self.name).from_config(config)


def register_stand_ins():
    """Lets Keras find all classes by name, now or when it is imported."""
    if "keras" in sys.modules:
        _register(sys.modules["keras"])
    else:
        sys.meta_path.insert(0, _KerasImportHook())


class _KerasImportHook:
    """Import hook that registers the stand-ins right after Keras is imported.

    The package `wrapt` has such hooks, but importing it takes as long as
    importing tfdarts.
    """

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_register(module):
            execute(module)
            _register(module)

        spec.loader.exec_module = execute_and_register
        return spec


def _register(keras):
    known = keras.saving.get_custom_objects()
    for name in MODULES:
        # A class that is already imported has registered itself.
        known.setdefault(f"{PACKAGE}>{name}", StandIn(name))
