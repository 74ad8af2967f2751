"""Language models: published counts, NumPy, what is left out, carried state."""

import functools
import json

import keras
import numpy as np
import numpy_recurrent
import pytest
import tensorflow as tf

from tfdarts import genotypes
from tfdarts.models.language_model import LanguageModel
from tfdarts.models.rnn_network import RNNNetwork
from tfdarts.models.rnn_supernet import RNNSupernet

V2 = genotypes.get("DARTS_V2", "rnn")
WORDS, UNITS, BATCH = 11, 4, 3


def count(weights):
    return sum(int(keras.ops.size(w)) for w in weights)


def network(**arguments):
    """A network in float64 with larger weights than the initial ones."""
    model = RNNNetwork(V2, WORDS, UNITS, dtype="float64", **arguments)
    scramble(model)
    return model


def supernet(**arguments):
    model = RNNSupernet(WORDS, UNITS, 3, dtype="float64", **arguments)
    scramble(model)
    return model


def scramble(model):
    random = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(random.normal(size=weight.shape))


def tokens(steps):
    return np.random.default_rng(2).integers(0, WORDS, (BATCH, steps))


@pytest.mark.parametrize(
    "make",
    [
        functools.partial(RNNNetwork, V2, vocabulary_size=np.int64(WORDS)),
        functools.partial(RNNSupernet, np.int64(WORDS), num_nodes=np.int64(3)),
    ],
)
def test_numbers_may_be_those_of_numpy(make):
    half = np.float32(0.5)
    config = make(
        units=np.int64(UNITS),
        input_dropout=half,
        recurrent_dropout=half,
        output_dropout=half,
        temporal_l2=half,
        seed=np.int64(7),
    ).get_config()
    assert json.loads(json.dumps(config))["vocabulary_size"] == WORDS


# Counts


@pytest.mark.parametrize("name", ["DARTS_V1", "DARTS_V2"])
@pytest.mark.parametrize(
    "vocabulary_size, units, weights",
    [(10_000, 850, 22_960_000), (33_278, 700, 33_127_878)],
    ids=["PTB", "WikiText-2"],
)
def test_the_published_networks(name, vocabulary_size, units, weights):
    genotype = genotypes.get(name, "rnn")
    model = RNNNetwork(genotype, vocabulary_size, units)
    assert count(model.trainable_weights) == weights


def test_enas_has_a_matrix_for_each_of_its_eleven_nodes():
    model = RNNNetwork(genotypes.get("ENAS", "rnn"), 10_000, 850)
    more = 3 * 850 * 2 * 850
    assert count(model.trainable_weights) == 22_960_000 + more


def test_the_supernet():
    model = RNNSupernet(10_000, 300)
    assert count(model.network_weights) == 4_810_000
    assert count(model.alpha_variables) == 180
    assert {*model.alphas} == {"recurrent"}
    assert model.network_weights == model.trainable_variables
    assert len(model.genotype().recurrent) == 8


# NumPy


def numpy_logits(model, ids, step):
    embedding = model.embedding.embeddings.numpy()
    outputs, _ = numpy_recurrent.sequence(
        step, embedding[ids], np.zeros((len(ids), UNITS))
    )
    return outputs @ embedding.T + model.decoder_bias.numpy(), outputs


def test_a_network_is_embedding_cell_and_embedding():
    model = network()
    kernels = [w.numpy() for w in model.recurrence.trainable_weights]
    expected, _ = numpy_logits(
        model,
        tokens(5),
        lambda x, h: numpy_recurrent.derived_step(V2, x, h, kernels),
    )
    logits, (state,) = model(tokens(5))
    np.testing.assert_allclose(logits, expected, atol=1e-10)
    assert state.shape == (BATCH, UNITS)


def test_a_supernet_is_embedding_search_cell_and_embedding():
    model = supernet()
    kernels = [w.numpy() for w in model.recurrence.trainable_weights]
    alphas = model.alpha_values()["recurrent"]
    batch_norm = numpy_recurrent.BatchNorm(UNITS)

    def step(x, h):
        return numpy_recurrent.search_step(
            model.space.primitives, alphas, x, h, kernels, batch_norm
        )

    expected, _ = numpy_logits(model, tokens(3), step)
    logits, _ = model(tokens(3), training=True)
    np.testing.assert_allclose(logits, expected, atol=1e-9)


@pytest.mark.parametrize("kind", [network, supernet])
def test_one_pass_of_70_steps_equals_two_of_35(kind):
    model = kind()
    ids = tokens(70)
    whole, end = model(ids)
    first, state = model(ids[:, :35])
    second, state = model(ids[:, 35:], state=state)
    np.testing.assert_allclose(
        np.concatenate([first, second], 1), whole, atol=1e-10
    )
    np.testing.assert_allclose(state, end, atol=1e-10)


# What is left out, and penalties


def test_whole_words_are_left_out_the_same_for_all():
    model = network(word_dropout=0.5, seed=4)
    seen = {}
    ids = tokens(40)
    kept = model._word_dropout_factors(ids, "float64").numpy()[..., 0]
    for word, factor in zip(ids.ravel(), kept.ravel()):
        assert seen.setdefault(word, factor) == factor
    assert {*seen.values()} == {0.0, 2.0}


@pytest.mark.parametrize("name", ["embedding_dropout", "output_dropout"])
def test_units_are_left_out_the_same_in_all_steps(name):
    model = network(**{name: 0.5})
    layer = getattr(model, name)
    outputs = layer(tf.ones((BATCH, 9, 50), "float64"), training=True).numpy()
    assert {*np.unique(outputs)} == {0.0, 2.0}
    np.testing.assert_array_equal(outputs, outputs[:, :1].repeat(9, axis=1))
    assert np.any(outputs[0] != outputs[1])


@pytest.mark.parametrize(
    "name",
    [
        *("word_dropout", "embedding_dropout", "input_dropout"),
        *("recurrent_dropout", "output_dropout"),
    ],
)
def test_every_rate_does_something_in_training_alone(name):
    ids = tokens(6)
    plain, dropping = network(), network(**{name: 0.5}, seed=1)
    np.testing.assert_array_equal(dropping(ids)[0], plain(ids)[0])
    logits = dropping(ids, training=True)[0].numpy()
    assert np.abs(logits - plain(ids)[0]).max() > 1e-3
    again = dropping(ids, training=True)[0].numpy()
    assert np.abs(logits - again).max() > 1e-3


def test_the_penalties_of_activation_and_of_change():
    ids = tokens(6)
    model = network(activation_l2=2.0, temporal_l2=3.0, output_dropout=0.5)
    kernels = [w.numpy() for w in model.recurrence.trainable_weights]
    _, raw = numpy_logits(
        model,
        ids,
        lambda x, h: numpy_recurrent.derived_step(V2, x, h, kernels),
    )
    model(ids)
    assert model.losses == []
    model.output_dropout.seed_generator.state.assign([0, 7])
    model(ids, training=True)
    model.output_dropout.seed_generator.state.assign([0, 7])
    dropped = model.output_dropout(tf.constant(raw), training=True).numpy()
    assert np.any(dropped == 0)
    activation, temporal = model.losses
    assert float(activation) == pytest.approx(2 * np.mean(dropped**2))
    change = raw[:, 1:] - raw[:, :-1]
    assert float(temporal) == pytest.approx(3 * np.mean(change**2))


def test_in_a_segment_of_one_step_nothing_changes():
    model = network(temporal_l2=3.0)
    model(tokens(4)[:, :1], training=True)
    assert [float(loss) for loss in model.losses] == [0.0]


# Keras


@pytest.mark.parametrize(
    "layer, states", [(keras.layers.LSTM, 2), (keras.layers.GRU, 1)]
)
def test_other_recurrences(layer, states):
    recurrence = layer(UNITS, return_sequences=True, return_state=True)
    model = LanguageModel(recurrence, WORDS, UNITS)
    whole, _ = model(tokens(4))
    first, state = model(tokens(4)[:, :2])
    second, _ = model(tokens(4)[:, 2:], state=state)
    assert len(state) == states
    np.testing.assert_allclose(
        np.concatenate([first, second], 1), whole, atol=1e-5
    )


@pytest.mark.parametrize("kind", [network, supernet])
def test_config_makes_the_same_model_again(kind, tmp_path):
    model = kind(
        word_dropout=0.1,
        embedding_dropout=0.2,
        input_dropout=0.3,
        recurrent_dropout=0.4,
        output_dropout=0.5,
        temporal_l2=1e-3,
    )
    loaded = saved_and_loaded(model, tmp_path)
    np.testing.assert_array_equal(loaded(tokens(5))[0], model(tokens(5))[0])
    assert loaded.get_config() == model.get_config()
    cell = loaded.recurrence.cell
    assert (cell.dropout, cell.recurrent_dropout) == (0.3, 0.4)
    rates = loaded.word_dropout, loaded.output_dropout.rate
    assert (*rates, loaded.temporal_l2) == (0.1, 0.5, 1e-3)


def saved_and_loaded(model, directory):
    model.save(directory / "model.keras")
    return keras.saving.load_model(directory / "model.keras")


def test_a_config_has_the_recurrence_whatever_it_is(tmp_path):
    recurrence = keras.layers.GRU(
        UNITS, dropout=0.3, return_sequences=True, return_state=True
    )
    model = LanguageModel(
        recurrence, WORDS, UNITS, word_dropout=0.1, activation_l2=0.2
    )
    loaded = saved_and_loaded(model, tmp_path)
    np.testing.assert_array_equal(loaded(tokens(5))[0], model(tokens(5))[0])
    assert loaded.get_config() == model.get_config()
    assert loaded.recurrence.dropout == 0.3
    assert (loaded.word_dropout, loaded.activation_l2) == (0.1, 0.2)
    assert loaded.state_size == UNITS
