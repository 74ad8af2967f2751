"""The files that a search writes after each epoch."""

import pathlib

import keras
import numpy as np

from tfdarts.genotypes import Genotype
from tfdarts.primitive_table import primitive_names
from tfdarts.records.json_files import report_damage
from tfdarts.records.probabilities import PROBABILITIES
from tfdarts.records.probabilities import read_arrays
from tfdarts.records.probabilities import read_probabilities
from tfdarts.records.probabilities import write_arrays
from tfdarts.search_spaces.entropy import entropy


class SearchRecord(keras.callbacks.Callback):
    """Saves alphas and genotype each epoch, and adds metrics to the logs.

    The logs gain `alpha_entropy` (nats, mean over all edges),
    `skip_connections` (in the normal or only cell of the genotype),
    `epochs_unchanged` (epochs since the genotype last changed), and for each
    edge `entropy_<cell type>_<predecessor>_<node>`.

    Args:
        directory: Path. It gets `alphas.npz` and `probabilities.npz`, with
            one array per cell type, epochs first, row 0 the initial values
            (see `Supernet.alpha_values` and `DARTS.probabilities`); and
            `genotypes/epoch_<n>.json`.
        search: `DARTS`, untrained if `first_epoch` is 0.
        first_epoch: Integer, the epoch to resume at.

    Raises:
        ValueError: If the files of earlier epochs are damaged.
    """

    def __init__(self, directory, search, first_epoch):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.continue_with(search)
        (self.directory / "genotypes").mkdir(exist_ok=True)
        self.genotypes = []
        self.alphas, self.probabilities = (
            {name: [value] for name, value in values.items()}
            for values in self._values()
        )
        if first_epoch:
            with report_damage(self.directory):
                self._read(first_epoch)

    def continue_with(self, search):
        """Records another search from now on, that of the next stage."""
        self.search = search
        self.supernet = search.supernet

    def _values(self):
        return self.supernet.alpha_values(), self.search.probabilities()

    def _read(self, count):
        """Reads the files of earlier epochs."""
        self.genotypes = [
            Genotype.load(self.directory / "genotypes" / f"epoch_{n}.json")
            for n in range(1, count + 1)
        ]
        alphas = read_arrays(self.directory / "alphas.npz")
        probabilities = read_probabilities(self.directory)
        self.alphas, self.probabilities = (
            {name: [*arrays[name][: count + 1]] for name in kept}
            for arrays, kept in (
                (alphas, self.alphas),
                (probabilities, self.probabilities),
            )
        )
        for values in (*self.alphas.values(), *self.probabilities.values()):
            if len(values) <= count:
                raise ValueError("The record holds too few epochs.")

    def probabilities_of(self, epoch):
        """Returns the probabilities after an epoch, by cell type.

        Args:
            epoch: Integer, `0` for the initial ones.
        """
        return {
            name: values[epoch] for name, values in self.probabilities.items()
        }

    def on_epoch_end(self, epoch, logs=None):
        alphas, probabilities = self._values()
        for kept, new in (
            (self.alphas, alphas),
            (self.probabilities, probabilities),
        ):
            for name, value in new.items():
                kept[name].append(value)
        genotype = self.search.genotype()
        entropies = self._entropies(probabilities)
        logs["alpha_entropy"] = np.mean([*entropies.values()])
        if "skip_connect" in primitive_names(genotype.space):
            logs["skip_connections"] = genotype.num_skip_connections
        logs["epochs_unchanged"] = self._epochs_unchanged(genotype)
        logs.update(entropies)
        self.genotypes.append(genotype)
        genotype.save(self.directory / "genotypes" / f"epoch_{epoch + 1}.json")
        write_arrays(self.directory / "alphas.npz", self.alphas)
        write_arrays(self.directory / PROBABILITIES, self.probabilities)

    def _entropies(self, probabilities):
        edges = self.supernet.space.edges
        return {
            f"entropy_{cell_type}_{predecessor}_{node}": value
            for cell_type, values in probabilities.items()
            for (node, predecessor), value in zip(edges, entropy(values))
        }

    def _epochs_unchanged(self, genotype):
        unchanged = 0
        for earlier in reversed(self.genotypes):
            if earlier != genotype:
                break
            unchanged += 1
        return unchanged
