import re

import pytest

from tfdarts import genotypes
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.lookup import find_genotype
from tfdarts.search_spaces.rnn import RNNSearchSpace


@pytest.mark.parametrize("name", genotypes.published_names())
def test_a_published_name(name):
    assert find_genotype(name) == genotypes.get(name)


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_a_random_genotype(seed):
    assert find_genotype(f"random:{seed}") == CNNSearchSpace().sample(seed)


def test_a_file_and_a_run_directory(tmp_path):
    genotype = CNNSearchSpace().sample(1)
    genotype.save(tmp_path / "genotype.json")
    assert find_genotype(str(tmp_path / "genotype.json")) == genotype
    assert find_genotype(str(tmp_path)) == genotype


def test_a_pasted_file(tmp_path):
    (tmp_path / "pasted").write_text(
        "Genotype([('skip_connect', 0), ('skip_connect', 1)], [2], "
        "[('max_pool_3x3', 0), ('skip_connect', 1)], [2])"
    )
    genotype = find_genotype(str(tmp_path / "pasted"))
    assert genotype.reduce == (("max_pool_3x3", 0), ("skip_connect", 1))


def test_a_published_name_comes_before_a_file(tmp_path, monkeypatch):
    CNNSearchSpace().sample(1).save(tmp_path / "DARTS_V2")
    monkeypatch.chdir(tmp_path)
    assert find_genotype("DARTS_V2") == genotypes.get("DARTS_V2")
    assert find_genotype("./DARTS_V2") == CNNSearchSpace().sample(1)


@pytest.mark.parametrize("seed", ["", "-1", "1.5", "x", "1 ", "²"])
def test_a_random_genotype_needs_a_seed(seed):
    with pytest.raises(ValueError, match=f"random:<seed>.*random:{seed}'"):
        find_genotype(f"random:{seed}")


@pytest.mark.parametrize("identifier", ["DARTS_V3", "nowhere.json", "darts_v2"])
def test_what_is_nothing_is_refused_with_all_that_could_be(identifier):
    with pytest.raises(ValueError, match="There is no genotype") as refusal:
        find_genotype(identifier)
    sentence = str(refusal.value)
    for part in (
        repr(identifier),
        "random:<seed>",
        *genotypes.published_names(),
    ):
        assert part in sentence


@pytest.mark.parametrize("space", ["cnn", "rnn"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_is_no_genotype(nothing, space):
    with pytest.raises(
        ValueError, match="A genotype is missing: give --genotype, or"
    ):
        find_genotype(nothing, space)


def test_a_directory_without_a_genotype_is_refused(tmp_path):
    with pytest.raises(ValueError, match="a run directory with a genotype"):
        find_genotype(str(tmp_path))


def test_a_broken_file_is_refused_by_name(tmp_path):
    (tmp_path / "genotype.json").write_text("{")
    with pytest.raises(
        ValueError, match="genotype.json is not a genotype file"
    ):
        find_genotype(str(tmp_path))


def test_a_pasted_genotype():
    genotype = genotypes.get("DARTS_V2")
    assert find_genotype(repr(genotype)) == genotype
    with pytest.raises(ValueError, match="no genotype of the form"):
        find_genotype("Genotype(normal=[" + "('skip_connect', 0), " * 20)
    with pytest.raises(
        ValueError, match="The text has a genotype of convolutional cells"
    ):
        find_genotype(repr(genotype), "rnn")


@pytest.mark.parametrize(
    ("identifier", "hint"),
    [
        ("darts_v2", "Did you mean DARTS_V2?"),
        ("ENAS", "ENAS holds a recurrent cell: give --space=rnn."),
        ("runs/x", "search first: tfdarts-search --run_dir=runs/x."),
        ("my run", "search first: tfdarts-search '--run_dir=my run'."),
        ("runs/x.json", "Check the path."),
        ("x" * 5000, "search first"),
        ("\0", "search first"),
    ],
)
def test_a_hint_at_what_is_meant(identifier, hint):
    with pytest.raises(ValueError, match=re.escape(hint)):
        find_genotype(identifier)


def test_recurrent_cells_by_name_by_seed_and_in_a_file(tmp_path):
    for name in genotypes.published_names("rnn"):
        assert find_genotype(name, "rnn") == genotypes.get(name, "rnn")
    found = find_genotype("random:3", "rnn")
    assert found == RNNSearchSpace().sample(3)
    found.save(tmp_path / "genotype.json")
    assert find_genotype(str(tmp_path), "rnn") == found


def test_a_file_of_the_other_kind_is_refused(tmp_path):
    path = tmp_path / "genotype.json"
    genotypes.get("ENAS", "rnn").save(path)
    message = "a genotype of a recurrent cell, but this command needs convol"
    with pytest.raises(ValueError, match=message):
        find_genotype(str(path))
    genotypes.get("DARTS_V2").save(path)
    with pytest.raises(
        ValueError, match="has a genotype of convolutional cells"
    ):
        find_genotype(str(path), "rnn")
    with pytest.raises(ValueError, match="ENAS, DARTS_V1, DARTS_V2"):
        find_genotype("NASNet", "rnn")
