"""What several runs have in common and where they differ."""

from tfdarts.reports.charts import Line
from tfdarts.reports.charts import line_chart

_COMPARED = {
    ("search", "validation_supernet_accuracy"): (
        "Search: validation accuracy of the supernet"
    ),
    ("search", "validation_supernet_perplexity"): (
        "Search: validation perplexity of the supernet"
    ),
    ("search", "alpha_entropy"): "Search: mean entropy of alpha in nats",
    ("training", "validation_accuracy"): "Training: validation accuracy",
    ("training", "validation_perplexity"): "Training: validation perplexity",
    ("training", "loss"): "Training: training loss in nats",
}
_STYLES = "abcdef"


def compare_runs(runs):
    """Returns the comparison of several runs, a dict.

    Args:
        runs: List of results of `tfdarts.reports.run_page.read_run`.

    Returns:
        Dict: `facts` and `settings`, lists of pairs of a name and a list with
        one text for each run, and `charts`, with a line for each run.
    """
    return {
        "facts": facts_of_all(runs),
        "settings": differing_settings(runs),
        "charts": _charts(runs),
    }


def facts_of_all(runs):
    """Returns the key figures of several runs, a list of rows.

    Args:
        runs: See `compare_runs`.

    Example:

    >>> first = {"facts": [("Test accuracy", "91 %", "")]}
    >>> second = {"facts": [("Test accuracy", "93 %", ""), ("Size", "7", "")]}
    >>> facts_of_all([first, second])
    [('Test accuracy', ['91 %', '93 %']), ('Size', ['', '7'])]
    """
    known = [{name: text for name, text, _ in run["facts"]} for run in runs]
    return _rows(known)


def differing_settings(runs):
    """Returns the recorded settings in which runs differ, a list of rows.

    Args:
        runs: See `compare_runs`.

    Example:

    >>> def run(**settings):
    ...     return {"record": [{"title": "Search", "all": settings}]}
    >>> differing_settings([run(seed="0", order="1"), run(seed="1", order="1")])
    [('Search: seed', ['0', '1'])]
    """
    known = [
        {
            f"{stage['title']}: {name}": value
            for stage in run["record"]
            for name, value in stage["all"].items()
        }
        for run in runs
    ]
    return [(name, row) for name, row in _rows(known) if len({*row}) > 1]


def _rows(known):
    names = dict.fromkeys(name for each in known for name in each)
    return [(name, [each.get(name, "") for each in known]) for name in names]


def _charts(runs):
    """Returns a chart for each metric that at least two runs have."""
    charts = []
    for (part, column), title in _COMPARED.items():
        lines = [
            Line(
                run["name"],
                run[part]["metrics"]["epoch"],
                run[part]["metrics"][column],
                _STYLES[position % len(_STYLES)],
            )
            for position, run in enumerate(runs)
            if run[part] and column in run[part]["metrics"]
        ]
        if len(lines) > 1:
            charts.append(
                line_chart(title, lines, percent="accuracy" in column)
            )
    return [chart for chart in charts if chart]
