"""Finds the genotype that a user's string refers to."""

import pathlib
import shlex

from tfdarts import genotypes
from tfdarts.arguments import path_text
from tfdarts.cells import STRUCTURES
from tfdarts.pasted import is_pasted
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.rnn import RNNSearchSpace

RANDOM = "random:"
_FILES = (".json", ".txt", ".log", ".py")
SPACES = {"cnn": CNNSearchSpace, "rnn": RNNSearchSpace}
"""The search spaces of the paper, by the kind of network."""


def find_genotype(identifier, space="cnn"):
    """Returns the genotype that a `--genotype` flag refers to.

    Args:
        identifier: String: a published name such as `"DARTS_V2"`,
            `"random:<seed>"` for a uniform draw from the search space, or a
            genotype as Python prints it. Or the path of a genotype file, or
            of a run directory with a `genotype.json`.
        space: String, `"cnn"` or `"rnn"`, the kind of network.

    Raises:
        ValueError: If the identifier is none of these, or the genotype is for
            the other kind of network.

    Example:

    >>> find_genotype("DARTS_V2").name
    'DARTS_V2'
    """
    if not identifier:
        raise ValueError(
            "A genotype is missing: give --genotype, or --run_dir of a search."
        )
    identifier = path_text(identifier, "A genotype")
    published = genotypes.published_names(space)
    if identifier in published:
        return genotypes.get(identifier, space)
    if identifier.startswith(RANDOM):
        seed = identifier.removeprefix(RANDOM)
        if not seed.isdecimal():
            raise ValueError(
                "A random genotype is random:<seed>, where <seed> is an "
                f"integer of at least 0. Received: {identifier!r}."
            )
        return SPACES[space]().sample(int(seed))
    if path := _genotype_file(identifier):
        genotype = genotypes.Genotype.load(path)
    elif is_pasted(identifier):
        path = "The text"
        genotype = genotypes.Genotype.from_string(identifier)
    else:
        raise ValueError(
            f"There is no genotype {identifier!r}: it is not a file, a run "
            "directory with a genotype.json, random:<seed>, or one of the "
            "published names "
            f"{', '.join(published)}.{_hint(identifier, space)}"
        )
    if genotype.space != space:
        raise ValueError(
            f"{path} has a genotype of "
            f"{STRUCTURES[genotype.space].description}, but this command "
            f"needs {STRUCTURES[space].description}: convolutional cells are "
            "for images, recurrent cells for texts. Check --dataset, or "
            "--space if the command has no --dataset."
        )
    return genotype


def _hint(identifier, space):
    """Returns a sentence that suggests a correct identifier."""
    if pathlib.Path(identifier).suffix in _FILES:
        return " Check the path."
    run_dir = shlex.quote(f"--run_dir={identifier}")
    return genotypes.suggest_published_name(identifier, space) or (
        f" For a run directory, search first: tfdarts-search {run_dir}."
    )


def _genotype_file(identifier):
    path = pathlib.Path(identifier)
    try:
        path = path / "genotype.json" if path.is_dir() else path
        return path if path.is_file() else None
    except OSError:  # A pasted genotype is too long for a path.
        return None
