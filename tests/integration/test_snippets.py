"""Every Python snippet and every command of README and docs, as it stands."""

import contextlib
import importlib
import io
import os
import pathlib
import re
import shlex

import keras
import numpy as np
import pytest
import served_models
import stand_in
from PIL import Image
from tensorflow_serving.config import model_server_config_pb2

import tfdarts
from tfdarts.records.run_directory import Stage
from tfdarts.serving.classifier import classifier
from tfdarts.serving.classifier import with_preprocessing
from tfdarts.serving.formats import convert
from tfdarts.serving.saved_language_model import export_language_model
from tfdarts.tasks.networks import save_network

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)

SMALLER = {
    "init_channels=16": "init_channels=2",
    "num_cells=8": "num_cells=3, num_nodes=1",
    "init_channels=36": "init_channels=2",
    "input_shape=(32, 32, 3)": "input_shape=(16, 16, 3)",
    "num_cells=20": "num_cells=3",
    "(pairs, epochs=50)": "(pairs, epochs=1)",
    "epochs=50)": "epochs=1, order=1, batch_size=8)",
    "epochs=600": "epochs=1, batch_size=8",
    "batch(64": "batch(8",
    "max_minutes=60": "max_minutes=0, search_settings=dict(init_channels=2, "
    "num_cells=3, num_nodes=1, epochs=1, batch_size=8), train_settings=dict("
    "init_channels=2, num_cells=3, epochs=1, batch_size=8)",
    "batch_size=64,": "batch_size=64, init_channels=2, num_cells=3, "
    "num_nodes=1, epochs=1, order=1,",
    '"/shared/runs': '"runs',
}
"""Sizes that a snippet shows, and those that it runs with here."""


def snippets():
    for path in PAGES:
        blocks = [
            code
            for language, code in BLOCK.findall(path.read_text())
            if language == "python"
        ]
        for number, code in enumerate(blocks):
            runs = re.search(r"tfdarts\.search\(|\.fit\(", code)
            yield pytest.param(
                code,
                id=f"{path.relative_to(ROOT)}-{number}",
                marks=[pytest.mark.slow] if runs else [],
            )


SNIPPETS = [*snippets()]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with what the snippets read: exports, a network, an image."""
    place = tmp_path_factory.mktemp("snippets")
    edges, concat = [("skip_connect", 0), ("skip_connect", 1)], [2]
    genotype = tfdarts.Genotype(edges, concat, edges, concat)
    shape = (16, 16, 1)
    network = tfdarts.CNNNetwork(genotype, 2, 3, 10, shape, name="network")
    digits, pydoc = (place / "runs" / name for name in ("digits", "pydoc"))
    tfdarts.export_saved_model(
        network, digits / "export" / "digits", list("0123456789")
    )
    stage = Stage(digits, "train")
    stage.path.mkdir()
    save_network(with_preprocessing(network), stage)
    export_language_model(
        served_models.language_model(),
        pydoc / "export" / "pydoc",
        served_models.VOCABULARY,
        "letters",
    )
    images = np.random.default_rng(0).integers(0, 256, (20, *shape), "uint8")
    phone = place / "runs" / "phone" / "export" / "digits"
    phone.mkdir(parents=True)
    (phone / "2.int8.tflite").write_bytes(
        convert(classifier(network), "litert_int8", images)
    )
    Image.new("RGB", (9, 7), "red").save(place / "seven.png")
    return place


@pytest.fixture
def port(place):
    """The port of a server of the model `digits`, over REST."""
    config = model_server_config_pb2.ModelServerConfig()
    path = place / "runs" / "digits" / "export" / "digits"
    config.model_config_list.config.add(name="digits", base_path=str(path))
    server = stand_in.serve_rest(stand_in.Models(config), 0)
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def few_images():
    """Stands in for data that would be downloaded."""
    generator = np.random.default_rng(0)

    def examples(count):
        pixels = generator.integers(0, 256, (count, 16, 16, 3), "uint8")
        return pixels, (np.arange(count) % 10)[:, None]

    return examples(100), examples(20)


@pytest.mark.parametrize("code", SNIPPETS)
def test_snippet_runs_in_a_clean_namespace(code, place, request, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", few_images)
    if "localhost:8501" in code:
        port = request.getfixturevalue("port")
        code = code.replace("localhost:8501", f"localhost:{port}")
    for shown, smaller in SMALLER.items():
        code = code.replace(shown, smaller)
    names = {"__name__": "snippet"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "snippet", "exec"), names)
    assert len(names) > 2


def test_every_page_with_a_snippet_is_found():
    pages = {snippet.id.rpartition("-")[0] for snippet in SNIPPETS}
    assert {"README.md", "docs/text.md", "docs/serving/README.md"} <= pages
    shown = "".join(snippet.values[0] for snippet in SNIPPETS)
    assert all(size in shown for size in SMALLER)


def test_what_snippets_and_pages_import_is_public():
    for path in PAGES:
        text = path.read_text()
        assert not re.findall(r"from tfdarts\.[\w.]* import .*", text), path
        for name in re.findall(r"\btfdarts\.([A-Za-z_]\w*)", text):
            assert name in tfdarts.__all__, f"{path}: tfdarts.{name}"


# Commands

WORD = re.compile(r"(?:.*/)?(tfdarts-[a-z]+)")


def command_lines(path):
    """Yields the words of every tfdarts command that a page shows."""
    text = path.read_text()
    for language, block in BLOCK.findall(text):
        if language not in ("", "sh", "bash", "console"):
            continue
        for line in block.replace("\\\n", " ").splitlines():
            if "tfdarts-" in line:
                yield from commands_in(line.replace("$seed", "0"))
    for span in re.findall(r"(?<!`)`((?:\S*/)?tfdarts-[a-z]+ [^`]+)`", text):
        if not re.search(r"[…<*]", span):
            for name, *flags in commands_in(" ".join(span.split())):
                # A sentence may leave out what its flags are for.
                of_texts = {"--cell", "--units"} & {
                    f.split("=")[0] for f in flags
                }
                yield name, *flags, *["--dataset=pydoc"] * bool(of_texts)


def commands_in(line):
    """Yields the words of every tfdarts command in a line of a shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words = []
    for token in [*lexer, ";"]:
        if not set(token) <= set(";&|"):
            words.append(token)
            continue
        for position, word in enumerate(words):
            if match := WORD.fullmatch(word):
                yield match[1], *words[position + 1 :]
                break
        words = []


PAGE_NAMES = [str(path.relative_to(ROOT)) for path in PAGES]


@pytest.mark.parametrize("path", PAGES, ids=PAGE_NAMES)
def test_commands_have_the_flags_they_are_shown_with(path):
    for name, *flags in command_lines(path):
        module = name.removeprefix("tfdarts-")
        command = importlib.import_module(
            f"tfdarts.cli.{module}_command"
        ).command
        assert command.name == name
        whole = [flag for flag in flags if "=" in flag]
        values, _ = command.parse_arguments(whole)
        # In a sentence a flag may stand without its value.
        for flag in {*flags} - {*whole}:
            assert flag.removeprefix("--") in values, (name, flag)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("tfdarts-train --a=1 # why", [("tfdarts-train", "--a=1")]),
        ("x && .venv/bin/tfdarts-search --b", [("tfdarts-search", "--b")]),
        ("  tfdarts-select '--c=*' | head", [("tfdarts-select", "--c=*")]),
        ("sbatch slurm.sh tfdarts-search", [("tfdarts-search",)]),
        ("for s in 0 1; do", []),
    ],
)
def test_commands_are_found_in_a_line(line, found):
    assert [*commands_in(line)] == found


def test_pages_show_commands():
    counts = {
        name: len([*command_lines(path)])
        for name, path in zip(PAGE_NAMES, PAGES)
    }
    assert counts["README.md"] > 2 and counts["docs/training.md"] > 6
    assert counts["docs/data.md"] > 8 and counts["docs/commands.md"] > 3
    assert counts["docs/serving/README.md"] > 2 and counts["docs/text.md"] > 3


@pytest.mark.parametrize("path", PAGES, ids=PAGE_NAMES)
def test_scripts_have_the_flags_they_are_shown_with(path):
    shown = r"python3? (benchmarks/\w+\.py)((?: --\w+[^\s`]*)*)"
    for script, flags in re.findall(shown, path.read_text()):
        source = (ROOT / script).read_text()
        for flag in re.findall(r"--\w+", flags):
            assert f'"{flag}"' in source, (script, flag)
    for block in [b for lang, b in BLOCK.findall(path.read_text()) if not lang]:
        for name in re.findall(r"--flagfile=(configs/\w+\.cfg)", block):
            assert os.path.exists(ROOT / name)
