"""Values of genotypes that are computed once in a search."""

import json

from tfdarts.files import write_atomically


class KeptValues:
    """Values by genotype, which a resumed search reads from a file.

    Args:
        compute: Function of a genotype that returns what JSON can hold.
    """

    def __init__(self, compute):
        self.compute = compute
        self.path = None
        self.values = {}

    def use(self, path):
        """Reads and keeps values in a file.

        Args:
            path: Path, which need not exist.
        """
        self.path = path
        if path.exists():
            self.values = json.loads(path.read_text())

    def of(self, genotype):
        """Returns the value of a genotype.

        Args:
            genotype: `Genotype`.
        """
        key = json.dumps(genotype.to_dict()["cells"])
        if key not in self.values:
            self.values[key] = self.compute(genotype)
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(self.path, json.dumps(self.values, indent=2))
        return self.values[key]
