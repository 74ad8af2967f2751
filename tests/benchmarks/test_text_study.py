"""The study of recurrent cells compares networks of one size, and resumes."""

import argparse
import json
import pathlib

import pytest

import tfdarts
from tfdarts.tasks.networks import build_language_model

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def quality(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import recurrent_quality

    return recurrent_quality


@pytest.mark.parametrize("kind", ["random", "ENAS", "lstm", "gru"])
def test_weights_are_those_of_the_network(quality, kind):
    cell = kind if kind in quality.HAND_MADE else "genotype"
    genotype = None
    if cell == "genotype":
        name = "DARTS_V2" if kind == "random" else kind
        genotype = tfdarts.genotypes.get(name, space="rnn")
    config = tfdarts.RNNTrainConfig(cell=cell, units=6)
    network = build_language_model(config, genotype, 11)
    assert quality.num_weights(kind, 6, 11) == sum(
        int(weight.shape.num_elements()) for weight in network.trainable_weights
    )


@pytest.mark.parametrize("vocabulary_size", [2063, 10_000])
def test_all_kinds_have_as_many_weights(quality, vocabulary_size):
    expected = quality.num_weights("random", quality.UNITS, vocabulary_size)
    for kind in quality.KINDS:
        units = quality.units_of(kind, vocabulary_size)
        found = quality.num_weights(kind, units, vocabulary_size)
        assert found == pytest.approx(expected, rel=0.01)


def test_a_text_is_cut_to_its_first_lines_and_frequent_words(
    quality, tmp_path, monkeypatch
):
    monkeypatch.setattr(quality, "VOCABULARY", 3)
    for name in ("train.txt", "valid.txt", "test.txt"):
        (tmp_path / name).write_text("a b a\nb c\nd d d d\n")
    place = quality.cut_text(tmp_path, 7, tmp_path / "work")
    assert (place / "train.txt").read_text() == "a b a\nb <unk>\n"
    assert (place / "test.txt").read_text() == (
        "a b a\nb <unk>\n<unk> <unk> <unk> <unk>\n"
    )


def study_of(quality, tmp_path, rows):
    """A study of two kinds that has finished some runs."""
    results = tmp_path / "results.jsonl"
    results.write_text("".join(json.dumps(row) + "\n" for row in rows))
    study = object.__new__(quality.Study)
    study.data = "pydoc"
    study.given = argparse.Namespace(
        results=results, kinds=["best_of_n", "random"], seeds=2
    )
    return study


def row(purpose, rate, seed, perplexity, data="pydoc"):
    return {
        "data": data,
        "kind": "random",
        "purpose": purpose,
        "learning_rate": rate,
        "seed": seed,
        "validation_perplexity": perplexity,
    }


def test_rates_are_tried_before_seeds(quality, tmp_path):
    rows = [row("tuning", 5.0, 100, 60.0), row("tuning", 10.0, 100, 50.0)]
    study = study_of(quality, tmp_path, rows)
    assert study.left() == [
        ("random", "tuning", 20.0, 100),
        ("random", "tuning", 40.0, 100),
    ]
    rows += [
        row("tuning", 20.0, 100, 55.0),
        row("tuning", 40.0, 100, 55.0),
        row("final", 10.0, 1, 52.0),
        row("final", 10.0, 0, 52.0, data="other"),
    ]
    study = study_of(quality, tmp_path, rows)
    assert study.left() == [
        ("best_of_n", "final", 10.0, 0),
        ("best_of_n", "final", 10.0, 1),
        ("random", "final", 10.0, 0),
    ]
