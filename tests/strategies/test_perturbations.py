"""SDARTS: the perturbation of edge weights, and the step that sees it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_search as tiny
from plain_loss import plain_loss

import tfdarts
from tfdarts.layers.alphas import alphas_of
from tfdarts.strategies.gradient.perturbations import AdversarialPerturbation
from tfdarts.strategies.gradient.perturbations import RandomPerturbation
from tfdarts.strategies.gradient.perturbations import to_simplex

KINDS = [RandomPerturbation, AdversarialPerturbation]


def some_weights(*shapes):
    random = np.random.default_rng(1)
    return [
        tf.constant(random.dirichlet(np.ones(columns), rows))
        for rows, columns in shapes
    ]


def linear_loss(costs):
    """Σ costs · weights, whose gradient is the costs."""

    def loss(edge_weights):
        parts = [tf.reduce_sum(c * w) for c, w in zip(costs, edge_weights)]
        return tf.add_n(parts), costs

    return loss


def by_hand(values):
    """The authors' projection, an edge at a time."""
    rows = []
    for row in np.array(values):
        largest = row.argmax()
        row = row.clip(0, 1)
        if row.sum() == 0:
            row[largest] = 1.0
        rows.append(row / row.sum())
    return np.array(rows)


def test_the_projection_is_that_of_the_authors():
    random = np.random.default_rng(0)
    values = random.uniform(-0.6, 1.2, (200, 4))
    values[0] = [-0.3, -0.1, -0.2, -0.4]
    found = to_simplex(values, tf.ones(values.shape, "float64"))
    np.testing.assert_allclose(found, by_hand(values), rtol=1e-12)
    assert found[0].numpy().tolist() == [0, 1, 0, 0]


def test_random_noise_is_uniform_in_the_ball():
    """Where no weight is clipped, quotients of weights give the noise."""
    start = tf.fill((20000, 2), tf.constant(0.5, "float64"))
    (found,) = RandomPerturbation(0.3, seed=5)([start], step=7)
    # (1/2 + a) / (1 + a + b), for a and b uniform in [-0.3, 0.3].
    sample = np.random.default_rng(0).uniform(-0.3, 0.3, (200000, 2)) + 0.5
    expected = sample[:, 0] / sample.sum(axis=1)
    quantiles = np.linspace(0, 1, 21)[1:-1]
    np.testing.assert_allclose(
        np.quantile(found[:, 0], quantiles),
        np.quantile(expected, quantiles),
        atol=0.01,
    )
    assert found[:, 0].numpy().min() >= 0.2
    assert found[:, 0].numpy().max() <= 0.8


def test_noise_depends_on_seed_step_and_tensor():
    start = some_weights((3, 4), (3, 4))
    noises = [
        np.concatenate(RandomPerturbation(0.1, seed)(start, step))
        for seed, step in ((0, 0), (0, 1), (1, 0))
    ]
    again = np.concatenate(RandomPerturbation(0.1, 0)(start, 0))
    np.testing.assert_array_equal(noises[0], again)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (noises[one] != noises[other]).any()
    same = RandomPerturbation(0.1)([start[0], start[0]], 0)
    assert (same[0] != same[1]).numpy().any()


@pytest.mark.parametrize("kind", KINDS)
def test_edge_weights_stay_on_the_simplex_and_zeros_stay(kind):
    start = some_weights((50, 5), (50, 3))
    start[1] = tf.concat([start[1], tf.zeros((50, 1), "float64")], axis=1)
    costs = [tf.ones_like(start[0]), tf.ones_like(start[1])]
    for weights in kind(0.5)(start, 3, linear_loss(costs)):
        assert (weights.numpy() >= 0).all()
        np.testing.assert_allclose(weights.numpy().sum(axis=1), 1)
    assert (weights[:, -1].numpy() == 0).all()


def test_the_adversary_climbs_as_the_authors_do():
    """Seven steps, in the ball, projected, written with NumPy."""
    (start,), radius = some_weights((40, 4)), 0.2
    random = np.random.default_rng(2)
    matrix = random.normal(size=(4, 4))

    def loss(edge_weights):
        (weights,) = edge_weights
        return (
            tf.reduce_sum(tf.sin(weights @ matrix)),
            [tf.cos(weights @ matrix) @ matrix.T],
        )

    (expected,) = RandomPerturbation(radius, 3)([start], 5)
    expected = expected.numpy()
    for _ in range(7):
        gradient = np.cos(expected @ matrix) @ matrix.T
        moved = expected + 2 * radius / 7 * np.sign(gradient)
        inside = np.clip(moved, start - radius, start + radius)
        expected = by_hand(inside)
    assert np.sin(expected @ matrix).sum() > np.sin(start @ matrix).sum()
    (found,) = AdversarialPerturbation(radius, 3)([start], 5, loss)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_adversary_finds_the_worst_corner_of_a_ball():
    """Of a linear loss: the best of all corners, before the projection."""
    start = tf.constant([[0.5, 0.5]], "float64")
    costs = [tf.constant([[1.0, -1.0]], "float64")]
    (found,) = AdversarialPerturbation(0.2)([start], 0, linear_loss(costs))
    np.testing.assert_allclose(found, [[0.7, 0.3]])


def test_the_adversary_gives_up_if_the_loss_did_not_rise():
    start = some_weights((3, 4))

    def falling(edge_weights, calls=iter(range(100))):
        return -tf.constant(float(next(calls))), edge_weights

    found = AdversarialPerturbation(0.2)(start, 0, falling)
    np.testing.assert_array_equal(found, start)


# In a search


def batch(seed):
    random = np.random.default_rng(seed)
    images = random.normal(1.0, 1.0, (8, 4, 4, 1)).astype("float32")
    return tf.constant(images), tf.constant(random.integers(0, 3, 8))


def tiny_search(**options):
    keras.utils.set_random_seed(0)
    supernet = tfdarts.CNNSupernet(
        *(2, 3, 3, (4, 4, 1)),
        num_nodes=1,
        primitives=("none", "skip_connect", "sep_conv_3x3"),
    )
    search = tfdarts.DARTS(supernet, **{"order": 1} | options)
    search.compile(tfdarts.SGD(0.1, momentum=0.9), tfdarts.Adam(0.05))
    return search


def variables_of(search):
    return [v.numpy() for v in search.supernet.variables]


@pytest.mark.parametrize("order", [1, 2])
def test_without_noise_a_step_is_that_of_darts(order):
    plain, noiseless = (
        tiny_search(order=order, perturbation=perturbation)
        for perturbation in (None, RandomPerturbation(0.0))
    )
    for seed in (0, 2):
        for search in (plain, noiseless):
            search.train_step((batch(seed), batch(seed + 1)))
    for one, other in zip(variables_of(plain), variables_of(noiseless)):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_weights_descend_at_the_perturbed_edge_weights():
    """By the softmax's inverse: alphas with these edge weights, unperturbed."""

    def perturb(edge_weights, step, loss):
        given.append(loss(edge_weights))
        return [tf.reverse(weights, [-1]) for weights in edge_weights]

    given = []
    search = tiny_search(perturbation=perturb)
    supernet = search.supernet
    before = [v.numpy() for v in supernet.network_weights]
    logs = [
        tf.reverse(tf.nn.log_softmax(alpha), [-1])
        for alpha in supernet.alpha_variables
    ]
    weights = [tf.constant(v) for v in before]
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = plain_loss(supernet, *batch(0))(weights, logs)
    gradients = tape.gradient(loss, weights)
    alphas = [v.numpy() for v in supernet.alpha_variables]
    search.update_weights(search._parts((*batch(0), ()), "train"))
    for value, start, gradient in zip(
        supernet.network_weights, before, gradients
    ):
        np.testing.assert_allclose(
            value, start - 0.1 * gradient, rtol=1e-4, atol=1e-6
        )
    for value, alpha in zip(supernet.alpha_variables, alphas):
        np.testing.assert_array_equal(value, alpha)


def shifted_loss(monkeypatch, layer, column, shift, evaluate):
    """Returns the loss with a column of the edge weights shifted."""
    with monkeypatch.context() as patched:
        patched.setattr(
            layer,
            "relaxed",
            lambda training: (
                tf.nn.softmax(layer.alpha.value)
                + shift * np.eye(3, dtype="float32")[column]
            ),
        )
        return evaluate()


def test_the_adversary_sees_the_loss_in_evaluation(monkeypatch):
    """Its gradients are differences of the loss that Keras evaluates."""
    seen = {}

    def perturb(edge_weights, step, loss):
        seen.update(start=edge_weights, outcome=loss(edge_weights))
        return edge_weights

    search = tiny_search(perturbation=perturb)
    supernet = search.supernet
    x, y = batch(0)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def evaluate():
        return float(cross_entropy(y, supernet(x, training=False)))

    expected = evaluate()
    (layer, _), column = alphas_of(supernet), 1
    above, below = (
        shifted_loss(monkeypatch, layer, column, shift, evaluate)
        for shift in (0.05, -0.05)
    )
    search.update_weights(search._parts((x, y, ()), "train"))
    loss, gradients = seen["outcome"]
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    slope = (above - below) / 0.1
    # All edges were shifted together.
    assert float(tf.reduce_sum(gradients[0][:, column])) == pytest.approx(
        slope, rel=2e-2
    )


def test_the_adversary_raises_the_training_loss_of_a_search():
    losses = []

    class Noted(AdversarialPerturbation):
        def __call__(self, edge_weights, step, loss):
            found = super().__call__(edge_weights, step, loss)
            losses.append((loss(edge_weights)[0], loss(found)[0]))
            return found

    search = tiny_search(perturbation=Noted(0.3))
    for seed in (0, 2, 4):
        search.train_step((batch(seed), batch(seed + 1)))
    assert all(after >= before for before, after in losses)
    assert any(after > before for before, after in losses)


def test_micro_batches_and_any_model_are_perturbed():
    search = tiny_search(perturbation=RandomPerturbation(0.3), micro_batches=2)
    search.train_step((batch(0), batch(1)))
    x = keras.Input((4,))
    choice = tfdarts.LayerChoice(
        [keras.layers.Dense(3), keras.layers.Dense(3, activation="tanh")]
    )
    search = tfdarts.DARTS(
        keras.Model(x, choice(x)),
        order=1,
        perturbation=AdversarialPerturbation(0.3),
    )
    search.compile(
        "sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    random = np.random.default_rng(0)
    data = random.normal(size=(8, 4)), random.integers(0, 3, 8)
    search.fit(data, data, batch_size=4, verbose=0)


def test_recurrent_cells_are_perturbed():
    search = tfdarts.DARTS(
        tfdarts.RNNSupernet(7, 4, 1),
        order=1,
        perturbation=AdversarialPerturbation(0.2, steps=1),
    )
    search.compile(tfdarts.SGD(0.1, momentum=0.0), tfdarts.Adam(0.01))
    words = tf.constant(np.random.default_rng(0).integers(0, 7, (4, 5)))
    batch = words[:, :-1], words[:, 1:]
    assert np.isfinite(float(search.train_step((batch, batch))["loss"]))


def test_a_saved_search_is_perturbed_in_the_same_way(tmp_path):
    search = tiny_search(perturbation=AdversarialPerturbation(0.2, 9, steps=2))
    search.train_step((batch(0), batch(1)))
    search.save(tmp_path / "search.keras")
    loaded = keras.saving.load_model(tmp_path / "search.keras")
    for each in (search, loaded):
        each.train_step((batch(2), batch(3)))
    for one, other in zip(variables_of(search), variables_of(loaded)):
        np.testing.assert_array_equal(one, other)


def test_only_a_softmax_is_perturbed():
    with pytest.raises(ValueError, match="needs --relaxation=softmax"):
        tfdarts.search_config("fair_darts", perturbation="random")


@pytest.mark.slow
def test_the_radius_grows_to_that_of_the_last_epoch(tmp_path, monkeypatch):
    radii = []
    perturb = AdversarialPerturbation.__call__

    def noted(self, *arguments):
        radii.append(self.radius)
        assert (self.seed, self.steps) == (4, 7)
        return perturb(self, *arguments)

    monkeypatch.setattr(AdversarialPerturbation, "__call__", noted)
    settings = ("num_nodes", "primitives", "num_cells", "init_channels")
    settings = {name: getattr(tiny.TINY, name) for name in settings}
    config = tfdarts.search_config(
        "sdarts",
        perturbation="adversarial",
        epochs=3,
        batch_size=256,
        seed=4,
        run_dir=str(tmp_path),
        **settings,
    )
    tfdarts.search(config)
    assert np.unique(radii).round(6).tolist() == [0.03, 0.165, 0.3]
    assert radii == sorted(radii)
