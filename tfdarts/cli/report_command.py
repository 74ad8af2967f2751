"""The command `tfdarts-report`."""

import dataclasses

from tfdarts import arguments
from tfdarts.cli.command import Command
from tfdarts.cli.command import settings_of
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting


@dataclasses.dataclass(frozen=True)
class ReportSettings(Settings):
    """Settings of `tfdarts-report`."""

    run_dir: str = setting(
        "",
        "Run directory. Several, separated by commas, are shown side by side.",
        form=arguments.paths,
    )
    output: str = setting(
        None,
        "HTML file to write. Defaults to report.html in the run directory; "
        "needed for several runs.",
        form=arguments.path_text,
    )
    overwrite: bool = setting(
        False, "Replace the file if it exists. Otherwise it is kept."
    )


def run(values):
    """Writes the page; prints its path."""
    from tfdarts.reports.report import report

    settings = settings_of(ReportSettings, values)
    print(report(settings.run_dir, settings.output, settings.overwrite))


command = Command(
    name="tfdarts-report",
    summary="Writes one HTML page about a run, or about several side by side: "
    "cells and\nalphas by epoch, signs of a collapse, curves, test results, "
    "cost, settings and\nwhat to try next. The page needs no network.",
    examples=(
        "tfdarts-report --run_dir=runs/digits",
        "tfdarts-report --run_dir=runs/digits --overwrite",
        "tfdarts-report --run_dir=runs/a,runs/b --output=a_and_b.html",
    ),
    settings=(ReportSettings,),
    run=run,
    resumes=False,
    needs_tensorflow=False,
)
main = command.main
