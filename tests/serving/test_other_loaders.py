"""The SavedModel where there is no Python, and where there is TensorFlow 1."""

import pathlib
import shutil
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from tfdarts import genotypes
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.serving.saved_model import export_saved_model

LABELS = ["cat", "dog", "ship"]
SHAPE = (12, 10, 3)
SOURCE = pathlib.Path(__file__).with_name("loader.cc")
IMAGES = np.random.default_rng(0).integers(0, 256, (3, *SHAPE), "uint8")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A version, and the probabilities of the images in NumPy."""
    network = CNNNetwork(genotypes.get("DARTS_V2"), 2, 3, len(LABELS), SHAPE)
    random = np.random.default_rng(1)
    for variable in network.weights:
        low = 0.5 if "variance" in variable.path else -0.5
        variable.assign(random.uniform(low, low + 1, variable.shape))
    path = tmp_path_factory.mktemp("models") / "network"
    version = export_saved_model(network, path, LABELS, mean=0.4, std=0.3)
    prepared = ((IMAGES / 255 - 0.4) / 0.3).astype("float32")
    logits = network.predict(prepared, verbose=0)
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return version, exponentials / exponentials.sum(1, keepdims=True)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The C++ program, compiled against what the TensorFlow wheel brings."""
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        pytest.skip("needs a C++ compiler")
    path = tmp_path_factory.mktemp("program") / "loader"
    library = pathlib.Path(tf.sysconfig.get_lib())
    subprocess.run(
        [
            *(compiler, "-std=c++17", "-O1", "-w", SOURCE, "-o", path),
            *(flag for flag in tf.sysconfig.get_compile_flags()),
            *("-Wl,--no-as-needed", f"-L{library}", f"-Wl,-rpath,{library}"),
            *("-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"),
        ],
        check=True,
    )
    return path


def run(program, version, directory, contents):
    """Runs the program on the images and on files of these contents."""
    IMAGES.astype("float32").tofile(directory / "images")
    files = []
    for number, content in enumerate(contents):
        files.append(directory / str(number))
        files[-1].write_bytes(content)
    return subprocess.run(
        [program, version, directory / "images", *map(str, SHAPE), *files],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_loader_of_tf_serving_answers_without_python(
    served, program, tmp_path
):
    version, expected = served
    contents = [tf.io.encode_png(image).numpy() for image in IMAGES]
    done = run(program, version, tmp_path, contents)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    for name in ("serving_default", "serving_bytes"):
        answered = [row[1:] for row in rows if row[0] == name]
        assert [label for label, *_ in answered] == [
            LABELS[k] for k in expected.argmax(1)
        ]
        probabilities = [list(map(float, row[1:])) for row in answered]
        np.testing.assert_allclose(probabilities, expected, atol=1e-5)


@pytest.mark.slow
def test_what_is_no_image_is_an_invalid_argument_there(
    served, program, tmp_path
):
    done = run(program, served[0], tmp_path, [b"no image"])
    assert done.returncode == 1
    assert "INVALID_ARGUMENT: assertion failed: [it is not a PNG" in done.stderr


def test_tensorflow_1_loads_it(served):
    version, expected = served
    contents = [tf.io.encode_png(image).numpy() for image in IMAGES]
    given = {
        "serving_default": ("images", IMAGES.astype("float32")),
        "serving_bytes": ("image_bytes", np.array(contents, object)),
    }
    v1 = tf.compat.v1
    with v1.Session(graph=tf.Graph()) as session:
        model = v1.saved_model.load(session, ["serve"], str(version))
        for name, (key, value) in given.items():
            signature = model.signature_def[name]
            probabilities = session.run(
                signature.outputs["probabilities"].name,
                {signature.inputs[key].name: value},
            )
            np.testing.assert_allclose(probabilities, expected, atol=1e-5)
