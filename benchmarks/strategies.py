"""What strategies find on tables, at equal cost: no network is trained.

    python benchmarks/strategies.py random evolution --seeds=200
    python benchmarks/strategies.py random evolution --evaluator=surrogate

Each finished search is a line of JSON in benchmarks/results. A study that was
interrupted resumes with the same command. The table has all finished searches
of a strategy; with `--seeds=0`, no search is run.

On NAS-Bench-201 a search ends after 12,000 simulated seconds, and what counts
is the test accuracy after 200 epochs of the genotype with the best validation
accuracy. On the surrogate it ends after 300 candidates, and what counts is the
predicted accuracy.
"""

import argparse
import contextlib
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from study import append_row
from study import read_rows

import tfdarts
from tfdarts.evaluators.nas_bench_201_table import row_of
from tfdarts.runs.evaluator_registry import get_evaluator
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.trial_search import TrialSearch
from tfdarts.tasks.presets import fill_paper_settings

BUDGETS = {
    "nas_bench_201": {"max_minutes": 200.0, "num_candidates": 1000},
    "surrogate": {"num_candidates": 300},
}
POINTS = 60
"""The points of a curve."""

RESULTS = pathlib.Path(__file__).parent / "results" / "strategies.jsonl"
KEYS = ("strategy", "evaluator", "paid_again", "seed")


class PaidAgain(TrialSearch):
    """A search in which a genotype that comes again costs again.

    So count the simulations of publications; tfdarts does not.
    """

    def evaluate(self, genotype):
        return self.keep(self.evaluator(genotype, None))


def figure_of(evaluation):
    """Returns what counts of a candidate, in percent."""
    if evaluation.genotype.space == "nas_bench_201":
        return 100 * row_of(evaluation.genotype).test_accuracy
    return 100 * evaluation.score


def run(name, evaluator, seed, kind=TrialSearch, **settings):
    """Returns a search, done.

    Args:
        name: String, the strategy, maybe with settings in its name, such as
            `"evolution:population=10,tournament=3"` or
            `"nas_rl:controller=recurrent"`.
        evaluator: String, the evaluator.
        seed: Integer.
        kind: `TrialSearch` or `PaidAgain`.
        **settings: Further settings of the search.
    """
    name, _, listed = name.partition(":")
    pairs = [each.split("=") for each in filter(None, listed.split(","))]
    settings |= {key: _number_or_text(value) for key, value in pairs}
    strategy = get_strategy(name)
    config = tfdarts.search_config(
        name, evaluator=evaluator, seed=seed, **BUDGETS[evaluator], **settings
    )
    config = fill_paper_settings(config)
    search = kind(config, get_evaluator(evaluator)(None, config))
    strategy.run(search)
    return search


def _number_or_text(value):
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(value)
    return value


def curve_of(search, budget):
    """Returns the figures of the best so far at equal parts of the budget.

    It is `None` before the first candidate.
    """
    spent = np.cumsum([trial.seconds for trial in search.trials])
    if budget is None:
        budget, spent = len(search.trials), np.arange(1, len(search.trials) + 1)
    ranks = [trial.rank[0] for trial in search.trials]
    best = [int(np.argmin(ranks[: n + 1])) for n in range(len(ranks))]
    figures = [round(figure_of(search.trials[n]), 4) for n in best]
    places = np.linspace(0, budget, POINTS + 1)[1:]
    reached = np.searchsorted(spent, places, side="right") - 1
    return [figures[n] if n >= 0 else None for n in reached]


def result_of(given, name, seed):
    """Returns the result of a search, a dict; runs the search."""
    kind = PaidAgain if given.paid_again else TrialSearch
    minutes = BUDGETS[given.evaluator].get("max_minutes")
    search = run(name, given.evaluator, seed, kind)
    return {
        "strategy": name,
        "evaluator": given.evaluator,
        "paid_again": given.paid_again,
        "seed": seed,
        "found": figure_of(search.trials[search.best_position]),
        "candidates": len(search.trials),
        "curve": curve_of(search, minutes and 60 * minutes),
    }


def read_results(path):
    """Returns the results of finished searches, a dict by their keys."""
    return {tuple(row[key] for key in KEYS): row for row in read_rows(path)}


def find_results(given, name):
    """Returns all results of a strategy; runs what is not finished."""
    done, kind = (
        read_results(given.results),
        (given.evaluator, given.paid_again),
    )
    for seed in range(given.seeds):
        key = name, *kind, seed
        if key not in done:
            done[key] = result_of(given, name, seed)
            append_row(given.results, done[key])
    return [row for key, row in done.items() if key[:3] == (name, *kind)]


def draw(curves, end, label, path):
    """Draws the median and the quartiles of each strategy."""
    from tfdarts.visualization import panels

    figure = panels.new_figure("The best so far: median and quartiles")
    axes = figure.add_subplot()
    places = np.linspace(0, end, POINTS + 1)[1:]
    for name, values in curves.items():
        values = np.array(values, float)  # `None` becomes NaN.
        low, median, high = np.nanquantile(values, [0.25, 0.5, 0.75], axis=0)
        (line,) = axes.plot(places, median, linewidth=3, label=name)
        color = line.get_color()
        axes.fill_between(places, low, high, alpha=0.1, color=color, lw=0)
    every = np.array([*curves.values()], float)
    axes.set_ylim(np.nanquantile(every, 0.15), np.nanmax(every) + 0.02)
    axes.set_xlabel(label, size=panels.MEDIUM)
    axes.set_ylabel("accuracy, %", size=panels.MEDIUM)
    axes.legend(fontsize=panels.MEDIUM, frameon=False, loc="lower right")
    panels.style_axes(axes)
    with open(path, "wb") as file:
        file.write(panels.to_png(figure))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("strategies", nargs="+")
    parser.add_argument("--evaluator", choices=BUDGETS, default="nas_bench_201")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--paid_again", action="store_true")
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS)
    parser.add_argument("--picture", help="path of a PNG")
    given = parser.parse_args()
    curves = {}
    print("| strategy | seeds | mean, % | deviation | standard error |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in given.strategies:
        results = find_results(given, name)
        found = [result["found"] for result in results]
        curves[name] = [result["curve"] for result in results]
        deviation = np.std(found, ddof=1)
        print(
            f"| {name} | {len(found)} | {np.mean(found):.3f} | "
            f"{deviation:.2f} | {deviation / np.sqrt(len(found)):.3f} |",
            flush=True,
        )
    if given.picture:
        minutes = BUDGETS[given.evaluator].get("max_minutes")
        end, label = BUDGETS[given.evaluator]["num_candidates"], "candidates"
        if minutes:
            end, label = minutes, "simulated minutes of training"
        draw(curves, end, label, given.picture)


if __name__ == "__main__":
    main()
