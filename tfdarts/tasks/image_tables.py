"""Tables of results on images, for the terminal."""

from tfdarts.data.image_source import shorten
from tfdarts.table import format_value
from tfdarts.table import table

MOST_CLASSES = 20


def class_table(classes):
    """Returns a table of all classes, or of those with the lowest recall.

    Args:
        classes: List of dicts; see `tfdarts.tasks.scores.per_class`.
    """
    lines = []
    absent = [row["class"] for row in classes if not row["examples"]]
    if absent:
        lines.append(
            "Classes without test images, which the means leave out: "
            f"{shorten(absent)}"
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
    return "\n".join([*lines, table(columns, rows), ""])


def int8_table(report):
    """Returns a table of what 8 bits cost and save.

    Args:
        report: Dict, the content of the file beside the exported model.
    """
    columns = ("format", "test accuracy", "bytes")
    rows = [
        (
            format,
            f"{report[format]['test_accuracy']:.2%}",
            format_value(report[format]["bytes"]),
        )
        for format in ("litert", "litert_int8")
    ]
    return table(columns, rows) + "\n"
