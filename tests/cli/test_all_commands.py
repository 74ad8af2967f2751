"""The command `tfdarts`, what it lists, and completion in a shell."""

import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

import tfdarts
from tfdarts import genotypes
from tfdarts.cli import all_commands
from tfdarts.cli import list_command
from tfdarts.cli import train_command
from tfdarts.cli.completion import completion
from tfdarts.primitive_table import primitive_entry
from tfdarts.runs.evaluator_registry import get_evaluator
from tfdarts.search_spaces.space_registry import get_space
from tfdarts.strategies.strategy_registry import get_strategy

ROOT = pathlib.Path(__file__).parents[2]


def listed(capsys, kind):
    assert all_commands.main(["list", f"--kind={kind}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    return [line.split()[0] for line in lines if re.match(r"  \S", line)]


@pytest.mark.parametrize(
    ("kind", "find"),
    [
        ("strategies", get_strategy),
        ("evaluators", get_evaluator),
        ("spaces", get_space),
        ("primitives", primitive_entry),
        (
            "genotypes",
            lambda n: genotypes.get(n, "rnn" if n == "ENAS" else "cnn"),
        ),
        ("configs", lambda name: (ROOT / name).read_text()),
    ],
)
def test_what_is_listed_exists(kind, find, capsys):
    names = listed(capsys, kind)
    assert len(names) >= 3
    for name in names:
        assert find(name)


def test_lists_are_complete(capsys):
    everything = listed(capsys, "all")
    for kind in list_command.KINDS:
        assert {*listed(capsys, kind)} <= {*everything}
    files = {f"configs/{path.name}" for path in ROOT.glob("configs/*.cfg")}
    assert files == {*listed(capsys, "configs")}
    assert {"darts", "evolution", "pc_darts"} <= {*everything}
    assert {*genotypes.published_names()} <= {*everything}


def test_each_executable_is_a_subcommand(capsys):
    executables = {path.name for path in (ROOT / "bin").iterdir()}
    names = {f"tfdarts-{name}" for name in all_commands.NAMES}
    assert executables == names | {"tfdarts"}
    assert all_commands.main([]) == 0
    shown = capsys.readouterr().out
    for name in all_commands.NAMES:
        command = all_commands.command_of(name)
        assert command.name == f"tfdarts-{name}"
        assert re.search(rf"^  {name} +[A-Z]", shown, re.M)


def test_a_subcommand_is_the_command(capsys, monkeypatch):
    assert all_commands.main(["train", "--help"]) == 0
    shown = capsys.readouterr().out
    assert train_command.main(["--help"]) == 0
    assert capsys.readouterr().out == shown
    monkeypatch.setattr("sys.argv", ["tfdarts", "train", "--epochs=x"])
    assert all_commands.main() == 2
    assert "tfdarts-train: flag --epochs=x" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["serch"], ["completion"], ["--epochs=3"]])
def test_another_word_is_refused(words, capsys):
    assert all_commands.main(words) == 2
    message = capsys.readouterr().err
    assert f"Received: {' '.join(words)}\n" in message
    assert "search, visualize" in message


def test_the_version_is_printed(capsys):
    assert all_commands.main(["--version"]) == 0
    assert capsys.readouterr().out == f"tfdarts {tfdarts.__version__}\n"


@pytest.fixture(scope="module")
def script():
    commands = {n: all_commands.command_of(n) for n in all_commands.NAMES}
    return {shell: completion(shell, commands) for shell in ("bash", "zsh")}


def complete(script, *words):
    """Returns what bash offers for the last of some words."""
    typed = " ".join(map(shlex.quote, words))
    ask = (
        f"COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _tfdarts; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    shell = shutil.which("bash")
    done = subprocess.run(
        [shell, "-c", f"{script}\n{ask}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    return sorted(done.stdout.split())


def test_bash_completes(script, tmp_path, monkeypatch):
    bash = script["bash"]
    assert complete(bash, "tfdarts", "se") == ["search", "select"]
    assert complete(bash, "tfdarts", "search", "--alpha_lear") == [
        "--alpha_learning_rate=",
        "--alpha_learning_rate_schedule=",
    ]
    assert complete(bash, "/bin/tfdarts-search", "--units") == ["--units="]
    assert complete(bash, "tfdarts-train", "--tensor") == ["--tensorboard"]
    expected = ["darts", "darts_es", "darts_minus", "darts_pt"]
    for words in (["--strategy=dart"], ["--strategy", "=", "dart"]):
        assert complete(bash, "tfdarts-search", *words) == expected
    assert complete(bash, "tfdarts-search", "--order", "=") == ["1", "2"]
    assert complete(bash, "tfdarts", "list", "--kind=pri") == ["primitives"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    assert complete(bash, "tfdarts-train", "--run_dir=ru") == ["runs"]


def test_zsh_takes_the_script_of_bash(script, capsys):
    assert script["zsh"].endswith(script["bash"])
    assert "bashcompinit" in script["zsh"]
    assert all_commands.main(["completion", "zsh"]) == 0
    assert capsys.readouterr().out == script["zsh"] + "\n"
