"""What a search leaves behind after each epoch."""

import io
import pathlib

import keras
import numpy as np

from tfdarts.files import write_atomically
from tfdarts.genotypes import Genotype
from tfdarts.runs.run_directory import whole
from tfdarts.search_spaces.relaxation import entropy


class SearchRecord(keras.callbacks.Callback):
    """Saves alphas and genotype each epoch, and adds what they say to the logs.

    The logs gain `alpha_entropy` (nats, mean over all edges),
    `skip_connections` (in the normal cell of the genotype, if it has one),
    `epochs_unchanged` (epochs since the genotype last changed), and of each
    edge `entropy_<cell type>_<predecessor>_<node>`.

    Args:
        directory: Path. It gets `alphas.npz`, one array a cell type, epochs
            first, row 0 the initial alphas; and `genotypes/epoch_<n>.json`.
        supernet: `CNNSupernet` or `RNNSupernet`, not trained yet if
            `first_epoch` is 0.
        first_epoch: Integer, the epoch that the run goes on with.

    Raises:
        ValueError: If what the epochs before have left is damaged.
    """

    def __init__(self, directory, supernet, first_epoch):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.supernet = supernet
        (self.directory / "genotypes").mkdir(exist_ok=True)
        values = supernet.alpha_values()
        self.genotypes = []
        self.alphas = {name: [value] for name, value in values.items()}
        if first_epoch:
            with whole(self.directory):
                self._read(values, first_epoch)

    def _read(self, names, count):
        """Reads what the epochs before have left."""
        self.genotypes = [
            Genotype.load(self.directory / "genotypes" / f"epoch_{n}.json")
            for n in range(1, count + 1)
        ]
        content = (self.directory / "alphas.npz").read_bytes()
        with np.load(io.BytesIO(content)) as file:
            self.alphas = {n: [*file[n][: count + 1]] for n in names}
        if any(len(values) <= count for values in self.alphas.values()):
            raise ValueError("alphas.npz holds too few epochs.")

    def alphas_of(self, epoch):
        """Returns the alphas after an epoch, by cell type.

        Args:
            epoch: Integer, `0` for the initial alphas.
        """
        return {name: values[epoch] for name, values in self.alphas.items()}

    def on_epoch_end(self, epoch, logs=None):
        values = self.supernet.alpha_values()
        for name, value in values.items():
            self.alphas[name].append(value)
        genotype = self.supernet.genotype()
        entropies = self._entropies(values)
        logs["alpha_entropy"] = np.mean([*entropies.values()])
        if genotype.space == "cnn":
            logs["skip_connections"] = genotype.num_skip_connections
        logs["epochs_unchanged"] = self._epochs_unchanged(genotype)
        logs.update(entropies)
        self.genotypes.append(genotype)
        genotype.save(self.directory / "genotypes" / f"epoch_{epoch + 1}.json")
        file = io.BytesIO()
        np.savez(file, **{k: np.stack(v) for k, v in self.alphas.items()})
        write_atomically(self.directory / "alphas.npz", file.getvalue())

    def _entropies(self, alphas):
        edges = self.supernet.space.edges
        return {
            f"entropy_{cell_type}_{predecessor}_{node}": value
            for cell_type, values in alphas.items()
            for (node, predecessor), value in zip(edges, entropy(values))
        }

    def _epochs_unchanged(self, genotype):
        unchanged = 0
        for earlier in reversed(self.genotypes):
            if earlier != genotype:
                break
            unchanged += 1
        return unchanged
