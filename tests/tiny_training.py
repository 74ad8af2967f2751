"""The settings of a training that takes seconds."""

from tfdarts.tasks.configs import SelectConfig
from tfdarts.tasks.configs import TrainConfig

_COMMON = {
    "preset": "paper",
    "init_channels": 2,
    "num_cells": 3,
    "epochs": 1,
    "batch_size": 256,
    "auxiliary_weight": 0.0,
    "drop_path_rate": 0.0,
}
TRAINING = TrainConfig(genotype="DARTS_V2", **_COMMON)
SELECTION = SelectConfig(
    run_dirs="DARTS_V2,random:3",
    learning_rate=0.1,
    validation_portion=0.2,
    **_COMMON,
)
