"""The optimizers against PyTorch's formulas in NumPy."""

import gc
import json
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam
from tfdarts.training.optimizers import AdamW
from tfdarts.training.schedules import EpochCosine
from tfdarts.training.vector_updates import virtual_step_of

RATES = (0.1, 0.1, 0.07, 0.02, 0.005)
SHAPES = ((3, 2), (4,))
CLIP = [None, 2.0]
L2 = [0.0, 0.3]


def gradients_of(step, scale=1.0):
    """Every second time a global norm below 2, else above."""
    random = np.random.default_rng(step)
    size = scale * (0.2 if step % 2 else 3.0)
    return [size * random.uniform(0.5, 1.0, shape) for shape in SHAPES]


def first_weights():
    return [np.linspace(-1.0, 1.0, np.prod(s)).reshape(s) for s in SHAPES]


def clipped(gradients, clip_norm):
    """Before L2 is added."""
    norm = np.sqrt(sum(np.square(g).sum() for g in gradients))
    if clip_norm is None or norm <= clip_norm:
        return gradients
    return [g * clip_norm / norm for g in gradients]


def run(optimizer, scale=1.0):
    """Returns the variables after each of five steps."""
    variables = [keras.Variable(w, dtype="float64") for w in first_weights()]
    trace = []
    for step, rate in enumerate(RATES):
        optimizer.learning_rate = rate
        gradients = [tf.constant(g) for g in gradients_of(step, scale)]
        optimizer.apply(gradients, variables)
        trace.append([v.numpy() for v in variables])
    return trace


def assert_same(trace, expected, tolerance=1e-14):
    for step, other in zip(trace, expected, strict=True):
        for one, value in zip(step, other, strict=True):
            np.testing.assert_allclose(one, value, rtol=0.0, atol=tolerance)


@pytest.mark.parametrize("make", [SGD, Adam, AdamW])
def test_numbers_may_be_those_of_numpy(make):
    made = make(np.float32(0.5), clip_norm=np.float64(2.0), name="a")
    config = json.loads(json.dumps(made.get_config()))
    assert config == make(0.5, clip_norm=2.0, name="a").get_config()


@pytest.mark.parametrize("make", [SGD, Adam])
def test_l2_may_be_a_number_of_numpy(make):
    assert json.loads(json.dumps(make(l2=np.float32(0.5)).get_config()))


@pytest.mark.parametrize("clip_norm", CLIP)
@pytest.mark.parametrize("l2", L2)
@pytest.mark.parametrize(
    ("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)]
)
def test_five_steps_of_sgd(momentum, nesterov, l2, clip_norm):
    weights = first_weights()
    buffers = [0.0, 0.0]
    expected = []
    for step, rate in enumerate(RATES):
        gradients = clipped(gradients_of(step), clip_norm)
        steps = []
        for i, (w, g) in enumerate(zip(weights, gradients)):
            g = g + l2 * w
            buffers[i] = momentum * buffers[i] + g
            steps.append(g + momentum * buffers[i] if nesterov else buffers[i])
        weights = [w - rate * s for w, s in zip(weights, steps)]
        expected.append(weights)
    optimizer = SGD(
        momentum=momentum, nesterov=nesterov, l2=l2, clip_norm=clip_norm
    )
    assert_same(run(optimizer), expected)


@pytest.mark.parametrize("scale", [1.0, 1e-7])
@pytest.mark.parametrize("clip_norm", CLIP)
@pytest.mark.parametrize("l2", L2)
def test_five_steps_of_adam(l2, clip_norm, scale):
    """PyTorch 0.3's form; tiny gradients tell epsilon 1e-8 from 1e-7."""
    weights = first_weights()
    first, second = [0.0, 0.0], [0.0, 0.0]
    expected = []
    for step, rate in enumerate(RATES):
        gradients = clipped(gradients_of(step, scale), clip_norm)
        rate *= np.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.5 ** (step + 1))
        updated = []
        for i, (w, g) in enumerate(zip(weights, gradients)):
            g = g + l2 * w
            first[i] = 0.5 * first[i] + 0.5 * g
            second[i] = 0.999 * second[i] + 0.001 * g**2
            updated.append(w - rate * first[i] / (np.sqrt(second[i]) + 1e-8))
        weights = updated
        expected.append(weights)
    assert_same(run(Adam(l2=l2, clip_norm=clip_norm), scale), expected)


@pytest.mark.parametrize("clip_norm", CLIP)
def test_five_steps_of_adamw(clip_norm):
    """The paper's algorithm 2, with Keras' decay and epsilon.

    The decay is scaled by the rate; epsilon is added to v uncorrected.
    """
    weights = first_weights()
    first, second = [0.0, 0.0], [0.0, 0.0]
    expected = []
    for step, rate in enumerate(RATES):
        gradients = clipped(gradients_of(step), clip_norm)
        updated = []
        for i, (w, g) in enumerate(zip(weights, gradients)):
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g**2
            m = first[i] / (1 - 0.9 ** (step + 1))
            m *= np.sqrt(1 - 0.999 ** (step + 1))
            m /= np.sqrt(second[i]) + 1e-7
            updated.append(w - rate * 0.3 * w - rate * m)
        weights = updated
        expected.append(weights)
    optimizer = AdamW(weight_decay=0.3, clip_norm=clip_norm)
    assert_same(run(optimizer), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_constant_rate_has_the_digits_of_the_weights(dtype):
    """Given, assigned before the first step or after it; one variable."""
    optimizer = SGD(0.1, momentum=0.0)
    weight = keras.Variable(0.0, dtype=dtype)
    optimizer.build([weight])
    assert [v.dtype for v in optimizer.variables] == ["int64", dtype]
    assert optimizer.learning_rate.numpy() == np.dtype(dtype).type(0.1)
    optimizer.learning_rate = 0.07
    assert optimizer.learning_rate.numpy() == np.dtype(dtype).type(0.07)
    later = SGD(0.1)
    later.learning_rate = 0.07
    later.build([weight])
    assert later.learning_rate.numpy() == np.dtype(dtype).type(0.07)
    copied = SGD.from_config(optimizer.get_config())
    assert copied.learning_rate.numpy() == np.float32(0.07)


def test_defaults_are_the_papers():
    sgd, adam = SGD(), Adam()
    assert float(sgd.learning_rate) == pytest.approx(0.025)
    assert (sgd.momentum, sgd.l2, sgd.clip_norm) == (0.9, 0.0, None)
    assert float(adam.learning_rate) == pytest.approx(3e-4)
    assert (adam.beta_1, adam.beta_2, adam.epsilon) == (0.5, 0.999, 1e-8)


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(0.1, momentum=0.0, l2=0.3),
        SGD(0.1, momentum=0.9, l2=0.3),
        SGD(0.1, momentum=0.9, l2=0.3, nesterov=True),
        keras.optimizers.SGD(0.1),
        keras.optimizers.SGD(0.1, weight_decay=0.2),
        keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.2),
        keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        keras.optimizers.SGD(
            0.1, momentum=0.9, nesterov=True, weight_decay=0.2
        ),
    ],
    ids=[
        "plain",
        "momentum",
        "nesterov",
        "keras plain",
        "keras decay",
        "keras",
        "keras nesterov",
        "keras both",
    ],
)
def test_virtual_step_leads_where_the_step_leads(optimizer):
    variables = [keras.Variable(w, dtype="float64") for w in first_weights()]

    def gradients(step):
        return [tf.constant(g) for g in gradients_of(step)]

    for step in range(2):
        optimizer.apply(gradients(step), variables)
    before = [v.numpy() for v in variables]
    virtual = virtual_step_of(optimizer)(
        weights=[tf.constant(w) for w in before],
        gradients=gradients(2),
        momentums=[tf.constant(m.numpy()) for m in optimizer.momentums],
        learning_rate=0.0625,
    )
    assert all(np.array_equal(v, w) for v, w in zip(variables, before))
    optimizer.learning_rate = 0.0625
    optimizer.apply(gradients(2), variables)
    # Keras' own has its momentum in float32.
    in_float32 = type(optimizer) is not SGD and optimizer.momentum
    tolerance = 1e-7 if in_float32 else 1e-14
    assert_same([virtual], [[v.numpy() for v in variables]], tolerance)


def test_two_replicas_clip_the_sum_of_gradients(two_replicas):
    """Halves that cancel in part, each above the norm, their sum below."""
    halves = [[[3.0, 0.5]], [[-2.8, 0.1]]]
    with two_replicas.scope():
        variable = keras.Variable([[1.0, 2.0]])
        optimizer = SGD(0.1, momentum=0.0, clip_norm=1.0)
        optimizer.build([variable])
    gradients = two_replicas.experimental_distribute_values_from_function(
        lambda context: tf.constant(halves[context.replica_id_in_sync_group])
    )
    two_replicas.run(
        tf.function(lambda g: optimizer.apply([g], [variable])), [gradients]
    )
    np.testing.assert_allclose(
        variable, [[1.0 - 0.1 * 0.2, 2.0 - 0.1 * 0.6]], rtol=1e-6
    )


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(EpochCosine(0.025, 0.001, 50, 10), 0.8, l2=3e-4, clip_norm=5.0),
        SGD(),
        SGD(nesterov=True),
        Adam(0.1, beta_1=0.6, epsilon=1e-6, l2=1e-3, clip_norm=2.0),
        AdamW(0.1, weight_decay=0.2, clip_norm=2.0),
    ],
    ids=["scheduled", "SGD", "nesterov", "Adam", "AdamW"],
)
def test_config_round_trip(optimizer):
    twin = type(optimizer).from_config(optimizer.get_config())
    loaded = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    for other in (twin, loaded):
        assert type(other) is type(optimizer)
        assert other.get_config() == optimizer.get_config()
        for name in (
            *("l2", "clip_norm", "momentum", "nesterov"),
            *("beta_1", "epsilon", "weight_decay"),
        ):
            assert getattr(other, name, None) == getattr(optimizer, name, None)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_negative_l2_is_refused(optimizer):
    with pytest.raises(ValueError, match="`l2` must not be negative"):
        optimizer(l2=-1e-9)


@pytest.mark.parametrize("optimizer", [SGD, Adam, AdamW])
@pytest.mark.parametrize("clip_norm", [0.0, -1.0])
def test_clipping_to_nothing_is_refused(optimizer, clip_norm):
    with pytest.raises(ValueError, match="`clip_norm` must be positive"):
        optimizer(clip_norm=clip_norm)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_decoupled_decay_is_refused(optimizer):
    with pytest.raises(ValueError, match="Received: weight_decay=0.1"):
        optimizer(0.1, weight_decay=0.1)


@pytest.mark.parametrize("optimizer", [SGD, Adam, AdamW])
@pytest.mark.parametrize(
    "setting",
    [
        {"clipnorm": 1.0},
        {"clipvalue": 1.0},
        {"gradient_accumulation_steps": 2},
    ],
)
def test_what_keras_would_do_in_its_own_way_is_refused(optimizer, setting):
    with pytest.raises(ValueError, match=f"Received: {next(iter(setting))}"):
        optimizer(0.1, **setting)


def test_clipping_leaves_out_what_has_no_gradient():
    """Keras warns of it, and moves the others."""
    variables = [keras.Variable([1.0]), keras.Variable([1.0])]
    optimizer = SGD(0.1, momentum=0.0, clip_norm=1.0)
    optimizer.build(variables)
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([None, tf.constant([3.0])], variables)
    assert [float(v[0]) for v in variables] == pytest.approx([1.0, 0.9])


@pytest.mark.parametrize("optimizer", [SGD(0.1, clip_norm=1.0), AdamW(0.1)])
def test_the_graphs_of_a_training_end_with_it(optimizer):
    """In one process, a search may train many networks."""
    graphs = []

    class Watched(keras.Sequential):
        def train_step(self, data):
            graphs.append(weakref.ref(tf.compat.v1.get_default_graph()))
            return super().train_step(data)

    model = Watched([keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    assert graphs and graphs[0]() is not None
    del model, optimizer
    gc.collect()
    assert not any(graph() for graph in graphs)
