"""The tables and the picture of the study of found cells."""

import math

import numpy as np
import scipy.stats

CONTROLS = ("random", "best_of_n")
"""The ways that all others are compared with."""


def rows_of_minutes(rows, minutes=None):
    """Returns the rows of searches of one length.

    Args:
        rows: List of dicts, the lines of the results.
        minutes: Float. Defaults to that of the last row.
    """
    if minutes is None:
        minutes = rows[-1]["minutes"] if rows else None
    return [row for row in rows if row["minutes"] == minutes]


def by_way(rows, kind):
    """Returns the rows of one kind without an error, lists by way."""
    found = {}
    for row in rows:
        if row["kind"] == kind and "error" not in row:
            found.setdefault(row["way"], []).append(row)
    return found


def accuracies_of(rows):
    """Returns the test accuracies of each way in percent, arrays by way."""
    return {
        way: np.array([100 * row["test_accuracy"] for row in trained])
        for way, trained in by_way(rows, "train").items()
    }


def compare(one, other):
    """Returns how two samples differ, a dict.

    Args:
        one, other: Arrays of at least two numbers.

    Returns:
        Dict: `difference` of the means, its `error` (standard error), and `p`
        of Welch's test, two-sided.
    """
    error = math.hypot(_standard_error(one), _standard_error(other))
    test = scipy.stats.ttest_ind(one, other, equal_var=False)
    return {
        "difference": float(np.mean(one) - np.mean(other)),
        "error": error,
        "p": float(test.pvalue),
    }


def comparisons(accuracies):
    """Returns the comparisons of all ways with the controls, each pair once.

    Args:
        accuracies: The result of `accuracies_of`.

    Returns:
        Dict of the results of `compare`, by way and control.
    """
    several = {k: v for k, v in accuracies.items() if len(v) > 1}
    return {
        (way, control): compare(values, several[control])
        for way, values in several.items()
        for position, control in enumerate(CONTROLS)
        # Two controls are compared only once.
        if control in several and way not in CONTROLS[: position + 1]
    }


def markdown(rows):
    """Returns the tables of a study, text of Markdown.

    Args:
        rows: List of dicts, the lines of the results of one length.
    """
    if not rows:
        return "No run is finished yet."
    accuracies = accuracies_of(rows)
    parts = [_table_of_ways(rows, accuracies)]
    found = comparisons(accuracies)
    if found:
        parts.append(_table_of_comparisons(found))
    failed = [row for row in rows if "error" in row]
    if failed:
        parts.append("\n".join(map(_failure, failed)))
    return "\n\n".join(parts)


def _table_of_ways(rows, accuracies):
    searched = by_way(rows, "search")
    trained = by_way(rows, "train")
    lines = [
        "| way | networks | test accuracy, % | standard deviation | "
        "standard error | skips | percentile | core seconds | parameters |",
        "| --- |" + " ---: |" * 8,
    ]
    for way in _sorted_ways(accuracies, searched):
        values = accuracies.get(way, np.array([]))
        is_spread = len(values) > 1
        sizes = [row["parameters"] for row in trained.get(way, ())]
        cells = [
            f"`{way}`",
            f"{len(values)}",
            _number(np.mean(values) if len(values) else math.nan, 2),
            _number(np.std(values, ddof=1) if is_spread else math.nan, 2),
            _number(_standard_error(values) if is_spread else math.nan, 2),
            _number(_mean(searched, way, "skips"), 1),
            _number(_mean(searched, way, "percentile"), 0),
            _number(_mean(searched, way, "core_seconds"), 0),
            f"{min(sizes):,} to {max(sizes):,}" if sizes else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _table_of_comparisons(found):
    lines = [
        f"The {len(found)} comparisons made, in percentage points:",
        "",
        "| way | compared with | difference | standard error | Welch's p |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for (way, control), each in found.items():
        lines.append(
            f"| `{way}` | `{control}` | {each['difference']:+.2f} | "
            f"{each['error']:.2f} | {each['p']:.3f} |"
        )
    return "\n".join(lines)


def _failure(row):
    return (
        f"- Failed: the {row['kind']} of `{row['way']}`, seed {row['seed']}: "
        f"{row['error']}"
    )


def _sorted_ways(accuracies, searched):
    """Returns all ways, those of the highest mean accuracy first."""
    means = {way: np.mean(values) for way, values in accuracies.items()}
    return sorted(
        {*accuracies, *searched}, key=lambda way: (-means.get(way, -1), way)
    )


def _standard_error(values):
    return np.std(values, ddof=1) / math.sqrt(len(values))


def _mean(rows, way, name):
    values = [row[name] for row in rows.get(way, ())]
    return np.mean(values) if values else math.nan


def _number(value, digits):
    return "" if math.isnan(value) else f"{value:,.{digits}f}"


def draw(rows, path):
    """Draws the mean of each way, and its runs as dots.

    Args:
        rows: See `markdown`.
        path: Path of the PNG file.
    """
    from tfdarts.visualization import palette
    from tfdarts.visualization import panels

    accuracies = accuracies_of(rows)
    ways = _sorted_ways(accuracies, {})[::-1]
    figure = panels.new_figure("Test accuracy of networks of equal size")
    axes = figure.add_subplot()
    for position, way in enumerate(ways):
        values = accuracies[way]
        axes.plot(
            values,
            [position] * len(values),
            "o",
            color=palette.QUIET,
            alpha=0.7,
            markersize=9,
        )
        axes.errorbar(
            np.mean(values),
            position,
            xerr=_standard_error(values) if len(values) > 1 else None,
            fmt="D",
            color=palette.INK,
            markersize=9,
            capsize=6,
        )
    if "random" in accuracies:
        mean = np.mean(accuracies["random"])
        axes.axvline(mean, color=palette.QUIET, linewidth=1, linestyle="--")
    axes.set_yticks(range(len(ways)), ways, size=panels.MEDIUM)
    axes.set_xlabel(
        "test accuracy, %; diamonds: means and standard errors",
        size=panels.MEDIUM,
    )
    panels.style_axes(axes)
    with open(path, "wb") as file:
        file.write(panels.to_png(figure))
