"""The Pareto front of a search's candidates, in its run directory."""

import json
import shutil

from tfdarts.records.json_files import report_damage
from tfdarts.records.json_files import write_json
from tfdarts.records.run_directory import FRONT
from tfdarts.strategies.proposers.pareto import front_of


def write_front(directory, trials, costs):
    """Writes the scores and costs of all candidates, and the front.

    `front.json` has a dict for each different candidate: its number, score
    and costs, and whether no other is as good in all of them and better in
    one. The genotypes of the front are in `front/candidate_<number>.json`,
    where `tfdarts-select` finds them.

    Args:
        directory: Path of the search in the run directory.
        trials: List of `Evaluation`.
        costs: List of dicts of costs by name, one for each trial; `None` for
            candidates that have diverged.
    """
    first = {}
    for number, (trial, cost) in enumerate(zip(trials, costs, strict=True), 1):
        if cost is not None:
            first.setdefault(trial.genotype, (number, trial, cost))
    found = [*first.values()]
    points = [[trial.rank[0], *cost.values()] for _, trial, cost in found]
    on_front = {*front_of(points).tolist()} if points else set()
    rows = [
        {
            "candidate": number,
            "score": trial.score,
            **cost,
            "on_front": position in on_front,
        }
        for position, (number, trial, cost) in enumerate(found)
    ]
    genotypes = directory / "front"
    shutil.rmtree(genotypes, ignore_errors=True)
    genotypes.mkdir()
    for position in sorted(on_front):
        number, trial, _ = found[position]
        trial.genotype.save(genotypes / f"candidate_{number}.json")
    write_json(directory / FRONT, rows)


def read_front(directory):
    """Returns what `write_front` wrote into `front.json`, a list of dicts.

    Args:
        directory: See `write_front`.

    Raises:
        ValueError: If the file is damaged.
    """
    path = directory / FRONT
    with report_damage(path):
        rows = json.loads(path.read_text())
        if not isinstance(rows, list) or not all(
            isinstance(row, dict)
            and {"candidate", "score", "on_front"} <= {*row}
            for row in rows
        ):
            raise ValueError("It holds no list of candidates.")
        return rows
