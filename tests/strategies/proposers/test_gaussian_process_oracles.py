"""Oracles that predict results by Gaussian processes on distances."""

import json

import numpy as np
import pytest

import tfdarts
from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.space_registry import get_space
from tfdarts.strategies.proposers import auto_keras_oracle
from tfdarts.strategies.proposers.auto_keras_oracle import AutoKerasOracle
from tfdarts.strategies.proposers.gaussian_process import expected_improvement
from tfdarts.strategies.proposers.gaussian_process import lower_confidence_bound
from tfdarts.strategies.proposers.nasbot_oracle import NASBOTOracle

SMALL = CNNSearchSpace(2, ("skip_connect", "max_pool_3x3", "sep_conv_3x3"))
ORACLES = {
    "nasbot": lambda space=SMALL, **given: NASBOTOracle(
        space, **{"num_initial": 4, "acquisitions": 60, **given}
    ),
    "auto_keras": lambda space=SMALL, **given: AutoKerasOracle(
        space, **{"num_initial": 4, **given}
    ),
}
every_oracle = pytest.mark.parametrize("kind", ORACLES)


@pytest.fixture(autouse=True)
def short_annealing(monkeypatch):
    monkeypatch.setattr(auto_keras_oracle, "COOLING", 0.5)


def convolutions(genotype):
    return -sum("conv" in name for name, _ in genotype.normal + genotype.reduce)


def ask_and_tell(oracle, loss=convolutions):
    trial = tfdarts.ask(oracle)
    genotype = oracle.encoding.decode(trial.hyperparameters.values)
    tfdarts.tell(oracle, trial, loss(genotype))
    return genotype


def asked_oracle(kind, trials=8, **given):
    oracle = ORACLES[kind](**given)
    for _ in range(trials):
        ask_and_tell(oracle)
    return oracle


@every_oracle
def test_the_state_is_json_and_continues_anywhere(kind):
    expected, states = [], []
    oracle = ORACLES[kind](seed=4)
    for _ in range(12):
        states.append(json.dumps(oracle.get_state()))
        expected.append(ask_and_tell(oracle))
    assert len({*expected}) == 12
    trials = oracle.trials
    # After 11, the parameters are older than the results.
    for number in (3, 5, 11):
        resumed = ORACLES[kind](seed=4)
        resumed.trials = dict([*trials.items()][:number])
        resumed.set_state(json.loads(states[number]))
        found = [ask_and_tell(resumed) for _ in range(12 - number)]
        assert found == expected[number:]
    other = ORACLES[kind](seed=5)
    assert [ask_and_tell(other) for _ in range(5)] != expected[:5]


@every_oracle
def test_what_is_better_is_learnt(kind):
    oracle = ORACLES[kind](num_initial=8, seed=2)
    found = [ask_and_tell(oracle) for _ in range(20)]
    # Of eight edges of a random genotype, 8/3 are convolutions; the mean of
    # twelve such genotypes has a deviation of 0.38.
    assert min(map(convolutions, found)) <= -7
    assert np.mean([*map(convolutions, found[8:])]) < -4.2


@every_oracle
def test_candidates_are_in_the_order_of_the_acquisition(kind):
    oracle = asked_oracle(kind)
    losses = np.array([result["loss"] for result in oracle.results])
    targets = (losses - losses.mean()) / losses.std()
    process = oracle._process(targets)

    def acquisition(genotypes):
        mean, deviation = oracle.predict(process, genotypes)
        if kind == "nasbot":
            return -expected_improvement(mean, deviation, targets.min())
        return lower_confidence_bound(mean, deviation, 2.576)

    neighbors = [
        oracle.mutate_cells(cells, np.random.default_rng(seed))
        for cells in oracle.evaluated
        for seed in range(20)
    ]
    of_neighbors = acquisition(neighbors)
    for seed in range(3):
        random = np.random.default_rng(seed)
        candidates = oracle.candidates(process, targets, random)
        assert len({*candidates}) == len(candidates) > 50
        if kind == "auto_keras":
            assert not {*oracle.evaluated} & {*candidates}
        values = acquisition(candidates)
        assert np.all(np.diff(values) >= -1e-9)
        # Few mutations of what is known are better than what was found.
        assert np.mean(of_neighbors < values[0] - 1e-9) < 0.2


@every_oracle
def test_predictions_stand_for_pending_trials(kind):
    oracle = asked_oracle(kind)
    losses = np.array([result["loss"] for result in oracle.results])
    targets = (losses - losses.mean()) / losses.std()
    trial = tfdarts.ask(oracle, "one")
    pending = oracle._decode(trial.hyperparameters.values)
    genotypes = [
        pending,
        oracle.mutate_cells(pending, np.random.default_rng(0)),
    ]
    mean, deviation = oracle.predict(oracle._process(targets), genotypes)
    del oracle.ongoing_trials["one"]
    before, larger = oracle.predict(oracle._process(targets), genotypes)
    np.testing.assert_allclose(mean, before, atol=0.05)
    # The noise is left where there will be a result.
    assert deviation[0] < 0.2 * larger[0] and deviation[1] < larger[1]
    other = tfdarts.ask(oracle, "other")
    assert oracle._decode(other.hyperparameters.values) != pending


@every_oracle
def test_parameters_are_fitted_again_after_seven_results(kind):
    oracle = asked_oracle(kind, 4)
    fitted = []
    for _ in range(9):
        ask_and_tell(oracle)
        fitted.append(oracle.fitted["results"])
    assert fitted == [4] * 7 + [11] * 2


@every_oracle
@pytest.mark.parametrize(
    "name", ["darts", "darts_rnn", "nas_bench_201", "nasnet", "s1"]
)
def test_genotypes_of_every_space_are_proposed(kind, name):
    space = get_space(name)()
    oracle = ORACLES[kind](space, num_initial=2, seed=1)

    def loss(genotype):
        assert genotype in space
        return float(len(str(genotype)))

    assert len({ask_and_tell(oracle, loss) for _ in range(4)}) == 4


@every_oracle
def test_a_search_ends_when_nothing_untried_is_found(kind):
    space = CNNSearchSpace(1, ("skip_connect", "max_pool_3x3"))
    oracle, tried = ORACLES[kind](space), set()
    while (trial := tfdarts.ask(oracle)) is not None:
        tried.add(oracle.encoding.decode(trial.hyperparameters.values))
        tfdarts.tell(oracle, trial, float(len(tried)))
    assert len(tried) == 2**4
    single = ORACLES[kind](CNNSearchSpace(1, ("skip_connect",)), num_initial=1)
    ask_and_tell(single)
    assert tfdarts.ask(single) is None


@every_oracle
def test_failed_candidates_teach_nothing(kind):
    oracle = ORACLES[kind](max_consecutive_failed_trials=None)
    for number in range(6):
        tfdarts.tell(oracle, tfdarts.ask(oracle), None if number else 1.0)
    assert len(oracle.results) == 1
    assert ask_and_tell(oracle) in SMALL


def test_a_mutation_is_a_neighbor_in_either_cell():
    oracle, genotype = ORACLES["nasbot"](), SMALL.sample(0)
    generator = np.random.default_rng(0)
    cells = tuple(genotype.cells.values())
    found = set()
    for _ in range(600):
        mutated = oracle.mutate_cells(cells, generator)
        found.add(Genotype(cells=dict(zip(genotype.cells, mutated))))
    assert found == {*SMALL.neighbors(genotype)}


def test_mutations_of_nasbot_have_one_to_five_edits(monkeypatch):
    oracle, edits = ORACLES["nasbot"](), []
    monkeypatch.setattr(
        oracle, "mutate_cells", lambda cells, _: edits.append(cells) or cells
    )
    generator, counts = np.random.default_rng(0), np.zeros(6)
    for _ in range(2000):
        edits.clear()
        oracle._mutate((), generator)
        counts[len(edits)] += 1
    # Four standard deviations of the largest share.
    published = [0, 0.5, 0.25, 0.125, 0.075, 0.05]
    np.testing.assert_allclose(counts / 2000, published, atol=0.045)


def test_parents_of_nasbot_are_drawn_by_their_promise():
    oracle, generator = ORACLES["nasbot"](), np.random.default_rng(0)
    pool = {"a": 0.0, "b": 1.0, "c": 2.0}
    drawn = oracle._draw_parents(pool, 3000, generator)
    odds = np.exp(1 / (2 * np.std([0, 1, 2])))
    shares = np.array([1, odds, odds**2]) / (1 + odds + odds**2)
    counts = [drawn.count(name) / 3000 for name in pool]
    np.testing.assert_allclose(counts, shares, atol=0.035)
    # Equal promises, as of a process that is certain of everything.
    equal = oracle._draw_parents(dict.fromkeys(pool, 0.0), 99, generator)
    assert {*equal} == {*pool}
