"""NASNet's space: predecessors repeat, loose ends are joined."""

import collections
import itertools

import numpy as np
import pytest
import scipy.stats

import tfdarts
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.lookup import find_genotype
from tfdarts.search_spaces.nasnet import NASNetSearchSpace
from tfdarts.search_spaces.subspaces import is_subspace
from tfdarts.visualization.cell_graphs import cell_graph

SPACE = NASNetSearchSpace()
SMALL = NASNetSearchSpace(2, ("skip_connect", "max_pool_5x5"))


def all_cells(space):
    """Every different cell, by brute force."""
    by_node = [
        itertools.combinations_with_replacement(
            sorted(itertools.product(space.primitives, range(node))), 2
        )
        for node in space.nodes
    ]
    return {*itertools.product(*by_node)}


def loose_ends(nodes, first=2):
    read = {source for edges in nodes for _, source in edges}
    return tuple(n for n in range(first, first + len(nodes)) if n not in read)


def as_set(cell):
    return tuple(tuple(sorted(edges)) for edges in cell.nodes)


def with_nodes(cell):
    """The edges of a cell, with the node that each enters."""
    return tuple(
        tuple((primitive, (source, node)) for primitive, source in edges)
        for node, edges in enumerate(cell)
    )


def test_the_published_cells_are_in_the_space():
    for name in ("NASNet", "AmoebaNet", "DARTS_V2"):
        inside = tfdarts.genotypes.get(name) in SPACE
        assert inside == (name != "DARTS_V2")  # It has four nodes.
    # PNASNet joins all nodes, also one that another reads.
    assert tfdarts.genotypes.get("PNASNet") not in SPACE
    assert len(SPACE.primitives) == 13
    assert not is_subspace(NASNetSearchSpace(4), CNNSearchSpace())


def test_the_size_is_the_number_of_different_cells():
    assert SMALL.size == len(all_cells(SMALL)) == 10 * 21
    pairs = [13 * node * (13 * node + 1) // 2 for node in range(2, 7)]
    assert SPACE.size == np.prod(pairs, dtype=object)


def test_samples_are_uniform_and_join_loose_ends():
    counts = collections.Counter()
    for seed in range(40 * SMALL.size):
        genotype = SMALL.sample(seed)
        cell = genotype.cells["normal"]
        assert cell.concat == loose_ends(cell.nodes)
        counts[as_set(cell)] += 1
    assert counts.keys() == all_cells(SMALL)
    assert scipy.stats.chisquare([*counts.values()]).pvalue > 1e-4


@pytest.mark.parametrize("seed", range(4))
def test_neighbors_are_all_cells_with_one_other_edge(seed):
    genotype = SMALL.sample(seed)

    def distance(cell, other):
        """The number of edges that the cells do not share."""
        return sum(
            (collections.Counter(one) - collections.Counter(two)).total()
            for one, two in zip(cell, other)
        )

    def one_edit(one, two):
        """Whether an edge has another primitive or predecessor, not both."""
        one, two = (collections.Counter(sum(cell, ())) for cell in (one, two))
        ((name, source),), ((other, other_source),) = one - two, two - one
        return name == other or source == other_source

    neighbors = SMALL.neighbors(genotype)
    assert len({*neighbors}) == len(neighbors)
    found = collections.Counter()
    for neighbor in neighbors:
        assert neighbor in SMALL and genotype in SMALL.neighbors(neighbor)
        for name, cell in neighbor.cells.items():
            assert cell.concat == loose_ends(cell.nodes)
            if cell != genotype.cells[name]:
                found[name, as_set(cell)] += 1
    expected = {
        (name, other)
        for name, cell in genotype.cells.items()
        for other in all_cells(SMALL)
        if distance(as_set(cell), other) == 1 and one_edit(as_set(cell), other)
    }
    assert found.keys() == expected and {*found.values()} == {1}
    assert SMALL.mutate(genotype, seed) in neighbors


def test_a_genotype_is_saved_drawn_and_built(tmp_path):
    genotype = tfdarts.genotypes.get("NASNet")
    genotype.save(tmp_path / "genotype.json")
    assert tfdarts.Genotype.load(tmp_path / "genotype.json") == genotype
    graph = cell_graph(genotype.cells["reduce"], "NASNet", "cnn")
    edges = collections.Counter(
        (edge.get_source(), edge.get_destination())
        for edge in graph.get_edges()
    )
    outputs = {source for source, target in edges if target == "output"}
    assert outputs == {"4", "5", "6"}
    normal = cell_graph(genotype.cells["normal"], "NASNet", "cnn")
    # Both edges into node 5 come from node 0.
    twice = [e for e in normal.get_edges() if e.get_destination() == "5"]
    assert [edge.get_source() for edge in twice] == ["0", "0"]
    everything = NASNetSearchSpace(7)
    nodes = [[(name, 0), (name, 0)] for name in SPACE.primitives[:7]]
    others = [[(name, 1), (name, 0)] for name in SPACE.primitives[6:]]
    genotype = tfdarts.Genotype(
        normal=nodes,
        normal_concat=range(2, 9),
        reduce=others,
        reduce_concat=range(2, 9),
    )
    assert genotype in everything
    network = tfdarts.CNNNetwork(genotype, 2, 3, 5, (8, 8, 1))
    assert network(np.ones((2, 8, 8, 1))).shape == (2, 5)


def test_it_has_no_supernet():
    settings = {"space": "nasnet", "preset": "paper"}
    for strategy in ("darts", "pc_darts"):
        with pytest.raises(ValueError, match="The space nasnet has no supern"):
            tfdarts.search_config(strategy=strategy, **settings)
    config = tfdarts.search_config(strategy="random", **settings)
    assert config.search_space.sample(0) in SPACE
    assert find_genotype("random:3", "nasnet") == SPACE.sample(3)
    with pytest.raises(ValueError, match="The space nasnet has no supernet"):
        CNNSupernet(2, 3, 5, (8, 8, 1), space=SMALL)
    with pytest.raises(ValueError, match="The space nasnet has no supernet"):
        SPACE.derive({})


def test_what_is_refused():
    with pytest.raises(ValueError, match="must be an integer. Received: .all"):
        NASNetSearchSpace(edges_per_node="all")
    message = "each with 2 predecessors, the nodes that no other reads in the"
    with pytest.raises(ValueError, match=message):
        SPACE.neighbors(tfdarts.genotypes.get("PNASNet"))
