"""Choosing among the genotypes of several searches."""

import logging
import pathlib
import re
import zlib
from typing import Any

from tfdarts.console import show_progress
from tfdarts.patterns import find_matches
from tfdarts.records.json_files import write_json
from tfdarts.records.recorded_settings import TIME_LIMIT
from tfdarts.records.run_directory import Stage
from tfdarts.runs.from_scratch import FromScratchEvaluator
from tfdarts.runs.workers import run_as_worker
from tfdarts.search_spaces.lookup import find_genotype
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import require_config
from tfdarts.tasks.task_registry import config_classes
from tfdarts.tasks.task_registry import task_of_config

logger = logging.getLogger("tfdarts")


@show_progress()
def select(config: Settings) -> list[dict[str, Any]]:
    """Trains each candidate briefly; takes the best on validation data.

    A search depends on its seed, so the paper searches a few times and keeps
    the cell whose network, trained briefly from scratch, has the highest
    accuracy on validation examples. The lower loss decides ties; for language
    models, the loss is the only criterion. With `class_weights="balanced"`,
    balanced accuracy decides. Test examples are never read.

    Candidates may also be the genotypes of one search, files such as
    `<run_dir>/search/genotypes/epoch_3.json`. Of candidates with the same
    genotype, only the first is trained; the others have its results.

    Each candidate is a run of its own in `<run_dir>/candidates`. An
    interrupted selection is resumed; with further candidates, only these are
    trained.

    Args:
        config: `tfdarts.SelectConfig`, or for texts
            `tfdarts.RNNSelectConfig`.

    Returns:
        List of dicts, one per candidate, best first, as in `selection.json`
        of the run directory. `genotype.json` there is the winner's.

    Raises:
        ValueError: If there are fewer than two candidates, one is no
            genotype, or the run directory holds another kind of run.
        DataError: If the data do not fit the settings, or there are no
            validation examples to rank on.
        DivergedError: If a candidate's loss becomes NaN.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 3.1
    """
    require_config("select", config, *config_classes("select"))
    task = task_of_config(config)
    with run_as_worker(config) as config:
        run_dir = _run_dir(config)
        space = config.space or task.space
        candidates = _candidates(config.run_dirs, space)
        for name in candidates:
            stage = Stage(run_dir / "candidates" / name, "train")
            config = stage.restore_choices(config)
        config = task.apply_selection_preset(config)
        ranking = _train_all(
            candidates, FromScratchEvaluator(task, config), space, run_dir
        )
        ranking.sort(key=lambda results: task.rank(results, config))
        winner = find_genotype(ranking[0]["genotype"], space)
        write_json(run_dir / "selection.json", ranking)
        winner.save(run_dir / "genotype.json")
        return ranking


def _train_all(candidates, evaluator, space, run_dir):
    """Returns the results of all candidates that are trained in time.

    Args:
        candidates: Dict from names to identifiers of genotypes.
        evaluator: `FromScratchEvaluator`.
        space: String, the search space of identifiers.
        run_dir: Path of the selection.

    Raises:
        ValueError: If the time is not enough for one candidate.
    """
    stages = {
        name: Stage(run_dir / "candidates" / name, "train")
        for name in candidates
    }
    minutes = getattr(evaluator.config, TIME_LIMIT, 0)
    ranking, trained = [], {}
    for position, (name, identifier) in enumerate(candidates.items()):
        genotype, stage = find_genotype(identifier, space), stages[name]
        shown = position + 1, len(candidates), identifier
        logger.info("select: candidate %d of %d, %s", *shown)
        if genotype in trained:
            logger.info("select: its genotype was trained before")
        else:
            if minutes:
                spent = [s.status().get("seconds", 0) for s in stages.values()]
                evaluator.seconds_left = 60 * minutes - sum(spent)
            is_trained = stage.finished and not stage.is_out_of_time
            if evaluator.seconds_left <= 0 and not is_trained:
                continue
            results = evaluator.train(identifier, stage.run_dir)
            if stage.is_out_of_time:
                continue
            trained[genotype] = results
        ranking.append(
            {"candidate": name, "genotype": identifier, **trained[genotype]}
        )
    _report_time(len(ranking), len(candidates), minutes)
    return ranking


def _report_time(done, total, minutes):
    """Logs that candidates were left out; refuses to choose among none."""
    advice = "run the same command with a larger --max_minutes"
    if not done:
        raise ValueError(
            f"--max_minutes={minutes:g} was not enough to train one candidate: "
            f"{advice}, which resumes."
        )
    if done < total:
        logger.info(
            "select: ended because of --max_minutes=%g, with %d of %d "
            "candidates trained. To continue, %s.",
            *(minutes, done, total, advice),
        )


def _run_dir(config):
    """Returns the directory of a selection; no search may use it."""
    if not config.run_dir:
        raise ValueError("A selection needs a run directory: give --run_dir.")
    run_dir = pathlib.Path(config.run_dir)
    others = (run_dir / "genotype.json").exists()
    if others and not (run_dir / "selection.json").exists():
        raise ValueError(
            f"{run_dir} holds a genotype that no selection wrote: give "
            f"another --run_dir."
        )
    return run_dir


def _candidates(identifiers, space):
    """Returns a dict from the candidates' names to their identifiers.

    Raises:
        ValueError: If there are fewer than two candidates, or one is missing.
    """
    found = []
    for identifier in identifiers or ():
        found += find_matches(identifier) or [identifier]
    if len(found) < 2:
        received = ", ".join(found) or "none"
        raise ValueError(
            "A selection needs at least two candidates: give them as "
            f"--run_dirs, separated by commas. Received: {received}."
        )
    candidates = {}
    for identifier in found:
        find_genotype(identifier, space)
        name = _directory_name(identifier)
        if name in candidates:
            raise ValueError(
                f"Two candidates would share the directory {name}: "
                f"{candidates[name]} and {identifier}. Give each candidate "
                "once, or rename one."
            )
        candidates[name] = identifier
    return candidates


def _directory_name(identifier):
    """Returns a directory name that depends only on this candidate.

    A checksum keeps names apart that differ only in characters that are
    dropped, such as emoji.
    """
    name = re.sub(r"[^\w.-]+", "-", identifier).strip("-.")
    if re.search(r"[^\w\0-\x7f]", identifier) or not name:
        checksum = zlib.crc32(identifier.encode())
        return f"{name}-{checksum:08x}".strip("-")
    return name
