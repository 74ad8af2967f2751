"""Parts of a batch: what each draws, and which rows each has."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.layers.drop_path import DropPath
from tfdarts.layers.dropout import SpatialDropout1D
from tfdarts.layers.recurrent_cell import RecurrentCell
from tfdarts.replicas import local_replicas
from tfdarts.replicas import on_each_replica
from tfdarts.replicas import part_of_batch
from tfdarts.replicas import parts_of
from tfdarts.replicas import rows_of_part
from tfdarts.replicas import worker_of

ONE = tf.distribute.get_strategy()


def recurrent_cell():
    genotype = tfdarts.genotypes.get("ENAS", space="rnn")
    return RecurrentCell(
        genotype, 5, dropout=0.4, recurrent_dropout=0.3, seed=3
    )


LAYERS = {
    "spatial dropout": lambda: SpatialDropout1D(0.4, seed=3),
    "drop path": lambda: DropPath(seed=3),
    "recurrent cell": lambda: keras.layers.RNN(
        recurrent_cell(), return_sequences=True
    ),
}


def made(name):
    """Returns a layer that leaves out at random, built alike each time."""
    keras.utils.set_random_seed(0)
    layer = LAYERS[name]()
    if name == "drop path":
        layer.rate.assign(0.5)
    layer.build(shape_of(name))
    return layer


def shape_of(name):
    return (6, 1, 1, 5) if name == "drop path" else (6, 4, 5)


def inputs_of(name):
    """The same in all rows, so that only what is left out differs."""
    rows, *shape = shape_of(name)
    row = np.random.default_rng(0).uniform(1, 2, shape)
    return tf.constant([row] * rows, tf.float32)


@pytest.fixture(params=LAYERS)
def name(request):
    return request.param


@pytest.mark.parametrize("count", [2, 3])
def test_a_part_leaves_out_what_the_whole_batch_would(name, count):
    expected = made(name)(inputs_of(name), training=True)
    found = []
    for index in range(count):
        with part_of_batch(tf.constant(index), count):
            rows = rows_of_part(inputs_of(name), index, count)
            found.append(made(name)(rows, training=True))
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-5)
    assert not all(np.array_equal(found[0], part) for part in found[1:])


def test_a_replica_leaves_out_what_one_device_would(name, two_replicas):
    expected = made(name)(inputs_of(name), training=True)
    with two_replicas.scope():
        layer = made(name)
    (halves,) = parts_of(two_replicas, inputs_of(name))
    found = two_replicas.run(
        tf.function(lambda x: layer(x, training=True)), args=(halves,)
    )
    found = np.concatenate(two_replicas.experimental_local_results(found))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("rows", [0, 1, 5, 6])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_parts_are_all_rows_once_and_of_one_size_nearly(rows, count):
    values = tf.range(rows)
    parts = [rows_of_part(values, index, count) for index in range(count)]
    assert np.concatenate(parts).tolist() == [*range(rows)]
    assert {len(part) for part in parts} <= {rows // count, -(-rows // count)}


@pytest.mark.parametrize("micro_batches", [1, 2])
def test_micro_batches_of_a_replica_stand_together(two_replicas, micro_batches):
    batch = tf.range(8), (tf.range(8) * 10,)
    parts = parts_of(two_replicas, batch, micro_batches)
    assert len(parts) == micro_batches
    local = two_replicas.experimental_local_results
    first, second = ([], [])
    for x, (y,) in parts:
        for found, values, times in zip((first, second), local(x), local(y)):
            assert times.numpy().tolist() == [10 * v for v in values.numpy()]
            found += values.numpy().tolist()
    assert first + second == [*range(8)]


def test_one_device_has_micro_batches_alone():
    parts = parts_of(ONE, tf.range(6), 3)
    assert [part.numpy().tolist() for part in parts] == [[0, 1], [2, 3], [4, 5]]
    assert parts_of(ONE, "batch") == ["batch"]


def test_which_process_this_is(two_replicas):
    assert worker_of(ONE) == worker_of(two_replicas) == (0, 1)
    assert (local_replicas(ONE), local_replicas(two_replicas)) == (1, 2)
    each = on_each_replica(
        two_replicas, lambda context: context.replica_id_in_sync_group
    )
    assert two_replicas.experimental_local_results(each) == (0, 1)
    assert on_each_replica(ONE, lambda context: "alone") == "alone"
