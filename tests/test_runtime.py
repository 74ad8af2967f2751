import ast
import json
import pathlib
import subprocess
import sys
import types

import pytest

import tfdarts
from tfdarts import _runtime

SWITCHES = (
    "TF_USE_LEGACY_KERAS",
    "KERAS_BACKEND",
    "TF_ENABLE_ONEDNN_OPTS",
    "MPLBACKEND",
)

# What a new process does when it imports tfdarts.
FRESH = """
import json, os, sys
import tfdarts
print(json.dumps({
    "heavy": sorted({"tensorflow", "keras", "numpy"} & set(sys.modules)),
    "backend": os.environ["KERAS_BACKEND"],
    "onednn": os.environ["TF_ENABLE_ONEDNN_OPTS"],
    "genotype": tfdarts.genotypes.get("DARTS_V2").name,
    "still_light": "tensorflow" not in sys.modules,
}))
os.environ["KERAS_BACKEND"] = "jax"
del sys.modules["tfdarts"]
try:
    import tfdarts
except ImportError as error:
    print(error)
"""

# What the commands import before their work, beyond what Keras imports.
COMMANDS = """
import importlib, sys
import keras, tensorflow
before = {*sys.modules}
for name in ("search", "train", "evaluate", "select", "predict", "export"):
    importlib.import_module(f"tfdarts.runs.{name}")
for name in ("search", "training", "evaluation", "prediction", "export"):
    for task in ("image", "text"):
        importlib.import_module(f"tfdarts.tasks.{task}_{name}")
print(*{*sys.modules} - before)
"""
HEAVY = (
    "keras_tuner",
    "matplotlib",
    "sklearn.datasets",
    "sklearn.model_selection",
    "tensorflow_datasets",
)


@pytest.fixture
def environ(monkeypatch):
    """The switches unset, Keras not imported; all as it was afterwards."""
    changed = {k: v for k, v in _runtime.os.environ.items()}
    for switch in SWITCHES:
        changed.pop(switch, None)
    monkeypatch.setattr(_runtime.os, "environ", changed)
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    return changed


# Before TensorFlow


def test_the_defaults_are_set(environ):
    _runtime.prepare()
    assert environ["KERAS_BACKEND"] == "tensorflow"
    assert environ["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert "TF_USE_LEGACY_KERAS" not in environ


@pytest.mark.parametrize("choice", ["0", "1", ""])
def test_a_choice_about_onednn_is_kept(environ, choice):
    environ["TF_ENABLE_ONEDNN_OPTS"] = choice
    _runtime.prepare()
    assert environ["TF_ENABLE_ONEDNN_OPTS"] == choice


@pytest.mark.parametrize("value", ["1", "True", "true"])
def test_the_legacy_keras_is_refused(environ, value):
    environ["TF_USE_LEGACY_KERAS"] = value
    message = f"needs Keras 3, but TF_USE_LEGACY_KERAS={value}.*unset"
    with pytest.raises(ImportError, match=message) as refusal:
        _runtime.prepare()
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("value", ["0", "", "false"])
def test_not_asking_for_the_legacy_keras_is_fine(environ, value):
    environ["TF_USE_LEGACY_KERAS"] = value
    _runtime.prepare()


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_is_refused(environ, backend):
    environ["KERAS_BACKEND"] = backend
    message = f"is '{backend}': set KERAS_BACKEND=tensorflow"
    with pytest.raises(ImportError, match=message) as refusal:
        _runtime.prepare()
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_the_backend_that_keras_has_chosen_counts(
    environ, backend, monkeypatch
):
    environ["KERAS_BACKEND"] = "tensorflow" if backend == "jax" else "jax"
    config = types.SimpleNamespace(backend=lambda: backend)
    keras = types.SimpleNamespace(config=config)
    monkeypatch.setitem(sys.modules, "keras", keras)
    if backend == "jax":
        with pytest.raises(ImportError, match="'jax'"):
            _runtime.prepare()
    else:
        _runtime.prepare()


def test_a_command_chooses_for_itself(environ, monkeypatch):
    environ.update(KERAS_BACKEND="jax", TF_USE_LEGACY_KERAS="1")
    environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    monkeypatch.setattr(sys, "argv", ["/usr/bin/tfdarts-search", "--help"])
    _runtime.prepare()
    assert environ["KERAS_BACKEND"] == "tensorflow"
    assert environ["MPLBACKEND"] == "agg"
    assert "TF_USE_LEGACY_KERAS" not in environ


@pytest.mark.parametrize("backend", ["module://backend_inline", None])
def test_matplotlibs_backend_is_that_of_the_process(environ, backend):
    if backend:
        environ["MPLBACKEND"] = backend
    _runtime.prepare()
    assert environ.get("MPLBACKEND") == backend


def test_a_fresh_import_is_light_and_refuses_in_one_sentence(tmp_path):
    env = {k: v for k, v in _runtime.os.environ.items() if k not in SWITCHES}
    done = subprocess.run(
        [sys.executable, "-c", FRESH],
        env={**env, "PYTHONPATH": ":".join(filter(None, sys.path))},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    facts, refusal = done.stdout.splitlines()
    assert json.loads(facts) == {
        "heavy": [],
        "backend": "tensorflow",
        "onednn": "1",
        "genotype": "DARTS_V2",
        "still_light": True,
    }
    assert refusal.startswith("tfdarts runs on Keras' TensorFlow backend")
    assert done.stderr == ""


def test_commands_import_libraries_only_where_they_use_them(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        env={
            **_runtime.os.environ,
            "PYTHONPATH": ":".join(filter(None, sys.path)),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    imported = done.stdout.split()
    assert "tfdarts.tasks.image_search" in imported
    needless = [
        n
        for n in imported
        if f"{n}.".startswith(tuple(f"{heavy}." for heavy in HEAVY))
    ]
    assert needless == []


# The public names


def test_the_public_names_are_those_of_the_design():
    assert set(tfdarts.__all__) == {
        "Bundle",
        "CellSearchSpace",
        "ImageClassifier",
        "ImageTask",
        "SearchStage",
        "Structure",
        "Supernet",
        "TextModel",
        "TextTask",
        "TuneConfig",
        "Alphas",
        "Evaluation",
        "Evaluator",
        "register_evaluator",
        "EvolutionOracle",
        "LocalSearchOracle",
        "ReinforceOracle",
        "OracleSettings",
        "OracleStrategy",
        "ask",
        "tell",
        "InputChoice",
        "LayerChoice",
        "SizeChoice",
        "ChoiceHistory",
        "choices_of",
        "derive_model",
        "CNNNetwork",
        "CNNSearchSpace",
        "CNNSupernet",
        "DARTS",
        "Genotype",
        "MeanStatistics",
        "MixedOp",
        "evaluate",
        "export",
        "export_saved_model",
        "genotypes",
        "hypergradient",
        "pipeline",
        "predict",
        "register_primitive",
        "register_space",
        "Relaxation",
        "Strategy",
        "SupernetStrategy",
        "Settings",
        "setting",
        "register_strategy",
        "search_config",
        "RNNNetwork",
        "RNNSearchSpace",
        "RNNSupernet",
        "report",
        "tune",
        "search",
        "select",
        "train",
        "visualize",
        "Adam",
        "ResetStates",
        "DataError",
        "RNNSearchConfig",
        "RNNSelectConfig",
        "RNNTrainConfig",
        "SGD",
        "SearchConfig",
        "SelectConfig",
        "Task",
        "TrainConfig",
        "WithCarriedState",
        "register_task",
        "describe_data",
        "distribution_of",
        "dry_run",
        "evaluate_seeds",
        "from_arrays",
        "from_dataset",
        "from_lines",
        "genotype_cost",
        "train_seeds",
    }
    assert tfdarts.__all__ == sorted(tfdarts.__all__)
    assert {*tfdarts.__all__, "__version__"} <= set(dir(tfdarts))


@pytest.mark.parametrize("name", tfdarts.__all__)
def test_a_public_name_is_what_it_says(name):
    public = getattr(tfdarts, name)
    assert public.__name__.rpartition(".")[2] == name
    assert public.__doc__
    if name != "genotypes":
        assert public.__module__ == tfdarts._PUBLIC[name]


def test_type_checkers_are_told_the_same_names():
    """Of the same modules; each with `as`, which makes it public to them."""
    tree = ast.parse(pathlib.Path(tfdarts.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "typing.TYPE_CHECKING"
    told = {}
    for statement in block.body:
        for alias in statement.names:
            assert alias.asname == alias.name
            told[alias.name] = statement.module
    assert told == tfdarts._PUBLIC | {"genotypes": "tfdarts"}


@pytest.mark.parametrize("name", ["RNNSupermet", "sesarch", "__path_"])
def test_another_name_is_an_attribute_error(name):
    message = f"module 'tfdarts' has no attribute '{name}'"
    with pytest.raises(AttributeError, match=message):
        getattr(tfdarts, name)
    assert not hasattr(tfdarts, name)


def test_a_star_import_gives_all_of_them():
    names = {}
    exec("from tfdarts import *", names)
    assert set(tfdarts.__all__) <= set(names)
