"""What a network costs, against Keras and counts by hand."""

import json

import keras
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.genotypes import Genotype
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.runs.genotype_cost import describe_cost
from tfdarts.runs.genotype_cost import show_cost
from tfdarts.tasks import latency_table as module
from tfdarts.tasks.latency_table import LatencyTable
from tfdarts.tasks.network_cost import count_cost
from tfdarts.tasks.network_cost import measure_cost
from tfdarts.tasks.network_cost import predict_milliseconds

EDGES = (("sep_conv_3x3", 0), ("skip_connect", 1))
SMALL = Genotype(EDGES, (2,), EDGES, (2,))


def chain():
    """A convolution, a ReLU, another convolution, the mean, a dense layer."""
    images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(16, 3, padding="same", use_bias=False)(images)
    x = keras.layers.ReLU()(x)
    x = keras.layers.Conv2D(4, 1, use_bias=False)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, keras.layers.Dense(10)(x))


def test_a_chain_by_hand():
    network = chain()
    cost = count_cost(network)
    assert cost["parameters"] == network.count_params() == 432 + 64 + 50
    assert cost["multiply_adds"] == 64 * (432 + 64) + 40
    # The two largest neighbors are the input and the output of the ReLU.
    assert cost["activation_bytes"] == 4 * 64 * (16 + 16)


def test_a_branch_is_held_until_it_is_added():
    images = keras.Input((8, 8, 4))
    x = keras.layers.ReLU()(images)
    x = keras.layers.Conv2D(4, 1, use_bias=False)(x)
    network = keras.Model(images, keras.layers.Add()([images, x]))
    assert count_cost(network)["activation_bytes"] == 3 * 4 * 64 * 4


def test_a_genotype_costs_what_its_network_does():
    network = CNNNetwork(SMALL, 4, 3, 7, (8, 8, 1))
    cost = tfdarts.genotype_cost(SMALL, 4, 3, 7, (8, 8, 1))
    trainable = sum(w.shape.num_elements() for w in network.trainable_weights)
    assert cost["parameters"] == trainable
    fixed = sum(w.numpy().size for w in network.non_trainable_weights)
    assert trainable + fixed == network.count_params()
    assert {*cost} == {"parameters", "multiply_adds", "activation_bytes"}


def test_recurrent_cells_are_refused():
    genotype = tfdarts.genotypes.get("ENAS", space="rnn")
    with pytest.raises(ValueError, match="cost of a recurrent cell depends"):
        tfdarts.genotype_cost(genotype)


@pytest.fixture
def timed(monkeypatch):
    """Lets a call take as many milliseconds as its graph has operations."""
    calls = []

    def measure(function, shapes):
        calls.append(shapes)
        specs = [tf.TensorSpec((1, *shape)) for shape in shapes]
        traced = tf.function(function).get_concrete_function(*specs)
        return float(len(traced.graph.get_operations()))

    monkeypatch.setattr(module, "_measure", measure)
    return calls


def test_a_layer_is_measured_once(timed, tmp_path):
    table = LatencyTable(tmp_path)
    first, second, other = (
        keras.layers.Conv2D(filters, 3, use_bias=False) for filters in (4, 4, 5)
    )
    for layer in (first, second, other):
        layer.build((None, 8, 8, 3))
    found = table.milliseconds(first, [(8, 8, 3)])
    assert found > 0 and len(timed) == 2  # One is the call without work.
    assert table.milliseconds(second, [(8, 8, 3)]) == found
    assert len(timed) == 2
    table.milliseconds(other, [(8, 8, 3)])
    table.milliseconds(first, [(9, 9, 3)])
    assert len(timed) == 4
    table.save()
    again = LatencyTable(tmp_path)
    assert again.milliseconds(second, [(8, 8, 3)]) == found
    assert len(timed) == 4


@pytest.mark.parametrize("fact", ["cpu", "cpu_cores"])
def test_another_machine_measures_anew(fact, timed, tmp_path, monkeypatch):
    LatencyTable(tmp_path).save()
    here = module.machine.describe()
    monkeypatch.setattr(
        module.machine, "describe", lambda: {**here, fact: "another"}
    )
    table = LatencyTable(tmp_path)
    assert not table.path.exists()


def test_another_version_measures_anew(tmp_path, monkeypatch):
    before = LatencyTable(tmp_path).path
    monkeypatch.setattr(tf, "__version__", "2.99.0")
    assert LatencyTable(tmp_path).path != before


def test_a_damaged_file_is_named(timed, tmp_path):
    table = LatencyTable(tmp_path)
    table.save()
    table.path.write_text(table.path.read_text()[:20])
    with pytest.raises(ValueError, match="latencies, is damaged: delete"):
        LatencyTable(tmp_path)


def test_the_cache_is_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert module.cache_directory() == tmp_path / "tfdarts"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert module.cache_directory() == tmp_path / ".cache" / "tfdarts"


def test_the_rows_add_up(timed, tmp_path, monkeypatch):
    """Over the primitives and all other layers."""
    monkeypatch.setattr("tfdarts.tasks.network_cost.has_litert", lambda: False)
    network = CNNNetwork(SMALL, 4, 3, 7, (8, 8, 1))
    table = LatencyTable(tmp_path)
    cost = {**count_cost(network), **measure_cost(network, table)}
    rows = {row["layer"]: row for row in cost["layers"]}
    # A normal cell, two reduction cells.
    assert rows["sep_conv_3x3"]["count"] == 3
    for name in ("parameters", "multiply_adds"):
        assert sum(row[name] for row in rows.values()) == cost[name]
    total = sum(row["milliseconds"] for row in rows.values())
    assert total == cost["milliseconds_of_layers"] > 0
    assert predict_milliseconds(network, table) == pytest.approx(total)
    assert cost["milliseconds"] > 0 and "litert_milliseconds" not in cost
    assert json.loads(table.path.read_text())["machine"]["cpu"]
    text = show_cost(cost)
    assert f"{cost['parameters']:,}" in text and "sep_conv_3x3" in text
    assert describe_cost(cost).endswith(" ms")


def test_litert_is_measured():
    pytest.importorskip("ai_edge_litert")
    from tfdarts.tasks.latency import litert_milliseconds

    assert 0 < litert_milliseconds(chain())
