"""A slice of the real Fashion-MNIST, from search to test."""

import gzip
import json
import pathlib
import struct
import subprocess
import sysconfig

import numpy as np
import pytest
import tensorflow as tf

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"
DEBIAN = pathlib.Path("/usr/share/datasets/fashion-mnist")
# The names are those of the data set's own description.
CLASSES = (
    "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, "
    "Bag, Ankle boot"
).split(", ")


def copy_slice(directory, prefix, count):
    """Copies the first examples, uncompressed."""
    for kind, header in (("images-idx3", 16), ("labels-idx1", 8)):
        name = f"{prefix}-{kind}-ubyte"
        with gzip.open(DEBIAN / f"{name}.gz") as file:
            start = file.read(header)
            size = 784 if header == 16 else 1
            values = file.read(count * size)
        start = start[:4] + struct.pack(">I", count) + start[8:]
        (directory / name).write_bytes(start + values)


@pytest.mark.slow
@pytest.mark.skipif(
    not DEBIAN.exists(), reason="needs Debian's package dataset-fashion-mnist"
)
def test_a_slice_is_searched_trained_and_served(tmp_path):
    data = tmp_path / "clothes"
    data.mkdir()
    copy_slice(data, "train", 2000)
    copy_slice(data, "t10k", 500)
    (data / "labels.txt").write_text("\n".join(CLASSES))
    train_flagfile = tmp_path / "train.cfg"
    train_flagfile.write_text(
        f"--flagfile={CONFIGS}/fashion_mnist_train.cfg\n"
        "--init_channels=8\n--num_cells=3\n--epochs=5\n--learning_rate=0.1\n"
    )
    subprocess.run(
        [
            pathlib.Path(sysconfig.get_path("scripts")) / "tfdarts-pipeline",
            f"--flagfile={CONFIGS}/fashion_mnist.cfg",
            f"--dataset=idx:{data}",
            *("--init_channels=4", "--num_cells=3", "--num_nodes=2"),
            "--epochs=2",
            f"--train_flagfile={train_flagfile}",
            f"--run_dir={tmp_path / 'run'}",
        ],
        check=True,
    )
    results = json.loads((tmp_path / "run/train/results.json").read_text())
    # Ten classes, so 0.1 is what guessing gets.
    assert results["test_accuracy"] > 0.5
    assert results["test_examples"] == 500
    version = tmp_path / "run/export/clothes/1"
    content = (data / "t10k-images-idx3-ubyte").read_bytes()[16:]
    images = np.frombuffer(content, "uint8").reshape(500, 28, 28, 1)
    labels = np.frombuffer(
        (data / "t10k-labels-idx1-ubyte").read_bytes()[8:], "uint8"
    )
    served = tf.saved_model.load(str(version)).signatures["serving_default"](
        images=tf.constant(images, tf.float32)
    )
    names = np.array(CLASSES)[labels]
    accuracy = (served["label"].numpy().astype(str) == names).mean()
    assert accuracy == pytest.approx(results["test_accuracy"], abs=0.005)
