"""The command `tfdarts-evaluate`."""

import json
import pathlib

from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.cli.seeds_flag import Seeds
from tfdarts.cli.seeds_flag import seeds_table
from tfdarts.records.run_directory import Stage
from tfdarts.runs.trained_run_settings import EvaluateSettings
from tfdarts.table import format_value
from tfdarts.tasks.task_registry import task_of_settings


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
        print(f"{name}: {format_value(results[name])}")
    directory = pathlib.Path(settings.run_dir) / "evaluation"
    report = json.loads((directory / "report.json").read_text())
    print(_task(settings.run_dir).show_report(report), end="")
    print(f"All metrics and pictures: {directory}")
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
    return [name for name in _task(run_dir).figures if name in results]


def _task(run_dir):
    return task_of_settings(Stage(run_dir, "train").settings())


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
