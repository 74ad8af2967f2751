"""Writes the tables of finished studies into the documentation.

    python benchmarks/tables.py

Each table stands between two comments of its page, such as
`<!-- table: found_cells -->` and `<!-- end of table -->`, and is made of the
lines of JSON in benchmarks/results.
"""

import pathlib
import re

import found_cells_table
import methods_quality
from study import read_rows

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def found_cells():
    """Returns the tables of the study of found cells, text of Markdown."""
    rows = read_rows(RESULTS / "found_cells.jsonl")
    return found_cells_table.markdown(found_cells_table.rows_of_minutes(rows))


def methods():
    """Returns the table of the study of gradient methods."""
    rows = methods_quality.rows_of(RESULTS / "methods_quality.jsonl")
    return methods_quality.markdown(rows)


TABLES = {"found_cells": found_cells, "methods_quality": methods}
PAGES = ("docs/evaluation.md", "benchmarks/README.md")
PLACE = re.compile(
    r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL
)


def with_tables(text):
    """Returns a page with its tables made anew.

    Args:
        text: String, the page.

    Raises:
        ValueError: If the page names a table that there is not.
    """

    def replace(match):
        start, name, end = match.groups()
        if name not in TABLES:
            raise ValueError(
                f"There is no table {name}, only {', '.join(TABLES)}: correct "
                "the comment in the page."
            )
        return f"{start}\n{TABLES[name]()}\n\n{end}"

    return PLACE.sub(replace, text)


def main():
    for page in PAGES:
        path = ROOT / page
        path.write_text(with_tables(path.read_text()))


if __name__ == "__main__":
    main()
