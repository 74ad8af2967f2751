"""Installed packages add parts that shell commands know."""

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

import tfdarts
from tfdarts import registry
from tfdarts.cli import search_command
from tfdarts.cli import visualize_command

ROOT = pathlib.Path(__file__).parents[1]

PARTS = """
import dataclasses

import tfdarts
from tfdarts.tasks.images import ImageTask


@dataclasses.dataclass(frozen=True)
class QuickSettings(tfdarts.Settings):
    number: int = tfdarts.setting(0, "Seed of the only candidate.", least=0)


class Quick(tfdarts.Strategy):
    name = "quick"
    trains = "candidates"
    settings = QuickSettings

    def run(self, search):
        search.evaluate(search.space.sample(search.config.number))


@dataclasses.dataclass(frozen=True)
class SkipSettings(tfdarts.Settings):
    wanted: int = tfdarts.setting(0, "Skip connections.", least=0)


class SkipCount(tfdarts.Evaluator):
    name = "skip_count"
    settings = SkipSettings

    def __call__(self, genotype, run_dir):
        skips = genotype.num_skip_connections
        distance = abs(skips - self.config.wanted)
        return tfdarts.Evaluation(genotype, [distance], skips)


class Vectors(ImageTask):
    name = "vectors"
    configs = {
        name: dataclasses.make_dataclass(name, [], bases=(base,), frozen=True)
        for name, base in ImageTask.configs.items()
    }

    def takes(self, spec):
        return str(spec).startswith("vectors:")


def swish(x):
    return x


class Pairs(tfdarts.CNNSearchSpace):
    name = "pairs"
    num_nodes = 1


tfdarts.register_space(Pairs)
tfdarts.register_evaluator(SkipCount)
tfdarts.register_strategy(Quick())
tfdarts.register_task(Vectors())
tfdarts.register_primitive("swish", swish, space="rnn")
assert "random" in tfdarts.strategies.strategy_registry.STRATEGIES
"""


def install(directory, module, code):
    """Writes a module and the metadata of a package with this plugin."""
    (directory / f"{module}.py").write_text(code)
    metadata = directory / f"{module}_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {module}-package\nVersion: 1.0\n"
    )
    (metadata / "entry_points.txt").write_text(
        f"[tfdarts.plugins]\n{module} = {module}\n"
    )


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs a plugin for the length of a test."""

    def install_here(module, code):
        install(tmp_path, module, code)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(registry, "_plugins_are_loaded", False)

    before = {*sys.modules}
    yield install_here
    for module in {*sys.modules} - before:
        if module.endswith("_of_test"):
            del sys.modules[module]


@pytest.mark.slow
def test_a_command_searches_with_the_strategy_of_a_plugin(
    installed, tmp_path, capsys
):
    installed("parts_of_test", PARTS)
    run_dir = tmp_path / "run"
    flags = [
        *("--strategy=quick", "--number=3", f"--run_dir={run_dir}"),
        *("--preset=paper", "--init_channels=2", "--num_cells=3"),
        *("--epochs=1", "--batch_size=256", "--validation_portion=0.2"),
        *("--auxiliary_weight=0", "--drop_path_rate=0"),
    ]
    assert search_command.main(flags) == 0, capsys.readouterr().err
    trials = json.loads((run_dir / "search" / "trials.json").read_text())
    assert len(trials) == 1
    expected = tfdarts.CNNSearchSpace(4).sample(3)
    found = tfdarts.Genotype.load(run_dir / "genotype.json")
    assert found.normal == expected.normal


def test_a_command_knows_the_space_of_a_plugin(installed, tmp_path):
    installed("parts_of_test", PARTS)
    drawn = ["--genotype=random:0", "--space=pairs"]
    assert visualize_command.main([*drawn, f"--output_dir={tmp_path}"]) == 0
    graph = (tmp_path / "normal.dot").read_text()
    assert "-> 2" in graph and "-> 3" not in graph


def test_help_and_registries_have_the_parts_of_a_plugin(installed, capsys):
    installed("parts_of_test", PARTS)
    assert search_command.main(["--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    shown = re.search("Strategies: (.+?) Flags:", said)[1]
    assert shown.startswith("Gradient descent on a supernet darts: Gradient ")
    assert " Controls random: Draws genotypes uniformly, " in shown
    assert shown.endswith(" Others quick")
    assert search_command.main(["--strategy=quick", "--help"]) == 0
    said = capsys.readouterr().out
    assert "  --number=INTEGER (default 0)\n" in said
    assert re.search("Evaluators: from_scratch, .*, skip_count\n", said)
    assert "  --evaluator=TEXT (default from_scratch)\n" in said
    assert "--wanted" not in said
    chosen = ["--strategy=quick", "--evaluator=skip_count"]
    assert search_command.main([*chosen, "--help"]) == 0
    said = capsys.readouterr().out
    assert "  --wanted=INTEGER (default 0)\n" in said
    assert "  --evaluator=TEXT (default from_scratch)\n" in said
    genotype = tfdarts.Genotype(recurrent=[("swish", 0)], recurrent_concat=[1])
    assert genotype.recurrent == (("swish", 0),)


def test_a_command_searches_with_the_evaluator_of_a_plugin(
    installed, tmp_path, capsys
):
    installed("parts_of_test", PARTS)
    flagfile = tmp_path / "quick.cfg"
    flagfile.write_text("--strategy=quick\n--evaluator=skip_count\n--wanted=2")
    flags = [f"--flagfile={flagfile}", f"--run_dir={tmp_path}/run"]
    assert search_command.main(flags) == 0, capsys.readouterr().err
    recorded = json.loads((tmp_path / "run/search/config.json").read_text())
    assert (recorded["evaluator"], recorded["wanted"]) == ("skip_count", 2)
    (trial,) = json.loads((tmp_path / "run/search/trials.json").read_text())
    assert trial["rank"] == [abs(trial["score"] - 2)]
    said = capsys.readouterr().out
    # The evaluator and its settings are no flags of a training.
    assert "wanted" not in said and "evaluator" not in said


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (
            ["--strategy=quick", "--evaluator=magic"],
            "There is no evaluator 'magic'. The evaluators are: from_scratch, ",
        ),
        (
            ["--strategy=quick", "--wanted=2"],
            "--wanted is for --evaluator=skip_count: give that evaluator, or l",
        ),
        (
            ["--evaluator=skip_count"],
            "--evaluator is for --strategy=random, local_search, evolution and "
            "others: give one of these, or leave --evaluator out.",
        ),
        (
            ["--strategy=quick", "--evaluator=skip_count", "--wanted=-1"],
            "--wanted must be at least 0. Received: -1.",
        ),
    ],
)
def test_an_evaluator_or_flags_that_do_not_fit_are_a_sentence(
    flags, sentence, installed, capsys
):
    installed("parts_of_test", PARTS)
    assert search_command.main(flags) == 2
    assert sentence in capsys.readouterr().err


def test_a_typed_evaluator_makes_flags_of_others_in_a_flagfile_idle(
    installed, tmp_path, capsys
):
    installed("parts_of_test", PARTS)
    flagfile = tmp_path / "quick.cfg"
    flagfile.write_text("--strategy=quick\n--evaluator=skip_count\n--wanted=2")
    seen = []
    command = dataclasses.replace(
        search_command.command, run=seen.append, needs_tensorflow=False
    )
    flags = [f"--flagfile={flagfile}", "--evaluator=from_scratch"]
    assert command.main(flags) == 0
    assert seen[0]["evaluator"] == "from_scratch" and "wanted" not in seen[0]
    assert (
        "ignored flags of the flagfile, which have no effect beside "
        "--evaluator=from_scratch: --wanted=2\n"
    ) in capsys.readouterr().err


@pytest.mark.parametrize("command", [search_command, visualize_command])
def test_a_plugin_that_fails_is_a_sentence(command, installed, capsys):
    installed("broken_of_test", "import nothing_of_this_name")
    for arguments in (["--help"], ["--run_dir=x"]):
        assert command.main(arguments) == 2
        out, said = capsys.readouterr()
        assert out == ""
        assert said == (
            f"{command.command.name}: The plugin broken_of_test of the package "
            f"broken_of_test-package cannot be imported, ModuleNotFoundError: "
            f"No module named 'nothing_of_this_name'. Repair or uninstall the "
            f"package.\n"
        )
    with pytest.raises(ValueError, match="The plugin broken_of_test of the"):
        tfdarts.search_config("random")


def test_a_plugin_that_exits_is_a_sentence(installed, capsys):
    installed("exits_of_test", "raise SystemExit(3)")
    assert search_command.command.main(["--help"]) == 2
    said = capsys.readouterr().err
    assert "exits_of_test-package cannot be imported, SystemExit: 3." in said


IMPORTS = """
import importlib, pkgutil, sys
import tfdarts

for module in pkgutil.walk_packages(tfdarts.__path__, "tfdarts."):
    importlib.import_module(module.name)
assert "parts_of_test" not in sys.modules
tfdarts.{reads}
assert "parts_of_test" in sys.modules
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "reads",
    [
        "search_config()",
        "Genotype(recurrent=[('swish', 0)], recurrent_concat=[1])",
        "tasks.task_registry.task_of_data(None)",
    ],
)
def test_plugins_are_loaded_when_a_registry_is_first_read(reads, tmp_path):
    install(tmp_path, "parts_of_test", PARTS)
    subprocess.run(
        [sys.executable, "-c", IMPORTS.format(reads=reads)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        check=True,
    )


WITHOUT_TENSORFLOW = """
import sys
import tfdarts
{reads}
assert "parts_of_test" in sys.modules
assert not {{"tensorflow", "keras"}} & {{*sys.modules}}
"""


@pytest.mark.parametrize(
    "reads",
    [
        "tfdarts.search_config()",
        "tfdarts.primitive_table.TABLE['none']",
    ],
)
def test_registries_need_no_tensorflow(reads, tmp_path):
    install(tmp_path, "parts_of_test", PARTS)
    reads = f"import tfdarts.primitive_table\n{reads}"
    subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW.format(reads=reads)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        check=True,
    )
