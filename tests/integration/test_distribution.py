"""Training on two logical CPUs is training on one."""

import csv
import json
import subprocess
import sys

import pytest

TRAIN = """
import sys

import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)
from tfdarts.runs.configs import TrainConfig
from tfdarts.runs.train import train

for distribute in sys.argv[1:]:
    train(
        TrainConfig(
            genotype="DARTS_V2",
            distribute=distribute,
            init_channels=2,
            num_cells=3,
            epochs=1,
            batch_size=256,
            validation_portion=0.2,
            learning_rate=0.05,
            clip_norm=0.5,
            run_dir=distribute,
        )
    )
"""


@pytest.mark.slow
def test_two_devices_train_as_one(tmp_path):
    subprocess.run(
        [sys.executable, "-c", TRAIN, "none", "mirrored"],
        cwd=tmp_path,
        check=True,
    )
    results = {}
    for distribute in ("none", "mirrored"):
        path = tmp_path / distribute / "train"
        assert "2 device" in (path / "log.txt").read_text() or (
            distribute == "none"
        )
        with (path / "metrics.csv").open() as file:
            results[distribute] = list(csv.DictReader(file))[-1]
        assert json.loads((path / "status.json").read_text())["state"] == (
            "finished"
        )
    for name, value in results["none"].items():
        assert float(results["mirrored"][name]) == pytest.approx(
            float(value), rel=1e-3, abs=1e-4
        )
