"""Scores of the untrained networks of genotypes, for `--prefilter`."""

from tfdarts.records.kept_values import KeptValues

EXAMPLES = 64
"""Training images of the scores that need some."""


class Prescores:
    """The scores of a search, which are kept in a file.

    The network is that of `NetworkBounds`, with new weights of the seed of the
    search.

    Args:
        bounds: `NetworkBounds` of the search.

    Attributes:
        scores: `KeptValues`, floats by genotype.

    Raises:
        ValueError: If there is a score, and the task has no images.
    """

    def __init__(self, bounds):
        self.bounds, self.config = bounds, bounds.config
        self.kind = getattr(self.config, "prefilter", "none")
        self.scores = KeptValues(self._score)
        self._batch = None
        primitives = self.config.search_space.structure.primitives
        if self.kind != "none" and primitives != "layers":
            raise ValueError(
                f"--prefilter={self.kind} is only for networks of images, not "
                f"for {bounds.task.name}: leave --prefilter out."
            )

    def _score(self, genotype):
        import keras

        from tfdarts.models import zero_cost
        from tfdarts.tasks.networks import count_parameters

        keras.utils.set_random_seed(self.config.seed)
        network = self.bounds.task.build_network(
            self.bounds.settings_of(genotype), genotype, self.bounds.source
        )
        match self.kind:
            case "params":
                return float(count_parameters(network))
            case "synflow":
                return zero_cost.synflow(zero_cost.in_float64(network))
            case "jacov":
                return zero_cost.jacov(network, self._examples()[0])
            case "grad_norm":
                return zero_cost.grad_norm(network, *self._examples())

    def _examples(self):
        """Returns a batch of standardized training images and their labels."""
        if self._batch is None:
            from tfdarts.data.examples import TrainingExamples

            config = self.config
            portion = 1 - getattr(config, "validation_portion", 0.0)
            examples = TrainingExamples.of(
                self.bounds.source, portion, config.seed
            )
            images, labels = (each[:EXAMPLES] for each in examples.train)
            self._batch = examples.normalize(images), labels
        return self._batch
