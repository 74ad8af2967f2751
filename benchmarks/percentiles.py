"""Scores of cells without training, as percentiles among random cells."""

RANDOM = 3000
COLLAPSED = 4
"""Skip connections in the normal cell from which a cell counts 0."""


def scorer(space):
    """Returns functions of a genotype: its score, and its percentile."""
    import numpy as np

    from tfdarts.evaluators import nas_bench_201_table
    from tfdarts.evaluators import surrogate

    if space == "nas_bench_201":
        cells = nas_bench_201_table.known_space()

        def score(genotype):
            return nas_bench_201_table.row_of(genotype).test_accuracy

    else:
        cells = surrogate.known_space()

        def score(genotype):
            if genotype.num_skip_connections >= COLLAPSED:
                return 0.0
            return surrogate.predict(surrogate.encode(genotype))[0]

    drawn = np.array([score(cells.sample(seed)) for seed in range(RANDOM)])

    def percentile(value):
        return float(100 * np.mean(drawn < value))

    return score, percentile, cells


def judge_epochs(space, run_dir):
    """Returns a dict of each epoch: its score, percentile and skips.

    Args:
        space: `CellSearchSpace` of the search.
        run_dir: Path.
    """
    from tfdarts import Genotype
    from tfdarts.records.probabilities import read_probabilities

    score, percentile, cells = scorer(space.name)
    probabilities = read_probabilities(run_dir / "search")
    count = len(next(iter(probabilities.values()))) - 1
    found = []
    for epoch in range(1, count + 1):
        file = run_dir / "search" / "genotypes" / f"epoch_{epoch}.json"
        genotype = own = Genotype.load(file)
        if own not in cells:
            # Rules that keep other numbers of edges: that of DARTS instead.
            genotype = space.derive(
                {name: each[epoch] for name, each in probabilities.items()}
            )
        value = score(genotype)
        found.append(
            {
                "epoch": epoch,
                "score": round(value, 5),
                "percentile": round(percentile(value), 1),
                "skips": genotype.num_skip_connections,
                "by_rule_of_darts": genotype is not own,
            }
        )
    return found
