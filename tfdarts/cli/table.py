"""Results in words and as a table."""


def shown(value):
    """Returns a figure as text.

    Example:

    >>> shown(3349342), shown(0.98765432), shown(45808.2), shown("CPU")
    ('3,349,342', '0.987654', '45,808.2', 'CPU')
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
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join(
        "  ".join(
            [
                cells[0].ljust(widths[0]),
                *(c.rjust(w) for c, w in zip(cells[1:], widths[1:])),
            ]
        )
        for cells in lines
    )
