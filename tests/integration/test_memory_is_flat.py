"""A long search holds no more memory than a short one."""

import keras
import numpy as np
import psutil
import pytest

from tfdarts.data.arrays import from_arrays
from tfdarts.runs import supernet_search
from tfdarts.runs.search import search
from tfdarts.tasks.configs import SearchConfig

EPOCHS = 200


class MemoryOfEachEpoch(keras.callbacks.Callback):
    """Keeps what the process holds after each epoch, in MB."""

    def __init__(self):
        super().__init__()
        self.held = []

    def on_epoch_end(self, epoch, logs=None):
        self.held.append(psutil.Process().memory_info().rss / 2**20)


@pytest.mark.slow
def test_memory_is_flat_over_200_epochs(tmp_path, monkeypatch):
    memory = MemoryOfEachEpoch()
    monkeypatch.setattr(
        supernet_search, "tensorboard_callbacks", lambda *arguments: [memory]
    )
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, 8, 8), "uint8")
    search(
        SearchConfig(
            preset="paper",
            run_dir=str(tmp_path),
            dataset=from_arrays((images, np.arange(40) % 2)),
            init_channels=2,
            num_cells=3,
            num_nodes=1,
            primitives="none,skip_connect,dil_conv_3x3",
            epochs=EPOCHS,
            batch_size=8,
        )
    )
    assert len(memory.held) == EPOCHS
    # The first epochs fill caches.
    assert memory.held[-1] - memory.held[EPOCHS // 10] < 20, memory.held
