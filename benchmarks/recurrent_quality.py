"""Recurrent cells against each other, LSTM and GRU, at equal tuning.

    python benchmarks/recurrent_quality.py --work_dir=runs/pydoc_study
    python benchmarks/recurrent_quality.py --work_dir=runs/wikitext2_study \\
        --text=DIRECTORY --words=300000

All networks have as many weights, and the settings of configs/pydoc_train.cfg.
Each kind of cell is first trained at each of the learning rates with seed 100;
the rate with the lowest validation perplexity is its own. Then each kind is
trained with seeds 0, 1, ... at its rate, and tested once. For `found`, each
seed has a search with configs/pydoc.cfg; for `best_of_n`, each seed has a
selection among random cells, by brief trainings.

DIRECTORY holds `train.txt`, `valid.txt` and `test.txt`. The first words of
`train.txt` are read, and all but its 10,000 most frequent words are unknown.

Each finished run is a line of JSON in benchmarks/results. The same command
resumes what is left, and prints the table.
"""

import argparse
import collections
import itertools
import json
import os
import pathlib
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from digits import run
from study import append_row
from study import read_rows

import tfdarts
from tfdarts.data.text_lookup import open_text_source

RESULTS = pathlib.Path(__file__).parent / "results" / "recurrent_quality.jsonl"
UNITS = 160
"""The units of a cell of eight nodes; other cells have as many weights."""
RATES = (5.0, 10.0, 20.0, 40.0)
TUNING_SEED = 100
NUM_RANDOM = 4
SELECTION_EPOCHS = 10
VOCABULARY = 10_000
HAND_MADE = ("lstm", "gru")
PUBLISHED = ("DARTS_V1", "DARTS_V2", "ENAS")
KINDS = ("found", "best_of_n", "random", *PUBLISHED, *HAND_MADE)
KEYS = ("data", "kind", "purpose", "learning_rate", "seed")


def num_weights(kind, units, vocabulary_size):
    """Returns the number of weights of a language model, an integer.

    The embedding is also the last layer, which has a bias.

    Args:
        kind: One of `KINDS`.
        units: Integer.
        vocabulary_size: Integer.
    """
    embedding = vocabulary_size * (units + 1)
    if kind == "lstm":
        return embedding + 8 * units**2 + 4 * units
    if kind == "gru":
        return embedding + 6 * units**2 + 6 * units
    nodes = 8
    if kind in PUBLISHED:
        nodes = len(tfdarts.genotypes.get(kind, space="rnn").recurrent)
    return embedding + (2 * nodes + 4) * units**2


def units_of(kind, vocabulary_size):
    """Returns the units with which a kind has as many weights as the others."""
    expected = num_weights("random", UNITS, vocabulary_size)
    return min(
        range(1, 4 * UNITS),
        key=lambda units: abs(
            num_weights(kind, units, vocabulary_size) - expected
        ),
    )


def cut_text(directory, words, work_dir):
    """Writes the first words of a text, and of these only the frequent ones.

    Args:
        directory: Path with `train.txt`, `valid.txt` and `test.txt`.
        words: Integer, how many words of `train.txt`; whole lines.
        work_dir: Path.

    Returns:
        Path of the directory with the three new files.
    """
    texts = {
        name: (directory / name).read_text(encoding="utf-8").splitlines()
        for name in ("train.txt", "valid.txt", "test.txt")
    }
    sizes = itertools.accumulate(
        len(line.split()) + 1 for line in texts["train.txt"]
    )
    count = sum(size <= words for size in sizes)
    texts["train.txt"] = texts["train.txt"][:count]
    counted = collections.Counter(" ".join(texts["train.txt"]).split())
    known = {word for word, _ in counted.most_common(VOCABULARY - 1)}
    place = work_dir / "text"
    place.mkdir(parents=True, exist_ok=True)
    for name, lines in texts.items():
        cut = (
            " ".join(w if w in known else "<unk>" for w in line.split())
            for line in lines
        )
        (place / name).write_text("\n".join(cut) + "\n", encoding="utf-8")
    return place


class Study:
    """A study of recurrent cells on one text.

    Args:
        given: The arguments of the command line.
    """

    def __init__(self, given):
        self.given = given
        self.dataset = "pydoc"
        if given.text:
            place = cut_text(given.text, given.words, given.work_dir)
            self.dataset = f"text:{place}"
        self.data = given.name
        self.vocabulary_size = len(open_text_source(self.dataset).vocabulary)

    def results(self):
        """Returns the finished runs of this text, a dict by their keys."""
        return {
            tuple(row[key] for key in KEYS): row
            for row in read_rows(self.given.results)
            if row["data"] == self.data
        }

    def genotype_flag(self, kind, seed):
        """Returns the flag that names a cell; searches or selects it first."""
        if kind in HAND_MADE:
            return f"--cell={kind}"
        if kind in PUBLISHED:
            return f"--genotype={kind}"
        if kind == "random":
            return f"--genotype=random:{seed}"
        run_dir = self.given.work_dir / f"{kind}_{seed}"
        flags = [
            f"--dataset={self.dataset}",
            f"--seed={seed}",
            f"--run_dir={run_dir}",
        ]
        if kind == "found":
            run("tfdarts-search", "--flagfile=configs/pydoc.cfg", *flags)
        else:
            first = NUM_RANDOM * seed
            drawn = range(first, first + NUM_RANDOM)
            run(
                "tfdarts-select",
                "--flagfile=configs/pydoc_train.cfg",
                f"--run_dirs={','.join(f'random:{n}' for n in drawn)}",
                f"--epochs={SELECTION_EPOCHS}",
                *flags,
            )
        return f"--genotype={run_dir / 'genotype.json'}"

    def train(self, kind, purpose, rate, seed):
        """Trains a network, tests a final one, and adds a line of results."""
        begun = time.monotonic()
        cell = self.genotype_flag(kind, seed)
        seconds_to_find = round(time.monotonic() - begun, 1)
        name = f"{purpose}_{kind}_{rate:g}_{seed}"
        run_dir = self.given.work_dir / name
        run(
            "tfdarts-train",
            "--flagfile=configs/pydoc_train.cfg",
            f"--dataset={self.dataset}",
            f"--epochs={self.given.epochs}",
            f"--units={units_of(kind, self.vocabulary_size)}",
            f"--learning_rate={rate}",
            f"--seed={seed}",
            f"--run_dir={run_dir}",
            cell,
        )
        if purpose == "final":
            run("tfdarts-evaluate", f"--run_dir={run_dir}")
        file = run_dir / "train" / "results.json"
        found = json.loads(file.read_text())
        row = {
            "data": self.data,
            "kind": kind,
            "purpose": purpose,
            "learning_rate": rate,
            "seed": seed,
            "epochs": self.given.epochs,
            "weights": found["num_parameters"],
            "best_epoch": found["best_epoch"],
            "validation_perplexity": round(found["validation_perplexity"], 3),
            "seconds_to_find": seconds_to_find,
            "seconds": found["seconds"],
        }
        if purpose == "final":
            row["test_perplexity"] = round(found["test_perplexity"], 3)
        append_row(self.given.results, row)

    def rate_of(self, kind):
        """Returns the learning rate with the lowest validation perplexity.

        `None` before all rates are tried. A selection has the rate of random
        cells.
        """
        kind = "random" if kind == "best_of_n" else kind
        done = self.results()
        rows = [
            done.get((self.data, kind, "tuning", rate, TUNING_SEED))
            for rate in RATES
        ]
        if None in rows:
            return None
        best = min(rows, key=lambda row: row["validation_perplexity"])
        return best["learning_rate"]

    def left(self):
        """Returns the runs that are not finished, a list of tuples.

        Final runs follow when the rate of their kind is known.
        """
        done, runs = self.results(), []
        for kind in self.given.kinds:
            rate = self.rate_of(kind)
            if rate is not None:
                for seed in range(self.given.seeds):
                    runs.append((kind, "final", rate, seed))
            elif kind != "best_of_n":
                for each in RATES:
                    runs.append((kind, "tuning", each, TUNING_SEED))
        return [run for run in runs if (self.data, *run) not in done]

    def run(self):
        """Runs all that is not finished."""
        while left := self.left():
            kind, purpose, rate, seed = left[0]
            print(
                f"{len(left)} known runs are left; next {kind}, {purpose}, "
                f"learning rate {rate:g}, seed {seed}",
                flush=True,
            )
            self.train(kind, purpose, rate, seed)


def markdown(rows):
    """Returns the table of the final runs of one text.

    Args:
        rows: List of results.
    """
    lines = [
        "| cell | learning rate | test perplexity of each seed "
        "| mean ± deviation | weights | seconds to find it |",
        "| --- | ---: | --- | --- | ---: | ---: |",
    ]
    for kind in KINDS:
        runs = [
            row
            for row in rows
            if (row["kind"], row["purpose"]) == (kind, "final")
        ]
        if not runs:
            continue
        figures = [row["test_perplexity"] for row in runs]
        deviation = statistics.stdev(figures) if len(figures) > 1 else 0
        seconds = statistics.mean(row["seconds_to_find"] for row in runs)
        lines.append(
            f"| {kind} | {runs[0]['learning_rate']:g} "
            f"| {', '.join(f'{x:.1f}' for x in figures)} "
            f"| {statistics.mean(figures):.1f} ± {deviation:.1f} "
            f"| {runs[0]['weights']:,} | {seconds:.0f} |"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--work_dir", type=pathlib.Path, required=True)
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS)
    parser.add_argument("--name", default="pydoc", help="of the text")
    parser.add_argument("--text", type=pathlib.Path, help="directory")
    parser.add_argument("--words", type=int, default=300_000)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--kinds", default=",".join(KINDS))
    given = parser.parse_args()
    given.kinds = given.kinds.split(",")
    study = Study(given)
    study.run()
    print(markdown([*study.results().values()]))


if __name__ == "__main__":
    main()
