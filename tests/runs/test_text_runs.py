"""Searches and trainings on texts, end to end, on one that takes seconds."""

import csv
import dataclasses
import json
import math
import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_text

from tfdarts.data.image_source import DataError
from tfdarts.data.ngrams import KneserNey
from tfdarts.data.text_source import source_of_lines
from tfdarts.genotypes import Genotype
from tfdarts.models.carried_state import WithCarriedState
from tfdarts.records.json_files import read_json
from tfdarts.records.progress import Progress
from tfdarts.records.run_directory import Stage
from tfdarts.runs.dry_run import dry_run
from tfdarts.runs.evaluate import evaluate
from tfdarts.runs.evaluate import load_network
from tfdarts.runs.export import export
from tfdarts.runs.pipeline import pipeline
from tfdarts.runs.predict import predict
from tfdarts.runs.search import search
from tfdarts.runs.seeds import evaluate_seeds
from tfdarts.runs.seeds import train_seeds
from tfdarts.runs.select import select
from tfdarts.runs.train import train
from tfdarts.tasks import text_training
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.rnn_configs import RNNSearchConfig
from tfdarts.tasks.rnn_configs import RNNSelectConfig
from tfdarts.training.checkpoints import EpochCheckpoint
from tfdarts.training.divergence import DivergedError


def with_(config, **settings):
    return dataclasses.replace(config, **settings)


def rows(directory):
    with (directory / "metrics.csv").open(newline="") as file:
        return [*csv.DictReader(file)]


def log_probability(network, tokens):
    """The mean over all words but the first, softmax in NumPy."""
    logits = network(np.array([tokens[:-1]]))[0][0].numpy().astype("float64")
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return log_p[np.arange(len(tokens) - 1), tokens[1:]].mean()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A pipeline's run directory and results."""
    run_dir = str(tmp_path_factory.mktemp("text"))
    results = pipeline(
        with_(tiny_text.SEARCH, run_dir=run_dir),
        with_(tiny_text.TRAINING, genotype=None, run_dir=run_dir, epochs=4),
    )
    return Stage(run_dir, "train"), results


def test_a_search_leaves_what_any_search_leaves(run):
    stage, _ = run
    path = stage.run_dir
    genotype = Genotype.load(path / "genotype.json")
    assert genotype.space == "rnn" and len(genotype.recurrent) == 2
    with np.load(path / "search" / "alphas.npz") as alphas:
        assert alphas["recurrent"].shape == (3, 3, 5)
        moved = np.abs(alphas["recurrent"][-1] - alphas["recurrent"][0]).max()
    assert moved > 0.05
    drawn = {file.name for file in (path / "cells").iterdir()}
    assert {"recurrent.svg", "collapse.png", "alphas_recurrent.png"} <= drawn
    for row in rows(path / "search"):
        assert float(row["validation_supernet_perplexity"]) == pytest.approx(
            math.exp(float(row["validation_supernet_loss"]))
        )
        assert float(row["learning_rate"]) == 2.0
        assert "skip_connections" not in row


def test_a_training_learns_and_keeps_its_best_epoch(run):
    stage, results = run
    losses = [float(row["validation_loss"]) for row in rows(stage.path)]
    assert losses[-1] < losses[0]
    assert results["best_epoch"] == 1 + np.argmin(losses)
    assert results["validation_loss"] == min(losses)
    network, settings = load_network(stage)
    assert settings["vocabulary_size"] == 7
    # Four rows of ten are dropped at the end of a column, if at all.
    tokens = tiny_text.SOURCE.read("validation")
    model = WithCarriedState(network)
    model.compile()
    batches = text_training.segments.evaluation_batches(tokens, 10, 7)
    assert model.evaluate(batches, verbose=0) == pytest.approx(min(losses))


def test_the_test_is_one_row_from_the_first_word_to_the_last(run):
    stage, results = run
    network, _ = load_network(stage)
    tokens = tiny_text.SOURCE.read("test")
    expected = -log_probability(network, tokens)
    assert results["test_loss"] == pytest.approx(expected, rel=1e-5)
    assert results["test_perplexity"] == pytest.approx(math.exp(expected))
    assert results["test_words"] == len(tokens)
    for name, order in (("bigram", 2), ("trigram", 3)):
        model = KneserNey(tiny_text.SOURCE.read("train"), order, 7)
        figure = results[f"{name}_perplexity"]
        assert figure == pytest.approx(model.perplexity(tokens))
    report = read_json(stage.run_dir / "evaluation" / "report.json")
    assert report["test_loss"] == results["test_loss"]


def test_what_is_exported_is_the_network(run):
    stage, results = run
    network, _ = load_network(stage)
    said = predict(
        text="a b c\nd", export_dir=stage.run_dir / "export" / "alphabet"
    )
    number = tiny_text.SOURCE.vocabulary.index
    tokens = [number(w) for w in ["<eos>", *"abc", "<eos>", "d"]]
    expected = 5 * log_probability(network, tokens)
    assert said["log_probability"] == pytest.approx(expected, rel=1e-4)
    assert said["num_words"] == 5
    logits = network(np.array([tokens]))[0][0, -1].numpy()
    order = np.argsort(-logits)
    words = [tiny_text.SOURCE.vocabulary[k] for k in order]
    assert [each["word"] for each in said["next_words"]] == words
    card = (stage.run_dir / "export/alphabet/1/MODEL_CARD.md").read_text()
    assert "a vocabulary of 7 words" in card
    assert f"{results['test_perplexity']:.6g}" in card
    assert "The network was not tested" not in card and "recurrent.png" in card
    assert "Found by a DARTS search, in its epoch 2" in card
    assert "| validation supernet perplexity |" in card
    assert "recurrent=[(" in card
    with pytest.raises(ValueError, match="language model must be saved_model"):
        export(stage.run_dir, formats=["onnx"])


def test_a_finished_pipeline_does_nothing_again(run, monkeypatch):
    stage, results = run
    monkeypatch.delattr(text_training.TextTraining, "batches")
    run_dir = str(stage.run_dir)
    again = pipeline(
        with_(tiny_text.SEARCH, run_dir=run_dir),
        with_(tiny_text.TRAINING, genotype=None, run_dir=run_dir, epochs=4),
    )
    assert again == results


def test_another_text_is_refused(run):
    stage, _ = run
    other = {s: [*tiny_text.lines(20, 9)] for s in tiny_text.SOURCE.splits}
    source = source_of_lines("lines:alphabet", other)
    with pytest.raises(DataError, match="trained on other data"):
        evaluate(stage.run_dir, dataset=source)
    with pytest.raises(ValueError, match="fingerprint: .* recorded, .* given"):
        train(
            with_(
                tiny_text.TRAINING,
                dataset=source,
                genotype=None,
                run_dir=str(stage.run_dir),
                epochs=4,
            )
        )


class Killed(BaseException):
    """The end of a process."""


def interrupted(work, config, monkeypatch, epoch=0):
    """Runs until an epoch's end, as if the process was killed then."""

    def kill(self, number, logs=None):
        if number == epoch:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Progress, "on_epoch_end", kill)
        work(config)


def state(directory, epochs):
    """All variables of the last checkpoint, and the metrics."""
    reader = tf.train.load_checkpoint(
        str(directory / "checkpoints" / f"ckpt-{epochs}")
    )
    kept = {
        name: reader.get_tensor(name).tobytes()
        for name in reader.get_variable_to_shape_map()
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    }
    metrics = rows(directory)
    for row in metrics:
        row.pop("data_wait", None)
    return kept, metrics


@pytest.mark.parametrize(
    ("stage", "extended"),
    [
        ("search", False),
        pytest.param("train", False, marks=pytest.mark.slow),
        ("train", True),
    ],
)
def test_what_is_resumed_ends_bit_for_bit(
    stage, extended, tmp_path, monkeypatch
):
    """With variable lengths, dropout, carried states and averaged weights."""
    work, config = {
        "search": (search, tiny_text.SEARCH),
        "train": (train, with_(tiny_text.TRAINING, nonmonotone=1)),
    }[stage]
    epochs = {"search": 2, "train": 4}[stage]
    config = with_(config, epochs=epochs)
    if stage == "train":
        # A rate at which the validation loss stalls behind the first epochs.
        config = with_(config, learning_rate=30.0)
    whole = with_(config, run_dir=str(tmp_path / "whole"))
    work(whole)
    halves = with_(config, run_dir=str(tmp_path / "halves"))
    if extended:
        work(with_(halves, epochs=epochs - 1))
    else:
        interrupted(work, halves, monkeypatch, epochs - 2)
    work(halves)
    expected = state(tmp_path / "whole" / stage, epochs)
    assert state(tmp_path / "halves" / stage, epochs) == expected


def test_nan_leads_back_to_the_last_epoch_and_on_with_other_numbers(
    tmp_path, monkeypatch, caplog
):
    """The second epoch fails at first; what is left is that of attempt 1."""
    step = WithCarriedState.train_step
    steps = []

    def failing(self, data):
        steps.append(data[0].numpy())
        results = step(self, data)
        if len(steps) == count + 2:
            results["loss"] = tf.constant(math.nan)
        return results

    config = with_(tiny_text.TRAINING, run_dir=str(tmp_path / "a"))
    count = text_training.TextTraining(config).steps_per_epoch
    monkeypatch.setattr(WithCarriedState, "train_step", failing)
    with caplog.at_level("WARNING", logger="tfdarts"):
        results = train(config)
    said = "rolling back to the last whole epoch, or to the start, for the"
    assert f"{said} first time of at most 3: The loss became nan" in caplog.text
    assert len(steps) == 2 * count + 2
    assert len(rows(tmp_path / "a" / "train")) == 2
    assert math.isfinite(results["validation_loss"])
    # The epoch is cut into other segments than before.
    failed, again = steps[count : count + 2], steps[count + 2 : count + 4]
    shapes = [[len(x[0]) for x in part] for part in (failed, again)]
    lengths = [
        text_training.segments.segment_lengths(
            text_training.segments.split_into_rows(
                tiny_text.SOURCE.read("train"), 8
            ).shape[1],
            *(7, 0, 1, 1.0, attempt),
        )[:2]
        for attempt in (0, 1)
    ]
    assert shapes == lengths
    reader = tf.train.load_checkpoint(
        str(tmp_path / "a" / "train" / "checkpoints" / "ckpt-2")
    )
    (name,) = [
        n for n in reader.get_variable_to_shape_map() if "rollbacks" in n
    ]
    assert int(reader.get_tensor(name)) == 1


def test_going_back_draws_other_masks_and_going_on_the_same(tmp_path):
    """A generator's state is its seed, and how often it was asked."""
    work = text_training.TextTraining(tiny_text.TRAINING)

    def checkpoint():
        return EpochCheckpoint(
            tmp_path,
            network=work.network.variables,
            rollbacks=[work.rollbacks],
        )

    def seeds():
        return [v.numpy() for v in work.network.non_trainable_variables]

    checkpoint().on_epoch_end(0)
    before = seeds()
    assert len(before) == 4
    work._build(attempt=1)
    assert work.restore(checkpoint()) == 1
    back = seeds()
    np.testing.assert_array_equal(back, np.array(before) + [1, 0])
    checkpoint().on_epoch_end(1)
    work._build(attempt=0)
    assert work.restore(checkpoint()) == 2 and work.attempt == 1
    np.testing.assert_array_equal(seeds(), back)


def test_only_seeds_are_shifted():
    """A statistic of a layer is not taken for a seed."""
    network = keras.Sequential(
        [keras.layers.Dropout(0.5, seed=3), keras.layers.BatchNormalization()]
    )
    network.build((None, 2))
    text_training._shift_seeds(network, 2)
    values = {v.name: v.numpy().tolist() for v in network.variables}
    assert values["seed_generator_state"] == [5, 0]
    assert values["moving_mean"] == [0, 0]
    assert values["moving_variance"] == [1, 1]


@pytest.mark.slow
def test_the_fourth_nan_ends_it(tmp_path, caplog):
    config = with_(
        tiny_text.TRAINING, run_dir=str(tmp_path), learning_rate=1e30
    )
    with pytest.raises(
        DivergedError, match="after rolling back 3 times, so the run has di"
    ):
        train(config)
    said = [r.message for r in caplog.records if "rolling back" in r.message]
    assert ["first", "second", "third"] == [
        next(w for w in ("first", "second", "third") if w in line)
        for line in said
    ]
    assert "Lower the learning rate" not in said[0]


def test_a_search_ends_with_the_first_nan(tmp_path, caplog):
    config = with_(tiny_text.SEARCH, run_dir=str(tmp_path), learning_rate=1e30)
    with pytest.raises(DivergedError):
        search(config)
    assert "rolling back" not in caplog.text


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_cells_made_by_hand_go_the_same_way(cell, tmp_path):
    config = with_(
        tiny_text.TRAINING,
        genotype=None,
        cell=cell,
        run_dir=str(tmp_path),
        epochs=1,
    )
    train(config)
    results = evaluate(tmp_path, dataset=tiny_text.SOURCE)
    gates = {"lstm": 4, "gru": 3}[cell]
    biases = {"lstm": 4, "gru": 6}[cell]
    assert results["num_parameters"] == gates * 72 + 6 * biases + 7 * 6 + 7
    network, _ = load_network(Stage(tmp_path, "train"))
    kinds = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
    assert type(network.recurrence) is kinds[cell]
    assert network.recurrence.dropout == network.recurrence.recurrent_dropout
    export(tmp_path)
    said = predict(text="a b", export_dir=tmp_path / "export" / "alphabet")
    assert said["num_words"] == 2


@pytest.mark.slow
def test_candidates_are_ranked_by_their_validation_loss(tmp_path):
    names = {f.name for f in dataclasses.fields(RNNSelectConfig)}
    settings = {
        f.name: getattr(tiny_text.TRAINING, f.name)
        for f in dataclasses.fields(tiny_text.TRAINING)
        if f.name in names
    }
    config = RNNSelectConfig(
        **{**settings, "epochs": 1, "run_dir": str(tmp_path)},
        run_dirs="DARTS_V1,random:3",
    )
    ranking = select(config)
    losses = [row["validation_loss"] for row in ranking]
    assert losses == sorted(losses) and len(losses) == 2
    winner = Genotype.load(tmp_path / "genotype.json")
    assert (winner.name == "DARTS_V1") == (
        ranking[0]["candidate"] == "DARTS_V1"
    )


@pytest.mark.slow
def test_seeds(tmp_path):
    config = with_(tiny_text.TRAINING, run_dir=str(tmp_path), epochs=1)
    summary = train_seeds(config, [0, 1])
    assert len({*summary["validation_loss"]["values"]}) == 2
    summary = evaluate_seeds(tmp_path, [0, 1], dataset=tiny_text.SOURCE)
    values = summary["test_perplexity"]["values"]
    assert summary["test_perplexity"]["mean"] == pytest.approx(np.mean(values))


def test_a_dry_run_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cost = dry_run(tiny_text.SEARCH)
    assert cost["steps_per_epoch"] == 8 and cost["step_seconds"] > 0
    training = with_(tiny_text.TRAINING, genotype="DARTS_V2")
    cost = dry_run(training)
    assert cost["epochs"] == training.epochs and 0 <= cost["data_wait"] < 1
    assert cost["step_seconds"] > 0 and cost["total_seconds"] > 0
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"batch_size": 300},
            "The validation text has 210 words, .* Give --batch_size=24",
        ),
        (
            {"steps": 300, "batch_size": 1},
            "too few for --batch_size=1 and --steps=300: .* Give --steps=209",
        ),
    ],
)
def test_a_text_that_is_too_short_is_refused(settings, message, tmp_path):
    config = with_(tiny_text.SEARCH, run_dir=str(tmp_path / "r"), **settings)
    with pytest.raises(ValueError, match=message):
        search(config)
    assert not (tmp_path / "r").exists()


def test_images_are_no_text():
    with pytest.raises(DataError, match="There is no text 'digits'"):
        search(RNNSearchConfig(run_dir="r", dataset="digits"))
    with pytest.raises(DataError, match="task texts: use RNN"):
        search(SearchConfig(run_dir="r", dataset="pydoc"))


def test_the_vocabulary_is_kept_for_people_too(run):
    stage, _ = run
    kept = (stage.path / "vocabulary.txt").read_text().splitlines()
    assert kept == [*tiny_text.SOURCE.vocabulary]
    assets = stage.run_dir / "export/alphabet/1/assets/vocabulary.txt"
    assert assets.read_text().splitlines() == kept
    card = json.loads((assets.parents[1] / "model_card.json").read_text())
    assert card["state_size"] == 6
    assert card["task"] == "texts"


def test_the_example_of_the_docs_runs(run, capsys):
    stage, _ = run
    page = pathlib.Path(__file__).parents[2] / "docs" / "text.md"
    examples = re.findall("```python\n(.*?)```", page.read_text(), re.S)
    shown = "runs/pydoc/export/pydoc/1"
    (example,) = (text for text in examples if shown in text)
    path = str(stage.run_dir / "export" / "alphabet" / "1")
    exec(example.replace(shown, path), {})
    words = capsys.readouterr().out.split()
    assert len(words) == 10 and {*words} <= {*tiny_text.SOURCE.vocabulary}
