"""What the network of a genotype costs."""

import typing
from collections.abc import Sequence
from typing import Any

from tfdarts.genotypes import Genotype
from tfdarts.primitive_table import as_function
from tfdarts.search_spaces.lookup import look_up
from tfdarts.structures import STRUCTURES
from tfdarts.table import format_value
from tfdarts.table import table

if typing.TYPE_CHECKING:
    import keras

_OF_IMAGES = (
    "The cost of a recurrent cell depends on the length of the text: give a "
    "genotype of convolutional cells. tfdarts-train logs the number of "
    "parameters of a language model."
)


def genotype_cost(
    genotype: Genotype | str,
    init_channels: int = 36,
    num_cells: int = 20,
    num_classes: int = 10,
    input_shape: Sequence[int] = (32, 32, 3),
    channel_multiplier: float = 2.0,
    stem: str = "auto",
    measure: bool = False,
) -> dict[str, Any]:
    """Returns what the network of a genotype costs, for one image.

    The defaults are the paper's network for CIFAR-10.

    Args:
        genotype: `Genotype`, or an argument of `--genotype`, such as
            `"DARTS_V2"` or the path of a file.
        init_channels: Integer, the channels of the first cell.
        num_cells: Integer.
        num_classes: Integer.
        input_shape: Tuple `(height, width, channels)`.
        channel_multiplier: Float, the factor of the channels at each
            reduction cell.
        stem: String, see `tfdarts.CNNNetwork`.
        measure: Boolean, whether to measure latencies on this machine, which
            takes some seconds or minutes. The latency of each layer is kept
            in the user's cache directory, `~/.cache/tfdarts`, and measured
            again on another machine or with another version of TensorFlow.

    Returns:
        Dict: `parameters`, the trainable ones; `multiply_adds` of convolutions
        and dense layers; and `activation_bytes`, the peak memory of the
        activations in float32. With `measure` also `milliseconds`, the median
        latency of 20 calls; `milliseconds_of_layers`, the sum of the
        latencies of all layers, each alone; `litert_milliseconds` if the
        extra `litert` is installed; and `layers`, a list of one dict for each
        primitive and for each kind of other layers: `layer`, `count`,
        `parameters`, `multiply_adds` and `milliseconds`.

    Raises:
        ValueError: If the genotype is one of recurrent cells, or an argument
            is invalid.

    Example:

    >>> cost = genotype_cost("DARTS_V2")
    >>> cost["parameters"], cost["multiply_adds"]
    (3349342, 528359040)
    """
    if not isinstance(genotype, Genotype):
        _, genotype = look_up(genotype, "darts")
    structure = STRUCTURES[genotype.space]
    if structure.primitives != "layers":
        raise ValueError(_OF_IMAGES)
    network = as_function(structure.network)(
        genotype,
        init_channels,
        num_cells,
        num_classes,
        input_shape,
        stem=stem,
        channel_multiplier=channel_multiplier,
    )
    return cost_of_network(network, measure)


def cost_of_network(network: "keras.Model", measure: bool) -> dict[str, Any]:
    """Returns what a network for images costs.

    Args:
        network: Functional Keras model from images to logits.
        measure: See `genotype_cost`, also for the result.
    """
    from tfdarts.tasks.latency_table import LatencyTable
    from tfdarts.tasks.network_cost import count_cost
    from tfdarts.tasks.network_cost import measure_cost

    cost = count_cost(network)
    if measure:
        cost |= measure_cost(network, LatencyTable())
    return cost


def cost_of_run(run_dir):
    """Returns what the network of a run costs, with latencies.

    It is the trained network, or before the training the network of
    `genotype_cost`.

    Args:
        run_dir: Path of a run.
    """
    from tfdarts.records.run_directory import Stage
    from tfdarts.runs.evaluate import load_network
    from tfdarts.runs.visualize import genotype_of_run

    stage = Stage(run_dir, "train")
    if not stage.finished:
        return genotype_cost(genotype_of_run(stage.run_dir), measure=True)
    network, _ = load_network(stage)
    if len(network.inputs[0].shape) != 4:
        raise ValueError(_OF_IMAGES)
    return cost_of_network(network, measure=True)


_TITLES = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds per image",
    "activation_bytes": "peak memory of activations, bytes",
    "milliseconds": "milliseconds per image",
    "milliseconds_of_layers": "sum over the layers, each alone",
    "litert_milliseconds": "milliseconds per image in LiteRT, one core",
}


def show_cost(cost):
    """Returns a table of a cost as text.

    Args:
        cost: Dict, the result of `genotype_cost`.
    """
    rows = [
        (title, format_value(cost[name]))
        for name, title in _TITLES.items()
        if name in cost
    ]
    text = table(("cost", ""), rows)
    if "layers" not in cost:
        return text
    names = ("count", "parameters", "multiply_adds", "milliseconds")
    layers = [
        [row["layer"], *(format_value(row[name]) for name in names)]
        for row in sorted(cost["layers"], key=lambda row: -row["milliseconds"])
    ]
    return f"{text}\n\n{table(('layers', *names), layers)}"


def describe_cost(cost):
    """Returns the cost of a network in a line, for the caption of a picture.

    Args:
        cost: See `show_cost`.

    Example:

    >>> describe_cost({"parameters": 3349342, "multiply_adds": 529900000})
    '3.35 M parameters, 530 M multiply-adds'
    """
    parts = [
        f"{_short(cost['parameters'])} parameters",
        f"{_short(cost['multiply_adds'])} multiply-adds",
    ]
    if "milliseconds" in cost:
        parts.append(f"{cost['milliseconds']:.3g} ms")
    return ", ".join(parts)


def _short(number):
    """Returns a number with three digits and k, M or G."""
    for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.3g} {unit}"
    return str(number)
