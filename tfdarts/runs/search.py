"""Searching for a cell."""

import contextlib
import functools
import logging

from tfdarts.console import show_progress
from tfdarts.evaluators.evaluation import OutOfTime
from tfdarts.genotypes import Genotype
from tfdarts.records.pictures import optional_pictures
from tfdarts.records.pictures import redraw_advice
from tfdarts.records.run_directory import Stage
from tfdarts.runs.candidate_search import CandidateSearch
from tfdarts.runs.search_configs import all_search_configs
from tfdarts.runs.search_configs import strategy_of_config
from tfdarts.runs.sizes_in_time import choose_sizes
from tfdarts.runs.stages import run_stage
from tfdarts.runs.supernet_search import SupernetSearch
from tfdarts.runs.time_budget import report_finished
from tfdarts.runs.visualize import draw_run
from tfdarts.runs.workers import run_as_worker
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import require_config
from tfdarts.tasks.task_registry import task_of_config

logger = logging.getLogger("tfdarts")


@show_progress()
def search(config: Settings) -> Genotype | None:
    """Searches for a cell and writes its genotype to the run directory.

    The strategy of the config finds the cell. An interrupted search resumes
    after its last whole epoch or candidate, and so does a search whose number
    of epochs or candidates is raised. A finished search only returns its
    genotype.

    Args:
        config: `tfdarts.SearchConfig` or `tfdarts.RNNSearchConfig` for DARTS;
            for any strategy, the result of `tfdarts.search_config`.

    Returns:
        The `Genotype` found; `None` with `chief`, whose search finds it.

    Raises:
        ValueError: If a setting is invalid, the run directory holds a search
            with other settings, or the chief has other settings.
        DataError: If the data do not fit the settings.
        DivergedError: If the loss becomes NaN.
        WorkerLostError: If another worker, or the chief, is gone.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055)
    """
    require_config("search", config, *all_search_configs())
    task, strategy = task_of_config(config), strategy_of_config(config)
    with run_as_worker(config) as config:
        stage = Stage(config.run_dir, "search")
        if getattr(config, "chief", None):
            return _evaluate_for_chief(task, stage.restore_choices(config))
        kind = {"supernet": SupernetSearch, "candidates": CandidateSearch}
        config = choose_sizes(task, stage.restore_choices(config), stage)
        running = kind[strategy.trains](task, config)
        run_stage(stage, running, functools.partial(_finish, strategy))
        return Genotype.load(stage.run_dir / "genotype.json")


def _evaluate_for_chief(task, config):
    """Evaluates candidates for the chief of a search, until it has ended."""
    from tfdarts.strategies.proposers.worker import run_worker

    run_worker(CandidateSearch(task, config), config.chief)
    logger.info("worker: done; the chief writes all results")


def _finish(strategy, running, stage):
    """Searches, writes genotype and drawings, and logs a warning, if any."""
    running.begin(stage)
    with contextlib.suppress(OutOfTime):
        strategy.run(running)
    running.check_result()
    running.genotype.save(stage.run_dir / "genotype.json")
    stage.report("running", **running.progress)
    with optional_pictures("The search is done", redraw_advice(stage.run_dir)):
        draw_run(stage.run_dir)
    warning = running.warning()
    if warning:
        logger.warning("search: %s", warning)
    report_finished(
        *(stage, running.is_out_of_time, running.done, running.config),
        **({"warning": warning} if warning else {}),
    )
