"""A text, and the settings of a search and a training, that take seconds."""

import numpy as np

from tfdarts.data.text_source import source_of_lines
from tfdarts.tasks.rnn_configs import RNNSearchConfig
from tfdarts.tasks.rnn_configs import RNNTrainConfig


def lines(count, seed):
    """Lines of words, each word often followed by the next of the alphabet."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        word = random.integers(5)
        line = []
        for _ in range(6):
            line.append("abcde"[word % 5])
            word += 1 if random.random() < 0.9 else random.integers(5)
        yield line


SOURCE = source_of_lines(
    "lines:alphabet",
    {
        "train": [*lines(60, 0)],
        "validation": [*lines(30, 1)],
        "test": [*lines(12, 2)],
    },
)
_COMMON = {
    "dataset": SOURCE,
    "units": 6,
    "steps": 7,
    "batch_size": 8,
    "epochs": 2,
    "learning_rate": 2.0,
    "input_dropout": 0.1,
    "recurrent_dropout": 0.1,
    "output_dropout": 0.1,
}
SEARCH = RNNSearchConfig(
    order=1, num_nodes=2, alpha_learning_rate=0.1, **_COMMON
)
TRAINING = RNNTrainConfig(
    genotype="DARTS_V2", step_spread=1.0, word_dropout=0.05, **_COMMON
)
