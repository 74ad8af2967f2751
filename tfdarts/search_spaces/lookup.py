"""Finds the genotype that a user's string refers to."""

import pathlib
import shlex

from tfdarts import genotypes
from tfdarts.arguments import path_text
from tfdarts.pasted import is_pasted
from tfdarts.published_cells import suggest_published_name
from tfdarts.search_spaces.space_registry import get_space
from tfdarts.structures import STRUCTURES

RANDOM = "random:"
_FILES = (".json", ".txt", ".log", ".py")


def find_genotype(identifier, space="darts"):
    """Returns the genotype that a `--genotype` flag refers to.

    Args:
        identifier: See `look_up`.
        space: See `look_up`.

    Raises:
        ValueError: If there is no such genotype, or it is for another kind of
            data than the space.

    Example:

    >>> find_genotype("DARTS_V2").name
    'DARTS_V2'
    """
    origin, genotype = look_up(identifier, space)
    received, needed = STRUCTURES[genotype.space], get_space(space).structure
    if received.primitives != needed.primitives:
        raise ValueError(
            f"{origin} has a genotype of {received.description}, but this "
            f"command needs {needed.description}: convolutional cells are "
            "for images, recurrent cells for texts. Check --dataset."
        )
    return genotype


def look_up(identifier, space="darts"):
    """Returns the origin of a genotype, in words, and the genotype.

    Args:
        identifier: String: a published name such as `"DARTS_V2"`,
            `"random:<seed>"` for a uniform draw from the search space, or a
            genotype as Python prints it. Or the path of a genotype file, or
            of a run directory with a `genotype.json`.
        space: String, the search space of names and random draws; see
            `tfdarts.search_spaces.space_registry.get_space`.

    Raises:
        ValueError: If the identifier is none of these.
    """
    if not identifier:
        raise ValueError(
            "A genotype is missing: give --genotype, or --run_dir of a search."
        )
    identifier = path_text(identifier, "A genotype")
    space = get_space(space)
    structure = space.structure.name
    published = genotypes.published_names(structure)
    if identifier in published:
        return "The paper", genotypes.get(identifier, structure)
    if identifier.startswith(RANDOM):
        seed = identifier.removeprefix(RANDOM)
        if not seed.isdecimal():
            raise ValueError(
                "A random genotype is random:<seed>, where <seed> is an "
                f"integer of at least 0. Received: {identifier!r}."
            )
        return f"The space {space.name}", space().sample(int(seed))
    if path := _genotype_file(identifier):
        return path, genotypes.Genotype.load(path)
    if is_pasted(identifier):
        return "The text", genotypes.Genotype.from_string(identifier)
    names = f"one of the published names {', '.join(published)}"
    raise ValueError(
        f"There is no genotype {identifier!r}: it is not a file, a run "
        "directory with a genotype.json, random:<seed>, or "
        f"{names if published else 'a published name'}."
        f"{_hint(identifier, structure)}"
    )


def _hint(identifier, space):
    """Returns a sentence that suggests a correct identifier."""
    if pathlib.Path(identifier).suffix in _FILES:
        return " Check the path."
    run_dir = shlex.quote(f"--run_dir={identifier}")
    return suggest_published_name(identifier, space) or (
        f" For a run directory, search first: tfdarts-search {run_dir}."
    )


def _genotype_file(identifier):
    path = pathlib.Path(identifier)
    try:
        path = path / "genotype.json" if path.is_dir() else path
        return path if path.is_file() else None
    except OSError:  # A pasted genotype is too long for a path.
        return None
