"""One edit away: how many, and that none leaves the space."""

import collections

import pytest
import scipy.stats

from tfdarts import genotypes
from tfdarts.search_spaces.cnn import CNNSearchSpace

SPACE = CNNSearchSpace()


def edits(first, second):
    """Edges of one genotype that the other does not have, by position."""
    return sum(
        a != b
        for cell in ("normal", "reduce")
        for a, b in zip(getattr(first, cell), getattr(second, cell))
    )


@pytest.mark.parametrize("seed", range(3))
def test_120_neighbors_each_one_edit_away_and_in_the_space(seed):
    genotype = SPACE.sample(seed)
    neighbors = SPACE.neighbors(genotype)
    assert len(neighbors) == len(set(neighbors)) == 120
    assert all(neighbor in SPACE for neighbor in neighbors)
    assert {edits(genotype, neighbor) for neighbor in neighbors} == {1}
    assert all(genotype in SPACE.neighbors(other) for other in neighbors[::12])


def test_edits_of_operations_and_of_predecessors():
    """2 cells x 8 edges x 6 operations, and 2 x (0 + 2 + 4 + 6) sources."""
    genotype = genotypes.get("DARTS_V2")
    kinds = collections.Counter()
    for neighbor in SPACE.neighbors(genotype):
        for cell in ("normal", "reduce"):
            pairs = zip(getattr(genotype, cell), getattr(neighbor, cell))
            for (operation, source), (other, other_source) in pairs:
                kinds["operation"] += operation != other
                kinds["source"] += source != other_source
    assert kinds == {"operation": 96, "source": 24}


def test_mutation_stays_in_the_space_and_follows_its_seed():
    genotype = SPACE.sample(0)
    for seed in range(50):
        mutated = SPACE.mutate(genotype, seed)
        assert mutated in SPACE and edits(genotype, mutated) == 1
        assert mutated == SPACE.mutate(genotype, seed)
        genotype = mutated


def test_mutation_is_uniform():
    space = CNNSearchSpace(2, ("none", "skip_connect", "sep_conv_3x3"))
    genotype = space.sample(0)
    neighbors = space.neighbors(genotype)
    counts = collections.Counter(
        space.mutate(genotype, seed) for seed in range(100 * len(neighbors))
    )
    assert counts.keys() == {*neighbors}
    assert scipy.stats.chisquare([*counts.values()]).pvalue > 1e-4


def test_what_is_not_of_the_space():
    assert genotypes.get("DARTS_V2") in SPACE
    for name in ("NASNet", "AmoebaNet", "PNASNet"):
        assert genotypes.get(name) not in SPACE
    with pytest.raises(ValueError, match="not in the search space"):
        SPACE.neighbors(genotypes.get("NASNet"))
    small = CNNSearchSpace(num_nodes=4, primitives=("skip_connect",))
    assert genotypes.get("DARTS_V2") not in small
