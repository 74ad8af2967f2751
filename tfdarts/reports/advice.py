"""What to try next after a run, by rules on what its files show."""

import math
import shlex

from tfdarts.reports.stage_state import describe_state

FEW_EPOCHS = 25
"""Half the paper's epochs of a search, below which a search is short."""

RECENT = 0.2
"""The last share of the epochs that tells whether a figure still rises."""

LARGE_GAP = 0.1
"""Training minus validation accuracy from which a network overfits."""

LARGE_ERROR = 0.05
"""The expected calibration error from which probabilities mislead."""

WEAK_CLASS = 0.2
"""How far the recall of a class may be below the mean recall."""


def advise(run):
    """Returns what to try next, a list of dicts.

    Each rule looks at one figure of the run. The thresholds are ours,
    except those of a collapse, and each piece of advice says the figure that
    led to it.

    Args:
        run: Dict, the result of `tfdarts.reports.run_page.read_run`.

    Returns:
        List of dicts: `what`, a sentence to do; `why`, a sentence with the
        figures; `command`, a command line or `None`.
    """
    found = []
    for rule in _RULES:
        found += [each for each in rule(run) if each]
    return found


def _advice(what, why, command=None):
    return {"what": what, "why": why, "command": command}


def _of_state(run):
    """Unfinished stages are resumed, before anything else is tried."""
    for name, part in (("search", run["search"]), ("train", run["training"])):
        if part is None or part["status"].get("state") == "finished":
            if part and "out_of_time" in part["status"]:
                yield _advice(
                    "Give more --max_minutes, or leave the flag out.",
                    f"The time of the {_noun(name)} was up after "
                    f"{part['done']} of {part['length']} "
                    f"{part.get('unit', 'epoch')}s.",
                )
            continue
        yield _advice(
            f"Run the command of the {_noun(name)} again: it resumes after "
            f"the last whole {part.get('unit', 'epoch')}.",
            describe_state(
                part["status"], part["length"], part.get("unit", "epoch")
            ),
            (run["typed"].get(name) or [None])[-1],
        )


def _noun(name):
    return {"search": "search", "train": "training"}[name]


def _of_collapse(run):
    search = run["search"]
    verdict = search and search["verdict"]
    if not verdict or verdict.sound:
        return
    reasons = " ".join(verdict.reasons)
    if "collapse" in verdict.headline:
        yield _advice(
            "Stop the search earlier (--early_stop=skips), or search with a "
            "method against collapse, such as --strategy=darts_minus, "
            "fair_darts or pc_darts.",
            f"{verdict.headline}. {reasons}",
        )
    else:
        yield _advice(
            "Search again with more --epochs, a higher "
            "--alpha_learning_rate or a smaller --batch_size.",
            f"{verdict.headline}, so the genotype is hardly better than "
            f"chance. {reasons}",
        )


def _of_search_length(run):
    search = run["search"]
    if not search or not search["metrics"] or search["unit"] != "epoch":
        return
    epochs = len(search["metrics"]["epoch"])
    rise, recent = _last_rise(search["metrics"], "validation_supernet_accuracy")
    unchanged = search["metrics"].get("epochs_unchanged", [math.nan])[-1]
    whys = []
    if rise > 0.01:
        whys.append(
            "The supernet's validation accuracy still rose, by "
            f"{100 * rise:.1f} percentage points in the last {recent} epochs."
        )
    if epochs < FEW_EPOCHS and search["status"].get("state") == "finished":
        whys.append(
            f"This search had {_counted(epochs, 'epoch')}, the paper's 50."
        )
    if whys:
        yield _advice("Search with more --epochs.", " ".join(whys))
    if unchanged == 0 and epochs > 1:
        yield _advice(
            "Derive from averaged alphas (--alpha_average=0.99), or search "
            "until the genotype stays the same.",
            f"The genotype still changed in the last epoch, {epochs}.",
        )


def _of_candidates(run):
    search = run["search"]
    trials = search and search["trials"]
    if not trials:
        return
    count, best = len(trials["rows"]), trials["best"]
    if count > 4 and best > (1 - RECENT) * count:
        yield _advice(
            "Evaluate more candidates: raise --num_candidates in the same "
            "command.",
            f"The best candidate, {best} of {count}, is among the last fifth.",
        )
    elif count < 10:
        yield _advice(
            "Evaluate more candidates: raise --num_candidates in the same "
            "command.",
            f"{_counted(count, 'candidate')} is few.",
        )


def _of_stages(run):
    """A run goes from search to training to test."""
    path = f"--run_dir={run['path']}"
    if run["has_genotype"] and not run["training"] and not run["seeds"]:
        yield _advice(
            "Train the network of the cell: only its test says how good the "
            "cell is.",
            "This run has a genotype and no training.",
            _line("tfdarts-train", run, path),
        )
    training = run["training"]
    finished = training and training["status"].get("state") == "finished"
    if finished and not run["test"]:
        yield _advice(
            "Test the network.",
            "The training has finished, and there are no test results.",
            shlex.join(["tfdarts-evaluate", path]),
        )
    elif (
        finished and run["test"]["is_of_images"] and not run["test"]["details"]
    ):
        yield _advice(
            "Test the network again, for its confusion matrix and its "
            "calibration.",
            "evaluation/report.json is missing.",
            shlex.join(["tfdarts-evaluate", path]),
        )


def _line(command, run, path):
    dataset = run["search"] and run["search"]["dataset"]
    words = [command, *([f"--dataset={dataset}"] if dataset else []), path]
    return shlex.join(words)


def _of_training(run):
    training = run["training"]
    if not training or not training["metrics"]:
        return
    metrics = training["metrics"]
    rise, recent = _last_rise(metrics, "validation_accuracy")
    fall, recent_words = _last_rise(metrics, "validation_perplexity")
    if rise > 0.005:
        yield _advice(
            "Train with more --epochs.",
            "The validation accuracy still rose, by "
            f"{100 * rise:.1f} percentage points in the last {recent} epochs.",
        )
    if fall < 0 and -fall > 0.01 * metrics["validation_perplexity"][-1]:
        yield _advice(
            "Train with more --epochs.",
            f"The validation perplexity still fell, by {-fall:.3g} in the "
            f"last {recent_words} epochs.",
        )
    pair = [metrics.get(f"{each}accuracy") for each in ("", "validation_")]
    if all(pair) and pair[0][-1] - pair[1][-1] > LARGE_GAP:
        yield _advice(
            "Regularize more: --cutout_length, --drop_path_rate, "
            "--label_smoothing, --mixup, or a smaller --init_channels.",
            f"The accuracy is {pair[0][-1]:.1%} on training images and "
            f"{pair[1][-1]:.1%} on validation images.",
        )


def _of_test(run):
    test = run["test"]
    if not test:
        return
    calibration = test["calibration"]
    if calibration and calibration["error"] > LARGE_ERROR:
        over = calibration["gap"] > 0
        yield _advice(
            "Do not read the probabilities as frequencies."
            + (" --label_smoothing or --mixup lower them." if over else ""),
            f"The expected calibration error is {calibration['error']:.1%}; "
            f"the network is {'over' if over else 'under'}confident by "
            f"{abs(calibration['gap']):.1%} on average.",
        )
    recalls = [row for row in test["classes"] if row["recall"] is not None]
    if recalls:
        mean = sum(row["recall"] for row in recalls) / len(recalls)
        worst = min(recalls, key=lambda row: row["recall"])
        if worst["recall"] < mean - WEAK_CLASS:
            yield _advice(
                "Look at the images of the weakest class, add more of them, "
                "or give --class_weights=balanced.",
                f"The recall of {worst['class']} is {worst['recall']:.1%}, "
                f"the mean of all classes {mean:.1%}.",
            )
    trigram = test["figures"].get("trigram_perplexity", math.inf)
    if test["figures"].get("test_perplexity", 0) > trigram:
        yield _advice(
            "Train longer, or with more --units, before you use this model.",
            f"A trigram model has a perplexity of {trigram:.4g}, the network "
            f"{test['figures']['test_perplexity']:.4g}.",
        )


def _of_proof(run):
    """One network says little about its cell."""
    if not run["test"] or run["seeds"]:
        return
    interval = run["test"]["interval"]
    why = "A single seed says little about a cell."
    if interval:
        why = (
            f"The {run['test']['figures']['test_examples']:,} test images "
            f"leave an interval of {interval[0]:.1%} to {interval[1]:.1%} "
            "(95%), and another seed gives another accuracy."
        )
    yield _advice(
        "Train the cell and a random cell (--genotype=random:0) with several "
        "seeds, such as --seeds=0,1,2, before you call the cell good.",
        why,
    )


def _last_rise(metrics, name):
    """Returns how much a metric rose in its last epochs, and their number.

    The rise is between the best value of the last fifth of the epochs, at
    least two epochs, and the best value before; 0 if there are too few.
    """
    values = [v for v in metrics.get(name, ()) if math.isfinite(v)]
    recent = max(2, round(RECENT * len(values)))
    if len(values) < recent + 2:
        return 0.0, recent
    best = min if name.endswith("perplexity") else max
    return best(values[-recent:]) - best(values[:-recent]), recent


def _counted(count, noun):
    return f"{count} {noun}{'s' * (count != 1)}"


_RULES = (
    *(_of_state, _of_collapse, _of_search_length, _of_candidates),
    *(_of_stages, _of_training, _of_test, _of_proof),
)
