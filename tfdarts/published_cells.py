"""The published cells, as tables, and how to find one by its name.

A cell is a string of its edges, each `primitive:predecessor`, and a tuple of
the nodes in its output. Convolutional cells have two edges per node; an entry
has the normal cell first and the reduction cell second. A recurrent cell has
one edge per node.
"""

import difflib

from tfdarts.structures import STRUCTURES

_CONVOLUTIONAL = {
    # Zoph et al., 2018, https://arxiv.org/abs/1707.07012
    "NASNet": (
        "sep_conv_5x5:1 sep_conv_3x3:0 sep_conv_5x5:0 sep_conv_3x3:0 "
        "avg_pool_3x3:1 skip_connect:0 avg_pool_3x3:0 avg_pool_3x3:0 "
        "sep_conv_3x3:1 skip_connect:1",
        (2, 3, 4, 5, 6),
        "sep_conv_5x5:1 sep_conv_7x7:0 max_pool_3x3:1 sep_conv_7x7:0 "
        "avg_pool_3x3:1 sep_conv_5x5:0 skip_connect:3 avg_pool_3x3:2 "
        "sep_conv_3x3:2 max_pool_3x3:1",
        (4, 5, 6),
    ),
    # Real et al., 2019, https://arxiv.org/abs/1802.01548
    "AmoebaNet": (
        "avg_pool_3x3:0 max_pool_3x3:1 sep_conv_3x3:0 sep_conv_5x5:2 "
        "sep_conv_3x3:0 avg_pool_3x3:3 sep_conv_3x3:1 skip_connect:1 "
        "skip_connect:0 avg_pool_3x3:1",
        (4, 5, 6),
        "avg_pool_3x3:0 sep_conv_3x3:1 max_pool_3x3:0 sep_conv_7x7:2 "
        "sep_conv_7x7:0 avg_pool_3x3:1 max_pool_3x3:0 max_pool_3x3:1 "
        "conv_7x1_1x7:0 sep_conv_3x3:5",
        (3, 4, 6),
    ),
    # Liu et al., 2018, https://arxiv.org/abs/1712.00559
    "PNASNet": (
        "sep_conv_5x5:0 max_pool_3x3:0 sep_conv_7x7:1 max_pool_3x3:1 "
        "sep_conv_5x5:1 sep_conv_3x3:1 sep_conv_3x3:4 max_pool_3x3:1 "
        "sep_conv_3x3:0 skip_connect:1",
        (2, 3, 4, 5, 6),
        "sep_conv_5x5:0 max_pool_3x3:0 sep_conv_7x7:1 max_pool_3x3:1 "
        "sep_conv_5x5:1 sep_conv_3x3:1 sep_conv_3x3:4 max_pool_3x3:1 "
        "sep_conv_3x3:0 skip_connect:1",
        (2, 3, 4, 5, 6),
    ),
    # Liu et al., 2019, https://arxiv.org/abs/1806.09055: first order
    "DARTS_V1": (
        "sep_conv_3x3:1 sep_conv_3x3:0 skip_connect:0 sep_conv_3x3:1 "
        "skip_connect:0 sep_conv_3x3:1 sep_conv_3x3:0 skip_connect:2",
        (2, 3, 4, 5),
        "max_pool_3x3:0 max_pool_3x3:1 skip_connect:2 max_pool_3x3:0 "
        "max_pool_3x3:0 skip_connect:2 skip_connect:2 avg_pool_3x3:0",
        (2, 3, 4, 5),
    ),
    # The same, second order
    "DARTS_V2": (
        "sep_conv_3x3:0 sep_conv_3x3:1 sep_conv_3x3:0 sep_conv_3x3:1 "
        "sep_conv_3x3:1 skip_connect:0 skip_connect:0 dil_conv_3x3:2",
        (2, 3, 4, 5),
        "max_pool_3x3:0 max_pool_3x3:1 skip_connect:2 max_pool_3x3:1 "
        "max_pool_3x3:0 skip_connect:2 skip_connect:2 max_pool_3x3:1",
        (2, 3, 4, 5),
    ),
    # Xu et al., 2020, https://arxiv.org/abs/1907.05737
    "PC_DARTS_cifar": (
        "sep_conv_3x3:1 skip_connect:0 sep_conv_3x3:0 dil_conv_3x3:1 "
        "sep_conv_5x5:0 sep_conv_3x3:1 avg_pool_3x3:0 dil_conv_3x3:1",
        (2, 3, 4, 5),
        "sep_conv_5x5:1 max_pool_3x3:0 sep_conv_5x5:1 sep_conv_5x5:2 "
        "sep_conv_3x3:0 sep_conv_3x3:3 sep_conv_3x3:1 sep_conv_3x3:2",
        (2, 3, 4, 5),
    ),
    # The same, searched on ImageNet
    "PC_DARTS_image": (
        "skip_connect:1 sep_conv_3x3:0 sep_conv_3x3:0 skip_connect:1 "
        "sep_conv_3x3:1 sep_conv_3x3:3 sep_conv_3x3:1 dil_conv_5x5:4",
        (2, 3, 4, 5),
        "sep_conv_3x3:0 skip_connect:1 dil_conv_5x5:2 max_pool_3x3:1 "
        "sep_conv_3x3:2 sep_conv_3x3:1 sep_conv_5x5:0 sep_conv_3x3:3",
        (2, 3, 4, 5),
    ),
    # Chen et al., 2019, https://arxiv.org/abs/1904.12760
    "PDARTS": (
        "skip_connect:0 dil_conv_3x3:1 skip_connect:0 sep_conv_3x3:1 "
        "sep_conv_3x3:1 sep_conv_3x3:3 sep_conv_3x3:0 dil_conv_5x5:4",
        (2, 3, 4, 5),
        "avg_pool_3x3:0 sep_conv_5x5:1 sep_conv_3x3:0 dil_conv_5x5:2 "
        "max_pool_3x3:0 dil_conv_3x3:1 dil_conv_3x3:1 dil_conv_5x5:3",
        (2, 3, 4, 5),
    ),
    # Dong and Yang, 2019, https://arxiv.org/abs/1910.04465
    "GDAS_V1": (
        "skip_connect:0 skip_connect:1 skip_connect:0 sep_conv_5x5:2 "
        "sep_conv_3x3:3 skip_connect:0 sep_conv_5x5:4 sep_conv_3x3:3",
        (2, 3, 4, 5),
        "sep_conv_5x5:0 sep_conv_3x3:1 sep_conv_5x5:2 sep_conv_5x5:1 "
        "dil_conv_5x5:2 sep_conv_3x3:1 sep_conv_5x5:0 sep_conv_5x5:1",
        (2, 3, 4, 5),
    ),
    # Chen et al., 2021, https://arxiv.org/abs/2006.10355
    "DrNAS_cifar10": (
        "sep_conv_3x3:0 sep_conv_5x5:1 sep_conv_3x3:1 sep_conv_3x3:2 "
        "skip_connect:0 sep_conv_3x3:1 sep_conv_3x3:2 dil_conv_5x5:3",
        (2, 3, 4, 5),
        "max_pool_3x3:0 sep_conv_5x5:1 dil_conv_5x5:2 sep_conv_5x5:1 "
        "sep_conv_5x5:1 dil_conv_5x5:3 skip_connect:4 sep_conv_5x5:1",
        (2, 3, 4, 5),
    ),
    # The same, searched on ImageNet
    "DrNAS_imagenet": (
        "sep_conv_3x3:1 sep_conv_3x3:0 sep_conv_3x3:0 sep_conv_3x3:1 "
        "sep_conv_3x3:0 dil_conv_3x3:3 skip_connect:0 sep_conv_3x3:1",
        (2, 3, 4, 5),
        "max_pool_3x3:0 sep_conv_3x3:1 sep_conv_3x3:0 skip_connect:2 "
        "sep_conv_3x3:0 sep_conv_3x3:2 sep_conv_3x3:3 sep_conv_3x3:1",
        (2, 3, 4, 5),
    ),
}

_RECURRENT = {
    # Pham et al., 2018, https://arxiv.org/abs/1802.03268
    "ENAS": (
        "tanh:0 tanh:1 relu:1 tanh:3 tanh:3 relu:3 relu:4 relu:7 relu:8 "
        "relu:8 relu:8",
        (2, 5, 6, 9, 10, 11),
    ),
    # Liu et al., 2019, https://arxiv.org/abs/1806.09055
    "DARTS_V1": (
        "relu:0 relu:1 tanh:2 relu:3 relu:4 identity:1 relu:5 relu:1",
        (1, 2, 3, 4, 5, 6, 7, 8),
    ),
    "DARTS_V2": (
        "sigmoid:0 relu:1 relu:1 identity:1 tanh:2 sigmoid:5 tanh:3 relu:5",
        (1, 2, 3, 4, 5, 6, 7, 8),
    ),
}

PUBLISHED = {"cnn": _CONVOLUTIONAL, "rnn": _RECURRENT}
"""The published cells of each space."""


def published_cells(name, space="cnn"):
    """Returns the cells of a published genotype by name, a dict.

    Args:
        name: String, one of `published_names(space)`.
        space: String, the structure of the cells: `"cnn"` or `"rnn"`.

    Raises:
        ValueError: If no genotype of that name was published, or the space
            is unknown.
    """
    if name not in published_names(space):
        raise ValueError(
            f"There is no published genotype named {name!r}. The published "
            f"genotypes are: {', '.join(published_names(space))}."
            f"{suggest_published_name(str(name), space)}"
        )
    published = PUBLISHED[space][name]
    return {
        cell_type: {"nodes": list(_edges(text)), "concat": concat}
        for cell_type, text, concat in zip(
            STRUCTURES[space].cell_types, published[::2], published[1::2]
        )
    }


def published_names(space: str = "cnn") -> tuple[str, ...]:
    """Returns the names of all published genotypes, a tuple of strings.

    Args:
        space: String, the structure of the cells: `"cnn"` or `"rnn"`.

    Raises:
        ValueError: If the space is unknown.

    Example:

    >>> published_names("rnn")
    ('ENAS', 'DARTS_V1', 'DARTS_V2')
    """
    if space not in STRUCTURES:
        raise ValueError(
            f"The space of a genotype must be one of {', '.join(STRUCTURES)}. "
            f"Received: {space!r}."
        )
    return tuple(PUBLISHED.get(space, ()))


def suggest_published_name(name, space="cnn"):
    """Returns a sentence that suggests a published name, or an empty string.

    Args:
        name: String that is not a published name.
        space: String, the structure of the cells: `"cnn"` or `"rnn"`.

    Example:

    >>> suggest_published_name("darts-v2"), suggest_published_name("x")
    (' Did you mean DARTS_V2?', '')
    >>> suggest_published_name("ENAS")
    ' ENAS holds a recurrent cell: give --space=rnn.'
    """
    for other, structure in STRUCTURES.items():
        if other != space and name in published_names(other):
            return (
                f" {name} holds {structure.description}: give --space={other}."
            )
    plain = {_letters(each): each for each in published_names(space)}
    letters = _letters(name)
    close = [each for each in plain if letters and each.startswith(letters)]
    close = close or difflib.get_close_matches(letters, plain, 1, 0.7)
    meant = " or ".join(plain[each] for each in close)
    return f" Did you mean {meant}?" if meant else ""


def _letters(name):
    """Returns a name in lower case, without hyphens and underscores."""
    return name.lower().replace("-", "").replace("_", "")


def _edges(text):
    for edge in text.split():
        primitive, predecessor = edge.split(":")
        yield primitive, int(predecessor)
