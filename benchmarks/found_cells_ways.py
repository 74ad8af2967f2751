"""The ways of finding a cell that the study of found cells compares.

Each way may take the same time: its counts of epochs or candidates are planned
once, from a brief run, and then fixed.
"""

import dataclasses
import math
import time

import equal_networks
from cifar10_images import read_purpose
from methods_quality import SETTINGS as SUPERNET
from methods_quality import published_of
from search_seconds import measure_search

FIRST_RANDOM = 4_000_000_000
"""The first seed of genotypes that no search and no percentile draws."""

MOST_OF = 20
"""Of so many random genotypes, `most_parameters` takes the largest."""

OF_SEARCH = 1_000
"""The distance of the seeds of several searches of one way."""


@dataclasses.dataclass(frozen=True)
class Gradient:
    """A search by gradient descent, and a choice among its genotypes.

    Args:
        strategy: String, a value of `--strategy`.
        settings: Dict of further settings of the search.
        warmup: Float, the share of the epochs before alpha moves.
        searches: Integer, searches with seeds of their own.
        candidates: Integer, genotypes of epochs that are trained briefly to
            take the best on validation images; 0: that of the last epoch.
    """

    strategy: str = "darts"
    settings: dict = dataclasses.field(default_factory=dict)
    warmup: float = 0.0
    searches: int = 1
    candidates: int = 0

    def __post_init__(self):
        if self.searches > 1 and self.candidates < self.searches:
            raise ValueError(
                "Several searches need a choice among their genotypes: give "
                f"at least one candidate for each. Received: {self}."
            )


FAST = {"alpha_learning_rate": 0.03}
CALM = {"alpha_average": 0.99, "alpha_learning_rate_schedule": "cosine"}
GRADIENT = {
    "darts": Gradient(settings=FAST),
    "darts_warm": Gradient(settings=FAST, warmup=0.3),
    "darts_selected": Gradient(settings=FAST, warmup=0.3, candidates=4),
    "darts_seeds": Gradient(
        settings=FAST, warmup=0.3, searches=2, candidates=4
    ),
    "darts_averaged": Gradient(settings=FAST | CALM, warmup=0.3),
    "darts_averaged_selected": Gradient(
        settings=FAST | CALM, warmup=0.3, candidates=4
    ),
    "darts_second_order": Gradient(settings=FAST | {"order": 2}, warmup=0.3),
    "pc_darts": Gradient("pc_darts", FAST, warmup=0.3),
    "pc_darts_selected": Gradient("pc_darts", FAST, warmup=0.3, candidates=4),
    "gdas": Gradient("gdas", FAST),
    "gaea": Gradient("gaea", {"alpha_learning_rate": 0.1}),
}
"""The searches by gradient descent; all that is tried is a line here."""

TRAINED = {"best_of_n": "random", "local_search": "local_search"}
"""The strategies that train candidates briefly."""

PUBLISHED = {
    "DARTS_V1": "DARTS_V1",
    "DARTS_V2": "DARTS_V2",
    "PC_DARTS": "PC_DARTS_cifar",
}
WITHOUT_COST = ("random", "most_parameters", *PUBLISHED)
WAYS = (*WITHOUT_COST, *TRAINED, *GRADIENT)


@dataclasses.dataclass(frozen=True)
class Study:
    """Where a study finds its images and puts its runs, and its size.

    Args:
        images: Path; see `cifar10_images`.
        work_dir: Path.
        minutes: Float, what a way of finding a cell may take.
        scale: Float, the share of all images that a trial run has.
        changes: Dict of dicts of settings in place of those of the study, for
            trial runs: of the `"search"`, of the `"brief"` trainings and of
            the final `"training"`.
    """

    images: object
    work_dir: object
    minutes: float = 10.0
    scale: float = 1.0
    changes: dict = dataclasses.field(default_factory=dict)


def images_of_search(study):
    """Returns the images of weights and of alphas as a data set."""
    import tfdarts

    validation = read_purpose(study.images, "alphas", study.scale)
    return tfdarts.from_arrays(
        read_purpose(study.images, "weights", study.scale),
        # A data set must have test images; no search reads them.
        test=tuple(each[:10] for each in validation),
        validation=validation,
        name="cifar10",
    )


def gradient_config(study, way, seed, run_dir, epochs, warmup):
    """Returns the settings of one search by gradient descent.

    Args:
        study: `Study`.
        way: `Gradient`.
        seed: Integer.
        run_dir: Path.
        epochs: Integer.
        warmup: Integer, the epochs before alpha moves.
    """
    import tfdarts

    fixed = published_of(way.strategy)["fixed"]
    settings = SUPERNET | {"alpha_warmup_epochs": warmup}
    settings = {k: v for k, v in settings.items() if k not in fixed}
    settings |= way.settings | study.changes.get("search", {})
    settings["image_size"] = 0
    return tfdarts.search_config(
        way.strategy,
        dataset=images_of_search(study),
        run_dir=str(run_dir),
        seed=seed,
        epochs=epochs,
        **settings,
    )


def candidate_config(study, name, seed, run_dir, num_candidates):
    """Returns the settings of a search that trains candidates briefly.

    Args:
        study: `Study`.
        name: String, the strategy.
        seed: Integer.
        run_dir: Path.
        num_candidates: Integer.
    """
    import tfdarts

    settings = equal_networks.BRIEF | study.changes.get("brief", {})
    if name == "local_search":
        # As many as half of the candidates, because there are few.
        settings["num_initial"] = max(min(10, num_candidates // 2), 1)
    return tfdarts.search_config(
        name,
        dataset=images_of_search(study),
        run_dir=str(run_dir),
        seed=seed,
        num_candidates=num_candidates,
        validation_portion=0.0,
        **settings,
    )


def measure_candidate(study, run_dir):
    """Returns the seconds of one core for a brief training, a mean of two."""
    import tfdarts

    begun = time.process_time()
    tfdarts.search(candidate_config(study, "random", 2**11, run_dir, 2))
    return (time.process_time() - begun) / 2


def measure_gradient(study, way, run_dir):
    """Returns the seconds of one core for a search; see `search_seconds`."""

    def config(epochs, warmup):
        return gradient_config(study, way, 0, run_dir, epochs, warmup)

    seconds = measure_search(config, run_dir, way.warmup)
    # Other processes may have used the core, too.
    cores = seconds.pop("cores")
    return {name: cores * value for name, value in seconds.items()}


def plan_candidates(minutes, candidate_seconds):
    """Returns how many candidates fit into the time, at least two."""
    return max(int(60 * minutes / candidate_seconds), 2)


def plan_epochs(minutes, way, seconds, candidate_seconds):
    """Returns how many epochs of each search fit into the time.

    Args:
        minutes: Float, for all searches and the choice among genotypes.
        way: `Gradient`.
        seconds: Dict; see `search_seconds.measure_search`.
        candidate_seconds: Float, the seconds of a brief training.

    Returns:
        Tuple of two integers: the epochs, and those before alpha moves.

    Raises:
        ValueError: If fewer than two epochs fit.
    """
    left = 60 * minutes - way.candidates * candidate_seconds
    left = left / way.searches - seconds["start"] - seconds["decisions"]
    epochs = math.floor(left / seconds["epoch"])
    if epochs < 2:
        raise ValueError(
            f"In {minutes:g} minutes, {way} has no time for two epochs of "
            f"{seconds['epoch']:.1f} seconds: give more --minutes, or fewer "
            "searches or candidates."
        )
    return epochs, round(way.warmup * epochs)


def epochs_to_try(genotypes, first, count):
    """Returns the epochs whose genotypes are tried, all different.

    They are spread evenly over the different genotypes in the order in which
    the search found them last, and the last one is among them.

    Args:
        genotypes: List of `Genotype`, of epochs 1, 2, ....
        first: Integer, the first epoch that counts.
        count: Integer, at most.
    """
    last_epoch = {
        genotype: epoch
        for epoch, genotype in enumerate(genotypes, 1)
        if epoch >= first
    }
    epochs = sorted(last_epoch.values())
    step = len(epochs) / min(count, len(epochs))
    return [
        epochs[math.ceil(step * n) - 1]
        for n in range(1, min(count, len(epochs)) + 1)
    ]
