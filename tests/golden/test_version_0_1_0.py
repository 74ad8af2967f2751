"""Files and runs of version 0.1.0 are read, resumed and drawn."""

import json
import pathlib
import shutil

import golden_files
import numpy as np
import pytest

import tfdarts
from tfdarts.cli.search_command import main as search
from tfdarts.cli.train_command import main as train

FILES = pathlib.Path(__file__).parent / "v0.1.0"


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the files, which is the working directory."""
    shutil.copytree(FILES, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def arrays(name):
    with np.load(FILES / name) as file:
        return dict(file)


def read_json(*parts):
    return json.loads(pathlib.Path(*parts).read_text())


def require_close(values, expected):
    assert values.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(
            values[name], value, rtol=1e-4, atol=1e-5, err_msg=name
        )


def test_genotypes_are_read():
    images = tfdarts.Genotype.load(FILES / "images" / "genotype.json")
    assert images == tfdarts.Genotype(
        normal=[("dil_conv_3x3", 0), ("sep_conv_3x3", 1)],
        normal_concat=[2],
        reduce=[("avg_pool_3x3", 0), ("dil_conv_3x3", 1)],
        reduce_concat=[2],
    )
    texts = tfdarts.Genotype.load(FILES / "texts" / "genotype.json")
    assert texts == tfdarts.Genotype(
        recurrent=[("identity", 0), ("sigmoid", 1)], recurrent_concat=[1, 2]
    )


def test_new_layers_are_the_same():
    outputs, expected = golden_files.layer_outputs(), arrays("layers.npz")
    require_close({name: outputs[name] for name in expected}, expected)


@pytest.mark.parametrize("name", golden_files.MODELS)
def test_saved_models_give_the_same(name):
    outputs = golden_files.model_outputs(FILES, name)
    expected = arrays(f"{name}_outputs.npz")
    require_close(dict(zip(expected, outputs, strict=True)), expected)


@pytest.mark.parametrize("kind", ["images", "texts"])
def test_a_finished_search_is_recognized(copy, kind, capsys):
    before = {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()}
    flagfile = f"--flagfile={kind}/search/flags.cfg"
    assert search([flagfile, f"--run_dir={kind}"]) == 0
    assert "already finished" in capsys.readouterr().err
    for path, content in before.items():
        assert path.read_bytes() == content


@pytest.mark.parametrize("kind", ["images", "texts"])
def test_a_search_is_resumed(copy, kind):
    alphas = golden_files.resumed_alphas(copy, kind)
    require_close(alphas, arrays(f"{kind}_resumed.npz"))
    before = arrays(f"{kind}/search/alphas.npz")
    for name, values in before.items():
        np.testing.assert_array_equal(alphas[name][: len(values)], values)


@pytest.mark.parametrize("kind", ["images", "texts"])
def test_a_trained_run_is_evaluated_to_the_same(copy, kind):
    metrics = {
        "images": ("test_accuracy", "test_loss", "multiply_adds"),
        "texts": ("test_perplexity", "test_loss", "bigram_perplexity"),
    }[kind]
    recorded = read_json(kind, "train", "results.json")
    results = tfdarts.evaluate(kind)
    for name in metrics:
        assert results[name] == pytest.approx(recorded[name], rel=1e-5)


@pytest.mark.parametrize("kind", ["images", "texts"])
def test_a_finished_training_is_recognized(copy, kind, capsys):
    flagfile = f"--flagfile={kind}/train/flags.cfg"
    assert train([flagfile, f"--run_dir={kind}"]) == 0
    assert "already finished" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["images", "texts"])
def test_a_run_is_drawn(copy, kind):
    from tfdarts.runs.visualize import draw_run

    run = copy / kind
    pictures = {path.relative_to(run) for path in draw_run(run)}
    cell = {"images": "normal", "texts": "recurrent"}[kind]
    for name in (f"{cell}.png", f"alphas_{cell}.png", "collapse.png"):
        assert pathlib.Path("cells", name) in pictures


@pytest.mark.parametrize("kind", ["images", "texts"])
def test_a_run_has_a_page(copy, kind):
    page = tfdarts.report(kind).read_text()
    cell = {"images": "normal cell", "texts": "recurrent cell"}[kind]
    assert f"Weights of the {cell} after epoch 1" in page
    assert f"Drawing of the {cell} after epoch 1" in page
    figure = {"images": "30.28%", "texts": "6.288"}[kind]
    assert figure in page
    assert "Files that this page could not read" not in page
