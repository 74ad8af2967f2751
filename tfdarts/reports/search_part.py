"""The search of a run, for its page."""

import inspect
import itertools

from tfdarts.records.probabilities import read_probabilities
from tfdarts.records.run_directory import TRIALS
from tfdarts.records.trials import read_trials
from tfdarts.reports.candidates_part import candidates_part
from tfdarts.reports.charts import Line
from tfdarts.reports.charts import line_chart
from tfdarts.reports.curve_charts import curve_charts
from tfdarts.reports.epoch_panels import epoch_panels
from tfdarts.reports.epoch_panels import space_of
from tfdarts.reports.stage_state import describe_state
from tfdarts.search_spaces.entropy import entropy
from tfdarts.search_spaces.entropy import largest_entropy
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.verdict import LIMITS
from tfdarts.strategies.verdict import judge
from tfdarts.structures import title_of
from tfdarts.tasks.task_registry import task_of_settings
from tfdarts.visualization.collapse import LINES


def search_part(files, genotype):
    """Returns the search of a run as a dict, or `None` without one.

    Args:
        files: `RunFiles`.
        genotype: `Genotype` of the run, or `None`.
    """
    if not files.has_begun("search"):
        return None
    settings = files.settings("search")
    status = files.stages["search"].status()
    metrics = files.metrics("search")
    trials = files.attempt(
        f"search/{TRIALS}", lambda: read_trials(files.path / "search")
    )
    history = _read_history(files)
    unit = "candidate" if "num_candidates" in settings else "epoch"
    length = settings.get({"candidate": "num_candidates"}.get(unit, "epochs"))
    done = len(trials or metrics.get("epoch", ()))
    status = {"epoch": done, **status} if status else status
    best = _best_epoch(status, metrics)
    verdict = files.attempt(
        "The signs of a collapse", lambda: _judge(history, metrics, best)
    )
    return {
        "strategy": settings.get("strategy", "darts"),
        "purpose": _purpose(files, settings),
        "space": settings.get("space") or _default_space(settings),
        "primitives": _primitives(files, settings),
        "dataset": settings.get("dataset"),
        "unit": unit,
        "done": done,
        "length": length,
        "best_epoch": best,
        "best_candidate": status.get("best_candidate"),
        "status": status,
        "state": describe_state(status, length, unit),
        "warning": status.get("warning"),
        "settings": settings,
        "metrics": metrics,
        "curves": curve_charts(metrics, best),
        "verdict": verdict,
        "signs": _sign_charts(history, metrics, best) if verdict else [],
        "trials": candidates_part(files, trials) if trials else None,
        "epochs": files.attempt(
            "The cells by epoch",
            lambda: epoch_panels(
                *(files, settings, history, genotype),
                *(status.get("best_epoch"), status.get("epochs") or length),
            ),
        )
        if history
        else None,
    }


def _read_history(files):
    """Returns the probabilities by epoch, or an empty dict."""
    directory = files.path / "search"
    names = "probabilities.npz", "alphas.npz"
    if not any((directory / name).exists() for name in names):
        return {}
    return (
        files.attempt("alpha by epoch", lambda: read_probabilities(directory))
        or {}
    )


def _best_epoch(status, metrics):
    """Returns the epoch of the result, or the last one; `None` if neither."""
    return status.get("best_epoch") or len(metrics.get("epoch", ())) or None


def _default_space(settings):
    """Returns the space of version 0.1.0, which did not record it."""
    return task_of_settings(settings).space if settings else None


def _primitives(files, settings):
    """Returns the operations that an edge may have, as text, or `None`."""
    if "num_nodes" not in settings:
        return None
    space = files.attempt("The search space", lambda: space_of(settings))
    return space and ", ".join(space.primitives)


def _purpose(files, settings):
    """Returns the first sentence of the description of the strategy."""
    name = settings.get("strategy", "darts")
    strategy = files.attempt("The strategy", lambda: get_strategy(name))
    text = inspect.cleandoc(type(strategy).__doc__ or "") if strategy else ""
    return text.split("\n\n")[0].replace("\n", " ").replace("`", "")


def _judge(history, metrics, best):
    if not history or not best:
        return None
    return judge(
        {name: values[best] for name, values in history.items()},
        {name: values[:best] for name, values in metrics.items()},
    )


def _sign_charts(history, metrics, best):
    """Returns charts of the entropy and of the signs that were measured."""
    mark = [(best, "result")] if best < len(metrics["epoch"]) else []
    lines = []
    for (name, values), style in zip(history.items(), itertools.cycle("abc")):
        means = entropy(values).mean(axis=1)
        lines.append(Line(title_of(name), range(len(means)), means, style))
    largest = largest_entropy(next(iter(history.values()))[0])
    charts = [
        line_chart(
            "Mean entropy of alpha in nats",
            lines,
            limits=[(largest, "undecided")],
            marks=mark,
            from_zero=True,
        )
    ]
    for name, title in LINES.items():
        if name in metrics:
            limits = [LIMITS[name]] if name in LIMITS else []
            charts.append(
                line_chart(
                    title,
                    [Line(title.lower(), metrics["epoch"], metrics[name])],
                    limits=limits,
                    marks=mark,
                    from_zero=name != "dominant_eigenvalue",
                )
            )
    return [chart for chart in charts if chart]
