"""Search spaces by name, in settings, in models and in genotypes."""

import json

import pytest

import tfdarts
from tfdarts.cli.visualize_command import main as visualize
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.models.nas_bench_201_models import NASBench201Network
from tfdarts.models.nas_bench_201_models import NASBench201Supernet
from tfdarts.models.rnn_supernet import RNNSupernet
from tfdarts.search_spaces.lookup import find_genotype
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace
from tfdarts.search_spaces.space_registry import SPACES
from tfdarts.search_spaces.space_registry import as_space
from tfdarts.search_spaces.space_registry import build_space
from tfdarts.search_spaces.space_registry import get_space
from tfdarts.structures import NAS_BENCH_201
from tfdarts.structures import STRUCTURES
from tfdarts.tasks.networks import build_network


class Mine(tfdarts.CNNSearchSpace):
    name = "mine"
    num_nodes = 2
    primitives = ("skip_connect", "sep_conv_3x3")
    edges_per_node = "all"


def space_class(**attributes):
    return type("Other", (tfdarts.CNNSearchSpace,), attributes)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("mine", "must be a class derived from tfdarts.CNNSearchSpace"),
        (Mine(), "must be a class derived from tfdarts.CNNSearchSpace"),
        (dict, "must be a class derived from tfdarts.CNNSearchSpace"),
        (space_class(), "Other must have a `name` of letters.*name=None"),
        (space_class(name="my space"), "must have a `name` of letters"),
        (
            type("Bare", (tfdarts.CellSearchSpace,), {"name": "a"}),
            "space Bare must have a `structure`",
        ),
        (space_class(name="rnn"), "rnn is the name of a structure of cells"),
        (space_class(name="a", num_nodes=0), "at least one intermediate node"),
        (space_class(name="a", primitives=["none"]), "one besides 'none'"),
        (
            space_class(
                name="a", structure=STRUCTURES["cnn"]._replace(name="b")
            ),
            "The cells normal, reduce belong to the structure cnn",
        ),
    ],
)
def test_a_space_is_checked_when_it_is_registered(space, message):
    with pytest.raises(ValueError, match=message):
        tfdarts.register_space(space)
    assert "a" not in SPACES


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"space": "s9"}, "There is no space 's9'. The spaces are: darts, dar"),
        ({"space": "darts_rnn"}, "holds a recurrent cell, but these data need"),
        (
            {"space": "nas_bench_201", "dataset": "pydoc"},
            "holds a cell of NAS-Bench-201, but these data need a recurrent",
        ),
        (
            {"space": "nas_bench_201", "primitives": "sep_conv_3x3"},
            "--primitives must be different names out of none, avg_pool_3x3",
        ),
    ],
)
def test_a_space_that_does_not_fit_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        tfdarts.search_config(**settings)


def test_settings_take_nodes_and_primitives_of_the_space():
    tfdarts.register_space(Mine)
    config = tfdarts.search_config(space="mine")
    assert (config.num_nodes, config.primitives) == (2, "paper")
    assert config.search_space.get_config() == Mine().get_config()
    config = tfdarts.search_config(
        space="mine", num_nodes=3, primitives="sep_conv_3x3"
    )
    assert config.search_space.alpha_shape == (9, 1)
    same = tfdarts.search_config(space="mine", primitives=Mine.primitives)
    assert same.primitives == "paper"
    assert tfdarts.SearchConfig().search_space.alpha_shape == (14, 8)
    assert tfdarts.RNNSearchConfig().search_space.alpha_shape == (36, 5)


@pytest.mark.parametrize(
    ("space", "others"),
    [
        ("s2", ("skip_connect",)),
        ("s3", ("none", "skip_connect")),
        ("s4", ("noise",)),
    ],
)
def test_the_spaces_of_robust_darts(space, others):
    space = build_space(space, None)
    assert space.primitives == (*others, "sep_conv_3x3")
    # Zela et al., 2020: two operations to choose from on each of 14 edges.
    assert space.size == 3 * 6 * 10 * 2**8
    assert space.num_nodes == 4


def test_a_name_of_a_structure_is_its_first_space():
    tfdarts.register_space(Mine)
    names = {name: get_space(name).name for name in STRUCTURES}
    assert names == {
        "cnn": "darts",
        "rnn": "darts_rnn",
        "nas_bench_201": "nas_bench_201",
        "hierarchical": "hierarchical",
    }


class ChainNetwork(NASBench201Network):
    structure = "chain"


class ChainCells(NASBench201SearchSpace):
    """Cells of another structure, in which all layers are primitives."""

    name = "chain"
    structure = NAS_BENCH_201._replace(
        name="chain",
        cell_types=("chain_cell",),
        titles=("chain cell",),
        network=ChainNetwork,
        all_primitives=True,
    )
    num_nodes = 2
    primitives = ("none", "skip_connect", "sep_conv_3x3")


def test_a_structure_of_your_own(tmp_path):
    tfdarts.register_space(ChainCells)
    space = tfdarts.search_config(space="chain").search_space
    small = 2, 3, 5, (8, 8, 1)
    genotype = NASBench201Supernet(*small, space=space).genotype()
    assert genotype in space
    genotype.save(tmp_path / "genotype.json")
    assert tfdarts.Genotype.load(tmp_path / "genotype.json") == genotype
    assert genotype.space == "chain"
    assert eval(repr(genotype), {"Genotype": tfdarts.Genotype}) == genotype
    config = tfdarts.TrainConfig(
        preset="paper",
        init_channels=2,
        num_cells=3,
        drop_path_rate=0.0,
        auxiliary_weight=0.0,
    )
    network = build_network(config, genotype, 5, (8, 8, 1))
    assert type(network) is ChainNetwork
    assert (
        visualize([f"--genotype={tmp_path}", f"--output_dir={tmp_path}"]) == 0
    )
    assert "chain cell" in (tmp_path / "chain_cell.dot").read_text()
    unknown = [[("tanh", 0)]]
    with pytest.raises(ValueError, match="unknown primitive, 'tanh'"):
        tfdarts.Genotype(chain_cell=unknown, chain_cell_concat=[1])


def test_a_supernet_has_the_given_space():
    tfdarts.register_space(Mine)
    supernet = CNNSupernet(2, 3, 5, (8, 8, 1), space=Mine())
    assert supernet.alphas["normal"].alpha.shape == (5, 2)
    genotype = supernet.genotype()
    assert genotype in Mine()
    assert len(genotype.cells["reduce"].nodes[1]) == 3
    copy = CNNSupernet.from_config(supernet.get_config())
    assert type(copy.space) is Mine
    assert copy.cells[0].space.edges_per_node == "all"


def test_a_recurrent_supernet_has_the_given_space():
    space = tfdarts.RNNSearchSpace(2, edges_per_node="all")
    supernet = RNNSupernet(7, units=3, space=space)
    assert [len(n) for n in supernet.genotype().cells["recurrent"].nodes] == [
        *(1, 2)
    ]
    copy = RNNSupernet.from_config(
        json.loads(json.dumps(supernet.get_config()))
    )
    assert copy.space.get_config() == space.get_config()


def test_a_space_comes_back_from_its_config():
    space = NASBench201SearchSpace(2, ["none", "skip_connect"])
    copy = as_space(json.loads(json.dumps(space.get_config())))
    assert type(copy) is NASBench201SearchSpace
    assert copy.get_config() == space.get_config()
    assert as_space(space) is space


def test_random_genotypes_are_drawn_from_the_space():
    tfdarts.register_space(Mine)
    assert find_genotype("random:3", "mine") == Mine().sample(3)
    drawn = find_genotype("random:3", "nas_bench_201")
    assert drawn in NASBench201SearchSpace()


def test_a_genotype_of_images_fits_any_space_of_images(tmp_path):
    genotype = NASBench201SearchSpace().sample(0)
    genotype.save(tmp_path / "genotype.json")
    assert find_genotype(str(tmp_path)) == genotype
    assert find_genotype(repr(genotype)) == genotype
    with pytest.raises(ValueError, match="cell of NAS-Bench-201, but this com"):
        find_genotype(str(tmp_path), "darts_rnn")


def test_a_drawn_file_says_what_it_contains(tmp_path, capsys):
    tfdarts.genotypes.get("ENAS", "rnn").save(tmp_path / "rnn.json")
    flags = [
        f"--genotype={tmp_path}/rnn.json",
        f"--output_dir={tmp_path}/cells",
    ]
    assert visualize(flags) == 0
    assert (tmp_path / "cells" / "recurrent.dot").exists()
    drawn = ["--genotype=random:0", "--space=nas_bench_201", flags[1]]
    assert visualize(drawn) == 0
    text = (tmp_path / "cells" / "cell.dot").read_text()
    assert '"0: cₖ₋₁"' in text and "output" in text
    assert visualize(["--genotype=random:0", "--space=s9", flags[1]]) == 2
    assert "There is no space 's9'" in capsys.readouterr().err
