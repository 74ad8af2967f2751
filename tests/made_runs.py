"""Run directories made of the files that commands write, without training."""

import csv
import dataclasses
import json

import numpy as np
from tiny_search import TINY

from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.genotypes import Genotype
from tfdarts.records.probabilities import write_arrays
from tfdarts.records.trials import write_trials
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.space_registry import build_space
from tfdarts.settings.effect import flag_lines
from tfdarts.tasks import scores
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.rnn_configs import RNNSearchConfig

HOSTILE = "<script>alert(1)</script>&\"'"
"""A name that must be shown as it is."""

LABELS = np.random.default_rng(0).integers(0, 3, 60)
LOGITS = np.random.default_rng(1).normal(size=(60, 3)) + 2 * np.eye(3)[LABELS]
NAMES = ("cat", "dog", HOSTILE)


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def write_metrics(path, columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", *columns])
        writer.writerows(
            [epoch, *row] for epoch, row in enumerate(zip(*columns.values()), 1)
        )


def write_stage(run, name, config, status, **derived):
    """Writes the settings, the status and the environment of a stage."""
    settings = {k: v for k, v in vars(config).items() if k != "run_dir"}
    task = "texts" if isinstance(config, RNNSearchConfig) else "images"
    write_json(
        run / name / "config.json", {"task": task, **settings, **derived}
    )
    write_json(
        run / name / "status.json",
        {"time": "2026-12-01T15:03:44+00:00", **status},
    )
    flags = flag_lines(config, without=["run_dir"])
    (run / name / "flags.cfg").write_text("\n".join(flags) + "\n")
    session = {"tfdarts": "0.1.0", "cpu": "a processor", "gpus": []}
    typed = [f"/somewhere/bin/tfdarts-{name}", "--epochs=3", "--run_dir=my r"]
    write_json(run / name / "environment.json", [{**session, "command": typed}])


def probabilities_of(space, epochs):
    """Returns probabilities by cell type, with row 0 for the start."""
    random = np.random.default_rng(2)
    sizes = (epochs + 1, len(space.edges), len(space.primitives))
    drawn = {name: random.random(sizes) ** 3 for name in space.cell_types}
    return {k: v / v.sum(-1, keepdims=True) for k, v in drawn.items()}


def searched(run, config=TINY, epochs=3, state="finished", genotypes=True):
    """Writes a search of a supernet; returns its probabilities."""
    config = dataclasses.replace(config, epochs=epochs)
    status = {"state": state, "epoch": epochs, "seconds": 75.0}
    if state == "finished":
        status["best_epoch"] = epochs
    write_stage(run, "search", config, status)
    space = build_space(config.space, config.num_nodes, config.primitives)
    history = probabilities_of(space, epochs)
    write_arrays(run / "search" / "probabilities.npz", history)
    write_arrays(run / "search" / "alphas.npz", history)
    write_metrics(
        run / "search" / "metrics.csv",
        {
            "loss": np.linspace(2, 1, epochs),
            "validation_supernet_accuracy": np.linspace(0.2, 0.8, epochs),
            "skip_connections": [0] * epochs,
            "epochs_unchanged": range(epochs),
            "alpha_entropy": np.linspace(1.3, 1, epochs),
        },
    )
    folder = run / "search" / "genotypes"
    folder.mkdir()
    if genotypes:
        for epoch in range(1, epochs + 1):
            space.sample(epoch % 2).save(folder / f"epoch_{epoch}.json")
        space.sample(epochs % 2).save(run / "genotype.json")
    return history


def proposed(run, count=5):
    """Writes a search that evaluated candidates one by one."""
    config = TrainConfig(preset="paper", space="darts")
    status = {"state": "finished", "epoch": count, "best_candidate": 2}
    write_stage(
        run,
        "search",
        config,
        {**status, "seconds": 90.0},
        strategy="random",
        evaluator="from_scratch",
        num_candidates=count,
        num_nodes=4,
        primitives="paper",
    )
    space = CNNSearchSpace()
    trials = [
        Evaluation(space.sample(k), [-score], score, 30.0, 1000 + k, 10)
        for k, score in enumerate(np.linspace(0.9, 0.5, count).tolist())
    ]
    trials[0], trials[1] = trials[1], trials[0]
    trials[-1] = Evaluation.of_diverged(trials[-1].genotype)
    write_trials(run / "search", trials)
    trials[1].genotype.save(run / "genotype.json")
    return trials


def trained(run, tested=True, validation=True, epochs=4):
    """Writes a training, and its test unless not wanted."""
    config = TrainConfig(preset="paper", dataset="digits", epochs=epochs)
    status = {"state": "finished", "epoch": epochs, "epochs": epochs}
    genotype = CNNSearchSpace().sample(0)
    write_stage(
        run,
        "train",
        config,
        {**status, "seconds": 30.0},
        genotype=genotype.to_dict(),
    )
    columns = {
        "accuracy": np.linspace(0.5, 0.9, epochs),
        "loss": np.linspace(2, 0.5, epochs),
    }
    if validation:
        columns["validation_accuracy"] = np.linspace(0.4, 0.7, epochs)
    write_metrics(run / "train" / "metrics.csv", columns)
    results = {"num_parameters": 43874, "multiply_adds": 1856768}
    if tested:
        results |= scores.scores(LABELS, LOGITS)
        write_json(
            run / "evaluation" / "report.json",
            {
                **results,
                "classes": scores.per_class(LABELS, LOGITS, NAMES),
                "confusion": scores.confusion(LABELS, LOGITS),
                "calibration": scores.calibration(LABELS, LOGITS),
            },
        )
    write_json(run / "train" / "results.json", results)
    return genotype


def recurrent(run):
    """Writes a search of a recurrent cell."""
    return searched(run, RNNSearchConfig(dataset="pydoc", num_nodes=2))


def nas_bench_201(run):
    """Writes a search of a cell of NAS-Bench-201."""
    config = dataclasses.replace(
        TINY, space="nas_bench_201", num_nodes=3, primitives="paper"
    )
    return searched(run, config)


def killed(run):
    """Writes a search that was killed before its first epoch ended."""
    write_stage(run, "search", TINY, {"state": "running", "epoch": 0})


def hostile(run):
    """Writes a run whose files hold markup."""
    trained(run)
    cells = Genotype(
        normal=[("skip_connect", 0), ("sep_conv_3x3", 1)],
        normal_concat=[2],
        reduce=[("skip_connect", 0), ("sep_conv_3x3", 1)],
        reduce_concat=[2],
        name=HOSTILE,
    )
    cells.save(run / "genotype.json")
    write_json(
        run / "train" / "environment.json",
        [{"cpu": HOSTILE, "command": [HOSTILE, HOSTILE]}],
    )
    write_json(
        run / "train" / "status.json", {"state": "stopped", "reason": HOSTILE}
    )
