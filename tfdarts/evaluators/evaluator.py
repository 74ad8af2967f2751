"""The interface of an evaluator."""

import pathlib
from typing import Any

from tfdarts import genotypes
from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.settings.fields import Settings

EVALUATOR = (
    "How a candidate is evaluated: from_scratch (its network is trained "
    "briefly), nas_bench_201 (looked up in NAS-Bench-201), surrogate (the "
    "accuracy of a DARTS cell is predicted), shared_weights (scored with the "
    "weights of a supernet, which is trained first), or an evaluator of your "
    "own. Give --help beside --evaluator=NAME to see the flags of an evaluator."
)

FROM_SCRATCH = "from_scratch"
"""The name of the default evaluator."""


class Evaluator:
    """A way to measure how good a genotype is.

    A subclass implements `__call__`. `tfdarts.register_evaluator` makes an
    evaluator available to `tfdarts.search` and to the option `--evaluator` of
    commands. A search creates one evaluator and calls it for each candidate.

    Args:
        task: `tfdarts.Task`.
        config: The settings of the search.

    Attributes:
        name: String, the value of `--evaluator`.
        settings: Dataclass, a subclass of `tfdarts.Settings`: settings of the
            evaluator in addition to those of the search, or `None`.
        score_name: String, the name of the score in pictures and on the model
            card. `None` means the metric by which the task selects.
        space: String, the only search space whose genotypes the evaluator
            knows, which is then the default of `--space`. `None` means any.
        trains_networks: Boolean, whether the evaluator trains the networks of
            genotypes. If not, the settings of trainings are refused.
        inherits_weights: Boolean, whether `__call__` takes a third argument:
            the path of the evaluation of a candidate whose weights the network
            shall inherit. Only some strategies give it.
        supernet_strategy: String, the name of the strategy by which the
            evaluator trains a supernet, or `None`. A search then has the
            settings of such a training in place of those of networks.
        seconds_before: Float, the cost of what all evaluations share, such as
            the training of a supernet. It is added to the cost of the first
            candidate.

    Example:

    >>> class FewSkips(Evaluator):
    ...     name = "few_skips"
    ...     trains_networks = False
    ...
    ...     def __call__(self, genotype, run_dir):
    ...         skips = genotype.num_skip_connections
    ...         return Evaluation(genotype, [skips], skips)
    >>> FewSkips(None, None)(genotypes.get("DARTS_V2"), None).rank
    [2]
    """

    name: str | None = None
    settings: type[Settings] | None = None
    score_name: str | None = "score"
    space: str | None = None
    trains_networks: bool = True
    inherits_weights: bool = False
    supernet_strategy: str | None = None
    seconds_before: float = 0.0

    def __init__(self, task: Any, config: Settings):
        self.task = task
        self.config = config

    def prepare(self) -> None:
        """Does what all evaluations share; called before each of them.

        An error here ends the search, unlike a training of a candidate that
        diverges. A search that is interrupted here calls the method again
        when it resumes.
        """

    def __call__(
        self, genotype: genotypes.Genotype, run_dir: pathlib.Path
    ) -> Evaluation:
        """Returns the `Evaluation` of a genotype.

        If the training of the network diverges, the result is
        `Evaluation.of_diverged(genotype)`. A search that is interrupted here
        calls the evaluator again with the same arguments when it resumes.

        Args:
            genotype: `Genotype`.
            run_dir: Path for the files of this evaluation. The directory may
                not exist yet.
        """
        raise NotImplementedError
