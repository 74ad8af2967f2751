"""The space of motifs against brute force and closed forms."""

import collections
import itertools
import json

import numpy as np
import pytest
import scipy.stats

import tfdarts
from tfdarts.cells import Cell
from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.hierarchical import HierarchicalSearchSpace
from tfdarts.search_spaces.lookup import find_genotype
from tfdarts.strategies.controllers.cell_decisions import CellDecisions
from tfdarts.strategies.proposers.nasbot_oracle import NASBOTOracle
from tfdarts.strategies.proposers.pnas_oracle import PNASOracle
from tfdarts.strategies.proposers.space_encoding import SpaceEncoding

SPACE = HierarchicalSearchSpace()
SMALL = HierarchicalSearchSpace(2, ("none", "skip_connect", "max_pool_3x3"))
MOTIFS = [f"motif_{number}" for number in range(1, 7)]
TOP = "cell_of_motifs"


def edges_of(genotype):
    """The operation of each edge, a dict by graph, node and predecessor."""
    return {
        (name, node, source): operation
        for name, cell in genotype.cells.items()
        for node, edges in enumerate(cell.nodes, 1)
        for operation, source in edges
    }


def genotype_of(edges):
    """The genotype of such a dict."""
    cells = {}
    for name in (*MOTIFS, TOP):
        nodes = max(node for graph, node, _ in edges if graph == name)
        cells[name] = Cell(
            tuple(
                tuple((edges[name, node, s], s) for s in range(node))
                for node in range(1, nodes + 1)
            ),
            (nodes,),
        )
    return Genotype(cells=cells)


def changes(before, after):
    before, after = edges_of(before), edges_of(after)
    return [
        (place, after[place])
        for place in before
        if before[place] != after[place]
    ]


def test_the_graphs_are_those_of_the_paper():
    """Six motifs of four nodes, a cell of five, six operations and none."""
    edges = edges_of(SPACE.sample(0))
    counts = collections.Counter(name for name, *_ in edges)
    assert counts == {**dict.fromkeys(MOTIFS, 6), TOP: 10}
    assert len(SPACE.primitives) == 7
    assert SPACE.size == 7**6  # Different motifs.


def test_the_identity_genotype_is_made_of_chains():
    for (name, node, source), found in edges_of(SPACE.identity()).items():
        identity = "motif_1" if name == TOP else "skip_connect"
        assert found == (identity if source == node - 1 else "none")


def test_all_genotypes_of_a_tiny_space_are_in_it_and_no_others():
    tiny = HierarchicalSearchSpace(1, ("none", "skip_connect"))
    places = [*edges_of(tiny.identity())]
    assert len(places) == 6 + 3
    options = [
        ["none", *MOTIFS] if name == TOP else ["none", "skip_connect"]
        for name, *_ in places
    ]
    everything = itertools.product(*options)
    found = {
        genotype_of(dict(zip(places, each)))
        for each in itertools.islice(everything, 0, None, 97)
    }
    assert all(genotype in tiny for genotype in found)
    assert len(found) == -(-(2**6 * 7**3) // 97)
    encoding = SpaceEncoding(tiny)
    for genotype in [*found][:20]:
        assert encoding.decode(encoding.encode(genotype)) == genotype
        assert Genotype.from_json(genotype.to_json()) == genotype
        assert Genotype.from_string(repr(genotype)) == genotype
        # The neighbors, by brute force.
        edges = edges_of(genotype)
        expected = {
            genotype_of({**edges, place: other})
            for place, names in zip(places, options)
            for other in names
            if other != edges[place]
        }
        neighbors = tiny.neighbors(genotype)
        assert {*neighbors} == expected and len(neighbors) == 6 + 3 * 6
    assert tiny.sample(0) not in SPACE and SPACE.sample(0) not in tiny


def test_a_mutation_draws_level_graph_nodes_and_operation_uniformly():
    parent, count = SMALL.sample(5), 6000
    expected = {}
    for (name, node, source), found in edges_of(parent).items():
        graphs, names = (
            (1, ["none", *MOTIFS])
            if name == TOP
            else (
                6,
                SMALL.primitives,
            )
        )
        pairs = 6 if name == TOP else 3
        for other in names:
            if other != found:
                share = 1 / 2 / graphs / pairs / (len(names) - 1)
                expected[(name, node, source), other] = share
    assert sum(expected.values()) == pytest.approx(1)
    found = collections.Counter()
    for seed in range(count):
        child = SMALL.mutate(parent, seed)
        (change,) = changes(parent, child)
        found[change] += 1
    observed = [found[change] for change in expected]
    assert sum(observed) == count
    shares = [count * share for share in expected.values()]
    assert scipy.stats.chisquare(observed, shares).pvalue > 1e-3


def test_many_mutations_spread_as_a_markov_chain_does():
    """The closed form of an edge that keeps its operation after n steps."""
    count, steps = 1500, 12
    first = SMALL.identity()
    kept = collections.Counter()
    for seed in range(count):
        generator = np.random.default_rng(seed)
        child = SMALL.mutate_often(first, generator, steps)
        changed = {place for place, _ in changes(first, child)}
        kept[TOP] += (TOP, 1, 0) not in changed
        kept["motif_3"] += ("motif_3", 1, 0) not in changed
    for name, graphs, pairs, names in ((TOP, 1, 6, 7), ("motif_3", 6, 3, 3)):
        touched = 1 / 2 / graphs / pairs
        decay = 1 - touched * names / (names - 1)
        share = 1 / names + (1 - 1 / names) * decay**steps
        deviation = np.sqrt(share * (1 - share) / count)
        assert abs(kept[name] / count - share) < 4 * deviation


def test_a_sample_is_the_identity_after_a_thousand_mutations():
    sample = SPACE.sample(7)
    generator = np.random.default_rng(7)
    expected = SPACE.identity()
    for _ in range(1000):
        expected = SPACE.mutate_often(expected, generator, 1)
    assert sample == expected != SPACE.sample(8)
    assert sample.name == "random:7"
    assert find_genotype("random:7", "hierarchical") == sample
    operations = collections.Counter()
    for seed in range(60):
        edges = edges_of(SPACE.sample(seed))
        operations.update(o for (name, *_), o in edges.items() if name != TOP)
    assert scipy.stats.chisquare([*operations.values()]).pvalue > 1e-3


def test_a_genotype_is_a_file(tmp_path):
    genotype = SPACE.sample(1)
    genotype.save(tmp_path / "genotype.json")
    assert Genotype.load(tmp_path / "genotype.json") == genotype
    fields = json.loads((tmp_path / "genotype.json").read_text())
    assert fields["space"] == "hierarchical"
    assert [*fields["cells"]] == [*MOTIFS, TOP]


def test_cells_have_motifs_and_motifs_have_primitives():
    edges = edges_of(SPACE.sample(1))
    for place, wrong in (
        ((TOP, 1, 0), "skip_connect"),
        (("motif_2", 1, 0), "motif_1"),
        (("motif_2", 1, 0), "sep_conv_3x3"),
    ):
        with pytest.raises(ValueError, match=f"unknown primitive, '{wrong}'"):
            genotype_of({**edges, place: wrong})


@pytest.mark.parametrize(
    "primitives", [("none", "max_pool_3x3"), ("skip_connect",)]
)
def test_a_space_without_identity_or_none_is_refused(primitives):
    with pytest.raises(ValueError, match="needs the primitives none and skip"):
        HierarchicalSearchSpace(2, primitives)


def test_it_has_no_supernet():
    message = "hierarchical has no supernet, because no supernet can contain"
    for strategy in ("darts", "random_sharing", "enas"):
        with pytest.raises(ValueError, match=message):
            tfdarts.search_config(strategy, space="hierarchical")
    with pytest.raises(ValueError, match=f"{message}.*such as from_scratch"):
        tfdarts.search_config(
            "random", space="hierarchical", evaluator="shared_weights"
        )


@pytest.mark.parametrize("evaluator", ["nas_bench_201", "surrogate"])
def test_tables_do_not_know_it(evaluator):
    with pytest.raises(ValueError, match="knows only the genotypes of --space"):
        tfdarts.search_config(
            "random", space="hierarchical", evaluator=evaluator
        )


def test_strategies_of_equal_cells_refuse_it():
    for build in (
        lambda: CellDecisions(SPACE),
        lambda: NASBOTOracle(SPACE),
        lambda: PNASOracle(SPACE, beam=2),
    ):
        with pytest.raises(
            ValueError, match="graphs of the space hierarchical"
        ):
            build()
    other = tfdarts.genotypes.get("DARTS_V2")
    with pytest.raises(ValueError, match="not in the search space hierarch"):
        SPACE.mutate(other, 0)
