"""The command `tfdarts-evaluate`."""

import json
import pathlib

from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.cli.seeds import Seeds
from tfdarts.cli.seeds import seeds_table
from tfdarts.data.image_source import shortened
from tfdarts.records.run_directory import Stage
from tfdarts.runs.settings import EvaluateSettings
from tfdarts.table import shown
from tfdarts.table import table
from tfdarts.tasks.registry import task_of_settings


def run(values):
    """Runs the tests; prints the results and the next command."""
    settings = settings_of(EvaluateSettings, values)
    seeds = settings_of(Seeds, values).seeds
    if seeds:
        _run_seeds(settings, seeds)
        return
    from tfdarts.runs.evaluate import evaluate

    results = evaluate(
        settings.run_dir,
        settings.batch_size,
        settings.dataset,
        settings.distribute,
    )
    for name in _figures(settings.run_dir, results):
        print(f"{name}: {shown(results[name])}")
    report = pathlib.Path(settings.run_dir) / "evaluation" / "report.json"
    classes = json.loads(report.read_text()).get("classes")
    if classes:
        print(_class_table(classes))
    print(f"All metrics and pictures: {report.parent}")
    print(next_command("tfdarts-export", run_dir=settings.run_dir))


def _run_seeds(settings, seeds):
    from tfdarts.runs.seeds import evaluate_seeds

    summary = evaluate_seeds(
        settings.run_dir,
        seeds,
        settings.batch_size,
        settings.dataset,
        settings.distribute,
    )
    first = f"{settings.run_dir}/seed{seeds[0]}"
    print(seeds_table({n: summary[n] for n in _figures(first, summary)}))
    print(next_command("tfdarts-export", run_dir=first))


def _figures(run_dir, results):
    """Returns the names of the results to print, in order."""
    task = task_of_settings(Stage(run_dir, "train").settings())
    return [name for name in task.figures if name in results]


MOST_CLASSES = 20


def _class_table(classes):
    """Returns a table of all classes, or of those with the lowest recall."""
    lines = []
    absent = [row["class"] for row in classes if not row["examples"]]
    if absent:
        lines.append(
            "Classes without test images, which the means leave out: "
            f"{shortened(absent)}"
        )
    classes = [row for row in classes if row["examples"]]
    if len(classes) > MOST_CLASSES:
        classes = sorted(classes, key=lambda row: row["recall"])[:MOST_CLASSES]
        lines.append(f"The {MOST_CLASSES} classes with the lowest recall:")
    rows = [
        (
            row["class"],
            f"{row['examples']:,}",
            *(f"{row[name]:.2%}" for name in ("precision", "recall", "f1")),
        )
        for row in classes
    ]
    columns = ("class", "images", "precision", "recall", "F1")
    return "\n".join([*lines, table(columns, rows)])


command = Command(
    name="tfdarts-evaluate",
    summary="Tests a trained network on the test examples: accuracy, balanced "
    "accuracy,\nmacro F1, loss, calibration, metrics of each class, cost and "
    "pictures; for\ntexts, the perplexity.",
    examples=(
        "tfdarts-evaluate --run_dir=runs/digits",
        "tfdarts-evaluate --run_dir=runs/digits --seeds=0,1,2",
    ),
    settings=(EvaluateSettings, Seeds),
    run=run,
    resumes=False,
)
main = command.main
