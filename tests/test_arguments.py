"""What Python gives to settings and public functions, each way people do."""

import dataclasses
import inspect
import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdarts
from tfdarts import arguments
from tfdarts import cluster
from tfdarts.cli import evaluate_command
from tfdarts.cli import export_command
from tfdarts.cli import list_command
from tfdarts.cli import pipeline_command
from tfdarts.cli import predict_command
from tfdarts.cli import report_command
from tfdarts.cli import search_command
from tfdarts.cli import select_command
from tfdarts.cli import train_command
from tfdarts.cli import tune_command
from tfdarts.cli import visualize_command
from tfdarts.runs.visualize import draw_run
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.lookup import find_genotype
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import flag_fields
from tfdarts.strategies.gradient import stage_settings
from tfdarts.strategies.objectives import objectives
from tfdarts.tasks import shared_settings
from tfdarts.tasks.request_settings import RequestSettings
from tfdarts.tasks.space_settings import SpaceSettings
from tfdarts.tasks.task_registry import tasks


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home directory, and another working directory."""
    for name in ("home", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


# Scalars


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.int64(3), 3),
        (np.uint8(3), 3),
        (np.float32(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(3), 3),
        (tf.constant(3), 3),
        (tf.constant(0.5), 0.5),
        (keras.ops.max([1, 3]), 3),
        (keras.Variable(0.5), 0.5),
        (np.arange(3).max() + 1, 3),
        (3, 3),
        ("a", "a"),
        (None, None),
    ],
)
def test_scalars_become_those_of_python(given, expected):
    scalar = arguments.scalar(given)
    assert scalar == expected and type(scalar) is type(expected)


@pytest.mark.parametrize("given", [np.zeros(1), [1], (1, 2), tf.zeros(2)])
def test_what_is_no_scalar_stays(given):
    assert arguments.scalar(given) is given


# Sequences


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("ab", ["ab"]),
        (np.str_("ab"), ["ab"]),
        (b"ab", [b"ab"]),
        (pathlib.Path("ab"), [pathlib.Path("ab")]),
        (7, [7]),
        (int, [int]),
        (None, [None]),
        (("a", "b"), ["a", "b"]),
        (np.array(["a", "b"]), ["a", "b"]),
        ((name for name in "ab"), ["a", "b"]),
        ({"a": 1}.keys(), ["a"]),
        ([], []),
    ],
)
def test_what_cannot_be_iterated_over_is_one_item_as_a_string_is(
    given, expected
):
    assert arguments.items(given) == expected


@pytest.mark.parametrize("given", [{1, 2}, frozenset("ab"), {"a": 0}])
def test_what_has_no_order_is_no_sequence(given):
    with pytest.raises(ValueError, match="has no order: give a list"):
        arguments.items(given)


def test_commas_are_between_paths_but_not_in_one_that_exists(home):
    (home / "a,b").touch()
    both = ("a", str(home / "b"))
    assert arguments.paths("a, ~/b,", "x") == both
    assert arguments.paths("~/a,b", "x") == (str(home / "a,b"),)
    assert arguments.paths([pathlib.Path("a"), "~/b"], "x") == both
    assert arguments.paths(["a,b"], "x") == ("a,b",)


@pytest.mark.parametrize("given", [[1], [None], None, 7, [b"a"], [["a"]]])
def test_what_are_no_paths_or_names(given):
    with pytest.raises(ValueError, match="--x must be a path: a string or"):
        arguments.paths(given, "--x")
    with pytest.raises(ValueError, match="--x must be strings"):
        arguments.names(given, "--x")


@pytest.mark.parametrize(
    "given", [np.arange(3), (0, 1, 2), range(3), "0, 1,2", tf.range(3)]
)
def test_seeds(given):
    found = arguments.seeds(given)
    assert found == [0, 1, 2] and {*map(type, found)} == {int}


@pytest.mark.parametrize("given", [[], [0, 0], [-1], [0.5], [True], 2**32, "x"])
def test_what_are_no_seeds(given):
    with pytest.raises(ValueError, match="seeds must be different integers"):
        arguments.seeds(given, "seeds")


# Data sets


@pytest.mark.parametrize("kind", ["folder", "idx", "text"])
def test_the_home_directory_in_a_specification(home, kind):
    expected = f"{kind}:{home}/pets"
    assert arguments.specification(f"{kind}:~/pets") == expected


@pytest.mark.parametrize("given", ["digits", "tfds:cifar10", "pydoc", 3])
def test_other_specifications_stay(given):
    assert arguments.specification(given) == given


def test_a_path_alone_is_a_folder_of_images_or_a_text(home):
    (home / "novel.txt").touch()
    (home / "ptb").mkdir()
    (home / "ptb" / "train.txt").touch()
    for name, kind in (
        ("novel.txt", "text"),
        ("ptb", "text"),
        ("pets", "folder"),
    ):
        found = shared_settings.specification(pathlib.Path("~", name))
        assert found == f"{kind}:{home / name}"


# Settings

COMMANDS = (
    evaluate_command,
    export_command,
    list_command,
    pipeline_command,
    predict_command,
    report_command,
    search_command,
    select_command,
    train_command,
    tune_command,
    visualize_command,
)


def all_settings():
    """Every class of settings that a command has."""
    for module in COMMANDS:
        for task in tasks():
            yield from module.command.settings_for(task)


NEEDED = {predict_command.command.settings_for(None)[0]: {"images": "new"}}
FIELDS = {
    f"{config_class.__name__}.{field.name}": (config_class, field)
    for config_class in all_settings()
    for field in flag_fields(config_class)
}
WORDS = {
    "server": "grpc://host",
    "name": "grpc://host",
    "text": "grpc://host",
    "strategy": "grpc://host",
    "space": "s2",
    "tune": "momentum=0..1",
}
"""Strings that are neither paths nor one of several choices, by setting."""


def form_of(config_class, name):
    return config_class.__dataclass_fields__[name].metadata["form"]


HOME_FORMS = {
    arguments.path_text: lambda home: (
        pathlib.Path("~/x"),
        str(home / "x"),
    ),
    shared_settings.genotype_text: lambda home: (
        CNNSearchSpace().sample(0),
        repr(CNNSearchSpace().sample(0)),
    ),
    arguments.paths: lambda home: (
        [pathlib.Path("~/x"), "y,z"],
        (str(home / "x"), "y,z"),
    ),
    shared_settings.specification: lambda home: (
        pathlib.Path("~/x"),
        f"folder:{home}/x",
    ),
    arguments.names: lambda home: (np.array(["onnx"]), ("onnx",)),
    objectives: lambda home: (
        np.array(["accuracy", "parameters"]),
        "accuracy,parameters",
    ),
    arguments.amount: lambda home: (np.float32(2e3), 2000),
    arguments.seeds: lambda home: (np.arange(2), [0, 1]),
    cluster.address: lambda home: ("first:7000", "first:7000"),
    stage_settings.numbers_text: lambda home: (np.array([2]), "2"),
    form_of(RequestSettings, "model_version"): lambda home: (np.int64(2), 2),
    form_of(tfdarts.SearchConfig, "primitives"): lambda home: (
        np.array(["none", "sep_conv_3x3"]),
        "none,sep_conv_3x3",
    ),
    form_of(tfdarts.RNNSearchConfig, "primitives"): lambda home: (
        ["tanh", "none"],
        "tanh,none",
    ),
}
"""What Python may give to a setting of a form, and what it becomes."""


def test_all_settings_are_settings():
    assert len(FIELDS) > 150
    for config_class, _ in FIELDS.values():
        assert issubclass(config_class, Settings)


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_takes_what_python_gives(name, home):
    config_class, field = FIELDS[name]
    needed = NEEDED.get(config_class, {})
    needed = {} if field.name == "text" else needed

    def value_of(given):
        return getattr(
            config_class(**{**needed, field.name: given}), field.name
        )

    form = field.metadata["form"]
    if form:
        given, expected = HOME_FORMS[form](home)
        assert value_of(given) == expected
    elif field.type is str:
        # A new string is a path, or one of some choices, or listed here.
        choices = field.metadata["choices"]
        assert choices or field.name in WORDS
        word = choices[0] if choices else WORDS[field.name]
        if field.name == "space" and issubclass(config_class, SpaceSettings):
            word = field.default
        assert type(value_of(np.str_(word))) is str
    else:
        wrap = {
            bool: (np.bool_, tf.constant),
            int: (np.int64, np.array, tf.constant),
            float: (np.float64, np.array),
        }
        for kind in wrap[field.type]:
            if field.default is not None and field.default < 2**31:
                value = value_of(kind(field.default))
                assert value == field.default
                assert type(value) is field.type


@pytest.mark.parametrize("wrong", [np.float64(3.0), np.bool_(True), "3", 3.5])
def test_what_is_no_integer_is_refused_of_numpy_too(wrong):
    with pytest.raises(ValueError, match="--epochs must be an integer"):
        tfdarts.SearchConfig(epochs=wrong)


@pytest.mark.parametrize("wrong", [np.nan, np.float32("inf"), np.bool_(0), "1"])
def test_what_is_no_number_is_refused_of_numpy_too(wrong):
    with pytest.raises(ValueError, match="--learning_rate must be"):
        tfdarts.SearchConfig(learning_rate=wrong)


@pytest.mark.parametrize("wrong", [b"runs", 3, ["runs"]])
def test_what_is_no_path_is_refused(wrong):
    with pytest.raises(ValueError, match="--run_dir must be a path"):
        tfdarts.SearchConfig(run_dir=wrong)


def test_a_grid_of_numpy_makes_configs():
    for rate in np.logspace(-3, -1, 3):
        config = tfdarts.SearchConfig(learning_rate=rate)
        assert config.learning_rate == pytest.approx(rate)


# Public functions

PUBLIC = {name: getattr(tfdarts, name) for name in tfdarts.__all__}
PUBLIC |= {
    "draw_run": draw_run,
    "find_genotype": find_genotype,
    "Genotype.save": tfdarts.Genotype.save,
    "Genotype.load": tfdarts.Genotype.load,
}


def documented(text):
    """Yields names and the first words of all arguments in a docstring."""
    parts = re.split(r"^ *Args:\n", text or "", flags=re.M)[1:]
    for part in parts:
        block = re.split(r"\n\s*\n|^ *[A-Z]\w+:\n", part, flags=re.M)[0]
        yield from re.findall(r"^ *(\w+): (\w+(?: \w+)?)", block, re.M)


def test_paths_of_public_functions_are_all_tried_below():
    paths = {
        (name, argument)
        for name, function in PUBLIC.items()
        if not inspect.ismodule(function)
        for argument, kind in documented(inspect.getdoc(function))
        if re.match(r"(The )?([Pp]ath|director)", kind)
    }
    paths |= {
        (name, parameter)
        for name, function in PUBLIC.items()
        if inspect.isfunction(function) or inspect.ismethod(function)
        for parameter in inspect.signature(function).parameters
        if parameter == "path" or parameter.endswith("_dir")
    }
    # Those that a docstring calls by another word.
    paths |= {("visualize", "genotype"), ("find_genotype", "identifier")}
    assert paths - {("predict", "images")} == {*PATHS}


def exported(path):
    layers = [keras.Input((4, 4, 1)), keras.layers.Flatten()]
    network = keras.Sequential([*layers, keras.layers.Dense(2)])
    tfdarts.export_saved_model(network, path, labels=["a", "b"])


GENOTYPE = tfdarts.genotypes.get("DARTS_V2")
IMAGES = np.zeros((1, 8, 8), "uint8")


def recorded(path):
    choice = tfdarts.LayerChoice([keras.layers.ReLU(), keras.layers.Dense(4)])
    history = tfdarts.ChoiceHistory(path)
    history.set_model(keras.Sequential([keras.Input((4,)), choice]))
    history.on_epoch_begin(0)
    history.on_epoch_end(0)


def begun_run():
    """Returns the path of a run in the working directory."""
    run = pathlib.Path("begun")
    (run / "search").mkdir(parents=True, exist_ok=True)
    return run


PATHS = {
    ("ChoiceHistory", "path"): recorded,
    ("evaluate", "run_dir"): tfdarts.evaluate,
    ("export", "run_dir"): tfdarts.export,
    ("evaluate_seeds", "run_dir"): lambda p: tfdarts.evaluate_seeds(p, 0),
    ("draw_run", "run_dir"): draw_run,
    ("report", "run_dir"): tfdarts.report,
    ("report", "output"): lambda p: tfdarts.report(begun_run(), p),
    ("visualize", "output_dir"): lambda p: tfdarts.visualize(GENOTYPE, p),
    ("visualize", "genotype"): lambda p: tfdarts.visualize(p, "drawn"),
    ("find_genotype", "identifier"): find_genotype,
    ("export_saved_model", "path"): exported,
    ("Genotype.save", "path"): GENOTYPE.save,
    ("Genotype.load", "path"): tfdarts.Genotype.load,
}


@pytest.mark.parametrize("name", PATHS, ids=".".join)
def test_a_path_is_the_same_in_every_form(name, home):
    """What is there afterwards, or what is missed, is in the home directory."""
    forms = (pathlib.Path("~", name[0]), f"~/{name[0]}", home / name[0])
    # An export takes seconds.
    for given in forms[:1] if name[0] == "export_saved_model" else forms:
        try:
            PATHS[name](given)
        except (OSError, ValueError) as error:
            assert str(home / name[0]) in str(error)
        else:
            assert (home / name[0]).exists()
    assert not pathlib.Path("~").exists()


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in PATHS
        if name[0] not in ("export_saved_model", "ChoiceHistory")
        and name != ("report", "output")
    ],
    ids=".".join,
)
def test_none_is_no_path(name):
    with pytest.raises(ValueError, match="path|--run_dir"):
        PATHS[name](None)


ASKED = {
    "predict": lambda **given: tfdarts.predict(IMAGES, **given),
    "next_words": lambda **given: tfdarts.predict(text="a", **given),
    "evaluate": lambda **given: tfdarts.evaluate("run", **given),
    "evaluate_seeds": lambda **given: tfdarts.evaluate_seeds(".", 0, **given),
    "export": lambda **given: tfdarts.export("run", **given),
}


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        *(
            (name, {"batch_size": value}, f"--batch_size must be {wanted}")
            for name in ("predict", "evaluate", "evaluate_seeds")
            for value, wanted in (
                (0, "at least 1"),
                (-1, "at least 1"),
                (2.5, "an integer"),
                ("2", "an integer"),
                (None, "an integer"),
            )
        ),
        *(
            (name, {argument: value}, f"--{argument} must be {wanted}")
            for name in ("predict", "next_words")
            for argument, value, wanted in (
                ("retries", -1, "at least 0"),
                ("retries", "a", "an integer"),
                ("timeout", "a", "a number"),
                ("timeout", 0, "above 0"),
                ("timeout", float("nan"), "finite"),
                ("server", 7, "a string"),
                ("name", 7, "a string"),
            )
        ),
        ("predict", {"max_request_mb": 0}, "--max_request_mb must be above 0"),
        ("predict", {"version": -1}, "--model_version must be the number"),
        ("evaluate", {"distribute": "all"}, "--distribute must be one of none"),
        ("export", {"name": 7}, "--name must be a string"),
        ("export", {"formats": None}, "--format must be strings"),
    ],
)
def test_arguments_have_the_ranges_of_flags(name, given, sentence, home):
    pathlib.Path("seed0").mkdir()
    with pytest.raises(ValueError, match=sentence):
        ASKED[name](**given)


SEARCHES = "tfdarts.SearchConfig or tfdarts.RNNSearchConfig"
TRAININGS = "tfdarts.TrainConfig or tfdarts.RNNTrainConfig"
TRAINING = "one object, a tfdarts.TrainConfig."
SELECTIONS = "tfdarts.SelectConfig or tfdarts.RNNSelectConfig"
CONFIGS = {
    "search": (tfdarts.search, SEARCHES),
    "train": (tfdarts.train, TRAININGS),
    "train_seeds": (lambda c: tfdarts.train_seeds(c, [0]), TRAININGS),
    "select": (tfdarts.select, SELECTIONS),
    "dry_run": (tfdarts.dry_run, TRAININGS),
    "describe_data": (tfdarts.describe_data, "tfdarts.RNNSelectConfig"),
    "pipeline": (
        lambda c: tfdarts.pipeline(c, tfdarts.TrainConfig(genotype="a")),
        SEARCHES,
    ),
    "pipeline's training": (
        lambda c: tfdarts.pipeline(tfdarts.SearchConfig(), c),
        TRAINING,
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(
    ("config", "shown"),
    [
        ("digits", "'digits'"),
        (None, "NoneType"),
        (tfdarts.SearchConfig, "<class 'tfdarts.tasks.configs.SearchConfig'>"),
        ({"dataset": "digits"}, "dict"),
    ],
)
def test_what_are_no_settings_are_refused(config, shown, name):
    function, wanted = CONFIGS[name]
    with pytest.raises(ValueError) as refusal:
        function(config)
    sentence = str(refusal.value)
    assert wanted in sentence and sentence.endswith(f"Received: {shown}.")


@pytest.mark.parametrize("name", sorted(CONFIGS.keys() - {"describe_data"}))
def test_settings_of_another_function_are_refused(name):
    config = {
        SEARCHES: tfdarts.TrainConfig(genotype="random:0"),
        TRAININGS: tfdarts.SelectConfig(),
        TRAINING: tfdarts.RNNTrainConfig(genotype="DARTS_V2"),
        SELECTIONS: tfdarts.SearchConfig(),
    }[CONFIGS[name][1]]
    with pytest.raises(ValueError, match="Received: [A-Za-z]+Config.$"):
        CONFIGS[name][0](config)


def test_a_genotype_may_be_trained_as_it_is():
    for space, config_class in (
        ("cnn", tfdarts.TrainConfig),
        ("rnn", tfdarts.RNNTrainConfig),
    ):
        genotype = tfdarts.genotypes.get("DARTS_V2", space)
        found = find_genotype(config_class(genotype=genotype).genotype, space)
        assert found == genotype and found.name == "DARTS_V2"


@pytest.mark.parametrize("given", ["~/model", pathlib.Path("~/model")])
def test_the_model_that_is_asked(home, given):
    with pytest.raises(ValueError, match=f"^{home}/model has no version"):
        tfdarts.predict(IMAGES, export_dir=given)


def test_one_format_is_one_format():
    with pytest.raises(ValueError, match="holds no train stage"):
        tfdarts.export("nowhere", formats="keras")
    with pytest.raises(ValueError, match="Received: keros"):
        tfdarts.export("nowhere", formats="keros")
    with pytest.raises(ValueError, match="--format must be strings"):
        tfdarts.export("nowhere", formats=[1])


def test_what_is_public_is_there_and_says_what_it_is():
    for name, thing in PUBLIC.items():
        assert inspect.getdoc(thing), name
    assert dataclasses.is_dataclass(tfdarts.RNNTrainConfig)
