"""What a search leaves behind after each epoch."""

import io
import pathlib

import keras
import numpy as np

from tfdarts.files import write_atomically
from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.relaxation import mean_entropy


class SearchRecord(keras.callbacks.Callback):
    """Saves alphas and genotype each epoch, and adds what they say to the logs.

    The logs gain `learning_rate`, `alpha_entropy` (nats, mean over all
    edges), `skip_connections` (in the normal cell of the genotype) and
    `epochs_unchanged` (epochs since the genotype last changed).

    Args:
        directory: Path. It gets `alphas.npz`, one array a cell type, epochs
            first, row 0 the initial alphas; and `genotypes/epoch_<n>.json`.
        first_epoch: Integer, the epoch that the run goes on with.
    """

    def __init__(self, directory, first_epoch):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.first_epoch = first_epoch

    def on_train_begin(self, logs=None):
        genotypes = self.directory / "genotypes"
        genotypes.mkdir(exist_ok=True)
        self.genotypes = [
            Genotype.load(genotypes / f"epoch_{epoch + 1}.json")
            for epoch in range(self.first_epoch)
        ]
        values = self.model.supernet.alpha_values()
        if self.first_epoch:
            with np.load(self.directory / "alphas.npz") as file:
                self.alphas = {
                    name: list(file[name][: self.first_epoch + 1])
                    for name in values
                }
        else:
            self.alphas = {name: [value] for name, value in values.items()}

    def on_epoch_end(self, epoch, logs=None):
        supernet = self.model.supernet
        values = supernet.alpha_values()
        for name, value in values.items():
            self.alphas[name].append(value)
        genotype = supernet.genotype()
        logs["learning_rate"] = float(self._learning_rate())
        logs["alpha_entropy"] = mean_entropy(np.concatenate([*values.values()]))
        logs["skip_connections"] = genotype.num_skip_connections
        logs["epochs_unchanged"] = self._epochs_unchanged(genotype)
        self.genotypes.append(genotype)
        genotype.save(self.directory / "genotypes" / f"epoch_{epoch + 1}.json")
        file = io.BytesIO()
        np.savez(file, **{k: np.stack(v) for k, v in self.alphas.items()})
        write_atomically(self.directory / "alphas.npz", file.getvalue())

    def _learning_rate(self):
        """The rate of the epoch's last step, which a schedule has left."""
        optimizer = self.model.optimizer
        schedule = optimizer._learning_rate
        if isinstance(
            schedule, keras.optimizers.schedules.LearningRateSchedule
        ):
            return schedule(optimizer.iterations - 1)
        return optimizer.learning_rate

    def _epochs_unchanged(self, genotype):
        unchanged = 0
        for earlier in reversed(self.genotypes):
            if earlier != genotype:
                break
            unchanged += 1
        return unchanged
