"""Does searching find better cells than chance? See docs/evaluation.md.

    python benchmarks/found_cells.py plan --images=DIRECTORY --work_dir=WORK
    python benchmarks/found_cells.py run --images=DIRECTORY --work_dir=WORK
    python benchmarks/found_cells.py table
    python benchmarks/found_cells.py score darts --seed=100 \\
        --images=DIRECTORY --work_dir=WORK

`cifar10_images.py` describes DIRECTORY. `plan` measures each way of finding a
cell while nothing else runs, and fixes its counts of epochs or candidates.
`run` finds cells, trains their networks and tests them; each finished run is
a line of JSON in benchmarks/results. A study that was interrupted resumes with
the same command, and several processes with this command share the work: start
one on each core, `taskset -c 0 python ...` and `taskset -c 1 python ...`, as
each run uses one thread. `table` prints what was found. `score` is for the
development of settings: it searches, and prints the percentile of each epoch's
genotype by a surrogate. Use seeds from 100 on for it.

Name ways of finding a cell to run only these; `found_cells_ways.py` lists all.
The recipe of the trainings is in `equal_networks.py`.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import found_cells_table
import found_cells_ways as ways
from found_cells_jobs import CANDIDATE
from found_cells_jobs import Job
from found_cells_jobs import hours_left
from found_cells_jobs import jobs_of
from found_cells_jobs import needs_of
from found_cells_jobs import ready_jobs
from study import append_row
from study import lock_run
from study import read_rows

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results" / "found_cells.jsonl"
BUSY = 75
"""The exit code of a run that another process is doing."""


def results_by_job(given):
    """Returns the results of finished jobs, a dict."""
    done = {
        Job(row["kind"], row["way"], row["seed"]): row
        for row in read_rows(given.results)
        if row["minutes"] == given.minutes
    }
    for name in (CANDIDATE, *ways.TRAINED, *ways.GRADIENT):
        path = plan_path(given, name)
        if path.exists():
            done[Job("plan", name, 0)] = json.loads(path.read_text())
    return done


def plan_path(given, name):
    """Returns the path of the plan of a way."""
    return given.work_dir / "plans" / f"{name}_{given.minutes:g}_minutes.json"


def run_all(given, jobs):
    """Runs what is left, until it is done or other processes do the rest."""
    busy = set()
    while True:
        done = results_by_job(given)
        left = [job for job in jobs if job not in done]
        ready = [job for job in ready_jobs(jobs, done) if job not in busy]
        if not ready:
            break
        hours = hours_left(left, done, given.minutes)
        print(
            f"{len(left)} of {len(jobs)} runs are left, about {hours:.1f} "
            f"hours of one core; next {' '.join(map(str, ready[0]))}",
            flush=True,
        )
        code = run_process(given, ready[0])
        if code == BUSY:
            busy.add(ready[0])
        elif code == 0:
            busy = set()  # What others did may have made jobs ready.
        else:
            sys.exit(f"{' '.join(map(str, ready[0]))} ended with code {code}.")
    if left:
        print(
            f"{len(left)} runs are left that other processes are doing, or "
            "that need runs which failed; the lines with an error say why."
        )


def run_process(given, job):
    """Runs a job in a process of its own; returns its exit code."""
    command = [
        *(sys.executable, __file__, "one", job.way),
        *(f"--kind={job.kind}", f"--seed={job.seed}"),
        *(f"--minutes={given.minutes!r}", f"--images={given.images}"),
        *(f"--work_dir={given.work_dir}", f"--results={given.results}"),
        *(f"--scale={given.scale!r}", f"--changes={given.changes}"),
    ]
    environment = {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(command, env=os.environ | environment).returncode


def run_one(given):
    """Does one job, unless another process does; records its result."""
    job = Job(given.kind, given.ways[0], given.seed)
    name = f"{given.minutes:g}_minutes_{'_'.join(map(str, job))}"
    locked = "plans" if job.kind == "plan" else name
    with lock_run(given.work_dir / "locks", locked) as is_free:
        if not is_free:
            sys.exit(BUSY)
        done = results_by_job(given)
        if job in done:
            return
        begun, computed = time.monotonic(), time.process_time()
        run_dir = given.work_dir / name
        try:
            result = WORK[job.kind](given, job, done, run_dir)
        except Exception as error:
            if job.kind == "plan":
                raise
            result = {"error": f"{type(error).__name__}: {error}"}
            print(f"{name} failed: {result['error']}", file=sys.stderr)
        result["seconds"] = round(time.monotonic() - begun, 1)
        result["core_seconds"] = round(time.process_time() - computed, 1)
        keep(given, job, result)


def keep(given, job, result):
    """Writes the result of a job."""
    if job.kind == "plan":
        path = plan_path(given, job.way)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result) + "\n")
        return
    import tfdarts

    append_row(
        given.results,
        {
            **job._asdict(),
            "minutes": given.minutes,
            "version": tfdarts.__version__,
            **result,
        },
    )


def study_of(given):
    """Returns the `found_cells_ways.Study` of the command line."""
    return ways.Study(
        given.images,
        given.work_dir,
        given.minutes,
        given.scale,
        json.loads(given.changes),
    )


def plan_job(given, job, done, run_dir):
    """Measures a way; returns the counts that fit into its time, a dict."""
    study = study_of(given)
    # What was left of an interrupted measurement would not be measured.
    run_dir = run_dir / f"{time.time():.0f}"
    if job.way == CANDIDATE:
        return {"candidate_seconds": ways.measure_candidate(study, run_dir)}
    candidate = done[needs_of(job)[0]]["candidate_seconds"]
    if job.way in ways.TRAINED:
        return {"candidates": ways.plan_candidates(given.minutes, candidate)}
    way = ways.GRADIENT[job.way]
    measured = ways.measure_gradient(study, way, run_dir)
    epochs, warmup = ways.plan_epochs(given.minutes, way, measured, candidate)
    return {"epochs": epochs, "warmup": warmup, "measured": measured}


def search_job(given, job, done, run_dir):
    """Finds a cell; returns its genotype and figures, a dict."""
    from found_cells_search import find_cell
    from percentiles import scorer

    plan = done[needs_of(job)[0]] if needs_of(job) else {}
    counts = ("candidates", "epochs", "warmup")
    plan = {name: plan[name] for name in counts if name in plan}
    genotype, did = find_cell(study_of(given), job.way, job.seed, plan, run_dir)
    score, percentile, _ = scorer("darts")
    return {
        "genotype": genotype.to_dict(),
        "skips": genotype.num_skip_connections,
        "percentile": round(percentile(score(genotype)), 1),
        **did,
    }


def train_job(given, job, done, run_dir):
    """Trains and tests the network of a found cell; returns a dict."""
    from equal_networks import train_equal

    from tfdarts import Genotype

    found = done[needs_of(job)[0]]["genotype"]
    study = study_of(given)
    result = train_equal(
        Genotype.from_dict(found),
        job.seed,
        study.images,
        run_dir,
        study.scale,
        study.changes.get("training"),
    )
    return {"genotype": found, **result}


WORK = {"plan": plan_job, "search": search_job, "train": train_job}


def print_scores(given):
    """Searches in a way and prints the percentile of each epoch."""
    from found_cells_search import search_all
    from percentiles import judge_epochs

    from tfdarts import CNNSearchSpace

    study, name = study_of(given), given.ways[0]
    plan = json.loads(plan_path(given, name).read_text())
    run_dir = given.work_dir / f"score_{given.minutes:g}_{name}_{given.seed}"
    paths = search_all(study, ways.GRADIENT[name], given.seed, plan, run_dir)
    for path in paths:
        for row in judge_epochs(CNNSearchSpace(), path):
            print(json.dumps({"search": path.name, **row}))


def check_ways(given, parser):
    """Ends with a usage error if a way cannot be run as asked."""
    known = {"score": ways.GRADIENT, "one": (*ways.WAYS, CANDIDATE)}
    known = known.get(given.command, ways.WAYS)
    for name in given.ways:
        if name not in known:
            parser.error(f"{name} is not one of {', '.join(known)}.")
    if given.command in ("score", "one") and len(given.ways) != 1:
        parser.error(f"{given.command} takes one way.")
    if given.command != "table" and not (given.images and given.work_dir):
        parser.error(f"{given.command} needs --images and --work_dir.")
    is_trial = given.scale != 1 or given.changes != "{}"
    if is_trial and given.results == RESULTS:
        parser.error("--scale and --changes need another file for --results.")


def parse_arguments(arguments=None):
    """Returns the arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = ("plan", "run", "table", "score", "one")
    parser.add_argument("command", choices=commands)
    parser.add_argument("ways", nargs="*", help="default: all")
    parser.add_argument("--images", type=pathlib.Path)
    parser.add_argument("--work_dir", type=pathlib.Path)
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS)
    parser.add_argument(
        "--minutes", type=float, default=10.0, help="of a search, on one core"
    )
    parser.add_argument(
        "--seeds", default="0,1,2,3,4", help="numbers separated by commas"
    )
    parser.add_argument("--seed", type=int, default=100, help="of score")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="share of the images"
    )
    parser.add_argument(
        "--changes",
        default="{}",
        help="JSON for trial runs: settings by search, brief and training",
    )
    parser.add_argument("--picture", help="of table: path of a PNG")
    parser.add_argument("--kind", choices=WORK, help="internal")
    given = parser.parse_args(arguments)
    check_ways(given, parser)
    return given


def main():
    given = parse_arguments()
    if given.command == "one":
        run_one(given)
    elif given.command == "score":
        print_scores(given)
    elif given.command == "table":
        rows = found_cells_table.rows_of_minutes(
            read_rows(given.results), given.minutes
        )
        print(found_cells_table.markdown(rows))
        if given.picture:
            found_cells_table.draw(rows, given.picture)
    else:
        seeds = [int(each) for each in given.seeds.split(",")]
        jobs = jobs_of(given.ways or ways.WAYS, seeds)
        if given.command == "plan":
            jobs = [job for job in jobs if job.kind == "plan"]
        run_all(given, jobs)


if __name__ == "__main__":
    main()
