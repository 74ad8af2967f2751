"""A space of one's own, with a primitive of one's own, from end to end."""

import dataclasses
import itertools
import math

import keras
import numpy as np
import pytest
from tiny_search import TINY

import tfdarts
from tfdarts.layers.nested import nested_layers
from tfdarts.search_spaces.space_registry import build_space
from tfdarts.visualization.cell_graphs import cell_graph


def block(affine, bias):
    """Returns a function that makes a pointwise convolution."""

    def make(filters, strides, name=None, dtype=None):
        return keras.Sequential(
            [
                keras.layers.Conv2D(
                    *(filters, 1, strides), use_bias=bias, dtype=dtype
                ),
                keras.layers.BatchNormalization(
                    scale=affine, center=affine, dtype=dtype
                ),
            ],
            name=name,
        )

    return make


SIZES = {"init_channels": 2, "num_cells": 3, "num_classes": 3}
SIZES["input_shape"] = (8, 8, 1)


def register(edges_per_node, none):
    """Registers a primitive and a space of it; returns the space."""
    tfdarts.register_primitive(
        "my_conv",
        search=block(affine=False, bias=False),
        final=block(affine=True, bias=True),
        color="#123456",
    )
    attributes = {
        "name": f"own_{edges_per_node}",
        "num_nodes": 3,
        "primitives": ("none", "my_conv", "max_pool_5x5"),
        "edges_per_node": edges_per_node,
        "derive_none": none,
    }
    space = type("OwnSpace", (tfdarts.CNNSearchSpace,), attributes)
    tfdarts.register_space(space)
    return build_space(space.name, None)


def cells_by_hand(space):
    """The number of edges of each node, and the number of cells."""
    operations = 3 if space.derive_none else 2
    counts, size = [], 1
    for node in (2, 3, 4):
        kept = {"all": node}.get(space.edges_per_node, space.edges_per_node)
        counts.append(kept)
        sets = itertools.combinations(range(node), kept)
        size *= len([*sets]) * operations**kept
    return counts, size


@pytest.mark.parametrize("none", [False, True])
@pytest.mark.parametrize("edges_per_node", [1, 2, "all"])
def test_everything_follows_from_the_space(edges_per_node, none, tmp_path):
    space = register(edges_per_node, none)
    counts, size = cells_by_hand(space)
    assert space.size == size
    supernet = tfdarts.CNNSupernet(**SIZES, space=space)
    random = np.random.default_rng(0)
    for alphas in supernet.alphas.values():
        alphas.alpha.assign(random.normal(size=alphas.alpha.shape))
    for genotype in (space.sample(1), supernet.genotype()):
        assert genotype in space
        assert [len(n) for n in genotype.cells["reduce"].nodes] == counts
        neighbors = space.neighbors(genotype)
        assert len({*neighbors}) == len(neighbors)
        others = 2 * (2 if none else 1) * sum(counts)  # Other primitives.
        others += 2 * sum(  # Other predecessors.
            kept * (node - kept) for kept, node in zip(counts, (2, 3, 4))
        )
        assert len(neighbors) == others
        path = tmp_path / "genotype.json"
        genotype.save(path)
        assert tfdarts.Genotype.load(path) == genotype
        graph = cell_graph(genotype.cells["normal"], "mine", "cnn")
        assert len(graph.get_edges()) == sum(counts) + 3
    # The strongest edges by a sum over all sets of edges.
    probabilities = supernet.probabilities()["normal"]
    kept = genotype.cells["normal"].nodes[2]
    rows = probabilities[5:]
    strongest = max(
        itertools.combinations(range(4), counts[2]),
        key=lambda sources: math.fsum(rows[s, 1:].max() for s in sources),
    )
    assert {source for _, source in kept} == {*strongest}


def test_the_layers_of_a_search_are_those_of_search():
    space = register(2, False)
    inputs = np.ones((2, 8, 8, 1), "float32")
    supernet = tfdarts.CNNSupernet(**SIZES, space=space)
    nodes = [[("my_conv", 0), ("my_conv", 1)]] * 3
    genotype = tfdarts.Genotype(
        **{"normal": nodes, "normal_concat": [2, 3, 4]},
        **{"reduce": nodes, "reduce_concat": [2, 3, 4]},
    )
    assert genotype in space
    network = tfdarts.CNNNetwork(genotype, **SIZES)
    for model, has_bias in ((supernet, False), (network, True)):
        assert model(inputs).shape == (2, 3)
        mine = [
            layer.layers
            for layer in nested_layers(model)
            if isinstance(layer, keras.Sequential)
        ]
        assert len(mine) == 3 * (9 if model is supernet else 6)
        for conv, norm in mine:
            assert conv.use_bias == norm.scale == norm.center == has_bias


@pytest.mark.slow
def test_a_search_takes_the_space(tmp_path):
    space = register("all", True)
    config = dataclasses.replace(
        TINY,
        space=space.name,
        num_nodes=None,
        primitives="paper",
        run_dir=str(tmp_path),
    )
    assert tfdarts.search(config) in space


@pytest.mark.parametrize(
    "functions",
    [
        {},
        {"search": block(False, False)},
        {"layer": print, "search": print, "final": print},
    ],
)
def test_one_function_or_two(functions):
    with pytest.raises(ValueError, match="`layer`, or the functions `search`"):
        tfdarts.register_primitive("half", **functions)
    with pytest.raises(ValueError, match="an activation, which takes no bund"):
        tfdarts.register_primitive("x", space="rnn", search=print, final=print)
