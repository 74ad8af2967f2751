"""Keras' `fit` on two devices, against two halves of each batch by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.layers.batch_norm import synchronize_batch_norms
from tfdarts.models.auxiliary_head import WithAuxiliaryHead
from tfdarts.models.carried_state import WithCarriedState
from tfdarts.models.on_devices import FunctionalOnDevices
from tfdarts.replicas import part_of_batch
from tfdarts.training.mean_statistics import MeanStatistics
from tfdarts.training.optimizers import SGD
from tfdarts.training.shared_data import predict_all
from tfdarts.training.shared_data import share_dataset

BATCH, STEPS, WORDS = 8, 3, 7
ROUNDING = {"rtol": 1e-10, "atol": 1e-12}
GENOTYPE = tfdarts.Genotype(
    *([("sep_conv_3x3", 0), ("skip_connect", 1)], [2]),
    *([("max_pool_3x3", 0), ("skip_connect", 1)], [2]),
)
DEFAULT = tf.distribute.get_strategy()


def images(rows=BATCH * STEPS, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(1.0, 2.0, (rows, 8, 8, 1))
    return x, random.integers(0, 3, rows), random.uniform(0.5, 2.0, rows)


def built(auxiliary=False, dtype="float64"):
    """A model whose clipping is always at work, and whose paths drop."""
    keras.utils.set_random_seed(1)
    network = tfdarts.CNNNetwork(
        GENOTYPE,
        *(2, 3, 3, (8, 8, 1)),
        drop_path=True,
        dtype=dtype,
    )
    network.drop_path.rate.assign(0.4)
    model = FunctionalOnDevices(network.input, network.output)
    if auxiliary:
        model = WithAuxiliaryHead(network)
    model.compile(
        SGD(0.1, l2=1e-3, clip_norm=0.1),
        keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, dtype=dtype
        ),
        metrics=["accuracy"],
    )
    model.optimizer.build(model.trainable_variables)
    return model


def trained_by_hand(model, parts=2):
    """Each batch in parts; their gradients and statistics are averaged."""
    variables = model.trainable_variables
    state = model.non_trainable_variables
    for step in range(STEPS):
        gradients, states = [], []
        rows = slice(step * BATCH, (step + 1) * BATCH)
        cut = [np.split(array[rows], parts) for array in images()]
        for index, (x, y, weights) in enumerate(zip(*cut)):
            with part_of_batch(index, parts), tf.GradientTape() as tape:
                values = [v.value for v in variables]
                outputs, after = model.stateless_call(
                    values, [v.value for v in state], x, training=True
                )
                loss = model.compute_loss(x, y, outputs, weights)
            gradients.append(
                tape.gradient(
                    loss,
                    [v.value for v in variables],
                    unconnected_gradients="zero",
                )
            )
            states.append(after)
        model.optimizer.apply(
            [tf.add_n(each) / parts for each in zip(*gradients)], variables
        )
        for variable, each in zip(state, zip(*states)):
            if variable.dtype == "float64":
                variable.assign(tf.add_n([*each]) / parts)
            else:
                variable.assign(each[0])
    return numbers_of(model)


def numbers_of(model):
    return [v.numpy() for v in [*model.variables, *model.optimizer.variables]]


def trained(strategy, synchronized=False, **arguments):
    with strategy.scope():
        model = built(**arguments)
        if synchronized:
            synchronize_batch_norms(model)
    dataset = tf.data.Dataset.from_tensor_slices(images())
    model.fit(
        share_dataset(dataset.batch(BATCH, drop_remainder=True), strategy),
        callbacks=[MeanStatistics()],
        steps_per_epoch=STEPS,
        shuffle=False,
        verbose=0,
    )
    return model


@pytest.mark.parametrize("auxiliary", [False, True])
def test_two_devices_train_as_two_halves(auxiliary, two_replicas):
    model = trained(two_replicas, auxiliary=auxiliary)
    expected = trained_by_hand(built(auxiliary))
    for found, each in zip(numbers_of(model), expected, strict=True):
        np.testing.assert_allclose(found, each, **ROUNDING)


@pytest.mark.parametrize("auxiliary", [False, True])
def test_global_batch_norm_trains_as_one_device(auxiliary, two_replicas):
    model = trained(two_replicas, synchronized=True, auxiliary=auxiliary)
    expected = trained_by_hand(built(auxiliary), parts=1)
    for found, each in zip(numbers_of(model), expected, strict=True):
        np.testing.assert_allclose(found, each, **ROUNDING)


def test_a_clipped_step_sums_its_gradients_once(two_replicas, monkeypatch):
    tensors = []
    all_reduce = tf.distribute.ReplicaContext.all_reduce

    def counted(self, operation, values, *arguments):
        tensors.append(len(tf.nest.flatten(values)))
        return all_reduce(self, operation, values, *arguments)

    monkeypatch.setattr(tf.distribute.ReplicaContext, "all_reduce", counted)
    model = trained(two_replicas)
    # Each of the replicas is traced.
    assert tensors.count(len(model.trainable_variables)) == 2


def test_all_devices_end_with_the_same_statistics(two_replicas):
    model = trained(two_replicas)
    state = model.non_trainable_variables
    assert any("moving" in variable.path for variable in state)
    for variable in state:
        first, second = (
            v.numpy()
            for v in two_replicas.experimental_local_results(variable.value)
        )
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("auxiliary", [False, True])
@pytest.mark.parametrize("rows", [1, 9, 13])
def test_all_rows_count_once(rows, auxiliary, two_replicas):
    """The last batch of 13 images gives the devices 2 and 3, of 9 none and 1.

    In float64, TensorFlow's convolutions of no row are right.
    """
    x, y, _ = images(rows, seed=5)
    dataset = tf.data.Dataset.from_tensor_slices((x.astype("float32"), y))
    dataset = dataset.batch(BATCH)
    results = []
    for strategy in (DEFAULT, two_replicas):
        with strategy.scope():
            model = built(auxiliary, "float32")
            network = keras.Model(model.inputs, model.outputs[0])
        results.append(
            [
                *model.evaluate(
                    share_dataset(dataset, strategy),
                    steps=len(dataset),
                    verbose=0,
                ),
                *np.ravel(predict_all(network, dataset, strategy)),
            ]
        )
    assert len(results[0]) == 2 + rows * 3
    np.testing.assert_allclose(results[1], results[0], rtol=2e-6)


def test_no_batch_is_read_to_build_what_is_built(two_replicas):
    read = []

    def generate():
        for batch in zip(*(np.split(array, STEPS) for array in images())):
            read.append(len(batch[0]))
            yield batch

    spec = tuple(tf.TensorSpec(a.shape, a.dtype) for a in next(generate()))
    read.clear()
    dataset = tf.data.Dataset.from_generator(generate, output_signature=spec)
    model = trained(two_replicas)
    model.evaluate(share_dataset(dataset, two_replicas), steps=STEPS, verbose=0)
    assert read == [BATCH] * STEPS


def language_model(strategy):
    keras.utils.set_random_seed(2)
    with strategy.scope():
        network = tfdarts.RNNNetwork(
            tfdarts.genotypes.get("ENAS", space="rnn"),
            WORDS,
            4,
            input_dropout=0.3,
            recurrent_dropout=0.2,
            output_dropout=0.2,
            temporal_l2=0.1,
            dtype="float64",
        )
        model = WithCarriedState(network)
        model.compile(SGD(0.5, momentum=0.0, l2=1e-3, clip_norm=0.1))
    return model


def segments(rows, seed):
    """Of other lengths, so that states are carried and graphs are for any."""
    random = np.random.default_rng(seed)
    tokens = random.integers(0, WORDS, (rows, 13))
    spec = (tf.TensorSpec((rows, None), tf.int64),) * 2

    def generate():
        for first, last in ((0, 4), (4, 6), (6, 12)) * 2:
            yield tokens[:, first:last], tokens[:, first + 1 : last + 1]

    return tf.data.Dataset.from_generator(generate, output_signature=spec)


def test_two_devices_read_as_one(two_replicas):
    found = []
    for strategy in (DEFAULT, two_replicas):
        model = language_model(strategy)
        history = model.fit(
            share_dataset(segments(6, 0), strategy),
            validation_data=share_dataset(segments(5, 1), strategy),
            steps_per_epoch=3,
            validation_steps=3,
            epochs=2,
            shuffle=False,
            verbose=0,
        )
        found.append(
            [*numbers_of(model), *np.ravel([*history.history.values()])]
        )
    for one, other in zip(*found, strict=True):
        # Metrics are float32.
        tolerance = ROUNDING if one.shape else {"rtol": 1e-6}
        np.testing.assert_allclose(other, one, **tolerance)
