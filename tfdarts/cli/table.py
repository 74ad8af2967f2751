"""Results as a table."""


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
