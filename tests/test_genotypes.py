import copy
import dataclasses
import json
import os
import pickle
import re

import numpy as np
import pytest

from tfdarts import genotypes
from tfdarts.cells import STRUCTURES
from tfdarts.genotypes import Genotype

# As the authors and others print them. Where no concat stands, all four
# intermediate nodes are concatenated.
PRINTED = """
NASNet
  normal: (sep_conv_5x5,1)(sep_conv_3x3,0)(sep_conv_5x5,0)(sep_conv_3x3,0)
          (avg_pool_3x3,1)(skip_connect,0)(avg_pool_3x3,0)(avg_pool_3x3,0)
          (sep_conv_3x3,1)(skip_connect,1)  concat 2,3,4,5,6
  reduce: (sep_conv_5x5,1)(sep_conv_7x7,0)(max_pool_3x3,1)(sep_conv_7x7,0)
          (avg_pool_3x3,1)(sep_conv_5x5,0)(skip_connect,3)(avg_pool_3x3,2)
          (sep_conv_3x3,2)(max_pool_3x3,1)  concat 4,5,6
AmoebaNet
  normal: (avg_pool_3x3,0)(max_pool_3x3,1)(sep_conv_3x3,0)(sep_conv_5x5,2)
          (sep_conv_3x3,0)(avg_pool_3x3,3)(sep_conv_3x3,1)(skip_connect,1)
          (skip_connect,0)(avg_pool_3x3,1)  concat 4,5,6
  reduce: (avg_pool_3x3,0)(sep_conv_3x3,1)(max_pool_3x3,0)(sep_conv_7x7,2)
          (sep_conv_7x7,0)(avg_pool_3x3,1)(max_pool_3x3,0)(max_pool_3x3,1)
          (conv_7x1_1x7,0)(sep_conv_3x3,5)  concat 3,4,6
DARTS_V1
  normal: (sep_conv_3x3,1)(sep_conv_3x3,0)(skip_connect,0)(sep_conv_3x3,1)
          (skip_connect,0)(sep_conv_3x3,1)(sep_conv_3x3,0)(skip_connect,2)
          concat 2,3,4,5
  reduce: (max_pool_3x3,0)(max_pool_3x3,1)(skip_connect,2)(max_pool_3x3,0)
          (max_pool_3x3,0)(skip_connect,2)(skip_connect,2)(avg_pool_3x3,0)
          concat 2,3,4,5
DARTS_V2
  normal: (sep_conv_3x3,0)(sep_conv_3x3,1)(sep_conv_3x3,0)(sep_conv_3x3,1)
          (sep_conv_3x3,1)(skip_connect,0)(skip_connect,0)(dil_conv_3x3,2)
          concat 2,3,4,5
  reduce: (max_pool_3x3,0)(max_pool_3x3,1)(skip_connect,2)(max_pool_3x3,1)
          (max_pool_3x3,0)(skip_connect,2)(skip_connect,2)(max_pool_3x3,1)
          concat 2,3,4,5
PC_DARTS_cifar
  normal: (sep_conv_3x3,1)(skip_connect,0)(sep_conv_3x3,0)(dil_conv_3x3,1)
          (sep_conv_5x5,0)(sep_conv_3x3,1)(avg_pool_3x3,0)(dil_conv_3x3,1)
  reduce: (sep_conv_5x5,1)(max_pool_3x3,0)(sep_conv_5x5,1)(sep_conv_5x5,2)
          (sep_conv_3x3,0)(sep_conv_3x3,3)(sep_conv_3x3,1)(sep_conv_3x3,2)
PC_DARTS_image
  normal: (skip_connect,1)(sep_conv_3x3,0)(sep_conv_3x3,0)(skip_connect,1)
          (sep_conv_3x3,1)(sep_conv_3x3,3)(sep_conv_3x3,1)(dil_conv_5x5,4)
  reduce: (sep_conv_3x3,0)(skip_connect,1)(dil_conv_5x5,2)(max_pool_3x3,1)
          (sep_conv_3x3,2)(sep_conv_3x3,1)(sep_conv_5x5,0)(sep_conv_3x3,3)
PDARTS
  normal: (skip_connect,0)(dil_conv_3x3,1)(skip_connect,0)(sep_conv_3x3,1)
          (sep_conv_3x3,1)(sep_conv_3x3,3)(sep_conv_3x3,0)(dil_conv_5x5,4)
  reduce: (avg_pool_3x3,0)(sep_conv_5x5,1)(sep_conv_3x3,0)(dil_conv_5x5,2)
          (max_pool_3x3,0)(dil_conv_3x3,1)(dil_conv_3x3,1)(dil_conv_5x5,3)
GDAS_V1
  normal: (skip_connect,0)(skip_connect,1)(skip_connect,0)(sep_conv_5x5,2)
          (sep_conv_3x3,3)(skip_connect,0)(sep_conv_5x5,4)(sep_conv_3x3,3)
  reduce: (sep_conv_5x5,0)(sep_conv_3x3,1)(sep_conv_5x5,2)(sep_conv_5x5,1)
          (dil_conv_5x5,2)(sep_conv_3x3,1)(sep_conv_5x5,0)(sep_conv_5x5,1)
DrNAS_cifar10
  normal: (sep_conv_3x3,0)(sep_conv_5x5,1)(sep_conv_3x3,1)(sep_conv_3x3,2)
          (skip_connect,0)(sep_conv_3x3,1)(sep_conv_3x3,2)(dil_conv_5x5,3)
  reduce: (max_pool_3x3,0)(sep_conv_5x5,1)(dil_conv_5x5,2)(sep_conv_5x5,1)
          (sep_conv_5x5,1)(dil_conv_5x5,3)(skip_connect,4)(sep_conv_5x5,1)
DrNAS_imagenet
  normal: (sep_conv_3x3,1)(sep_conv_3x3,0)(sep_conv_3x3,0)(sep_conv_3x3,1)
          (sep_conv_3x3,0)(dil_conv_3x3,3)(skip_connect,0)(sep_conv_3x3,1)
  reduce: (max_pool_3x3,0)(sep_conv_3x3,1)(sep_conv_3x3,0)(skip_connect,2)
          (sep_conv_3x3,0)(sep_conv_3x3,2)(sep_conv_3x3,3)(sep_conv_3x3,1)
PNASNet
  both:   (sep_conv_5x5,0)(max_pool_3x3,0)(sep_conv_7x7,1)(max_pool_3x3,1)
          (sep_conv_5x5,1)(sep_conv_3x3,1)(sep_conv_3x3,4)(max_pool_3x3,1)
          (sep_conv_3x3,0)(skip_connect,1)  concat 2,3,4,5,6
"""
CELL = re.compile(
    r"(?:([A-Z]\w+)\s+)?(normal|reduce|both):((?:\s*\(\w+,\d\))+)"
    r"(?:\s*concat ([\d,]+))?"
)


def printed_cells():
    cells, name = {}, None
    for new_name, cell_type, edges, concat in CELL.findall(PRINTED):
        name = new_name or name
        edges = re.findall(r"\((\w+),(\d)\)", edges)
        cell = (
            tuple((primitive, int(node)) for primitive, node in edges),
            tuple(map(int, (concat or "2,3,4,5").split(","))),
        )
        both = ("normal", "reduce")
        for each in both if cell_type == "both" else [cell_type]:
            cells[name, each] = cell
    return cells


CELLS = printed_cells()
EDGES = [("sep_conv_3x3", 0), ("skip_connect", 1)] * 2
REDUCE = [
    ("max_pool_3x3", 0),
    ("max_pool_3x3", 1),
    ("skip_connect", 2),
    ("max_pool_3x3", 0),
]
PASTED = """Genotype(
    normal=[('sep_conv_3x3', 0), ('skip_connect', 1),
            ('sep_conv_3x3', 0), ('skip_connect', 1)],
    normal_concat=range(2, 4),
    reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1),
            ('skip_connect', 2), ('max_pool_3x3', 0)],
    reduce_concat=[3])"""


def genotype(**changes):
    fields = dict(
        normal=EDGES,
        normal_concat=[2, 3],
        reduce=REDUCE,
        reduce_concat=[3],
    )
    return Genotype(**{**fields, **changes})


def fields(**changes):
    """A genotype file of format 1, as version 0.1.0 writes it."""
    return {
        "format": 1,
        "space": "cnn",
        "name": "mine",
        "normal": EDGES,
        "normal_concat": [2, 3],
        "reduce": REDUCE,
        "reduce_concat": [3],
        **changes,
    }


def file(**changes):
    """A genotype file of format 2."""
    return {**genotype(name="mine").to_dict(), **changes}


# What is published


def test_the_published_names_are_the_printed_ones():
    assert len(CELLS) == 22
    assert set(genotypes.published_names()) == {name for name, _ in CELLS}


@pytest.mark.parametrize(("name", "cell_type"), CELLS)
def test_a_published_cell_is_the_printed_one(name, cell_type):
    published = genotypes.get(name)
    assert published.name == name
    assert CELLS[name, cell_type] == (
        getattr(published, cell_type),
        getattr(published, f"{cell_type}_concat"),
    )


def test_an_unpublished_name_is_refused_with_the_published_ones():
    with pytest.raises(ValueError, match="'DARTS_V3'.*DARTS_V1, DARTS_V2"):
        genotypes.get("DARTS_V3")


def test_the_primitives_stand_in_the_authors_order():
    assert genotypes.PRIMITIVES == (
        "none",
        "max_pool_3x3",
        "avg_pool_3x3",
        "skip_connect",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "dil_conv_3x3",
        "dil_conv_5x5",
    )


# A value


def test_sequences_become_tuples():
    lists = [list(edge) for edge in EDGES]
    assert genotype(normal=lists).normal == tuple(EDGES)
    assert genotype(normal_concat=range(2, 4)).normal_concat == (2, 3)


def test_the_name_takes_no_part_in_equality_and_hash():
    mine, yours = genotype(name="mine"), genotype(name="yours")
    assert mine == yours == genotype()
    assert hash(mine) == hash(yours)
    assert len({mine, yours}) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"normal": [*EDGES[2:], ("skip_connect", 0), ("skip_connect", 1)]},
        {"normal_concat": [3]},
        {"normal_concat": [3, 2]},
        {"reduce": EDGES},
        {"reduce_concat": [2]},
    ],
)
def test_every_other_field_takes_part(changes):
    assert genotype(**changes) != genotype()


def test_numbers_may_be_those_of_numpy():
    edges = [("skip_connect", np.int64(0)), (np.str_("skip_connect"), 1)]
    found = genotype(normal=edges, normal_concat=np.array([2]))
    plain = [("skip_connect", 0), ("skip_connect", 1)]
    assert found == genotype(normal=plain, normal_concat=[2])
    assert Genotype.from_json(found.to_json()) == found


def test_the_order_of_the_edges_of_a_node_does_not_count():
    some = some_of_all()
    for cell_type, cell in some.cells.items():
        nodes = tuple(node[::-1] for node in cell.nodes)
        turned = dataclasses.replace(
            some,
            cells={**some.cells, cell_type: {**vars(cell), "nodes": nodes}},
        )
        assert turned.cells[cell_type].nodes == nodes != cell.nodes
        assert turned.cells[cell_type] == cell
        assert turned == some and hash(turned) == hash(some)
        assert turned.to_json() != some.to_json()
        assert Genotype.from_json(turned.to_json()).cells[cell_type].nodes == (
            nodes
        )
    twice = genotype(normal=[EDGES[0], EDGES[0]], normal_concat=[2])
    once = genotype(normal=[[EDGES[0]]], normal_concat=[2])
    assert twice != once
    assert some.cells["normal"] != some.cells["normal"].nodes


def test_dataclasses_can_copy_and_convert_a_genotype():
    some = genotypes.get("DARTS_V2")
    other = dataclasses.replace(some, name=None)
    assert (other, other.name) == (some, None)
    converted = dataclasses.asdict(some)
    assert json.loads(json.dumps(converted))["name"] == "DARTS_V2"
    assert copy.deepcopy(converted) == converted
    assert Genotype(**converted) == some
    assert len(dataclasses.astuple(some)) == 2
    with pytest.raises(ValueError, match=r"cells=\{\*\*genotype.cells, name"):
        dataclasses.replace(some, normal=some.normal)


@pytest.mark.parametrize(
    "change",
    [
        lambda cells: cells.update(normal=cells["reduce"]),
        lambda cells: cells.pop("normal"),
        lambda cells: cells.__setitem__("normal", cells["reduce"]),
        lambda cells: cells.clear(),
    ],
)
def test_cells_cannot_change(change):
    some = genotypes.get("DARTS_V2")
    with pytest.raises(TypeError, match="The cells of a genotype cannot chan"):
        change(some.cells)
    assert some == genotypes.get("DARTS_V2")


def test_edges_are_in_an_order():
    with pytest.raises(ValueError, match="`normal` must be a list of pairs"):
        genotype(normal={*EDGES})


@pytest.mark.parametrize("field", ["normal", "reduce_concat", "name"])
def test_it_is_frozen(field):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(genotype(), field, ())


def test_skip_connections_are_counted_in_the_normal_cell_only():
    assert genotype().num_skip_connections == 2
    assert genotypes.get("DARTS_V2").num_skip_connections == 2
    assert genotypes.get("DARTS_V1").num_skip_connections == 3


# Files


@pytest.mark.parametrize("name", genotypes.published_names())
def test_json_gives_back_every_published_genotype(name, tmp_path):
    published = genotypes.get(name)
    published.save(tmp_path / "genotype.json")
    loaded = Genotype.load(tmp_path / "genotype.json")
    assert loaded == published
    assert loaded.name == name


def test_the_file_format():
    node = [["sep_conv_3x3", 0], ["skip_connect", 1]]
    reduce = [
        [["max_pool_3x3", 0], ["max_pool_3x3", 1]],
        [["skip_connect", 2], ["max_pool_3x3", 0]],
    ]
    assert list(json.loads(genotype(name='a "b"').to_json()).items()) == [
        ("format", 2),
        ("space", "cnn"),
        ("name", 'a "b"'),
        (
            "cells",
            {
                "normal": {"nodes": [node, node], "concat": [2, 3]},
                "reduce": {"nodes": reduce, "concat": [3]},
            },
        ),
    ]


def test_a_file_of_format_1_is_read():
    found = Genotype.from_json(json.dumps(fields()))
    assert (found, found.name) == (genotype(), "mine")
    cell = {"recurrent": [["tanh", 0], ["relu", 1]], "recurrent_concat": [1, 2]}
    text = json.dumps({"format": 1, "space": "rnn", **cell})
    assert Genotype.from_json(text) == Genotype(**cell)


# One edge, two, all of them, and none


def some_of_all():
    return genotype(
        normal=[
            [("none", 0)],
            [("sep_conv_3x3", 0), ("none", 1), ("skip_connect", 2)],
        ],
        reduce=[[("max_pool_3x3", 1)], [("none", 0), ("skip_connect", 2)]],
    )


def test_nodes_may_have_any_number_of_edges_and_edges_none(tmp_path):
    some = some_of_all()
    assert [len(node) for node in some.cells["normal"].nodes] == [1, 3]
    assert some.normal[0] == ("none", 0) and len(some.normal) == 4
    assert some.num_skip_connections == 1
    some.save(tmp_path / "genotype.json")
    assert Genotype.load(tmp_path / "genotype.json") == some
    assert Genotype.from_string(repr(some)) == some
    assert eval(repr(some), {"Genotype": Genotype}) == some
    flat = some.normal
    assert genotype(normal=flat).cells != some.cells


@pytest.mark.parametrize("which", ["DARTS_V2", "NASNet", "some"])
def test_a_genotype_can_be_copied_and_pickled(which):
    some = some_of_all() if which == "some" else genotypes.get(which)
    for copied in (
        copy.copy(some),
        copy.deepcopy(some),
        pickle.loads(pickle.dumps(some)),
        Genotype(cells=some.cells, name=some.name),
        Genotype.from_dict(some.to_dict()),
    ):
        assert (copied, copied.name) == (some, some.name)
        assert hash(copied) == hash(some)


def test_cells_cannot_be_changed():
    with pytest.raises(TypeError):
        genotype().cells["normal"] = genotype().cells["reduce"]
    with pytest.raises(AttributeError, match="no 'recurrent'"):
        genotype().recurrent


def test_cells_come_in_one_way_only():
    with pytest.raises(ValueError, match="not both. Received: normal beside"):
        Genotype(cells=genotype().cells, normal=EDGES)


def test_the_name_may_be_missing_from_a_file():
    without = fields()
    del without["name"]
    assert Genotype.from_json(json.dumps(without)) == genotype()


def test_a_file_is_readable_by_others_and_stands_alone(tmp_path):
    genotype().save(tmp_path / "genotype.json")
    assert (tmp_path / "genotype.json").stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == ["genotype.json"]


def failing(*arguments, **keywords):
    raise OSError("No space left on device")


@pytest.mark.parametrize("step", ["os.replace", "pathlib.Path.open"])
def test_a_failing_write_leaves_the_old_file(step, tmp_path, monkeypatch):
    path = tmp_path / "genotype.json"
    genotype().save(path)
    with monkeypatch.context() as patches:
        patches.setattr(step, failing)
        with pytest.raises(OSError, match="No space"):
            genotypes.get("DARTS_V2").save(path)
    assert Genotype.load(path) == genotype()


def test_a_file_is_replaced_whole(tmp_path, monkeypatch):
    seen = []

    def replace(partial, path):
        seen.append(Genotype.load(partial))

    monkeypatch.setattr("os.replace", replace)
    genotype().save(tmp_path / "genotype.json")
    assert seen == [genotype()]
    assert not (tmp_path / "genotype.json").exists()


# Pasted from PyTorch


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (PASTED, None),
        (f"MINE = {PASTED}\n", "MINE"),
        (f"# epoch 49\nMINE = {PASTED}", "MINE"),
        (PASTED.replace("range(2, 4)", "list(range(2, 4))"), None),
        (PASTED.replace("range(2, 4)", "[2, 3]"), None),
        (PASTED.replace("range(2, 4)", "(2, 3)"), None),
        (re.sub(r"\w+=", "", PASTED), None),
        (re.sub(r"\s+", " ", PASTED), None),
        (f"\ufeffMINE = {PASTED}", "MINE"),
        (f"import genotypes\nMINE = genotypes.{PASTED}\nOTHER = MINE", "MINE"),
        (PASTED.replace("\n", "  # (node, of it's\n"), None),
    ],
)
def test_a_pasted_genotype_is_read(text, name, tmp_path):
    (tmp_path / "pasted.txt").write_text(text)
    for loaded in (
        Genotype.load(tmp_path / "pasted.txt"),
        Genotype.from_string(text),
    ):
        assert loaded == genotype()
        assert loaded.name == name


def test_a_published_genotype_as_the_authors_paste_it():
    text = (
        "DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1),"
        " ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), "
        "('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], "
        "normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
        "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), "
        "('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), "
        "('max_pool_3x3', 1)], reduce_concat=range(2, 6))"
    )
    assert Genotype.from_string(text) == genotypes.get("DARTS_V2")


@pytest.mark.parametrize(
    "text",
    [
        "11/01 10:10:10 PM genotype = {}",
        "11/01 10:10:10 PM {}\n",
        "2019-11-01 10:10:10,123 INFO genotype = {}",
        "07/12 06:14:37 AM | genotype = {}",
        "07/12 06:14:37 AM | Best Genotype = {}",
        "genotype = {}",
        "Genotype = {}",
        "\ufeffgenotype = {}",
        "INFO:root:genotype = {}",
        "[INFO] genotype = {}",
        "[2019-03-01 10:10:10] genotype = {}",
        "[2019-03-01 10:10:10] (search.py:7) {}",
        "final genotype = {}",
        "Genotype: {}",
        "Final best Prec@1 = 97.3000%\nBest Genotype = {}",
        "genotype = {}\ntrain_acc 93.4 (it's done)\n",
        "best: genotypes.{}, params = 3.3",
        "x = 1\n{}",
    ],
)
def test_lines_of_a_log(text, tmp_path):
    """As the authors' code and pt.darts write them; no line gives a name."""
    text = text.format(PASTED)
    (tmp_path / "log.txt").write_text(text, encoding="utf-8")
    for found in (
        Genotype.load(tmp_path / "log.txt"),
        Genotype.from_string(text),
    ):
        assert found == genotype() and found.name is None


def test_a_list_for_each_node_as_pt_darts_prints_it():
    text = (
        "Genotype2(normal=[[('sep_conv_3x3', 0), ('dil_conv_5x5', 1)], "
        "[('skip_connect', 0), ('max_pool_3x3', 2)]], "
        "normal_concat=range(2, 4), reduce=[[('max_pool_3x3', 0), "
        "('max_pool_3x3', 1)]], reduce_concat=range(2, 3))"
    )
    expected = Genotype(
        normal=[
            ("sep_conv_3x3", 0),
            ("dil_conv_5x5", 1),
            ("skip_connect", 0),
            ("max_pool_3x3", 2),
        ],
        normal_concat=[2, 3],
        reduce=[("max_pool_3x3", 0), ("max_pool_3x3", 1)],
        reduce_concat=[2],
    )
    assert Genotype.from_string(text) == expected
    uneven = text.replace("], [('skip", ", ('skip").replace(
        ", ('max_pool_3x3', 2)]", "], [('max_pool_3x3', 2)]"
    )
    nodes = Genotype.from_string(uneven).cells["normal"].nodes
    assert [len(node) for node in nodes] == [3, 1]


def test_a_file_with_a_byte_order_mark(tmp_path):
    """As editors on Windows write it."""
    path = tmp_path / "genotype.json"
    path.write_text(genotype().to_json(), encoding="utf-8-sig")
    assert Genotype.load(path) == genotype()
    assert Genotype.from_json("\ufeff" + genotype().to_json()) == genotype()


@pytest.mark.parametrize(
    ("name", "space", "hint"),
    [
        ("darts_v2", "cnn", "Did you mean DARTS_V2?"),
        ("DARTSV2", "rnn", "Did you mean DARTS_V2?"),
        ("ENAS", "cnn", "ENAS holds a recurrent cell: give --space=rnn."),
        ("PC-DARTS", "cnn", "Did you mean PC_DARTS_cifar or PC_DARTS_image?"),
        ("pc_darts", "cnn", "Did you mean PC_DARTS_cifar or PC_DARTS_image?"),
        ("drnas", "cnn", "Did you mean DrNAS_cifar10 or DrNAS_imagenet?"),
        ("GDAS", "cnn", "Did you mean GDAS_V1?"),
        ("PC-DARTS-imagenet", "cnn", "Did you mean PC_DARTS_image?"),
        (
            "PDARTS",
            "rnn",
            "PDARTS holds convolutional cells: give --space=cnn.",
        ),
    ],
)
def test_an_unknown_name_hints_at_a_known_one(name, space, hint):
    with pytest.raises(ValueError, match=re.escape(hint)):
        genotypes.get(name, space)


@pytest.mark.parametrize("name", [None, 7, genotypes.Genotype])
def test_what_is_no_name_is_none_that_was_published(name):
    with pytest.raises(ValueError, match="no published genotype named"):
        genotypes.get(name)


def test_another_space_is_refused():
    with pytest.raises(ValueError, match="one of cnn, rnn, .*: 'foo'"):
        genotypes.get("DARTS_V2", space="foo")


@pytest.mark.parametrize("space", ["cnn", "rnn"])
def test_a_network_takes_a_genotype_its_fields_or_its_name(space):
    expected = genotypes.get("DARTS_V2", space)
    for given in (expected, expected.to_dict(), "DARTS_V2"):
        assert genotypes.of_space(given, space) == expected
    (other,) = {"cnn", "rnn"} - {space}
    needed = STRUCTURES[other].description
    with pytest.raises(ValueError, match=f"must hold {needed}"):
        genotypes.of_space(expected, other)
    with pytest.raises(ValueError, match="must be a Genotype or the name of"):
        genotypes.of_space(7, space)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('{}')",
        "11/01 10:10:10 PM genotype = __import__('os').system('{}')",
        "Genotype(normal=__import__('os').system('{}'))",
        PASTED.replace("[3]", "__import__('os').system('{}')"),
        PASTED.replace("[3]", "[3 + __import__('os').system('{}')]"),
        PASTED.replace("[3]", "list(__import__('os').system('{}'))"),
        PASTED.replace("[3]", "exec(\"__import__('os').system('{}')\")"),
        PASTED.replace("[3]", "range(__import__('os').system('{}'))"),
        PASTED.replace("'max_pool_3x3', 0", "__import__('os').system('{}'), 0"),
        "Genotype = __import__('os').system('{}')",
        "os.Genotype(__import__('os').system('{}'))",
    ],
)
def test_nothing_is_evaluated(text, tmp_path):
    text = text.replace("{}", f"touch {tmp_path}/evaluated")
    (tmp_path / "genotype.txt").write_text(text)
    with pytest.raises(ValueError, match="genotype.txt is not a genotype file"):
        Genotype.load(tmp_path / "genotype.txt")
    assert os.listdir(tmp_path) == ["genotype.txt"]


@pytest.mark.parametrize("around", ["1; {}; Genotype", "{}\nGenotype"])
def test_what_stands_around_is_not_evaluated(around, tmp_path):
    code = f"__import__('os').system('touch {tmp_path}/evaluated')"
    text = around.format(code).replace("Genotype", f"{PASTED}; {code}")
    assert Genotype.from_string(text) == genotype()
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        PASTED.replace("range(2, 4)", "range(2, 4, x=print('evaluated'))"),
        re.sub(r"\w+=", "", PASTED)[:-1] + ", None, print('evaluated'))",
    ],
)
def test_nothing_is_ignored(text, capsys):
    with pytest.raises(ValueError):
        Genotype.from_string(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Genotype(", "no genotype of the form"),
        ("Genotype", "must hold one expression of the form"),
        ("genotypes.Genotype()", r"holds .*Received: \{\}"),
        (f"{PASTED}\n{PASTED}", "holds 2 genotypes: leave only the one"),
        (f"x = {PASTED}\nepoch 2\n{PASTED}", "leave only the one you mean"),
        (PASTED.replace("[3]", "np.arange(2, 4)"), "np.arange"),
        (PASTED.replace("[3]", "DARTS.concat"), "holds: DARTS.concat"),
        (PASTED.replace("[3]", "concat"), "only literals.*holds: concat"),
        (PASTED.replace("[3]", "range(2.0)"), "only literals"),
        (PASTED.replace("[3]", "range()"), "cannot hold this: range expected"),
        (
            PASTED.replace("reduce=", "reduction="),
            "Received: normal, reduction, reduce",
        ),
        (PASTED.replace("reduce_concat=[3]", ""), "`reduce_concat` must name"),
        (PASTED.replace("max_pool_3x3", "max_pool"), "unknown primitive"),
    ],
)
def test_a_pasted_text_is_refused_with_a_sentence(text, message):
    with pytest.raises(ValueError, match=message):
        Genotype.from_string(text)


# Refusals


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"normal": [("skip_connect", 0), ("skip_connect", 2), *EDGES[2:]]},
            "edge of `normal` leads from node 2 to node 2.*between 0 and 1",
        ),
        (
            {"reduce": [*EDGES[:2], ("skip_connect", 3), ("skip_connect", 0)]},
            "edge of `reduce` leads from node 3 to node 3.*between 0 and 2",
        ),
        ({"normal": [("skip_connect", -1)] * 4}, "from node -1 to node 2"),
        ({"normal": [("skip_connect", True)] * 4}, "from node True to node 2"),
        ({"normal": [("skip_connect", 0.0)] * 4}, "from node 0.0 to node 2"),
        ({"normal": [("skip_connect", "0")] * 4}, "from node '0' to node 2"),
        (
            {"reduce": [("conv_9x9", 0)] * 4},
            "`reduce` names an unknown primitive, 'conv_9x9'.*are: none, max",
        ),
        (
            {"normal": EDGES[:3]},
            "`normal` must hold 2 edges for each.*Received 3 edges",
        ),
        ({"normal": []}, r"`normal` must hold one or more.*Received: \[\]"),
        ({"normal_concat": []}, r"`normal_concat` must name.*Received: \[\]"),
        ({"normal_concat": [1, 2]}, r"are 2 to 3. Received: \[1, 2\]"),
        ({"reduce_concat": [4]}, r"`reduce_concat`.*are 2 to 3.*\[4\]"),
        ({"normal_concat": [2, 2]}, "one or more different"),
        ({"normal_concat": [2.0]}, "`normal_concat` must name"),
        ({"normal": EDGES[:2]}, "are 2 to 2"),
        ({"reduce": [*EDGES[:2]], "reduce_concat": [True]}, "must name"),
    ],
)
def test_what_is_no_cell_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        genotype(**changes)
    with pytest.raises(ValueError, match=message):
        Genotype.from_json(json.dumps(fields(**changes)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text is not JSON"),
        ("{'format': 1}", "the text is not JSON"),
        ("[1]", r"must be a JSON object. Received: \[1\]"),
        ("null", "must be a JSON object"),
        ("{}", r"normal and reduce\) or .* \(recurrent\) or .*d: \{\}"),
        (json.dumps(fields(format=2)), r"Missing: \['cells'\]. Unknown: \['n"),
        (json.dumps(fields(format="1")), "between 1 and 2. Received: '1'"),
        (json.dumps(fields(format=3)), "between 1 and 2. Received: 3"),
        (json.dumps(fields(format=True)), "between 1 and 2. Received: True"),
        (json.dumps(fields(space="tree")), "must be 'cnn'. Received: 'tree'"),
        (json.dumps(fields(space=["cnn"])), "must be 'cnn'"),
        (json.dumps(fields(space="rnn")), "must be 'cnn'. Received: 'rnn'"),
        (json.dumps(fields(recurrent=[])), "Received: normal, reduce, recurr"),
        (
            '{"format": 1, "space": "cnn", "normal": [["tanh", 0]]}',
            "Received: normal",
        ),
        (json.dumps(file(cells=3)), "Received: 3"),
        (
            json.dumps(
                file(cells={"normal": {"nodes": EDGES, "concat": [2, 3]}})
            ),
            "nodes of the cell normal must be a list with a list of pairs",
        ),
        (json.dumps(file(normal=EDGES)), r"Missing: \[\]. Unknown: \['normal'"),
        (
            json.dumps(file(cells={"normal": EDGES, "reduce": EDGES})),
            "`normal` of a genotype must have `nodes` and `concat`",
        ),
        (
            json.dumps(file(cells={"normal": {}, "reduce": {}})),
            r"must have `nodes` and `concat`. Received: \{\}",
        ),
    ],
)
def test_what_is_no_genotype_file_is_refused(text, message, tmp_path):
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(ValueError, match=message) as refusal:
        Genotype.load(tmp_path / "broken.json")
    assert "broken.json is not a genotype file: " in str(refusal.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"normal": 5},
        {"normal": [5]},
        {"normal": [["skip_connect"], ["skip_connect"]]},
        {"normal_concat": 2},
        {"normal_concat": [[2]]},
        {"name": 5},
    ],
)
def test_a_field_of_another_type_is_refused(changes):
    with pytest.raises(ValueError, match=f"`{next(iter(changes))}`"):
        Genotype.from_json(json.dumps(fields(**changes)))


def test_a_binary_file_is_refused(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"PK\xff")
    with pytest.raises(ValueError, match="model.keras is not a genotype file"):
        Genotype.load(tmp_path / "model.keras")


def test_a_failing_write_leaves_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr("os.replace", failing)
    with pytest.raises(OSError, match="No space"):
        genotype().save(tmp_path / "genotype.json")
    assert os.listdir(tmp_path) == []


# Recurrent cells, as the authors print them.

RECURRENT = {
    "ENAS": """
        (tanh,0)(tanh,1)(relu,1)(tanh,3)(tanh,3)(relu,3)(relu,4)(relu,7)
        (relu,8)(relu,8)(relu,8) concat 2,5,6,9,10,11""",
    "DARTS_V1": """
        (relu,0)(relu,1)(tanh,2)(relu,3)(relu,4)(identity,1)(relu,5)(relu,1)
        concat 1,2,3,4,5,6,7,8""",
    "DARTS_V2": """
        (sigmoid,0)(relu,1)(relu,1)(identity,1)(tanh,2)(sigmoid,5)(tanh,3)
        (relu,5) concat 1,2,3,4,5,6,7,8""",
}


def test_the_published_recurrent_cells_are_the_printed_ones(tmp_path):
    assert {*genotypes.published_names("rnn")} == {*RECURRENT}
    for name, text in RECURRENT.items():
        edges, concat = text.split("concat ")
        published = genotypes.get(name, space="rnn")
        assert (published.name, published.space) == (name, "rnn")
        assert published.cell_types == ("recurrent",)
        assert published.recurrent == tuple(
            (primitive, int(node))
            for primitive, node in re.findall(r"\((\w+),(\d+)\)", edges)
        )
        assert published.recurrent_concat == tuple(map(int, concat.split(",")))
        published.save(tmp_path / "genotype.json")
        assert Genotype.load(tmp_path / "genotype.json") == published
        assert '"space": "rnn"' in (tmp_path / "genotype.json").read_text()


def test_a_recurrent_cell_as_the_authors_paste_it():
    text = (
        "X = Genotype(recurrent=[('tanh', 0), ('relu', 1)], concat=range(1, 3))"
    )
    genotype = Genotype.from_string(text)
    assert genotype == Genotype(
        recurrent=[("tanh", 0), ("relu", 1)], recurrent_concat=[1, 2]
    )
    assert genotype.name == "X" and genotype.num_skip_connections == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recurrent": [("skip_connect", 0)]}, "unknown primitive.*identity"),
        ({"recurrent": [("tanh", 1)]}, "leads from node 1 to node 1"),
        ({"recurrent": []}, "must hold one or more edges for each"),
        ({"recurrent": None}, "`recurrent` must be a list of pairs"),
        ({"recurrent_concat": [0]}, "which are 1 to 2"),
        ({"recurrent_concat": None}, "`recurrent_concat` must name"),
        ({"normal": EDGES}, "Received: normal, recurrent"),
    ],
)
def test_what_is_no_recurrent_cell_is_refused(changes, message):
    cell = {
        "recurrent": [("tanh", 0), ("relu", 1)],
        "recurrent_concat": [1, 2],
    }
    Genotype(**cell)
    with pytest.raises(ValueError, match=message):
        Genotype(**{**cell, **changes})
