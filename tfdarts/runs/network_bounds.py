"""Whether networks of genotypes are within bounds."""

import dataclasses
import logging

from tfdarts.evaluators.evaluator import FROM_SCRATCH
from tfdarts.records.kept_values import KeptValues
from tfdarts.runs.from_scratch import FromScratchEvaluator
from tfdarts.tasks.presets import apply_preset

logger = logging.getLogger("tfdarts")


class NetworkBounds:
    """Compares what the networks of genotypes cost with bounds.

    The network is the one that a candidate trains. With an evaluator that
    trains none, and in a search that trains a supernet, it is the one that
    `tfdarts-train` builds by default. Costs are
    kept, so that a resumed search makes the same decisions, although latencies
    differ from measurement to measurement.

    Args:
        task: `Task`.
        config: The settings of the search, with the choices of the preset.
        source: The data.

    Attributes:
        limits: Dict from the names of costs to their bounds.
        costs: `KeptValues`, dicts of costs by genotype.

    Raises:
        ValueError: If there are bounds, and the task has no images.
    """

    def __init__(self, task, config, source):
        self.limits = getattr(config, "network_limits", {})
        self.task, self.config, self.source = task, config, source
        self.costs = KeptValues(self.cost)
        self._default = None
        # The costs that the search trades off are kept beside the bounded ones.
        traded = getattr(config, "cost_objectives", ())
        self.names = [*dict.fromkeys([*self.limits, *traded])]
        primitives = config.search_space.structure.primitives
        if traded and primitives != "layers":
            raise ValueError(
                f"--objective={config.objective} is only for networks of "
                f"images, not for {task.name}: leave --objective out."
            )
        if self.limits and primitives != "layers":
            raise ValueError(
                f"{self.flags} {'is' if len(self.limits) == 1 else 'are'} "
                f"only for networks of images, not for {task.name}: leave "
                "the bounds out."
            )

    @property
    def flags(self):
        """The bounds as flags."""
        return " ".join(f"--max_{n}={v:g}" for n, v in self.limits.items())

    def allow(self, genotype):
        """Returns whether the network of a genotype is within all bounds.

        Args:
            genotype: `Genotype`.
        """
        if not self.limits:
            return True
        return not self.exceeded(self.costs.of(genotype))

    def check(self, genotype):
        """Logs what the network of the result costs, counted anew.

        Args:
            genotype: `Genotype`.

        Raises:
            ValueError: If a count is above its bound.
        """
        if not self.limits:
            return
        cost = self.cost(genotype)
        shown = ", ".join(f"{value:,.4g} {n}" for n, value in cost.items())
        exceeded = self.exceeded(cost)
        logger.info("search: the network of the result has %s", shown)
        if {*exceeded} - {"milliseconds"}:
            raise ValueError(
                f"The network of the result has {shown}, which is more than "
                f"{self.flags}: please report this bug."
            )
        if exceeded:
            logger.warning(
                "search: this time, the network of the result took %.3g ms, "
                "more than --max_milliseconds=%g: other programs may have "
                "used the processor. Measure again by tfdarts-visualize "
                "--cost.",
                *(cost["milliseconds"], self.limits["milliseconds"]),
            )

    def nothing_found(self, count):
        """Returns the sentence for a search whose proposals all exceed.

        Args:
            count: Integer, the number of proposals in a row.
        """
        least = {
            name: min(cost[name] for cost in self.costs.values.values())
            for name in self.limits
        }
        shown = ", ".join(f"{value:,.4g} {n}" for n, value in least.items())
        return (
            f"None of {count} genotypes in a row has a network within "
            f"{self.flags}; the least of all was {shown}. Raise the bound, "
            "or give a smaller network, such as fewer --init_channels."
        )

    def cost(self, genotype):
        """Returns the costs that are bounded or traded off, a dict."""
        from tfdarts.models.multiply_adds import multiply_adds
        from tfdarts.tasks.network_cost import milliseconds_of
        from tfdarts.tasks.networks import count_parameters

        network = self.network(genotype)
        functions = {
            "parameters": count_parameters,
            "multiply_adds": multiply_adds,
            "milliseconds": milliseconds_of,
        }
        return {name: functions[name](network) for name in self.names}

    def network(self, genotype):
        """Returns the network whose cost is bounded."""
        settings = self.settings_of(genotype)
        return self.task.build_network(settings, genotype, self.source)

    def exceeded(self, cost):
        """Returns the names of costs that are above their bounds, a list."""
        return [
            name for name, limit in self.limits.items() if cost[name] > limit
        ]

    def settings_of(self, genotype):
        """Returns the settings of the training of a network."""
        if getattr(self.config, "evaluator", None) == FROM_SCRATCH:
            evaluator = FromScratchEvaluator(self.task, self.config)
            return evaluator.training_config(genotype, None)
        if self._default is None:  # It logs what the preset chooses.
            self._default = self._default_settings(genotype)
        return dataclasses.replace(self._default, genotype=genotype)

    def _default_settings(self, genotype):
        """Returns the settings of `tfdarts-train` by default."""
        shared = {
            field.name: getattr(self.config, field.name)
            for field in dataclasses.fields(self.task.shared_config)
        }
        config = self.task.configs["train"](
            **{**shared, "run_dir": None, "genotype": genotype}
        )
        return apply_preset(config, self.source, 1)
