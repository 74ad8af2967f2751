"""The runs of the study of found cells, and what each needs before it."""

import collections
import statistics

import found_cells_ways as ways

CANDIDATE = "candidate"
"""The plan of a brief training, which other plans need."""

Job = collections.namedtuple("Job", ["kind", "way", "seed"])


def needs_of(job):
    """Returns the jobs that must be done before a job, a list."""
    if job.kind == "train":
        return [Job("search", job.way, job.seed)]
    if job.kind == "search" and job.way not in ways.WITHOUT_COST:
        return [Job("plan", job.way, 0)]
    if job.kind == "plan" and job.way != CANDIDATE:
        return [Job("plan", CANDIDATE, 0)]
    return []


def jobs_of(names, seeds):
    """Returns all jobs, each after those that it needs.

    Args:
        names: List of ways of finding a cell.
        seeds: List of integers.
    """
    trained = [
        Job(kind, name, seed)
        for seed in seeds
        for name in names
        for kind in ("search", "train")
    ]
    found = {}
    for job in trained:
        for need in needs_of(job):
            found |= dict.fromkeys([*needs_of(need), need])
        found[job] = None
    return [*found]


def ready_jobs(jobs, done):
    """Returns the jobs that are not done, and whose needs are, a list.

    Args:
        jobs: List of `Job`.
        done: Dict of results by job; those with an error count as done, but
            nothing follows from them.
    """
    usable = {job for job, row in done.items() if "error" not in row}
    ready = [
        job
        for job in jobs
        if job not in done and all(need in usable for need in needs_of(job))
    ]
    # Nothing else shall run while the seconds of a way are measured.
    return [job for job in ready if job.kind == "plan"] or ready


def hours_left(jobs, done, minutes):
    """Returns the hours that jobs take one after the other.

    Args:
        jobs: List of `Job`, those that are left.
        done: Dict of results by job, whose trainings were timed. Without any,
            a training counts as long as a search.
        minutes: Float, the minutes of a search.
    """
    timed = [
        row["seconds"]
        for job, row in done.items()
        if job.kind == "train" and "error" not in row
    ]
    training = statistics.mean(timed) if timed else 60 * minutes
    return (
        sum(
            training
            if job.kind == "train"
            else 60 * minutes * (job.way not in ways.WITHOUT_COST)
            for job in jobs
            if job.kind != "plan"
        )
        / 3600
    )
