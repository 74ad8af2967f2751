import dataclasses
import errno
import importlib
import json
import logging
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time
import types

import keras
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.cli.command import Command
from tfdarts.cli.command import settings_from_flagfile
from tfdarts.cli.command import settings_of
from tfdarts.cli.errors import EXIT_CODES
from tfdarts.cli.help import examples_of
from tfdarts.data.sources import DataError
from tfdarts.settings.fields import flag_fields
from tfdarts.settings.fields import setting
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.task_registry import tasks
from tfdarts.training.divergence import DivergedError

ROOT = pathlib.Path(__file__).parents[2]
NAMES = (
    "search",
    "select",
    "tune",
    "train",
    "evaluate",
    "export",
    "predict",
    "visualize",
    "pipeline",
    "report",
    "list",
)
COMMANDS = {
    name: importlib.import_module(f"tfdarts.cli.{name}_command").command
    for name in NAMES
}

# Help and flag errors of all commands in a new process; the only one here.
FRESH = """
import contextlib, importlib, io, json, sys
codes = {}
for name in sys.argv[1:]:
    main = importlib.import_module(f"tfdarts.cli.{name}_command").main
    with contextlib.redirect_stdout(io.StringIO()):
        codes[name] = [main(["--help"]), main(["--version"])]
    with contextlib.redirect_stderr(io.StringIO()):
        codes[name].append(main(["--nonsense"]))
heavy = sorted({"tensorflow", "keras"} & set(sys.modules))
print(json.dumps({"codes": codes, "heavy": heavy}))
"""


@dataclasses.dataclass(frozen=True)
class Settings:
    """A flag of each kind."""

    words: str = setting(None, "Some words.")
    count: int = setting(3, "A count.")
    rate: float = setting(0.5, "A rate.")
    loud: bool = setting(False, "Whether to shout.")


@pytest.fixture(autouse=True)
def process_as_it_was(monkeypatch):
    """A command shows whole tracebacks; tests undo that."""
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    yield
    keras.config.enable_traceback_filtering()
    tf.debugging.enable_traceback_filtering()


@pytest.fixture
def seen():
    return {}


@pytest.fixture
def main(seen):
    """A command that only notes its flags."""
    example = ("example --count=4",)
    command = Command(
        "tfdarts-x", "It notes.", (Settings,), seen.update, example
    )
    return command.main


@dataclasses.dataclass(frozen=True)
class CostlySettings:
    """Two flags that memory grows with."""

    num_cells: int = setting(8, "Cells.")
    batch_size: int = setting(64, "Examples in a batch.")


def failing_with(error):
    def run(values):
        if isinstance(error, BaseException):
            raise error
        error()

    return Command("tfdarts-x", "", (CostlySettings,), run).main


def function_of_tfdarts(name, code):
    """Returns a function that seems to be in a file of tfdarts."""
    path = pathlib.Path(tfdarts.__file__).with_name("example.py")
    names = {"__name__": "tfdarts.example"}
    exec(compile(code, path, "exec"), names)
    return names[name]


def config_of(name, arguments, config_class):
    """What a command makes of its arguments, without running."""
    seen = {}
    command = dataclasses.replace(COMMANDS[name], run=seen.update)
    assert command.main(arguments) == 0
    return settings_of(config_class, seen)


def interrupt(values):
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", NAMES)
def test_only_what_goes_on_says_that_it_does(name, capsys):
    run = dataclasses.replace(
        COMMANDS[name], run=interrupt, needs_tensorflow=False
    )
    flags = {
        "select": ["--run_dirs=a,b"],
        "predict": ["--images=x"],
    }
    assert run.main(flags.get(name, [])) == 130
    said = capsys.readouterr().err
    goes_on = name in ("search", "select", "tune", "train", "pipeline")
    assert ("re-run the same command" in said) == goes_on
    assert "Interrupted." in said


# Help

GENOTYPE = """
import sys
from tfdarts.cli.visualize_command import main

assert main(["--genotype=DARTS_V2", "--output_dir=cells"]) == 0
heavy = sorted({"tensorflow", "keras", "matplotlib"} & set(sys.modules))
sys.exit(f"imported {heavy}" if heavy else 0)
"""


def test_drawing_a_genotype_imports_nothing_large(tmp_path):
    subprocess.run(
        [sys.executable, "-c", GENOTYPE],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    assert (tmp_path / "cells" / "normal.png").exists()


def test_help_and_flag_errors_import_no_tensorflow(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FRESH, *NAMES],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {
        "codes": {name: [0, 0, 2] for name in NAMES},
        "heavy": [],
    }
    assert done.stderr == ""


@pytest.mark.parametrize("name", NAMES)
def test_help_shows_every_flag_its_default_and_examples(name, capsys):
    command = COMMANDS[name]
    assert command.main(["--help"]) == 0
    shown, errors = capsys.readouterr()
    assert errors == ""
    lines = shown.splitlines()
    assert shown.startswith(command.summary)
    examples = {
        f"  {example}" for example in examples_of(command.for_strategy([]))
    }
    assert examples <= set(lines)
    assert max(len(line) for line in lines if line not in examples) <= 80
    of_tasks = {each.name: command.settings_for(each) for each in tasks()}
    fields = {
        (field.name, field.default, field.metadata["help"]): field
        for settings in of_tasks.values()
        for each in settings
        for field in flag_fields(each)
        if each in of_tasks["images"] or field.name != "dataset"
    }
    for (flag, default, _), field in fields.items():
        found = [
            each
            for each in lines
            if re.match(rf"  --{flag}(=[A-Z]+| \(off\))", each)
        ]
        # One line for each default that it may have.
        assert len(found) == sum(name == flag for name, *_ in fields)
        if field.type is not bool and default is not None:
            assert any(x.endswith(f"(default {default})") for x in found)
        words = " ".join(shown.split())
        assert " ".join(field.metadata["help"].split()) in words
    assert "--flagfile=FILE" in shown
    assert "Exit codes: 0 done" in shown


@pytest.mark.parametrize("name", ["search", "pipeline"])
def test_help_of_a_strategy_has_examples_of_it_and_the_true_default(
    name, capsys
):
    command = COMMANDS[name]
    assert command.main(["--strategy=random", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "  --strategy=TEXT (default darts)\n" in shown
    examples = [
        line
        for line in shown.splitlines()
        if line.startswith(f"  {command.name} ")
    ]
    assert examples
    run = dataclasses.replace(command, run=lambda values: None)
    for example in examples:
        _, *arguments = shlex.split(example)
        assert "--strategy=random" in arguments
        assert run.main(arguments) == 0


@pytest.mark.parametrize("name", ["search", "pipeline"])
@pytest.mark.parametrize("typed", [[], ["--strategy=darts"]])
def test_help_of_darts_has_no_examples_of_random_search(name, typed, capsys):
    assert COMMANDS[name].main([*typed, "--help"]) == 0
    shown = capsys.readouterr().out
    examples = re.findall(rf"^  (tfdarts-{name} .*)$", shown, re.M)
    assert f"tfdarts-{name} --flagfile=configs/digits.cfg" in "\n".join(
        examples
    )
    assert not any("--strategy" in example for example in examples)


def test_help_of_a_strategy_adds_the_strategy_to_examples_it_accepts():
    command = COMMANDS["search"].for_strategy(["--strategy=random"])
    examples = examples_of(command)
    for expected in (
        "tfdarts-search --strategy=random --num_candidates=8 "
        "--run_dir=runs/random",
        "tfdarts-search --strategy=random --dataset=folder:flowers "
        "--describe_data",
    ):
        assert expected in examples
    assert not any("--order" in example for example in examples)


def test_the_shape_of_a_helps_flags(main, capsys):
    main(["--help"])
    shown = capsys.readouterr().out
    assert "  --words=TEXT\n      Some words.\n" in shown
    assert "  --count=INTEGER (default 3)\n      A count.\n" in shown
    assert "  --rate=NUMBER (default 0.5)\n" in shown
    assert "  --loud (off)\n" in shown


def test_the_version(main, capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tfdarts {tfdarts.__version__}\n"


def unread_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    return open(writing, "w")


@pytest.mark.parametrize("flag", ["--help", "--version"])
@pytest.mark.parametrize(
    ("output", "code", "sentence"),
    [
        (unread_pipe, 141, "the reader of the results is gone"),
        (lambda: open("/dev/full", "w"), 2, "no space is left on the disk"),
    ],
)
def test_help_that_cannot_be_written_is_a_sentence(
    output, code, sentence, flag, main, capsys, monkeypatch
):
    if code == 2 and not os.path.exists("/dev/full"):
        pytest.skip("no device that is always full")
    with output() as stdout, monkeypatch.context() as context:
        context.setattr(sys, "stdout", stdout)
        assert main([flag]) == code
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1


def test_an_error_that_cannot_be_written_keeps_its_exit_code(main, monkeypatch):
    def refuse(text):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as context:
        stderr = types.SimpleNamespace(write=refuse, flush=lambda: None)
        context.setattr(sys, "stderr", stderr)
        assert main(["--nonsense"]) == 2


def test_help_runs_nothing(main, seen):
    main(["--help", "--count=4"])
    assert not seen


@pytest.mark.parametrize(
    ("name", "example"),
    [(name, each) for name in NAMES for each in examples_of(COMMANDS[name])],
)
def test_the_examples_of_the_help_are_commands(name, example, monkeypatch):
    monkeypatch.chdir(ROOT)
    program, *arguments = shlex.split(example)
    assert program == COMMANDS[name].name == f"tfdarts-{name}"
    run = dataclasses.replace(COMMANDS[name], run=lambda values: None)
    assert run.main(arguments) == 0


@pytest.mark.parametrize("name", NAMES)
def test_each_command_has_an_executable(name):
    text = (ROOT / "bin" / f"tfdarts-{name}").read_text()
    assert f"from tfdarts.cli.{name}_command import main\n" in text
    assert "sys.exit(main())" in text


# Flags


def test_flags_have_the_types_of_the_fields(main, seen):
    arguments = ["--words=a b=c", "--count=-1", "--rate=1e-3", "--loud"]
    assert main(arguments) == 0
    flags = settings_of(Settings, seen)
    assert flags == Settings("a b=c", -1, 1e-3, True)
    assert settings_of(Settings, seen).rate == 0.001


def test_flags_that_are_not_given_have_their_defaults(main, seen):
    assert main([]) == 0
    assert settings_of(Settings, seen) == Settings()


def test_two_calls_do_not_share_their_flags(main, seen):
    main(["--count=7"])
    main([])
    assert seen["count"] == 3


def test_without_arguments_the_programs_own_are_taken(main, seen, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["anything", "--count=9"])
    main()
    assert seen["count"] == 9


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--cuont=3"], "There is no flag --cuont. Did you mean --count?"),
        (["--zebra"], "There is no flag --zebra.$"),
        (["--count=many"], "flag --count=many: it must be an integer."),
        (["--count=1.5"], "flag --count=1.5: it must be an integer."),
        (["--rate=fast"], "flag --rate=fast: it must be a number."),
        (["--loud=maybe"], "flag --loud=maybe: it must be true or false."),
        (["3"], "Every argument must be a flag, --name=value. Received: 3"),
        (["--count=3", "count=4"], "Received: count=4"),
        (["--count"], "Missing value for flag --count"),
        (["--flagfile=nowhere.cfg"], "nowhere.cfg does not exist. Check"),
        (["--flagfile=configs/nowhere.cfg"], "configs/nowhere.cfg does not e"),
        (["--flagfile=."], "[.] is a directory, but a file is needed."),
        (["--flagfile"], "A flagfile needs a name: --flagfile=FILE."),
        (["--flagfile="], "A flagfile needs a name: --flagfile=FILE."),
    ],
)
def test_a_flag_error_is_a_sentence_and_exit_code_2(
    arguments, sentence, main, seen, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    printed, said = capsys.readouterr()
    assert not seen
    assert printed == ""
    first, see_help = said.splitlines()
    assert first.startswith("tfdarts-x: ")
    assert pytest.RaisesExc(match=sentence).matches(ValueError(first))
    assert see_help == "See tfdarts-x --help."


def test_a_switch_can_be_turned_off(main, seen):
    main(["--loud", "--noloud"])
    assert seen["loud"] is False
    main(["--loud=true"])
    assert seen["loud"] is True


def test_a_switch_may_have_its_value_behind_a_space(main, seen, capsys):
    for value, wanted in (("false", False), ("True", True), ("0", False)):
        assert main(["--loud", value, "--count", "4"]) == 0
        assert seen["loud"] is wanted and seen["count"] == 4
    assert main(["--loud", "--count", "1"]) == 0
    assert seen["loud"] is True and seen["count"] == 1
    assert main(["--words", "false"]) == 0
    assert seen["words"] == "false"
    assert main(["--loud", "no"]) == 2
    assert "--loud=no: it must be true or false" in capsys.readouterr().err
    assert main(["--loud", "runs/x"]) == 2
    assert "Received: runs/x" in capsys.readouterr().err


def test_help_may_be_asked_for_in_short(main, seen, capsys):
    assert main(["--count=4", "-h"]) == 0
    shown = capsys.readouterr().out
    main(["--help"])
    assert shown == capsys.readouterr().out
    assert not seen


def test_the_help_has_every_exit_code(main, capsys):
    main(["--help"])
    _, _, codes = capsys.readouterr().out.partition("Exit codes:")
    found = {int(code) for code in re.findall(r"\d+", codes)}
    assert found == {0, *EXIT_CODES.values()}


@pytest.mark.parametrize("line", ["--words a b", "--words \t a=b", "-count 4"])
def test_a_line_of_a_flagfile_is_one_argument(line, main, tmp_path, capsys):
    (tmp_path / "flags.cfg").write_text(f"{line}\n")
    assert main([f"--flagfile={tmp_path}/flags.cfg"]) == 2
    written = "=".join(line.split(maxsplit=1))
    assert f"the value: write {written}.\n" in capsys.readouterr().err


def test_a_long_unknown_flag_is_unknown_too(main, capsys):
    assert main([f"--{'count' * 1000}"]) == 2
    assert "There is no flag --countcount" in capsys.readouterr().err


# Flagfiles


def test_what_stands_later_wins(main, seen, tmp_path):
    (tmp_path / "a.cfg").write_text("# comment\n\n--count=5\n--words=file\n")
    flagfile = f"--flagfile={tmp_path}/a.cfg"
    assert main(["--words=before", flagfile, "--count=6"]) == 0
    assert (seen["words"], seen["count"]) == ("file", 6)
    main(["--count=6", flagfile, "--loud"])
    assert (seen["words"], seen["count"], seen["loud"]) == ("file", 5, True)


@pytest.mark.parametrize("line", ["--cuont=3", "--count=many", "count=3"])
def test_an_error_in_a_flagfile_is_exit_code_2(line, main, tmp_path, capsys):
    (tmp_path / "a.cfg").write_text(f"{line}\n")
    assert main([f"--flagfile={tmp_path}/a.cfg"]) == 2
    assert line.strip("-").partition("=")[0] in capsys.readouterr().err


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A package with a configs/a.cfg of its own, and a working directory."""
    package, here = tmp_path / "package", tmp_path / "here"
    for directory in (package, here):
        (directory / "configs").mkdir(parents=True)
    (package / "configs" / "a.cfg").write_text("--count=11\n")
    monkeypatch.setattr(tfdarts, "__file__", str(package / "__init__.py"))
    monkeypatch.chdir(here)
    return here / "configs" / "a.cfg"


def test_a_shipped_config_is_found_from_anywhere(shipped, main, seen):
    assert main(["--flagfile=configs/a.cfg"]) == 0
    assert seen["count"] == 11
    config = settings_from_flagfile(Settings, "configs/a.cfg")
    assert config.count == 11


def test_in_a_checkout_configs_stand_beside_the_package(
    shipped, main, seen, tmp_path
):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "b.cfg").write_text("--count=13\n")
    assert main(["--flagfile=configs/b.cfg"]) == 0
    assert seen["count"] == 13


def test_the_package_comes_before_what_stands_beside_it(
    shipped, main, seen, tmp_path
):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "a.cfg").write_text("--count=13\n")
    assert main(["--flagfile=configs/a.cfg"]) == 0
    assert seen["count"] == 11


def test_the_working_directory_comes_before_the_package(shipped, main, seen):
    shipped.write_text("--count=12\n")
    assert main(["--flagfile=configs/a.cfg"]) == 0
    assert seen["count"] == 12


def test_only_configs_come_from_the_package(shipped, main):
    assert main(["--flagfile=../package/nowhere.cfg"]) == 2
    assert main(["--flagfile=a.cfg"]) == 2


def test_a_shipped_config_is_found_behind_a_space_too(shipped, main, seen):
    assert main(["--flagfile", "configs/a.cfg"]) == 0
    assert seen["count"] == 11


def test_a_flagfile_may_name_a_shipped_one(shipped, main, seen):
    own = shipped.with_name("own.cfg")
    own.write_text("--flagfile=configs/a.cfg\n--words=own\n")
    assert main([f"--flagfile={own}"]) == 0
    assert (seen["count"], seen["words"]) == (11, "own")
    own.write_text("--flagfile\nconfigs/a.cfg\n--count=12\n")
    assert main([f"--flagfile={own}"]) == 0
    assert seen["count"] == 12
    config = settings_from_flagfile(Settings, own)
    assert config.count == 12


def test_a_flagfile_may_be_named_twice_but_not_by_itself(
    main, seen, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.cfg").write_text("--count=5\n")
    assert main(["--flagfile=a.cfg", "--flagfile=a.cfg"]) == 0
    (tmp_path / "a.cfg").write_text("--flagfile=b.cfg\n")
    (tmp_path / "b.cfg").write_text("--flagfile=a.cfg\n")
    assert main(["--flagfile=a.cfg"]) == 2
    assert "a.cfg includes itself" in capsys.readouterr().err


def test_a_flagfile_is_no_matter_of_spaces_or_of_its_editor(
    main, seen, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    text = "\ufeff# A comment.\r\n  // Another.\r\n\r\n  --count=5  \r\n"
    (tmp_path / "a.cfg").write_bytes(text.encode())
    assert main(["--flagfile=~/a.cfg"]) == 0
    assert seen["count"] == 5


def test_settings_from_a_flagfile(tmp_path):
    (tmp_path / "a.cfg").write_text("--count=5\n--rate=2\n")
    config = settings_from_flagfile(Settings, tmp_path / "a.cfg", rate=3.0)
    assert config == Settings(count=5, rate=3.0)


@pytest.mark.parametrize("line", ["--cuont=3", "--count=many"])
def test_settings_from_a_flagfile_refuse_what_is_no_flag(line, tmp_path):
    (tmp_path / "a.cfg").write_text(line)
    with pytest.raises(ValueError, match="a.cfg cannot be used: .*count|cuont"):
        settings_from_flagfile(Settings, tmp_path / "a.cfg")
    with pytest.raises(ValueError, match="nowhere cannot be used"):
        settings_from_flagfile(Settings, "nowhere")


def test_settings_from_a_flagfile_refuse_what_has_no_dashes(tmp_path):
    (tmp_path / "a.cfg").write_text("count=7\n--rate=2\n")
    with pytest.raises(ValueError, match="count=7"):
        settings_from_flagfile(Settings, tmp_path / "a.cfg")


def test_a_binary_flagfile_is_exit_code_2(main, tmp_path):
    (tmp_path / "a.cfg").write_bytes(b"\xff")
    assert main([f"--flagfile={tmp_path}/a.cfg"]) == 2


def test_the_digits_configs_fit_their_commands(monkeypatch):
    monkeypatch.chdir(ROOT)
    digits = ["--flagfile=configs/digits.cfg", "--run_dir=runs/x"]
    search = config_of("search", digits, SearchConfig)
    assert search == config_of("pipeline", digits, SearchConfig)
    assert search != SearchConfig(run_dir="runs/x")
    assert (search.dataset, search.order) == ("digits", 2)
    training = ["--flagfile=configs/digits_train.cfg", "--run_dir=runs/x"]
    train = config_of("train", training, TrainConfig)
    assert train == settings_from_flagfile(
        TrainConfig, "configs/digits_train.cfg", run_dir="runs/x"
    )
    assert train != TrainConfig(run_dir="runs/x")


@pytest.mark.parametrize("name", ["search", "train"])
def test_without_flags_the_settings_are_the_configs_defaults(name):
    config_class = {"search": SearchConfig, "train": TrainConfig}[name]
    assert config_of(name, [], config_class) == config_class()


# Errors


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (DataError("No images."), 3, "No images."),
        (DivergedError("The loss became nan."), 5, "The loss became nan."),
        (
            PermissionError(13, "Denied", "/x"),
            2,
            "/x cannot be read or written",
        ),
        (MemoryError(), 4, "Out of memory: lower --batch_size or --num_cells."),
        (
            tf.errors.ResourceExhaustedError(None, None, "OOM"),
            4,
            "Out of memory: lower --batch_size or --num_cells.",
        ),
        (
            tf.errors.ResourceExhaustedError(
                None, None, "r/ckpt-1; No space left on device"
            ),
            2,
            "r/ckpt-1 cannot be written: no space is left on the disk.",
        ),
        (KeyboardInterrupt(), 130, "Interrupted. Everything up to"),
    ],
)
def test_an_error_is_a_sentence_and_an_exit_code(error, code, sentence, capsys):
    assert failing_with(error)([]) == code
    printed, said = capsys.readouterr()
    assert printed == ""
    assert said.startswith(f"tfdarts-x: {sentence}")
    assert said.count("\n") == 1
    assert "Traceback" not in said


def test_a_setting_that_cannot_be_is_a_sentence(capsys):
    main = failing_with(lambda: SearchConfig(epochs=0))
    assert main([]) == 2
    assert capsys.readouterr().err == (
        "tfdarts-x: --epochs must be at least 1. Received: 0.\n"
    )


def test_a_setting_that_cannot_be_does_not_wait_for_tensorflow(
    main, seen, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    assert COMMANDS["search"].main(["--epochs=0", "--run_dir=x"]) == 2
    assert "--epochs must be at least 1" in capsys.readouterr().err


CODE_OF_TFDARTS = """
import keras
import numpy as np


class Layer(keras.layers.Layer):
    def call(self, x):
        return keras.layers.Dense(-1)(x)


def in_keras():
    keras.layers.Dense(-1)


def in_keras_called_by_a_layer():
    Layer()(np.zeros((2, 2)))


def in_numpy():
    np.reshape(np.zeros(3), (2, 2))
"""


@pytest.mark.parametrize(
    "name", ["in_keras", "in_keras_called_by_a_layer", "in_numpy"]
)
def test_a_value_error_of_others_is_a_bug(name, capsys):
    fail = function_of_tfdarts(name, CODE_OF_TFDARTS)
    assert failing_with(fail)([]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Traceback (most recent call last):")
    assert "tfdarts-x: Unexpected ValueError: " in said
    assert "Please report it" in said.splitlines()[-1]


def test_sigterm_is_exit_code_143(capsys):
    def terminated():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)

    assert failing_with(terminated)([]) == 143
    assert capsys.readouterr().err.startswith("tfdarts-x: Interrupted.")


@pytest.mark.parametrize("error", [None, KeyError("a bug")])
def test_a_command_leaves_logging_and_sigterm_as_they_were(error, capsys):
    def state():
        on_sigterm = signal.getsignal(signal.SIGTERM)
        logger = logging.getLogger("tfdarts")
        return on_sigterm, logger.level, logger.propagate, [*logger.handlers]

    def run():
        assert state() != before
        if error:
            raise error

    before = state()
    failing_with(run)([])
    assert state() == before


@pytest.mark.parametrize("error", [RuntimeError, KeyError])
def test_what_nobody_expected_is_1_with_a_traceback(error, capsys):
    code = f"def fail():\n    raise {error.__name__}('a bug')"
    assert failing_with(function_of_tfdarts("fail", code))([]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Traceback (most recent call last):")
    *_, last, advice = said.splitlines()
    assert last.startswith(f"tfdarts-x: Unexpected {error.__name__}: ")
    assert "a bug" in last
    assert "is a bug of tfdarts. Please report it with all lines" in advice


def test_an_error_without_words_is_called_by_its_name(capsys):
    assert failing_with(DataError())([]) == 3
    assert capsys.readouterr().err == "tfdarts-x: DataError\n"


def test_debug_shows_the_traceback(capsys):
    assert failing_with(DataError("No images."))(["--debug"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("Traceback (most recent call last):")
    assert said.endswith("\ntfdarts-x: No images.\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemError("x")])
def test_debug_shows_every_traceback(error, capsys):
    failing_with(error)(["--debug"])
    assert capsys.readouterr().err.count("Traceback (most recent") == 1


def test_a_command_that_runs_through_is_exit_code_0(main, capsys):
    assert main([]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_command_logs_to_stderr_as_plain_lines(capsys):
    def talk():
        logging.getLogger("tfdarts").info("epoch %d", 1)
        logging.getLogger("tfdarts").debug("secret")

    assert failing_with(talk)([]) == 0
    assert capsys.readouterr() == ("", "epoch 1\n")


def test_a_quiet_command_only_says_what_goes_wrong(capsys):
    def talk():
        logging.getLogger("tfdarts").info("epoch 1")
        logging.getLogger("tfdarts").warning("careful")
        print("result")
        raise DataError("No images.")

    assert failing_with(talk)(["--quiet"]) == 3
    assert capsys.readouterr() == (
        "result\n",
        "careful\ntfdarts-x: No images.\n",
    )


def test_a_bar_is_gone_before_the_error(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")

    def work():
        extra = {"transient": True, "progress": 0.5}
        logging.getLogger("tfdarts").info("step 1", extra=extra)
        raise DataError("No images.")

    assert failing_with(work)([]) == 3
    shown, _, said = capsys.readouterr().err.rpartition("\x1b[2K")
    assert "step 1" in shown
    assert said == "tfdarts-x: No images.\n"


@pytest.mark.parametrize("name", ["search", "train", "evaluate", "export"])
def test_a_missing_run_dir_is_exit_code_2(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert COMMANDS[name].main([]) == 2
    assert "stage needs a run directory: give --run_dir." in (
        capsys.readouterr().err
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["evaluate", "export"])
def test_a_run_without_a_training_is_exit_code_2(name, capsys, tmp_path):
    assert COMMANDS[name].main([f"--run_dir={tmp_path}"]) == 2
    said = capsys.readouterr().err
    assert f"holds no train stage: run tfdarts-train --run_dir={tmp_path}" in (
        said
    )


@pytest.mark.parametrize("name", ["search", "train"])
@pytest.mark.parametrize(
    ("flag", "code"),
    [("--epochs=0", 2), ("--dataset=nothing", 3), ("--batch_size=5000", 3)],
)
def test_settings_that_cannot_be_are_refused_before_anything_is_written(
    name, flag, code, capsys, tmp_path
):
    small = ["--num_nodes=1", "--num_cells=3", "--init_channels=1"]
    others = {"search": small, "train": ["--genotype=DARTS_V2"]}[name]
    others.append(f"--run_dir={tmp_path}/run")
    assert COMMANDS[name].main([flag, *others]) == code
    assert (
        capsys.readouterr().err.splitlines()[-1].startswith(f"tfdarts-{name}: ")
    )
    assert not (tmp_path / "run").exists()


def test_a_pipeline_on_a_text_needs_a_train_flagfile(capsys):
    assert COMMANDS["pipeline"].main(["--run_dir=x", "--dataset=pydoc"]) == 2
    assert "give --train_flagfile" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["--genotype=DARTS_V2", "--run_dir=x"]]
)
def test_a_drawing_is_of_a_genotype_or_of_a_run(arguments, capsys):
    assert COMMANDS["visualize"].main(arguments) == 2
    assert "Give either --genotype or --run_dir" in capsys.readouterr().err
