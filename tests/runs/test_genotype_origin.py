"""A card says where a cell is from, out of what lies in run directories."""

import numpy as np
import pytest
from scipy.special import softmax

from tfdarts.records.json_files import write_json
from tfdarts.records.run_directory import Stage
from tfdarts.runs.genotype_origin import origin_of
from tfdarts.runs.genotype_origin import search_facts
from tfdarts.runs.genotype_origin import search_of
from tfdarts.runs.model_card_files import _seed_statistics
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.lookup import find_genotype
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.configs import TrainConfig

SPACE = CNNSearchSpace(num_nodes=1)
ALPHAS = {
    name: np.random.default_rng(0).normal(size=(4, *SPACE.alpha_shape))
    for name in SPACE.cell_types
}
FOUND = SPACE.derive(
    {name: softmax(values[2], axis=-1) for name, values in ALPHAS.items()}
)


@pytest.fixture
def search(tmp_path):
    """A search of three epochs, the second of which is the result."""
    run_dir = tmp_path / "found"
    stage = Stage(run_dir, "search")
    stage.begin(SearchConfig(run_dir=str(run_dir), num_nodes=1, order=1))
    stage.report("finished", epochs=3, best_epoch=2, seconds=12.34)
    np.savez(stage.path / "alphas.npz", **ALPHAS)
    (stage.path / "metrics.csv").write_text(
        "epoch,skip_connections,val_supernet_accuracy,alpha_entropy\n"
        "1,0,0.25,2.0\n2,1,0.5,1.5\n3,2,0.75,1.25\n"
    )
    FOUND.save(run_dir / "genotype.json")
    return stage


def trained(run_dir, genotype=None):
    stage = Stage(run_dir, "train")
    stage.begin(TrainConfig(run_dir=str(run_dir), genotype=genotype))
    return stage


def as_settings(genotype):
    return genotype and genotype.to_dict()


def test_what_the_run_itself_has_found(search):
    stage = trained(search.run_dir)
    found = search_of(stage, as_settings(FOUND))
    assert found.path == search.path
    origin = origin_of(stage, as_settings(FOUND), found)
    assert origin == "Found by a DARTS search, in its epoch 2; see below."


def test_what_another_run_has_found_or_a_selection_has_chosen(search, tmp_path):
    stage = trained(tmp_path / "a", genotype=str(search.run_dir))
    assert search_of(stage, as_settings(FOUND)).path == search.path
    best = [{"genotype": str(search.run_dir)}, {"genotype": "random:3"}]
    (tmp_path / "chosen").mkdir()
    write_json(tmp_path / "chosen" / "selection.json", best)
    stage = trained(tmp_path / "chosen")
    assert search_of(stage, as_settings(FOUND)).path == search.path


def test_another_genotype_is_not_that_of_the_search(search):
    stage = trained(search.run_dir)
    other = SPACE.neighbors(FOUND)[0]
    assert search_of(stage, as_settings(other)) is None
    assert search_of(stage, None) is None


@pytest.mark.parametrize(
    ("identifier", "sentence"),
    [
        ("DARTS_V2", "The published cell DARTS_V2."),
        (
            "random:5",
            "Drawn at random from the search space, not searched: random:5.",
        ),
    ],
)
def test_cells_with_a_name(identifier, sentence, tmp_path):
    stage = trained(tmp_path, genotype=identifier)
    genotype = as_settings(find_genotype(identifier))
    assert search_of(stage, genotype) is None
    assert origin_of(stage, genotype, None) == sentence


def test_a_cell_out_of_a_file(tmp_path):
    stage = trained(tmp_path, genotype="my/cell.json")
    origin = origin_of(stage, as_settings(FOUND), None)
    assert origin == "Read from my/cell.json."


def test_facts_are_those_of_the_epoch_of_the_result(search):
    """The file is of tfdarts 0.1.0: its columns have Keras' names."""
    facts = search_facts(search)
    expected = {
        "epochs_done": 3,
        "epoch_of_the_genotype": 2,
        "seconds": 12.3,
        "alpha_entropy": 1.5,
        "skip_connections": 1,
        "validation_supernet_accuracy": 0.5,
        "order": 1,
        "seed": 0,
    }
    assert expected.items() <= facts.items()
    assert facts["verdict"].startswith("No sign of a collapse. 1 skip conn")
    assert "method" not in facts and "early_stop_from" not in facts


def test_means_over_seeds_are_beside_the_run(tmp_path):
    summary = {"mean": 0.5, "std": 0.1, "values": [0.4, 0.6]}
    evaluated = {"seeds": [0, 1], "test_accuracy": summary, "device": "CPU"}
    write_json(tmp_path / "seeds.json", {"train": {}, "evaluate": evaluated})
    names = ("test_accuracy", "test_loss")
    expected = {"seeds": [0, 1], "test_accuracy": summary}
    assert _seed_statistics(tmp_path / "seed1", names) == expected
    assert _seed_statistics(tmp_path / "another", names) is None
