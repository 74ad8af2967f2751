"""The candidates of a search, in its run directory."""

import csv
import io
import json

from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.files import write_atomically
from tfdarts.records.json_files import report_damage
from tfdarts.records.json_files import write_json
from tfdarts.records.run_directory import TRIALS


def read_trials(directory):
    """Returns the trials of a search, a list of `Evaluation`.

    Args:
        directory: Path of the search in the run directory.

    Raises:
        ValueError: If the file is damaged.
    """
    path = directory / TRIALS
    if not path.exists():
        return []
    with report_damage(path):
        trials = json.loads(path.read_text())
        if not isinstance(trials, list) or not all(
            isinstance(each, dict) and {*each} == {*Evaluation._fields}
            for each in trials
        ):
            raise ValueError("It holds no list of evaluations.")
        return [Evaluation.from_dict(each) for each in trials]


def write_trials(directory, trials):
    """Writes `trials.csv` for people, and `trials.json` for resuming.

    Args:
        directory: Path of the search in the run directory.
        trials: List of `Evaluation`.
    """
    text = io.StringIO(newline="")
    columns = ("score", "seconds", "parameters", "multiply_adds")
    writer = csv.DictWriter(text, ("candidate", *columns, "genotype"))
    writer.writeheader()
    for number, trial in enumerate(trials, 1):
        row = {name: getattr(trial, name) for name in columns}
        cells = json.dumps(trial.genotype.to_dict())
        writer.writerow({"candidate": number, **row, "genotype": cells})
    write_atomically(directory / "trials.csv", text.getvalue())
    write_json(directory / TRIALS, [trial.to_dict() for trial in trials])
