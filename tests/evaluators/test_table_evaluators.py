"""What the tables say, against figures that others published."""

import itertools

import numpy as np
import pytest

import tfdarts
from tfdarts import genotypes
from tfdarts.evaluators import nas_bench_201_table
from tfdarts.evaluators import surrogate
from tfdarts.search_spaces.cnn import CNNSearchSpace

SPACE = nas_bench_201_table.known_space()


def cell(text):
    """Returns the genotype of one digit for each edge, as in the paper."""
    names = [SPACE.primitives[int(digit)] for digit in text]
    nodes = [[], [], []]
    for name, (node, predecessor) in zip(names, SPACE.edges, strict=True):
        nodes[node - 1].append((name, predecessor))
    return tfdarts.Genotype(cell=nodes, cell_concat=[3])


def evaluate(kind, genotype):
    return kind(None, None)(genotype, None)


@pytest.fixture(scope="module")
def rows():
    digits = itertools.product("01234", repeat=6)
    return {"".join(d): nas_bench_201_table.row_of(cell(d)) for d in digits}


def test_the_best_cell_is_that_of_the_paper(rows):
    # Dong and Yang, 2020, table 5: the optimum on CIFAR-10 is 94.37 %.
    best = max(rows, key=lambda digits: rows[digits].test_accuracy)
    assert best == "333123"
    assert rows[best].test_accuracy == pytest.approx(0.9437, abs=5e-5)


def test_a_cell_without_input_or_output_guesses(rows):
    for digits, row in rows.items():
        if digits[3:] == "000" or digits[0] + digits[1] + digits[3] == "000":
            assert row.test_accuracy < 0.101


def test_the_cost_is_12_epochs_on_half_of_the_images(rows):
    seconds = [row.seconds for row in rows.values()]
    assert np.mean(seconds) == pytest.approx(117.27, abs=0.01)


@pytest.mark.parametrize(
    ("digits", "parameters", "millions"),
    [
        # Of NATS-Bench: all 3x3 convolutions, and no operation at all.
        ("333333", 1531546, 220.12),
        ("000000", 73306, 7.783),
    ],
)
def test_sizes_are_the_published_ones(rows, digits, parameters, millions):
    assert rows[digits].parameters == parameters
    assert rows[digits].multiply_adds / 1e6 == pytest.approx(millions, abs=0.01)


def test_an_evaluation_has_what_the_table_says():
    genotype = SPACE.sample(0)
    row = nas_bench_201_table.row_of(genotype)
    assert evaluate(nas_bench_201_table.NASBench201Evaluator, genotype) == (
        genotype,
        [-row.validation_accuracy],
        row.validation_accuracy,
        row.seconds,
        row.parameters,
        row.multiply_adds,
    )


def test_the_order_of_the_edges_of_a_node_is_free(rows):
    nodes = [edges[::-1] for edges in cell("012343").cells["cell"].nodes]
    turned = tfdarts.Genotype(cell=nodes, cell_concat=[3])
    assert nas_bench_201_table.row_of(turned) == rows["012343"]


@pytest.mark.parametrize(
    ("name", "percent"),
    # Of the surrogate as its authors run it.
    [("DARTS_V1", 95.48), ("DARTS_V2", 95.46), ("PC_DARTS_cifar", 95.76)],
)
def test_published_cells_have_the_accuracy_of_the_surrogate(name, percent):
    genotype = genotypes.get(name)
    found = evaluate(surrogate.SurrogateEvaluator, genotype)
    assert 100 * found.score == pytest.approx(percent, abs=0.011)
    assert found.rank == [-found.score]
    assert 3000 < found.seconds < 10000


def test_random_cells_have_the_distribution_of_the_surrogate():
    accuracies = [
        100 * surrogate.predict(surrogate.encode(CNNSearchSpace().sample(n)))[0]
        for n in range(1000)
    ]
    assert np.mean(accuracies) == pytest.approx(94.40, abs=0.06)
    assert np.std(accuracies) == pytest.approx(0.55, abs=0.06)
    quantiles = np.quantile(accuracies, [0.05, 0.5, 0.95])
    assert quantiles == pytest.approx([93.45, 94.44, 95.20], abs=0.1)


def test_skip_connections_collapse():
    genotype = genotypes.get("PC_DARTS_cifar")

    def with_skips(count):
        edges = [
            ("skip_connect" if position < count else name, source)
            for position, (name, source) in enumerate(genotype.normal)
        ]
        return tfdarts.Genotype(
            normal=edges,
            normal_concat=range(2, 6),
            reduce=genotype.reduce,
            reduce_concat=range(2, 6),
        )

    scores = [
        evaluate(surrogate.SurrogateEvaluator, with_skips(count)).score
        for count in range(9)
    ]
    assert min(scores[:4]) > 0.95
    assert scores[4:] == [0.9345] * 5


@pytest.mark.parametrize(
    ("kind", "genotype", "flag"),
    [
        (
            nas_bench_201_table.NASBench201Evaluator,
            genotypes.get("DARTS_V2"),
            "--space=nas_bench_201",
        ),
        (surrogate.SurrogateEvaluator, cell("012343"), "--space=darts"),
    ],
)
def test_a_genotype_of_another_space_is_refused(kind, genotype, flag):
    with pytest.raises(ValueError, match=flag):
        evaluate(kind, genotype)
