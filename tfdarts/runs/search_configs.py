"""The settings of a search, which depend on its strategy and its data."""

import dataclasses
import functools
import types

from tfdarts.evaluators.evaluator import EVALUATOR
from tfdarts.evaluators.evaluator import FROM_SCRATCH
from tfdarts.runs.evaluator_registry import get_evaluator
from tfdarts.search_spaces.space_registry import get_space
from tfdarts.search_spaces.subspaces import is_subspace
from tfdarts.settings.conditions import unmet_conditions
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.settings.fields import with_condition
from tfdarts.settings.fields import with_one_value
from tfdarts.settings.fields import with_published
from tfdarts.strategies.strategy import STRATEGY
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.tasks.shared_settings import NumCandidates
from tfdarts.tasks.task_registry import task_of_data
from tfdarts.tasks.task_registry import tasks


def search_config(strategy: str = "darts", **settings) -> Settings:
    """Returns the settings of a search.

    Args:
        strategy: String, a value of `--strategy`.
        **settings: Settings of the strategy, of its `evaluator` and of the
            task of `dataset`, as `tfdarts-search --strategy=... --help` lists
            them.

    Returns:
        Dataclass for `tfdarts.search`; for DARTS on images, a
        `tfdarts.SearchConfig`.

    Raises:
        ValueError: If the strategy or the evaluator is unknown, or a setting
            is invalid.

    Example:

    >>> search_config("random", num_candidates=4).num_candidates
    4
    """
    task = task_of_data(settings.get("dataset"))
    given = {**settings, "strategy": strategy}
    config_class = search_config_class_of(given, task)
    unknown = {*settings} - {f.name for f in dataclasses.fields(config_class)}
    if unknown:
        raise ValueError(
            f"The strategy {strategy} on {task.name} has no setting "
            f"{', '.join(sorted(unknown))}."
        )
    return config_class(**settings)


_COMMANDS = {"supernet": "search", "candidates": "candidates"}
"""The key of `Task.configs`, by the `trains` of a strategy."""


def is_for(strategy, task, evaluator=None):
    """Returns whether a strategy can search on a task with an evaluator."""
    if _missing_settings(strategy, task, evaluator):
        return False
    return evaluator is None or _knows_cells(evaluator, task)


def _trained(strategy, evaluator):
    """Returns the strategy whose training a search consists of.

    It is that of the evaluator's supernet, if it has one.
    """
    if evaluator is None or evaluator.supernet_strategy is None:
        return strategy
    return get_strategy(evaluator.supernet_strategy)


def _missing_settings(strategy, task, evaluator):
    """Returns what the settings of a task lack for a search, in words."""
    trained = _trained(strategy, evaluator)
    base = task.configs.get(_COMMANDS[trained.trains])
    if base is None:
        models = {"supernet": "a supernet"}.get(trained.trains, "candidates")
        return f"settings for training {models}"
    names = {field.name for field in dataclasses.fields(base)}
    parts = {*strategy.parts, *trained.parts}
    return ", ".join(map("--{}".format, sorted(parts - names)))


def _knows_cells(evaluator, task):
    """Returns whether an evaluator knows cells for the data of a task."""
    return _are_alike(task.space, evaluator.space or task.space)


def _are_alike(*names):
    """Returns whether search spaces have primitives of one kind."""
    return len({get_space(each).structure.primitives for each in names}) == 1


def search_config_class_of(settings, task):
    """Returns the dataclass of the settings of a search.

    Args:
        settings: Dict of settings, given or recorded. Strategies and
            evaluators that it does not name are the default ones.
        task: `Task`.

    Raises:
        ValueError: If the strategy or the evaluator is unknown, or they
            cannot search together on the task.
    """
    strategy = get_strategy(settings.get("strategy", "darts"))
    evaluator = evaluator_of(strategy, settings)
    return search_config_class(strategy, task, evaluator)


def evaluator_of(strategy, settings):
    """Returns the evaluator of a search, or `None` if it has none.

    Args:
        strategy: `Strategy`.
        settings: Dict of settings, given or recorded.

    Raises:
        ValueError: If the evaluator is unknown.
    """
    if strategy.trains != "candidates":
        return None
    return get_evaluator(settings.get("evaluator", FROM_SCRATCH))


@functools.cache
def search_config_class(strategy, task, evaluator):
    """Returns the dataclass of the settings of a strategy on a task.

    Args:
        strategy: `Strategy`.
        task: `Task`.
        evaluator: Subclass of `Evaluator`; `None` for strategies that train a
            supernet.

    Raises:
        ValueError: If the strategy or the evaluator does not support the
            task, or they have settings of the same name.
    """
    missing = _missing_settings(strategy, task, evaluator)
    if missing:
        raise ValueError(
            f"The strategy {strategy.name} cannot search on {task.name}: "
            f"this task has no {missing}. Choose another --strategy."
        )
    trained = _trained(strategy, evaluator)
    base = task.configs[_COMMANDS[trained.trains]]
    parts = [part for part in (strategy, evaluator) if part]
    own = [part.settings for part in parts if part.settings]
    changes = own or strategy.parts or strategy.published or strategy.fixed
    if strategy.name == "darts" and not evaluator and not changes:
        return base
    _require_different_names(parts, own)
    flags = [f"--strategy={strategy.name}"]
    fields = [("strategy", str, setting(strategy.name, STRATEGY))]
    idle = {}
    if evaluator:
        fields.append(("evaluator", str, setting(evaluator.name, EVALUATOR)))
        if evaluator.space:
            _require_cells(evaluator, task)
            own = [*own, _KnownSpace]
        if trained is not strategy:
            own = [*own, NumCandidates]
            flags.append(f"--evaluator={evaluator.name}")
        elif not evaluator.trains_networks:
            idle = _training_settings(task)
    published = {**trained.parts, **strategy.parts}
    for each in dict.fromkeys((trained, strategy)):
        if _are_alike(task.space, each.published_for):
            published |= each.published
    if evaluator and evaluator.space:
        published["space"] = evaluator.space
    fixed = {**trained.fixed, **strategy.fixed}
    # Those of the strategy have published values, too.
    classes = [base, strategy.settings] if strategy.settings else [base]
    known = {f.name: f for c in classes for f in dataclasses.fields(c)}
    for field in known.values():
        changed = _field_of(" ".join(flags), fixed, field, published)
        if field.name in idle:
            changed = with_condition(changed, evaluator=FROM_SCRATCH)
        if changed is not field:
            fields.append((field.name, field.type, changed))
    return dataclasses.make_dataclass(
        f"{type(strategy).__name__}Config",
        fields,
        bases=(*own, base),
        namespace={"__doc__": f"Settings of a {strategy.name} search."},
        frozen=True,
    )


def _require_cells(evaluator, task):
    """Raises `ValueError` if a task has not the cells of an evaluator."""
    if not _knows_cells(evaluator, task):
        cells = get_space(evaluator.space).structure.description
        raise ValueError(
            f"The evaluator {evaluator.name} knows only {cells}, which "
            f"is not for {task.name}: choose another --evaluator."
        )


def _field_of(owner, fixed, field, published):
    """Returns a field of the settings of a search, as a strategy has it.

    Args:
        owner: String, the flags of the parts that fix values.
        fixed: Dict of the only values of settings.
        field: Field of a dataclass of settings.
        published: Dict of the published values.
    """
    name, has = field.name, f"{owner} always has"
    if name in fixed:
        value = fixed[name]
        refusal = f"{has} --{name}={value}: leave --{name} out."
        return with_one_value(field, value, refusal)
    if missed := unmet_conditions(field, types.SimpleNamespace(**fixed)):
        present = " ".join(f"--{n}={fixed[n]}" for n in missed)
        value = field.metadata.get("paper", field.default)
        refusal = f"{has} {present}, so --{name} has no effect: leave it out."
        return with_one_value(field, published.get(name, value), refusal)
    if name in published:
        return with_published(field, published[name])
    return field


def _training_settings(task):
    """Returns the names of the settings of brief trainings, a set.

    Args:
        task: `Task`.
    """
    base = task.configs["candidates"]
    names = {*base.__dataclass_fields__}
    names &= {*task.configs["train"].__dataclass_fields__}
    names -= {*task.shared_config.__dataclass_fields__, "space"}
    # Validation examples in Python change it.
    return names - {*getattr(base, "own_validation", ())[:1]}


@dataclasses.dataclass(frozen=True)
class _KnownSpace(Settings):
    """Refuses search spaces that the evaluator does not know."""

    def __post_init__(self):
        super().__post_init__()
        known = get_space(get_evaluator(self.evaluator).space)()
        if not is_subspace(self.search_space, known):
            raise ValueError(
                f"The evaluator {self.evaluator} knows only the genotypes of "
                f"--space={known.name} with {known.num_nodes} nodes and the "
                f"primitives {', '.join(known.primitives)}: search these, or "
                "choose another --evaluator."
            )


def _require_different_names(parts, own):
    """Raises `ValueError` if a strategy and an evaluator share a setting."""
    if len(own) < 2:
        return
    shared = {*own[0].__dataclass_fields__} & {*own[1].__dataclass_fields__}
    for name in sorted(shared):
        raise ValueError(
            f"The strategy {parts[0].name} and the evaluator {parts[1].name} "
            f"both have a setting {name}: rename it in one of them, or choose "
            "another --evaluator."
        )


def all_search_configs():
    """Returns dataclasses; any settings of a search are of one of them."""
    return [
        task.configs[command]
        for task in tasks()
        for command in _COMMANDS.values()
        if command in task.configs
    ]


def strategy_of_config(config):
    """Returns the strategy that the settings of a search belong to.

    Raises:
        ValueError: If the settings belong to another strategy or evaluator.
    """
    given = vars(config)
    if "strategy" not in given:
        raise ValueError(
            f"A {type(config).__name__} names no strategy: create the "
            "settings with tfdarts.search_config(strategy, ...)."
        )
    strategy = get_strategy(config.strategy)
    evaluator = evaluator_of(strategy, given)
    known = [
        search_config_class(strategy, task, evaluator)
        for task in tasks()
        if is_for(strategy, task, evaluator)
    ]
    if not isinstance(config, tuple(known)):
        words, arguments = [config.strategy], [repr(config.strategy)]
        if strategy.trains == "candidates" and "evaluator" in given:
            words.append(f"with the evaluator {config.evaluator}")
            arguments.append(f"evaluator={config.evaluator!r}")
        raise ValueError(
            f"These are not settings of the strategy {' '.join(words)}: "
            "create them with tfdarts.search_config("
            f"{', '.join(arguments)}, ...)."
        )
    return strategy
