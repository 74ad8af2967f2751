"""The settings of a training that takes seconds."""

from tfdarts.genotypes import Genotype
from tfdarts.tasks.configs import SelectConfig
from tfdarts.tasks.configs import TrainConfig

_EDGES = (("max_pool_3x3", 0), ("dil_conv_3x3", 1))
SMALL = Genotype(
    normal=_EDGES, normal_concat=(2,), reduce=_EDGES, reduce_concat=(2,)
)
"""A cell whose graph is soon built."""
_COMMON = {
    "preset": "paper",
    "init_channels": 2,
    "num_cells": 3,
    "epochs": 1,
    "batch_size": 256,
    "auxiliary_weight": 0.0,
    "drop_path_rate": 0.0,
}
TRAINING = TrainConfig(genotype=SMALL, **_COMMON)
SELECTION = SelectConfig(
    run_dirs="DARTS_V2,random:3",
    learning_rate=0.1,
    validation_portion=0.2,
    **_COMMON,
)
