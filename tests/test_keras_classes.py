"""`import tfdarts` is enough to load all that tfdarts saves."""

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import tfdarts
from tfdarts import _keras_classes
from tfdarts import genotypes
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.strategies.gradient.perturbations import RandomPerturbation
from tfdarts.training.optimizers import SGD
from tfdarts.training.schedules import EpochCosine
from tfdarts.training.schedules import WarmUp

SAVABLE = (
    keras.layers.Layer,
    keras.optimizers.Optimizer,
    keras.optimizers.schedules.LearningRateSchedule,
    keras.losses.Loss,
    keras.metrics.Metric,
    keras.initializers.Initializer,
    keras.regularizers.Regularizer,
    keras.constraints.Constraint,
    RandomPerturbation,
)
BASES = {
    "Relaxation",
    "RandomRelaxation",
    "PathRelaxation",
    "Bundle",
    "NodeEdges",
    "Stack",
    "ConvolutionalPrimitive",
    "SeparablePrimitive",
    "_EpochSchedule",
    "_Schedule",
    "Choice",
    "SearchModel",
}
"""What only its subclasses are used of."""
NEVER_SAVED = {"FunctionalOnDevices", "_NamedLoss", "_MeanOfValues"}
"""What trains a network; the network is what is saved."""


def classes_of_tfdarts():
    """Returns all classes that tfdarts defines and Keras can save."""
    found = set()
    for module in pkgutil.walk_packages(tfdarts.__path__, "tfdarts."):
        for value in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(value) and issubclass(value, SAVABLE):
                if value.__module__.startswith("tfdarts."):
                    found.add(value)
    return found


def test_all_that_keras_can_save_is_registered_and_in_the_table():
    savable = {
        cls.__name__: cls.__module__
        for cls in classes_of_tfdarts()
        if cls.__name__ not in BASES | NEVER_SAVED
    }
    assert savable == _keras_classes.MODULES
    known = keras.saving.get_custom_objects()
    for name, module in _keras_classes.MODULES.items():
        cls = getattr(importlib.import_module(module), name)
        assert known[f"tfdarts>{name}"] is cls
    ours = {name for name in known if name.startswith("tfdarts>")}
    assert ours == {f"tfdarts>{name}" for name in _keras_classes.MODULES}


LOADING = """
import sys

for module in sys.argv[3:]:
    __import__(module)
import keras, numpy

assert "tfdarts.models.cnn_network" not in sys.modules
model = keras.saving.load_model(sys.argv[1])
image = numpy.load(sys.argv[2])
assert type(model).__name__ == "CNNNetwork", type(model)
assert model.optimizer.learning_rate is not None
print(model.predict(image, verbose=0).tolist())
"""


@pytest.mark.parametrize(
    "imports",
    [
        ["tfdarts"],
        pytest.param(["keras", "tfdarts"], marks=pytest.mark.slow),
        pytest.param(["tensorflow", "tfdarts"], marks=pytest.mark.slow),
    ],
)
def test_a_fresh_process_loads_a_trained_network(tmp_path, imports):
    network = CNNNetwork(
        genotypes.get("DARTS_V2"), 2, 3, 3, (8, 8, 1), drop_path=True
    )
    schedule = WarmUp(EpochCosine(0.1, 0.0, 2, steps_per_epoch=1), 2)
    network.compile(SGD(schedule), "mse")
    network.optimizer.build(network.trainable_variables)
    image = np.ones((1, 8, 8, 1), "float32")
    network.save(tmp_path / "network.keras")
    np.save(tmp_path / "image.npy", image)
    done = subprocess.run(
        [
            *(sys.executable, "-c", LOADING, "network.keras", "image.npy"),
            *imports,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(
        json.loads(done.stdout), network.predict(image, verbose=0), rtol=1e-5
    )


def test_a_stand_in_gives_way_to_its_class(monkeypatch):
    known = keras.saving.get_custom_objects()
    monkeypatch.delitem(known, "tfdarts>Zero")
    _keras_classes.register_stand_ins()
    assert isinstance(known["tfdarts>Zero"], _keras_classes.StandIn)
    layer = keras.layers.deserialize(
        {
            "module": "tfdarts.layers.primitives",
            "class_name": "Zero",
            "registered_name": "tfdarts>Zero",
            "config": {"strides": 2},
        }
    )
    assert type(layer).__name__ == "Zero" and layer.strides == 2
    assert known["tfdarts>SGD"] is SGD
