"""The command `tfdarts-list`."""

import dataclasses
import inspect
import pathlib
import re
import textwrap

from tfdarts import genotypes
from tfdarts.cli.command import Command
from tfdarts.cli.command import settings_of
from tfdarts.cli.parsing import config_directories
from tfdarts.primitive_table import primitive_names
from tfdarts.runs.evaluator_registry import EVALUATORS
from tfdarts.search_spaces.space_registry import SPACES
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.strategies.strategy_registry import strategies
from tfdarts.structures import STRUCTURES
from tfdarts.tasks.task_registry import tasks


def _strategies():
    """Returns the strategies of each family."""
    families = {}
    for each in strategies():
        family = families.setdefault(f"strategies: {each.family}", {})
        family[each.name] = _first_sentence(type(each))
    return families


def _evaluators():
    lines = {name: _first_sentence(each) for name, each in EVALUATORS.items()}
    return {"evaluators": lines}


def _spaces():
    lines = {name: _first_sentence(each) for name, each in SPACES.items()}
    return {"search spaces": lines}


def _genotypes():
    return {
        f"genotypes of {STRUCTURES[space].description}": {
            name: _nodes(genotypes.get(name, space))
            for name in genotypes.published_names(space)
        }
        for space in ("cnn", "rnn")
    }


def _nodes(genotype):
    """Returns the number of nodes of each cell, in words."""
    counts = [
        f"{name} cell of {len(cell.nodes)} nodes"
        for name, cell in genotype.cells.items()
    ]
    return ", ".join(counts)


def _configs():
    lines = {
        f"configs/{path.name}": _first_comment(path)
        for directory in config_directories()
        for path in sorted(directory.glob("*.cfg"))
    }
    return {"configs, values of --flagfile": lines}


def _data_sets():
    kinds = {}
    for task in tasks():
        for each in task.data_sets:
            kinds.setdefault(each, []).append(task.name)
    lines = {each: " or ".join(names) for each, names in kinds.items()}
    return {"data sets, values of --dataset": lines}


def _primitives():
    """Returns the kinds of cells that may use each primitive."""
    cells = {}
    for kind, structure in STRUCTURES.items():
        for name in primitive_names(kind):
            cells.setdefault(name, []).append(structure.description)
    lines = {name: ", ".join(kinds) for name, kinds in cells.items()}
    return {"primitives, and the cells that may have them": lines}


KINDS = {
    "strategies": _strategies,
    "evaluators": _evaluators,
    "spaces": _spaces,
    "genotypes": _genotypes,
    "configs": _configs,
    "data_sets": _data_sets,
    "primitives": _primitives,
}
"""Functions that return lists: from titles to dicts of names and lines."""


def _first_sentence(documented):
    text = inspect.cleandoc(documented.__doc__ or "").partition("\n\n")[0]
    return " ".join(text.split())


def _first_comment(path: pathlib.Path):
    """Returns the first sentence of the comment that begins a config."""
    lines = re.match(r"(#.*\n)*", path.read_text())[0].splitlines()
    text = " ".join(line.lstrip("# ") for line in lines)
    return re.split(r"(?<=[.:])\s", text, maxsplit=1)[0].rstrip(":.") + "."


@dataclasses.dataclass(frozen=True)
class ListSettings(Settings):
    """Settings of `tfdarts-list`."""

    kind: str = setting(
        "all",
        f"What to list: {', '.join(KINDS)}, or all.",
        choices=(*KINDS, "all"),
    )


def run(values):
    """Prints names with one line each."""
    kind = settings_of(ListSettings, values).kind
    finders = KINDS.values() if kind == "all" else [KINDS[kind]]
    shown = [
        show(title, lines)
        for find in finders
        for title, lines in find().items()
    ]
    print("\n\n".join(shown))


def show(title, lines):
    """Returns a list with a title as text.

    Example:

    >>> print(show("data sets", {"digits": "images", "pydoc": "texts"}))
    data sets
      digits  images
      pydoc   texts
    """
    width = 2 + max(map(len, lines))
    shown = [title]
    for name, line in lines.items():
        shown += textwrap.wrap(
            line,
            100,
            initial_indent=f"  {name:<{width}}",
            subsequent_indent=" " * (2 + width),
            break_on_hyphens=False,
        )
    return "\n".join(shown)


command = Command(
    name="tfdarts-list",
    summary="Lists strategies, evaluators, search spaces, published genotypes, "
    "configs,\ndata sets and primitives, with those of plugins.",
    examples=("tfdarts-list", "tfdarts-list --kind=strategies"),
    settings=(ListSettings,),
    run=run,
    resumes=False,
    needs_tensorflow=False,
)
main = command.main
