"""The command `tfdarts-visualize`."""

import dataclasses

from tfdarts import arguments
from tfdarts.cli.command import Command
from tfdarts.cli.command import settings_of
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting

_OF_NETWORK = {"cost": True, "run_dir": None}


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
    cost: bool = setting(
        False,
        "Count parameters, multiply-adds and memory of the network for "
        "images, and measure its latency and that of its layers on this "
        "machine. The network is the trained one of --run_dir, otherwise the "
        "paper's for CIFAR-10 unless the next flags say so.",
    )
    init_channels: int = setting(
        36, "Channels of the first cell.", least=1, when=_OF_NETWORK
    )
    num_cells: int = setting(
        20, "Cells of the network, at least 3.", least=3, when=_OF_NETWORK
    )
    num_classes: int = setting(
        10, "Classes of the images.", least=2, when=_OF_NETWORK
    )
    image_size: int = setting(
        32, "Side of the color images in pixels.", least=1, when=_OF_NETWORK
    )


def run(values):
    """Draws the pictures; prints their paths, and the cost if asked for."""
    from tfdarts.runs.visualize import draw_run
    from tfdarts.runs.visualize import visualize

    settings = settings_of(VisualizeSettings, values)
    if bool(settings.genotype) == bool(settings.run_dir):
        raise ValueError("Give either --genotype or --run_dir.")
    cost, caption = _cost_of(settings) if settings.cost else (None, None)
    if settings.run_dir:
        paths = draw_run(settings.run_dir, caption)
    else:
        paths = visualize(
            *(settings.genotype, settings.output_dir, settings.space),
            caption=caption,
        )
    print("\n".join(map(str, paths)))
    if cost:
        print(f"\n{cost}")


def _cost_of(settings):
    """Returns the table of what the network costs, and a caption."""
    from tfdarts.runs.genotype_cost import cost_of_run
    from tfdarts.runs.genotype_cost import describe_cost
    from tfdarts.runs.genotype_cost import genotype_cost
    from tfdarts.runs.genotype_cost import show_cost
    from tfdarts.search_spaces.lookup import look_up

    if settings.run_dir:
        cost = cost_of_run(settings.run_dir)
    else:
        _, genotype = look_up(settings.genotype, settings.space)
        cost = genotype_cost(
            genotype,
            *(settings.init_channels, settings.num_cells),
            settings.num_classes,
            (settings.image_size, settings.image_size, 3),
            measure=True,
        )
    return show_cost(cost), describe_cost(cost)


command = Command(
    name="tfdarts-visualize",
    summary="Draws cells, and the alphas of a search over its epochs.",
    examples=(
        "tfdarts-visualize --genotype=DARTS_V2 --output_dir=cells",
        "tfdarts-visualize --genotype=ENAS --space=rnn",
        "tfdarts-visualize --run_dir=runs/digits",
        "tfdarts-visualize --genotype=DARTS_V2 --cost",
    ),
    settings=(VisualizeSettings,),
    run=run,
    resumes=False,
    needs_tensorflow=False,
)
main = command.main
