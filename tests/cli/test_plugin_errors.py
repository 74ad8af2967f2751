"""Errors of a user's own parts are not called bugs of tfdarts."""

import pathlib
import sys

import pytest
import tensorflow as tf
from test_plugins import install

import tfdarts
from tfdarts import registry
from tfdarts.cli import search_command
from tfdarts.cli.errors import classify_error
from tfdarts.cli.plugin_errors import plugin_error_sentence

PARTS = """
import numpy as np

import tfdarts


def divide():
    return 1 / 0


class Fails(tfdarts.Strategy):
    trains = "candidates"

    def __init__(self, name, fail):
        self.name, self.fail = name, fail

    def run(self, search):
        self.fail(search)


def refuse(search):
    raise ValueError("x is wrong")


def write(search):
    search.stage.no_such_name


def propose(search):
    search.evaluate(search.space.sample(0))


class InNumpy(tfdarts.Evaluator):
    name = "in_numpy"

    def __call__(self, genotype, run_dir):
        return np.reshape(np.zeros(3), (2, 2))


class Nothing(tfdarts.Evaluator):
    name = "nothing"

    def __call__(self, genotype, run_dir):
        pass


class Gradient(tfdarts.SupernetStrategy):
    def __init__(self, name, **arguments):
        self.name, self.arguments = name, arguments

    def search_arguments(self, config):
        return self.arguments


class Reads(tfdarts.Evaluator):
    name = "reads"

    def __call__(self, genotype, run_dir):
        return open("no_such_table.json")


class Short(tfdarts.Evaluator):
    name = "short"

    def __call__(self, genotype):
        pass


class Runs(tfdarts.Strategy):
    name, trains = "runs", "candidates"

    def run(self):
        pass


class Half(tfdarts.Relaxation):
    def weights_of(self, alpha):
        return abs(alpha)


class Opens(tfdarts.Relaxation):
    def weights_of(self, alpha, training=False):
        return open("no_such_relaxation.json")


class Relaxes(tfdarts.SupernetStrategy):
    def __init__(self, name, relaxation):
        self.name, self.relaxation = name, relaxation

    def supernet_arguments(self, config):
        return {"relaxation": self.relaxation()}


class Lazy(tfdarts.SupernetStrategy):
    name = "lazy"

    def run(self, search):
        pass


class Supernet(tfdarts.SupernetStrategy):
    name = "supernet"

    def supernet_arguments(self, config):
        return {"relaxation": divide()}


for strategy in (
    Fails("refuses", refuse),
    Fails("divides", lambda search: divide()),
    Fails("writes", write),
    Fails("proposes", propose),
    Gradient("no_genotype", derive=lambda space, probabilities: None),
    Gradient("derives", derive=lambda space, probabilities: divide()),
    Gradient("regularizes", alpha_regularizer=lambda alphas: divide()),
    Gradient("short_derive", derive=lambda probabilities: None),
    Relaxes("half_relaxation", Half),
    Relaxes("opens_relaxation", Opens),
    Lazy(),
    Runs(),
    Supernet(),
):
    tfdarts.register_strategy(strategy)
for evaluator in (InNumpy, Nothing, Reads, Short):
    tfdarts.register_evaluator(evaluator)
"""

TINY = (
    *("--preset=paper", "--order=1", "--init_channels=2", "--num_cells=3"),
    *("--num_nodes=1", "--epochs=1", "--batch_size=256"),
    "--primitives=skip_connect,dil_conv_3x3",
)


@pytest.fixture
def failing(tmp_path, monkeypatch, capsys):
    """Searches with a part of an installed plugin; returns what is said."""
    libraries = tmp_path / "site-packages"
    libraries.mkdir()
    install(libraries, "failing_of_test", PARTS)
    monkeypatch.syspath_prepend(libraries)
    monkeypatch.setattr(registry, "_plugins_are_loaded", False)

    def search_with(*flags):
        code = search_command.main([*flags, f"--run_dir={tmp_path}/run"])
        return code, capsys.readouterr().err

    yield search_with
    sys.modules.pop("failing_of_test", None)


@pytest.mark.parametrize(
    ("flags", "sentence", "line"),
    [
        (
            ["--strategy=refuses"],
            "The strategy refuses failed with ValueError: x is wrong\n",
            'raise ValueError("x is wrong")',
        ),
        (
            ["--strategy=divides"],
            "The strategy divides failed with ZeroDivisionError: division by ",
            "return 1 / 0",
        ),
        (
            ["--strategy=writes"],
            "The strategy writes failed with AttributeError: 'Stage' object h",
            "search.stage.no_such_name",
        ),
        (
            ["--strategy=proposes", "--evaluator=in_numpy"],
            "The evaluator in_numpy failed with ValueError: cannot reshape ar",
            "return np.reshape(np.zeros(3), (2, 2))",
        ),
        (
            ["--strategy=supernet", *TINY],
            "The strategy supernet failed with ZeroDivisionError: division by",
            "return 1 / 0",
        ),
        (
            ["--strategy=derives", *TINY],
            "The strategy derives failed with ZeroDivisionError: division by ",
            "return 1 / 0",
        ),
        pytest.param(
            ["--strategy=regularizes", *TINY],
            "The strategy regularizes failed with ZeroDivisionError: division",
            "return 1 / 0",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_an_error_of_a_part_names_the_part(flags, sentence, line, failing):
    code, said = failing(*flags)
    assert code == 1
    traceback, _, message = said.rpartition("tfdarts-search: ")
    assert message.startswith(sentence)
    assert "bug of tfdarts" not in message
    number = 1 + PARTS.split("\n").index(
        next(each for each in PARTS.split("\n") if each.strip() == line)
    )
    assert f"The error is in line {number} of " in message
    assert "site-packages/failing_of_test.py, which is not part of" in message
    assert (
        "Traceback (most recent call last)" in traceback and line in traceback
    )


@pytest.mark.parametrize(
    ("flags", "function", "line"),
    [
        (["--strategy=runs"], "Runs.run", "def run(self):"),
        (
            ["--strategy=proposes", "--evaluator=short"],
            "Short.__call__",
            "def __call__(self, genotype):",
        ),
        (
            ["--strategy=short_derive", *TINY],
            "<lambda>",
            'Gradient("short_derive", derive=lambda probabilities: None),',
        ),
    ],
)
def test_a_function_that_takes_other_arguments_is_named(
    flags, function, line, failing
):
    code, said = failing(*flags)
    assert code == 1
    message = said.rpartition("tfdarts-search: ")[2]
    assert f"TypeError: {function}() takes " in message
    assert "bug of tfdarts" not in message
    lines = [each.strip() for each in PARTS.split("\n")]
    assert f"line {1 + lines.index(line)} of " in message
    assert "site-packages/failing_of_test.py" in message


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (
            ["--strategy=proposes", "--evaluator=reads"],
            "The evaluator reads failed: no_such_table.json does not exist. Ch",
        ),
        (
            ["--strategy=opens_relaxation", *TINY],
            "The relaxation opens failed: no_such_relaxation.json does not ex",
        ),
        (
            ["--strategy=half_relaxation", *TINY],
            "The relaxation Half must have a method `weights_of(self, alpha, t",
        ),
        (
            ["--strategy=lazy", *TINY],
            "The strategy lazy has not searched: its `run` must call `search.f",
        ),
        (
            ["--strategy=no_genotype", *TINY],
            "`derive` must return a tfdarts.Genotype. Received: None from <fun",
        ),
        (
            ["--strategy=proposes", "--evaluator=nothing"],
            "The evaluator nothing must return the tfdarts.Evaluation of the g",
        ),
    ],
)
def test_a_part_that_does_not_do_its_work_is_a_sentence(
    flags, sentence, failing
):
    code, said = failing(*flags)
    assert code == 2
    assert said.splitlines()[-1].startswith(f"tfdarts-search: {sentence}")
    assert "Traceback" not in said and "epoch 1/1" not in said


def raised(function, *arguments):
    with pytest.raises(Exception) as caught:
        function(*arguments)
    return caught.value


def test_an_error_of_a_function_of_the_users_names_its_file():
    def fail():
        {}["x"]

    code, said = classify_error(raised(fail))
    assert code == 1
    assert said.startswith(
        "Code that is not part of tfdarts failed with KeyError: 'x'\nThe er"
    )
    assert __file__ in said


def test_an_error_without_a_message_has_its_name():
    def fail():
        raise RuntimeError

    assert (
        "with RuntimeError\nThe error is in line"
        in classify_error(raised(fail))[1]
    )


def test_an_error_of_a_library_is_one_of_its_caller():
    names = {}
    path = pathlib.Path(tfdarts.__file__).with_name("line.py")
    code = "import tensorflow as tf\ndef f(): tf.reshape([1, 2], [3])"
    exec(compile(code, path, "exec"), names)
    # A method of the user's that calls tfdarts is not at fault.
    assert plugin_error_sentence(raised(lambda: names["f"]())) is None
    assert plugin_error_sentence(raised(lambda: tf.reshape([1, 2], [3])))
