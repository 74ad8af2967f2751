"""How well scores of untrained networks rank those of NAS-Bench-201.

    python benchmarks/zero_cost.py --genotypes=100 --dataset=tfds:cifar10

Genotypes are drawn uniformly. Each score is compared with the published test
accuracy on CIFAR-10 after 200 epochs, by Spearman's rank correlation. Without
--dataset only the scores that need no images are computed. Table 1 of
Abdelfattah et al., 2021, https://arxiv.org/abs/2101.08134, has such figures.
"""

import argparse

import keras
from scipy.stats import spearmanr

from tfdarts.data.examples import TrainingExamples
from tfdarts.data.sources import open_source
from tfdarts.evaluators.nas_bench_201_table import row_of
from tfdarts.models import zero_cost
from tfdarts.models.nas_bench_201_models import NASBench201Network
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace
from tfdarts.table import table
from tfdarts.tasks.networks import count_parameters


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--genotypes", type=int, default=100)
    parser.add_argument("--dataset")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--init_channels", type=int, default=16)
    parser.add_argument("--num_cells", type=int, default=17)
    given = parser.parse_args()
    images = None
    if given.dataset:
        examples = TrainingExamples.of(open_source(given.dataset, 0), 1, 0)
        pixels, labels = (each[: given.batch_size] for each in examples.train)
        images = examples.normalize(pixels), labels
    space = NASBench201SearchSpace()
    genotypes = [space.sample(seed) for seed in range(given.genotypes)]
    rows = [scores(genotype, given, images) for genotype in genotypes]
    accuracies = [row_of(genotype).test_accuracy for genotype in genotypes]
    found = [
        (name, f"{spearmanr([r[name] for r in rows], accuracies)[0]:.3f}")
        for name in rows[0]
    ]
    print(table(("score", "rank correlation"), found))


def scores(genotype, given, images):
    """Returns the scores of a genotype, a dict."""
    keras.utils.set_random_seed(0)
    shape = (32, 32, 3) if images is None else images[0].shape[1:]
    network = NASBench201Network(
        genotype, given.init_channels, given.num_cells, 10, shape
    )
    double = zero_cost.in_float64(network)
    found = {
        "params": count_parameters(network),
        "synflow": zero_cost.synflow(double),
    }
    if images is not None:
        found["jacov"] = zero_cost.jacov(network, images[0])
        found["grad_norm"] = zero_cost.grad_norm(network, *images)
    return found


if __name__ == "__main__":
    main()
