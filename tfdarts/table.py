"""Results in words and as a table."""

from rich.cells import cell_len


def format_value(value):
    """Returns a figure as text.

    Example:

    >>> [format_value(value) for value in (3349342, 0.98765432, 45808.2, "CPU")]
    ['3,349,342', '0.987654', '45,808.2', 'CPU']
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
    return f"{value:.6g}"


def table(columns, rows):
    """Returns a table as text: the first column to the left, others right.

    Args:
        columns: Sequence of strings, what stands above.
        rows: Sequence of as long sequences of strings.

    Example:

    >>> print(table(("class", "images"), [("cat", "7"), ("a dog", "12")]))
    class  images
    cat         7
    a dog      12
    """
    lines = [columns, *rows]
    widths = [max(map(cell_len, column)) for column in zip(*lines)]
    return "\n".join("  ".join(_align(cells, widths)) for cells in lines)


def _align(cells, widths):
    """Yields cells with spaces, the first on the left, others on the right.

    A character may be two columns wide, as Chinese ones, or none, as an accent.
    """
    for position, (cell, width) in enumerate(zip(cells, widths)):
        spaces = " " * (width - cell_len(cell))
        yield spaces + cell if position else cell + spaces
