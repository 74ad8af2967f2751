"""Writing the page about runs."""

import base64
import hashlib
import os
import pathlib
from collections.abc import Sequence

from markupsafe import Markup

import tfdarts
from tfdarts import arguments
from tfdarts.console import show_progress
from tfdarts.files import write_atomically
from tfdarts.reports import charts
from tfdarts.reports.comparison import compare_runs
from tfdarts.reports.run_page import read_run
from tfdarts.reports.shown_number import show_number

SECTIONS = {
    "overview": "What was searched",
    "cell": "The cell",
    "candidates": "Candidates",
    "signs": "Signs of a collapse",
    "curves": "Curves",
    "test": "Test results",
    "cost": "Cost of the network",
    "next": "What to try next",
    "repeat": "Settings and commands",
}
"""The title of each section, by the macro that writes it."""

FILE = "report.html"
"""The name of the page in a run directory."""


@show_progress()
def report(
    run_dir: str | os.PathLike | Sequence[str | os.PathLike],
    output: str | os.PathLike | None = None,
    overwrite: bool = False,
) -> pathlib.Path:
    """Writes one HTML page about a run, or about several side by side.

    The page needs no other file and no network. It shows what the files of
    the run hold so far: unfinished runs, and runs of which files are
    missing, have a page, too.

    Args:
        run_dir: Path of a run, or a sequence of several.
        output: Path of the page. Defaults to `report.html` in the run
            directory; needed for several runs.
        overwrite: Boolean, whether an existing file is replaced.

    Returns:
        The path of the page.

    Raises:
        ValueError: If a directory holds no run, if there is no output for
            several runs, or if the page exists.
        OSError: If the page cannot be written.
    """
    if run_dir is None:
        raise ValueError("A report needs a run: give --run_dir.")
    paths = arguments.paths(run_dir, "--run_dir")
    if not paths:
        raise ValueError("A report needs a run: give --run_dir.")
    if len({*paths}) < len(paths):
        raise ValueError(
            f"A run is given twice: {', '.join(paths)}. Give each --run_dir "
            "once."
        )
    path = _output(paths, output)
    if path.exists() and not overwrite:
        raise ValueError(
            f"{path} exists. Give --overwrite to replace it, or another "
            "--output."
        )
    runs = [read_run(each) for each in paths]
    write_atomically(path, page(runs))
    return path


def _output(paths, output):
    if output is not None:
        return arguments.as_path(output, "--output")
    if len(paths) > 1:
        raise ValueError(
            "The page of several runs belongs to none of them: give --output."
        )
    return pathlib.Path(paths[0]) / FILE


def page(runs):
    """Returns the page as HTML.

    Args:
        runs: List of results of `read_run`.
    """
    # Imported here because only the page needs it, not a refusal.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tfdarts.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = show_number
    script = _source(environment, "report.js")
    digest = hashlib.sha256(script.encode()).digest()
    return environment.get_template("report.html").render(
        runs=runs,
        sections=_sections(runs),
        comparison=compare_runs(runs) if len(runs) > 1 else None,
        title=" and ".join(run["name"] for run in runs),
        version=tfdarts.__version__,
        script=Markup(script),
        # With this hash, the browser runs no other script.
        script_hash=base64.b64encode(digest).decode(),
        style=Markup(_source(environment, "report.css")),
        chart=charts,
    )


def _sections(runs):
    """Returns the sections of the page, a list of dicts.

    Candidates have a section only if a run has some.
    """
    shown = dict(SECTIONS)
    if not any(
        run["selection"] or run["search"] and run["search"]["trials"]
        for run in runs
    ):
        del shown["candidates"]
    return [
        {"id": f"section-{name}", "title": title, "part": name}
        for name, title in shown.items()
    ]


def _source(environment, name):
    """Returns a file beside the template, as it is."""
    text, _, _ = environment.loader.get_source(environment, name)
    return text
