"""Search, training and export on whatever GPUs there are."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_search import TINY
from tiny_training import TRAINING

import tfdarts
from tfdarts.training.distribution import distribution_of

GPUS = tf.config.list_physical_devices("GPU")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not GPUS, reason="TensorFlow finds no GPU here"),
]
several = pytest.mark.skipif(
    len(GPUS) < 2, reason="it takes two GPUs or more, to share batches"
)
HOW = [
    pytest.param({}, id="one GPU"),
    pytest.param({"distribute": "mirrored"}, id="all GPUs", marks=several),
    pytest.param({"precision": "bfloat16"}, id="bfloat16"),
    pytest.param({"jit_compile": True}, id="XLA"),
    pytest.param(
        {"batch_norm": "global", "distribute": "mirrored"},
        id="global batch norm",
        marks=several,
    ),
]


def with_settings(config, run_dir, **settings):
    batch_size = 128 // len(GPUS) * len(GPUS)
    return dataclasses.replace(
        config, run_dir=str(run_dir), batch_size=batch_size, **settings
    )


@pytest.mark.parametrize(
    "how",
    [
        *HOW,
        pytest.param(
            {"jit_compile": True, "distribute": "mirrored"},
            id="XLA on all GPUs",
            marks=several,
        ),
    ],
)
@pytest.mark.parametrize("order", [1, 2])
def test_search(how, order, tmp_path):
    method = {} if order == 1 else {"method": "exact"}
    genotype = tfdarts.search(
        with_settings(TINY, tmp_path, order=order, **method, **how)
    )
    assert genotype == tfdarts.Genotype.load(tmp_path / "genotype.json")
    rows = (tmp_path / "search" / "metrics.csv").read_text().splitlines()
    assert len(rows) == 1 + TINY.epochs and "nan" not in rows[-1]


@pytest.mark.parametrize("how", HOW)
def test_train_evaluate_and_export(how, tmp_path):
    tfdarts.train(with_settings(TRAINING, tmp_path, **how))
    distribute = how.get("distribute", "none")
    results = tfdarts.evaluate(tmp_path, distribute=distribute)
    assert np.isfinite(results["test_loss"]) and results["device"] == "GPU"
    exported = tfdarts.export(tmp_path)["saved_model"]
    served = tf.saved_model.load(exported).signatures["serving_default"]
    (argument,) = served.structured_input_signature[1]
    images = np.zeros((2, 16, 16, 1), "uint8")
    outputs = served(**{argument: tf.constant(images)})
    assert all(len(output) == 2 for output in outputs.values())


@pytest.mark.parametrize("how", ["one GPU", pytest.param("all", marks=several)])
def test_a_step_is_that_of_the_cpu(how):
    """Second order, in float64; all GPUs are as many micro-batches."""
    count = len(GPUS) if how == "all" else 1
    strategy = distribution_of("mirrored" if count > 1 else "none")
    found = []
    for device, arguments in (
        ("CPU:0", {"micro_batches": count}),
        ("GPU:0", {"distribution": strategy}),
    ):
        with tf.device(device):
            found.append(moved_alphas(count, **arguments))
    np.testing.assert_allclose(*found, rtol=1e-8, atol=1e-10)


def moved_alphas(count, **arguments):
    keras.utils.set_random_seed(0)
    supernet = tfdarts.CNNSupernet(
        2, 3, 3, (8, 8, 1), num_nodes=2, dtype="float64"
    )
    search = tfdarts.DARTS(supernet, **arguments)
    search.compile()
    random = np.random.default_rng(0)
    x = tf.constant(random.normal(size=(4 * count, 8, 8, 1)))
    y = tf.constant(random.integers(0, 3, 4 * count))
    for _ in range(2):
        search.train_step(((x, y), (x[::-1], y[::-1])))
    return np.concatenate([v.numpy() for v in supernet.alpha_variables])
