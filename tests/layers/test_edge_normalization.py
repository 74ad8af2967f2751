"""The softmax over the edges into a node."""

import json

import keras
import numpy as np
import pytest

from tfdarts.layers.alphas import Alphas
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.models.nas_bench_201_models import NASBench201Supernet
from tfdarts.strategies.darts import DARTS
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam

GROUPS = [2, 2, 3, 3, 3, 7]


def softmax(values):
    exponentials = np.exp(values - np.max(values))
    return exponentials / exponentials.sum()


def factors_of(beta):
    return np.concatenate(
        [softmax(beta[:2]), softmax(beta[2:5]), softmax(beta[5:])]
    )


@pytest.mark.parametrize("relaxation", ["softmax", "sigmoid"])
def test_each_group_has_a_softmax_of_its_own(relaxation):
    random = np.random.default_rng(0)
    made = {"relaxation": relaxation, "dtype": "float64"}
    alphas = Alphas(6, 4, **made, edge_groups=GROUPS)
    plain = Alphas(6, 4, **made)
    beta, alpha = random.normal(size=6), random.normal(size=(6, 4))
    alphas.beta.assign(beta)
    for each in (alphas, plain):
        each.alpha.assign(alpha)
    expected = factors_of(beta)[:, None] * plain.probabilities()
    np.testing.assert_allclose(alphas.probabilities(), expected, rtol=1e-12)
    np.testing.assert_allclose(
        alphas.edge_weights(training=True), expected, rtol=1e-12
    )


def test_large_betas_neither_overflow_nor_become_nan():
    alphas = Alphas(4, 2, edge_groups=[0, 0, 1, 1])
    alphas.beta.assign([1e4, -1e4, 3e4, 3e4])
    found = np.asarray(alphas.edge_weights()).sum(axis=-1)
    np.testing.assert_allclose(found, [1, 0, 0.5, 0.5], atol=1e-6)


def test_a_search_optimizes_alphas_and_betas():
    alphas = Alphas(6, 4, edge_groups=GROUPS)
    assert [tuple(v.shape) for v in alphas.alpha_variables] == [(6, 4), (6,)]
    assert not alphas.trainable_variables
    twin = Alphas.from_config(json.loads(json.dumps(alphas.get_config())))
    assert twin.edge_groups == GROUPS


def test_groups_of_another_number_of_edges_are_refused():
    with pytest.raises(ValueError, match="a group for each of the 3 edges"):
        Alphas(3, 4, edge_groups=GROUPS)


def supernet(dtype="float64"):
    keras.utils.set_random_seed(0)
    return CNNSupernet(
        *(2, 3, 3, (4, 4, 1)),
        num_nodes=2,
        primitives=("none", "skip_connect", "sep_conv_3x3"),
        edge_normalization=True,
        dtype=dtype,
    )


def batch(seed):
    random = np.random.default_rng(seed)
    return random.normal(size=(8, 4, 4, 1)), random.integers(0, 3, 8)


@pytest.mark.parametrize("micro_batches", [1, 2])
def test_the_gradient_of_beta_is_the_numeric_one(micro_batches):
    model = supernet()
    search = DARTS(model, order=1, micro_batches=micro_batches, dtype="float64")
    search.compile(SGD(0.1), Adam(0.05))
    random = np.random.default_rng(1)
    for variable in model.alpha_variables:
        variable.assign(random.normal(size=variable.shape))
    batches = batch(0), batch(1), 0.1
    _, gradients = search.alpha_gradients(*batches)
    found = dict(zip((v.path for v in model.alpha_variables), gradients))
    for alphas in model.alphas.values():
        beta, start, numeric = alphas.beta, alphas.beta.numpy(), []
        for step in 1e-5 * np.eye(len(start)):
            losses = []
            for sign in (1, -1):
                beta.assign(start + sign * step)
                losses.append(float(search.alpha_gradients(*batches)[0]))
            numeric.append((losses[0] - losses[1]) / 2e-5)
        beta.assign(start)
        np.testing.assert_allclose(
            found[beta.path], numeric, rtol=1e-5, atol=1e-9
        )


def test_the_genotype_is_derived_from_the_products():
    """An edge with a strong primitive loses to edges of a larger beta."""
    model = supernet("float32")
    alphas = model.alphas["normal"]
    strong = np.zeros(alphas.alpha.shape)
    strong[2] = [0.0, 3.0, 0.0]
    alphas.alpha.assign(strong)
    sources = {
        source for _, source in model.genotype().cells["normal"].nodes[1]
    }
    assert 0 in sources
    beta = np.zeros(alphas.beta.shape)
    beta[2] = -3.0
    alphas.beta.assign(beta)
    sources = {
        source for _, source in model.genotype().cells["normal"].nodes[1]
    }
    assert sources == {1, 2}


def test_cells_of_nas_bench_201_have_normalized_edges():
    model = NASBench201Supernet(2, 3, 3, (4, 4, 1), edge_normalization=True)
    probabilities = model.probabilities()["cell"].sum(axis=-1)
    into = [node for node, _ in model.space.edges]
    sums = np.bincount(into, probabilities)[1:]
    np.testing.assert_allclose(sums, 1)
    assert {*model.alpha_values()} == {"cell", "cell_beta"}
