"""The command `tfdarts-visualize`."""

import dataclasses

from tfdarts import arguments
from tfdarts.cli.command import Command
from tfdarts.cli.command import settings_of
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting


@dataclasses.dataclass(frozen=True)
class VisualizeSettings(Settings):
    """Settings of `tfdarts-visualize`."""

    genotype: str = setting(
        None,
        "Genotype to draw: a file, a published name, or random:<seed>.",
        form=arguments.path_text,
    )
    space: str = setting(
        "darts",
        "Search space of --genotype, if it is a name or random:<seed>, such "
        "as darts or nas_bench_201; or cnn for convolutional cells, rnn for "
        "recurrent cells.",
        when={"run_dir": None},
    )
    output_dir: str = setting(
        "cells",
        "Directory for the drawings.",
        form=arguments.path_text,
        when={"run_dir": None},
    )
    run_dir: str = setting(
        None,
        "Draw the cells and alphas of this run, into its directory cells, "
        "instead of --genotype.",
        form=arguments.path_text,
    )


def run(values):
    """Draws the pictures; prints their paths."""
    from tfdarts.runs.visualize import draw_run
    from tfdarts.runs.visualize import visualize

    settings = settings_of(VisualizeSettings, values)
    if bool(settings.genotype) == bool(settings.run_dir):
        raise ValueError("Give either --genotype or --run_dir.")
    if settings.run_dir:
        paths = draw_run(settings.run_dir)
    else:
        paths = visualize(
            settings.genotype, settings.output_dir, settings.space
        )
    print("\n".join(map(str, paths)))


command = Command(
    name="tfdarts-visualize",
    summary="Draws cells, and the alphas of a search over its epochs.",
    examples=(
        "tfdarts-visualize --genotype=DARTS_V2 --output_dir=cells",
        "tfdarts-visualize --genotype=ENAS --space=rnn",
        "tfdarts-visualize --run_dir=runs/digits",
    ),
    settings=(VisualizeSettings,),
    run=run,
    resumes=False,
    needs_tensorflow=False,
)
main = command.main
