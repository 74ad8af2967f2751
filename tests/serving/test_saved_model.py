"""What a server answers, compared with the network it was exported from."""

import io
import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfdarts import genotypes
from tfdarts.models.auxiliary_head import WithAuxiliaryHead
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.serving.saved_model import export_saved_model

HEIGHT, WIDTH = 12, 10
LABELS = ["cat", "dog", "Käfer", "ship"]
PREPROCESSING = {
    "scale": 1 / 128,
    "mean": [0.4, 1.1, 0.7],
    "std": [0.5, 0.3, 2.0],
}

TENSORFLOW_ALONE = """
import json
import sys

# TensorFlow imports Keras where it finds it; this stands for "not installed".
sys.modules.update(keras=None, tf_keras=None, tfdarts=None)

import numpy as np
import tensorflow as tf

version, images = sys.argv[1:]
model = tf.saved_model.load(version)
answer = model.signatures["serving_default"](tf.constant(np.load(images)))
assert not any(sys.modules[name] for name in ("keras", "tf_keras", "tfdarts"))
print(json.dumps(answer["probabilities"].numpy().tolist()))
"""


def build_network(channels=3, dtype="float32"):
    images = keras.Input((HEIGHT, WIDTH, channels))
    x = keras.layers.Conv2D(8, 3, padding="same", dtype=dtype)(images)
    x = keras.layers.BatchNormalization(dtype=dtype)(x)
    x = keras.layers.Activation("relu", dtype=dtype)(x)
    x = keras.layers.Flatten(dtype=dtype)(x)
    logits = keras.layers.Dense(len(LABELS), dtype=dtype)(x)
    network = keras.Model(images, logits)
    rng = np.random.default_rng(0)
    for variable in network.variables:
        low = 0.5 if "variance" in variable.path else -0.5
        variable.assign(rng.uniform(low, low + 1, variable.shape))
    return network


def random_images(count, height=HEIGHT, width=WIDTH, channels=3):
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, height, width, channels), "uint8")


def expected_probabilities(network, images, scale, mean, std):
    prepared = (images * scale - np.array(mean)) / np.array(std)
    prepared = prepared.astype("float32")
    logits = network.predict(prepared, verbose=0).astype("float32")
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def encode(images, encoder=tf.io.encode_png):
    return [encoder(image).numpy() for image in images]


def answer_images(model, images):
    signature = model.signatures["serving_default"]
    return signature(images=tf.constant(images, tf.float32))


def answer_bytes(model, contents):
    signature = model.signatures["serving_bytes"]
    return signature(image_bytes=tf.constant(contents))


def assert_answer(answer, probabilities):
    np.testing.assert_allclose(
        answer["probabilities"], probabilities, rtol=0, atol=1e-5
    )
    class_id = probabilities.argmax(axis=-1)
    np.testing.assert_array_equal(answer["class_id"], class_id)
    labels = [label.decode() for label in answer["label"].numpy()]
    assert labels == [LABELS[index] for index in class_id]


@pytest.fixture(scope="module")
def network():
    return build_network()


@pytest.fixture(scope="module")
def version(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "network"
    return export_saved_model(network, path, LABELS, **PREPROCESSING)


@pytest.fixture(scope="module")
def model(version):
    return tf.saved_model.load(str(version))


@pytest.mark.parametrize("count", [1, 5])
def test_answers_what_the_network_answers(network, model, count):
    images = random_images(count)
    expected = expected_probabilities(network, images, **PREPROCESSING)
    assert len(set(expected.argmax(axis=-1))) > 1 or count == 1
    assert_answer(answer_images(model, images), expected)
    assert_answer(answer_bytes(model, encode(images)), expected)


@pytest.mark.parametrize(
    "shape", [(1, 6, 10, 3), (1, 40, 31, 3), (1, 12, 10, 1), (12, 10, 3)]
)
def test_images_of_another_shape_are_an_invalid_argument(model, shape):
    with pytest.raises(tf.errors.InvalidArgumentError):
        answer_images(model, np.zeros(shape))


def test_signatures(model):
    inputs = {
        name: signature.structured_input_signature[1]
        for name, signature in model.signatures.items()
    }
    images = tf.TensorSpec((None, HEIGHT, WIDTH, 3), tf.float32, "images")
    image_bytes = tf.TensorSpec((None,), tf.string, "image_bytes")
    assert inputs == {
        "serving_default": {"images": images},
        "serving_bytes": {"image_bytes": image_bytes},
        "class_labels": {
            "class_id": tf.TensorSpec((None,), tf.int64, "class_id")
        },
    }
    named = model.signatures["class_labels"](
        class_id=tf.constant([1, 0], tf.int64)
    )
    assert [n.decode() for n in named["label"].numpy()] == [*LABELS[1::-1]]
    for name in ("serving_default", "serving_bytes"):
        outputs = model.signatures[name].structured_outputs
        assert {name: spec.dtype for name, spec in outputs.items()} == {
            "probabilities": tf.float32,
            "class_id": tf.int64,
            "label": tf.string,
        }
        assert outputs["probabilities"].shape == (None, len(LABELS))


def test_preprocessing_is_by_default_a_division_by_255(network, tmp_path):
    version = export_saved_model(network, tmp_path, LABELS)
    images = random_images(2)
    expected = expected_probabilities(network, images, 1 / 255, 0.0, 1.0)
    model = tf.saved_model.load(str(version))
    assert_answer(answer_images(model, images), expected)


def test_png_and_jpeg_of_several_sizes_in_one_batch(network, model):
    same, larger, smaller = (
        random_images(1, *size)[0] for size in [(12, 10), (40, 31), (5, 7)]
    )
    jpeg = tf.io.encode_jpeg(larger).numpy()
    contents = [*encode([same, larger]), jpeg, *encode([smaller])]
    jpeg_pixels = np.asarray(Image.open(io.BytesIO(jpeg)))
    decoded = [same, larger, jpeg_pixels, smaller]
    images = np.stack(
        [
            tf.round(tf.image.resize(x, (HEIGHT, WIDTH), antialias=True))
            for x in decoded
        ]
    )
    np.testing.assert_array_equal(images[0], same)
    expected = expected_probabilities(network, images, **PREPROCESSING)
    assert_answer(answer_bytes(model, contents), expected)


@pytest.mark.parametrize("size", [(3, 4), (64, 33)])
def test_resizing_keeps_the_range_of_pixels(network, model, size):
    white = np.full((1, HEIGHT, WIDTH, 3), 255, "uint8")
    resized = np.full((*size, 3), 255, "uint8")
    expected = expected_probabilities(network, white, **PREPROCESSING)
    assert_answer(answer_bytes(model, encode([resized])), expected)


def test_the_centre_of_larger_images_is_what_the_network_sees(
    network, tmp_path
):
    version = export_saved_model(
        network, tmp_path, LABELS, **PREPROCESSING, image_size=(15, 20)
    )
    model = tf.saved_model.load(str(version))
    images = random_images(3, 15, 20)
    centre = images[:, 1 : 1 + HEIGHT, 5 : 5 + WIDTH]
    expected = expected_probabilities(network, centre, **PREPROCESSING)
    assert_answer(answer_images(model, images), expected)
    assert_answer(answer_bytes(model, encode(images)), expected)


def test_the_central_square_of_encoded_images(network, tmp_path):
    version = export_saved_model(
        network,
        tmp_path,
        LABELS,
        **PREPROCESSING,
        image_size=(16, 16),
        image_fit="crop",
    )
    model = tf.saved_model.load(str(version))
    wide, high = random_images(1, 16, 21)[0], random_images(1, 30, 16)[0]
    squares = np.stack([wide[:, 2:18], high[7:23]])
    expected = answer_images(model, squares)["probabilities"].numpy()
    assert_answer(answer_bytes(model, encode([wide, high])), expected)


def test_images_smaller_than_the_networks_are_refused(network, tmp_path):
    with pytest.raises(
        ValueError, match="at least the size that the network takes"
    ):
        export_saved_model(network, tmp_path, LABELS, image_size=(11, 20))


def test_grey_images(tmp_path):
    network = build_network(channels=1)
    preprocessing = {"scale": 1 / 255, "mean": 0.3, "std": 0.2}
    version = export_saved_model(network, tmp_path, LABELS, **preprocessing)
    model = tf.saved_model.load(str(version))
    images = random_images(5, channels=1)
    expected = expected_probabilities(network, images, **preprocessing)
    assert_answer(answer_images(model, images), expected)
    assert_answer(answer_bytes(model, encode(images)), expected)


def test_a_network_in_mixed_precision_is_served_in_float32(tmp_path):
    network = build_network(dtype="mixed_bfloat16")
    twin = build_network()
    twin.set_weights(network.get_weights())
    version = export_saved_model(network, tmp_path, LABELS, **PREPROCESSING)
    images = random_images(3)
    model = tf.saved_model.load(str(version))
    expected = expected_probabilities(twin, images, **PREPROCESSING)
    assert_answer(answer_images(model, images), expected)
    operations = model.signatures["serving_default"].graph.as_graph_def()
    assert "DT_BFLOAT16" not in str(operations)


def test_labels_are_in_the_assets_too(version):
    text = (version / "assets" / "labels.txt").read_text()
    assert text.splitlines() == LABELS


def test_what_only_training_needs_is_not_served(tmp_path):
    network = CNNNetwork(
        genotypes.get("DARTS_V2"), 2, 3, 4, (HEIGHT, WIDTH, 3), drop_path=True
    )
    model = WithAuxiliaryHead(network)
    model(random_images(2).astype("float32"), training=True)
    network.drop_path.rate.assign(0.5)
    version = export_saved_model(network, tmp_path, LABELS, **PREPROCESSING)
    names = [
        name
        for name, _ in tf.train.list_variables(
            str(version / "variables" / "variables")
        )
    ]
    served = [n for n in names if "VARIABLE_VALUE" in n]
    assert len(served) == len(network.weights) - 1  # the rate of drop path
    loaded = tf.saved_model.load(str(version))
    images = random_images(3)
    expected = expected_probabilities(network, images, **PREPROCESSING)
    assert_answer(answer_images(loaded, images), expected)


def test_tensorflow_alone_loads_it(network, version, tmp_path):
    images = random_images(5).astype("float32")
    np.save(tmp_path / "images.npy", images)
    script = [sys.executable, "-I", "-c", TENSORFLOW_ALONE]
    output = subprocess.run(
        [*script, version, "images.npy"],
        cwd=tmp_path,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    np.testing.assert_allclose(
        json.loads(output),
        expected_probabilities(network, images, **PREPROCESSING),
        rtol=0,
        atol=1e-5,
    )


def test_saved_model_cli_runs_it(network, version, tmp_path):
    images = random_images(5).astype("float32")
    np.save(tmp_path / "images.npy", images)
    command = [
        pathlib.Path(sys.executable).with_name("saved_model_cli"),
        "run",
        f"--dir={version}",
        "--tag_set=serve",
        "--signature_def=serving_default",
        "--inputs=images=images.npy",
        "--outdir=answer",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    np.testing.assert_allclose(
        np.load(tmp_path / "answer" / "probabilities.npy"),
        expected_probabilities(network, images, **PREPROCESSING),
        rtol=0,
        atol=1e-5,
    )


def test_versions_count_up(network, tmp_path, capfd):
    path = tmp_path / "deep" / "er"
    assert export_saved_model(network, path, LABELS) == path / "1"
    assert export_saved_model(network, str(path), LABELS) == path / "2"
    for name in ("7", "notes", ".exporting-99"):
        (path / name).mkdir()
    assert export_saved_model(network, path, LABELS) == path / "8"
    assert capfd.readouterr().out == ""


def test_every_user_may_read_a_version(version):
    assert version.stat().st_mode == version.parent.stat().st_mode


def states(directory):
    """All that writing changes; reading alone changes the access time."""
    return {
        file: (s.st_ino, s.st_mode, s.st_size, s.st_mtime_ns, s.st_ctime_ns)
        for file in directory.rglob("*")
        for s in [file.stat()]
    }


def test_a_version_appears_whole_or_not_at_all(network, tmp_path, monkeypatch):
    version = export_saved_model(network, tmp_path, LABELS)
    before = states(version)
    seen = []

    def save_half(trackable, path, **kwargs):
        path = pathlib.Path(path)
        path.mkdir()
        (path / "saved_model.pb").write_bytes(b"half")
        seen.extend(entry.name for entry in tmp_path.iterdir())
        raise OSError("No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", save_half)
    with pytest.raises(OSError, match="No space left"):
        export_saved_model(network, tmp_path, LABELS)
    assert [name for name in seen if name.isdecimal()] == ["1"]
    assert list(tmp_path.iterdir()) == [version]
    assert states(version) == before


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"labels": LABELS[:3]}, "each of the network's 4 classes.*3 labels"),
        ({"labels": "ship"}, "Received 1 labels"),
        ({"labels": [0, 1, 2, 3]}, "must be strings"),
        ({"mean": [0.5, 0.5]}, "`mean` must be a finite number, or 3"),
        ({"mean": [0.5, 0.5, float("nan")]}, "`mean` must be a finite"),
        ({"std": [[1.0, 1.0, 1.0]]}, "`std` must be a finite number, or 3"),
        ({"std": [1.0, 0.0, 1.0]}, "`std` must be positive"),
        ({"std": -1.0}, "`std` must be positive"),
        ({"scale": float("inf")}, "`scale` must be a finite number"),
    ],
)
def test_refuses_what_does_not_fit(network, tmp_path, arguments, message):
    path = tmp_path / "network"
    with pytest.raises(ValueError, match=message):
        export_saved_model(network, path, **{"labels": LABELS, **arguments})
    assert not path.exists()


@pytest.mark.parametrize(
    "input_shape, layers",
    [
        ((8, 8, 4), [keras.layers.Flatten]),
        ((None, None, 3), [keras.layers.GlobalAveragePooling2D]),
        ((64,), [keras.layers.Flatten]),
        ((8, 8, 3), [keras.layers.ReLU]),
        ((8, 8, 3), [keras.layers.Flatten, keras.layers.Flatten]),
    ],
    ids=["channels", "any size", "not images", "not logits", "two outputs"],
)
def test_refuses_other_networks(tmp_path, input_shape, layers):
    images = keras.Input(input_shape)
    network = keras.Model(images, [layer()(images) for layer in layers])
    with pytest.raises(ValueError, match="Only a built network can be"):
        export_saved_model(network, tmp_path, LABELS)


def test_refuses_a_network_that_is_not_built(tmp_path):
    network = keras.Sequential([keras.layers.Flatten()])
    with pytest.raises(ValueError, match="Only a built network can be"):
        export_saved_model(network, tmp_path, LABELS)
