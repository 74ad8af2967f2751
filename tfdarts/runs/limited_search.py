"""Limits of the network's cost in a search that trains a supernet."""

import json
import logging

import numpy as np

from tfdarts.files import write_atomically
from tfdarts.records.json_files import report_damage
from tfdarts.replicas import worker_of
from tfdarts.runs.network_bounds import NetworkBounds
from tfdarts.search_spaces.cell_costs import CellCosts
from tfdarts.search_spaces.cell_costs import cheapest
from tfdarts.search_spaces.cell_costs import derive_within

logger = logging.getLogger("tfdarts")

TIME = "milliseconds"

MOST_MEASURED = 10
"""Genotypes that are measured for the result, before the cheapest is taken."""


class LimitedSearch:
    """Gives a search its limits, and checks the real network at its end.

    The costs of edges are kept in the run directory, so that a resumed search
    makes the same decisions, although latencies differ from measurement to
    measurement. Latencies of layers are scaled so that their sum is the
    measured latency of a whole network.

    Args:
        task: `Task`.
        work: The result of `task.search`.
        stage: `Stage` of the search.

    Raises:
        ValueError: If the cheapest network exceeds a limit, or workers would
            measure different latencies.
    """

    def __init__(self, task, work, stage):
        from tfdarts.strategies.gradient.cost_limits import CostLimits
        from tfdarts.strategies.gradient.gradient_parts import derivation_space

        if not hasattr(work.darts, "limit_costs"):
            raise ValueError(
                f"The strategy {work.config.strategy} builds a search that "
                "cannot limit costs: let `build_search` return a subclass of "
                "tfdarts.DARTS, or set `takes_limits = False`."
            )
        bounds = NetworkBounds(task, work.config, work.source)
        self.bounds, self.space = bounds, derivation_space(work.config)
        if TIME in bounds.limits and worker_of(work.distribution)[1] > 1:
            raise ValueError(
                "Each worker would measure latencies of its own, and the "
                "workers must take the same steps: leave --max_milliseconds "
                "out, or bound --max_multiply_adds instead."
            )
        bounds.costs.use(stage.path / "network_costs.json")
        self.costs = self._costs_of_edges(stage.path / "edge_costs.json")
        self._require_possible()
        limits = CostLimits(self.space, self.costs, bounds.limits)
        work.darts.limit_costs(limits)

    def _costs_of_edges(self, path):
        """Returns the `CellCosts` of the limits, from the run directory."""
        if path.exists():
            return _read(path)
        from tfdarts.tasks.edge_costs import edge_costs
        from tfdarts.tasks.edge_costs import plain_genotype
        from tfdarts.tasks.latency_table import LatencyTable

        bounds = self.bounds
        logger.info("search: count what each edge adds to the network")
        table = LatencyTable() if TIME in bounds.limits else None
        costs = edge_costs(self.space, bounds.network, [*bounds.limits], table)
        if table is not None:
            genotype = plain_genotype(self.space)
            measured = bounds.costs.of(genotype)[TIME]
            factor = measured / costs[TIME].of(self.space, genotype)
            costs[TIME] = costs[TIME].times(factor)
        _write(path, costs)
        return costs

    def _require_possible(self):
        """Raises `ValueError` if the cheapest network exceeds a limit."""
        bounds = self.bounds
        counts = [name for name in bounds.limits if name != TIME]
        self.cheapest = cheapest(
            self.space,
            self.costs[TIME if TIME in bounds.limits else counts[0]],
            [self.costs[name] for name in counts],
            [bounds.limits[name] for name in counts],
        )
        found = self.cheapest and bounds.costs.of(self.cheapest)
        if found and not bounds.exceeded(found):
            return
        least = {}
        for name, cost in self.costs.items():
            genotype = cheapest(self.space, cost)
            least[name] = bounds.costs.of(genotype)[name]
        shown = ", ".join(f"{value:,.4g} {n}" for n, value in least.items())
        raise ValueError(
            f"No genotype of the search space has a network within "
            f"{bounds.flags}; the least, of each cost alone, is {shown}. "
            "Raise the bound."
        )

    def result(self, genotype, probabilities):
        """Returns the genotype to keep, whose real network is within limits.

        The counts of a derived genotype hold by themselves. A network that is
        measured to be slower than its limit is replaced by the most probable
        one of a lower predicted latency.

        Args:
            genotype: `Genotype` that the search derived.
            probabilities: Dict from cell types to arrays, what the genotype
                was derived from.
        """
        bounds = self.bounds
        if TIME not in bounds.limits:
            return genotype
        names = [*bounds.limits]
        limit = self.costs[TIME].of(self.space, genotype)
        for _ in range(MOST_MEASURED):
            measured = bounds.costs.of(genotype)[TIME]
            if measured <= bounds.limits[TIME]:
                return genotype
            limit *= min(bounds.limits[TIME] / measured, 0.98)
            logger.info(
                "search: a network of the result took %.3g ms, more than "
                "--max_milliseconds=%g; derives a faster one",
                *(measured, bounds.limits[TIME]),
            )
            found = derive_within(
                self.space,
                probabilities,
                [self.costs[name] for name in names],
                [{**bounds.limits, TIME: limit}[name] for name in names],
            )
            if found is None:
                break
            genotype = found
        return self.cheapest


def _read(path):
    """Returns the `CellCosts` in a file, by name."""
    with report_damage(path):
        return {
            name: CellCosts(
                base, {n: np.array(each) for n, each in edges.items()}
            )
            for name, (base, edges) in json.loads(path.read_text()).items()
        }


def _write(path, costs):
    values = {
        name: [cost.base, {n: each.tolist() for n, each in cost.edges.items()}]
        for name, cost in costs.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(values) + "\n")
