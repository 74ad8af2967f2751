"""Genotypes by what a user calls them."""

import pathlib

from tfdarts import genotypes
from tfdarts.arguments import path_text
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.rnn import RNNSearchSpace

RANDOM = "random:"
SPACES = {"cnn": CNNSearchSpace, "rnn": RNNSearchSpace}
"""The search spaces of the paper, by the kind of network."""


def find_genotype(identifier, space="cnn"):
    """Returns the genotype that a `--genotype` flag means.

    Args:
        identifier: String, a published name such as `"DARTS_V2"`, or
            `"random:<seed>"` for one drawn uniformly from the search space;
            or path of a file, or of a run directory that holds a
            `genotype.json`.
        space: String, `"cnn"` or `"rnn"`, of what kind of network.

    Raises:
        ValueError: If it is none of these, or of the other kind.

    Example:

    >>> find_genotype("DARTS_V2").name
    'DARTS_V2'
    """
    identifier = path_text(identifier, "A genotype")
    published = genotypes.published_names(space)
    if identifier in published:
        return genotypes.get(identifier, space)
    if identifier.startswith(RANDOM):
        seed = identifier.removeprefix(RANDOM)
        if not seed.isdecimal():
            raise ValueError(
                f"A random genotype is random:<seed>, the seed an integer that "
                f"is not negative. Received: {identifier!r}."
            )
        return SPACES[space]().sample(int(seed))
    path = _genotype_file(identifier)
    if path is None:
        raise ValueError(
            f"There is no genotype {identifier!r}: it is no file, no run "
            f"directory with a genotype.json, no random:<seed>, and none of "
            f"the published names {', '.join(published)}."
        )
    genotype = genotypes.Genotype.load(path)
    if genotype.space != space:
        kinds = {"cnn": "convolutional cells", "rnn": "a recurrent cell"}
        raise ValueError(
            f"{path} holds {kinds[genotype.space]}, but what is "
            f"needed here is {kinds[space]}: convolutional cells are for "
            f"images, recurrent ones for texts. Check --dataset."
        )
    return genotype


def _genotype_file(identifier):
    path = pathlib.Path(identifier)
    try:
        path = path / "genotype.json" if path.is_dir() else path
        return path if path.is_file() else None
    except OSError:  # no path at all: a whole genotype, pasted
        return None
