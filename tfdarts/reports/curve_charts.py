"""The curves of a search or a training, as charts."""

from tfdarts.reports.charts import Line
from tfdarts.reports.charts import line_chart
from tfdarts.visualization.curves import PANELS

_STYLES = {"-": "a", "--": "b", ":": "c"}


def curve_charts(metrics, best=None):
    """Returns the charts of the columns of a `metrics.csv`.

    Args:
        metrics: Dict of lists of floats by column; may be empty.
        best: Integer, the epoch of the result, if there is one.

    Example:

    >>> charts = curve_charts({"epoch": [1, 2], "accuracy": [0.5, 0.75]})
    >>> [chart["title"] for chart in charts]
    ['Accuracy']
    >>> curve_charts({})
    []
    """
    if not metrics:
        return []
    epochs = metrics["epoch"]
    marks = [(best, "result")] if best and best < len(epochs) else []
    charts = []
    for title, columns in PANELS.items():
        lines = [
            Line(label, epochs, metrics[column], _STYLES[style])
            for column, (label, _, style) in columns.items()
            if column in metrics
        ]
        charts.append(
            line_chart(
                title,
                lines,
                percent="ccuracy" in title,
                marks=marks,
                from_zero="Loss" in title,
            )
        )
    return [chart for chart in charts if chart]
