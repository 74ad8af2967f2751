"""Each format in its own runtime, compared with the network and NumPy."""

import subprocess
import sys

import keras
import numpy as np
import onnxruntime
import pytest
import scipy
import tensorflow as tf
from ai_edge_litert import interpreter as interpreter_module

from tfdarts import genotypes
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.serving.classifier import classifier
from tfdarts.serving.formats import SUFFIXES
from tfdarts.serving.formats import convert
from tfdarts.serving.litert import litert_probabilities
from tfdarts.serving.saved_model import export_saved_model

SHAPE = (14, 12, 3)
MEAN, STD = [0.4, 0.5, 0.6], [0.3, 0.2, 0.25]
IMAGES = np.random.default_rng(0).integers(0, 256, (5, *SHAPE), "uint8")


@pytest.fixture(scope="module")
def network():
    network = CNNNetwork(genotypes.get("DARTS_V2"), 4, 3, 4, (12, 10, 3))
    random = np.random.default_rng(1)
    for variable in network.weights:
        low = 0.5 if "variance" in variable.path else -0.5
        variable.assign(random.uniform(low, low + 1, variable.shape))
    return network


@pytest.fixture(scope="module")
def expected(network):
    centre = IMAGES[:, 1:13, 1:11] / 255
    prepared = ((centre - MEAN) / STD).astype("float32")
    logits = network.predict(prepared, verbose=0)
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


@pytest.fixture(scope="module")
def model(network):
    return classifier(network, mean=MEAN, std=STD, image_size=SHAPE[:2])


def test_the_classifier_itself(model, expected):
    answer = model(IMAGES.astype("float32"))["probabilities"]
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def run_keras(path, images):
    model = keras.saving.load_model(path, compile=False)
    return model.predict(images, verbose=0)["probabilities"]


def run_saved_model(path, images):
    loaded = tf.saved_model.load(path)
    served = loaded.signatures["serving_default"](images=tf.constant(images))
    return served["probabilities"]


def run_litert(path, images):
    return litert_probabilities(path.read_bytes(), images, batch_size=2)


def run_onnx(path, images):
    session = onnxruntime.InferenceSession(path)
    return session.run(["probabilities"], {"images": images})[0]


RUNTIMES = {"keras": run_keras, "litert": run_litert, "onnx": run_onnx}


@pytest.mark.parametrize("format", RUNTIMES)
def test_answers_what_the_network_answers(model, expected, tmp_path, format):
    path = tmp_path / f"model{SUFFIXES[format]}"
    path.write_bytes(convert(model, format))
    for count in (1, 5):
        answer = RUNTIMES[format](path, IMAGES[:count].astype("float32"))
        np.testing.assert_allclose(answer, expected[:count], atol=1e-4)


@pytest.mark.parametrize("format", ["saved_model", *SUFFIXES])
def test_a_network_of_half_precision_with_a_skip(tmp_path, format):
    """It is cloned, to compute in float32; a skip must be cloned, too."""
    edges = (("skip_connect", 0), ("max_pool_3x3", 1))
    network = CNNNetwork(
        genotypes.Genotype(
            normal=edges, normal_concat=(2,), reduce=edges, reduce_concat=(2,)
        ),
        *(2, 3, 4, (12, 10, 3)),
        dtype="mixed_bfloat16",
    )
    preparing = {"mean": MEAN, "std": STD, "image_size": SHAPE[:2]}
    images, steps = IMAGES.astype("float32"), 1e-4
    if format == "saved_model":
        path = export_saved_model(network, tmp_path, [*"abcd"], **preparing)
        answer = run_saved_model(path, images)
    else:
        model = classifier(network, **preparing)
        path = tmp_path / f"model{SUFFIXES[format]}"
        path.write_bytes(convert(model, format, IMAGES))
        if format == "litert_int8":
            answer, steps = run_litert(path, IMAGES), 0.03
        else:
            answer = RUNTIMES[format](path, images)
    exact = CNNNetwork.from_config({**network.get_config(), "dtype": "float32"})
    exact.set_weights(network.get_weights())
    centre = ((IMAGES[:, 1:13, 1:11] / 255 - MEAN) / STD).astype("float32")
    expected = scipy.special.softmax(exact.predict(centre, verbose=0), axis=1)
    np.testing.assert_allclose(answer, expected, atol=steps)


def test_litert_of_8_bits(model, expected, tmp_path):
    random = np.random.default_rng(2)
    images = random.integers(0, 256, (50, *SHAPE), "uint8")
    path = tmp_path / "model.tflite"
    path.write_bytes(convert(model, "litert_int8", images))
    answer = run_litert(path, IMAGES)
    # Steps of 1/256 in the answer alone.
    np.testing.assert_allclose(answer, expected, atol=0.03)
    assert np.ptp(expected) > 0.1
    interpreter = interpreter_module.Interpreter(str(path))
    (taken,) = interpreter.get_input_details()
    assert taken["dtype"] is np.uint8
    kinds = {t["dtype"] for t in interpreter.get_tensor_details()}
    (given,) = interpreter.get_output_details()
    floating = [
        t["index"]
        for t in interpreter.get_tensor_details()
        if t["dtype"] is np.float32
    ]
    assert floating == [given["index"]], kinds


def test_litert_needs_no_operations_of_tensorflow(model):
    assert b"Flex" not in convert(model, "litert")


def test_converting_says_nothing(model, capfd):
    for format in ("keras", "litert", "onnx"):
        convert(model, format)
    assert capfd.readouterr().out == ""


def test_what_litert_cannot_run_is_said_in_a_sentence(monkeypatch):
    class Broken:
        def __init__(self, **kwargs):
            raise RuntimeError("failed to create XNNPACK runtime")

    monkeypatch.setattr(interpreter_module, "Interpreter", Broken)
    with pytest.raises(ValueError, match="LiteRT cannot run.*XNNPACK"):
        litert_probabilities(b"", IMAGES, batch_size=2)


AS_THE_README_SHOWS = """
import sys

import keras
import numpy as np

import tfdarts  # noqa: F401

model = keras.saving.load_model(sys.argv[1])
answer = model.predict(np.load(sys.argv[2]), verbose=0)
np.save(sys.argv[3], answer["probabilities"])
"""


def test_keras_in_a_process_of_its_own(model, expected, tmp_path):
    (tmp_path / "model.keras").write_bytes(convert(model, "keras"))
    np.save(tmp_path / "images.npy", IMAGES.astype("float32"))
    subprocess.run(
        [
            *(sys.executable, "-c", AS_THE_README_SHOWS),
            *("model.keras", "images.npy", "answer.npy"),
        ],
        cwd=tmp_path,
        check=True,
    )
    answer = np.load(tmp_path / "answer.npy")
    np.testing.assert_allclose(answer, expected, atol=1e-4)
