"""What the oracles propose, and what they learn from results."""

import json

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

import tfdarts

NAMES = "abcdef"


def choices(size=3, names=NAMES):
    hyperparameters = keras_tuner.HyperParameters()
    for name in names:
        hyperparameters.Choice(name, [*range(size)])
    return hyperparameters


def conditional():
    """A choice whose value makes one of two others active."""
    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.Choice("kind", ["left", "right"])
    for kind in ("left", "right"):
        hyperparameters.Choice(
            kind, [1, 2, 3], parent_name="kind", parent_values=[kind]
        )
    return hyperparameters


def of_many_kinds():
    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.Int("units", 8, 64, step=8)
    hyperparameters.Float("rate", 1e-4, 1.0, sampling="log")
    hyperparameters.Boolean("bias")
    hyperparameters.Fixed("depth", 2)
    return hyperparameters


ORACLES = {
    "evolution": lambda **given: tfdarts.EvolutionOracle(
        population=4, tournament=2, **given
    ),
    "local_search": lambda **given: tfdarts.LocalSearchOracle(
        num_initial=3, **given
    ),
    "reinforce": lambda **given: tfdarts.ReinforceOracle(**given),
}
every_oracle = pytest.mark.parametrize("kind", ORACLES)


def ask(oracle):
    trial = tfdarts.ask(oracle)
    return trial, trial.hyperparameters.values


def distance(one, other):
    return sum(one[name] != other[name] for name in one)


# All


@every_oracle
def test_a_seed_gives_a_sequence(kind):
    def sequence(seed):
        oracle = ORACLES[kind](hyperparameters=choices(), seed=seed)
        found = []
        for _ in range(12):
            trial, values = ask(oracle)
            tfdarts.tell(oracle, trial, sum(values.values()))
            found.append(values)
        return found

    assert sequence(0) == sequence(0)
    assert sequence(0) != sequence(1)


@every_oracle
def test_active_choices_have_values_and_others_none(kind):
    oracle = ORACLES[kind](hyperparameters=conditional())
    for _ in range(6):
        trial, values = ask(oracle)
        assert {*values} == {"kind", values["kind"]}
        tfdarts.tell(oracle, trial, values[values["kind"]])


@every_oracle
def test_a_failed_trial_teaches_nothing(kind):
    oracle = ORACLES[kind](
        hyperparameters=choices(), max_consecutive_failed_trials=None
    )
    learnt = {"members", "best", "baseline"} & {*oracle.get_state()}
    before = {name: oracle.get_state()[name] for name in learnt}
    assert before
    for value in (None, np.nan, np.inf, None):
        trial, _ = ask(oracle)
        tfdarts.tell(oracle, trial, value)
        assert oracle.trials[trial.trial_id].status == "FAILED"
    assert {name: oracle.get_state()[name] for name in learnt} == before


@every_oracle
def test_the_objective_may_be_to_maximize(kind):
    objective = keras_tuner.Objective("sum", "max")
    states = []
    for sign, given in ((1, {}), (-1, {"objective": objective})):
        oracle = ORACLES[kind](hyperparameters=choices(), **given)
        for _ in range(10):
            trial, values = ask(oracle)
            tfdarts.tell(oracle, trial, sign * sum(values.values()))
        states.append(
            [t.hyperparameters.values for t in oracle.trials.values()]
        )
    assert states[0] == states[1]


def test_a_trial_that_the_state_does_not_know_is_forgotten(tmp_path):
    """It was killed between the file of the trial and that of the state."""

    def oracle_of_directory():
        oracle = ORACLES["evolution"](hyperparameters=choices())
        oracle._set_project_dir(tmp_path, "oracle")
        return oracle

    oracle = oracle_of_directory()
    trial, _ = ask(oracle)
    tfdarts.tell(oracle, trial, 1.0)
    state = (tmp_path / "oracle" / "oracle.json").read_text()
    _, expected = ask(oracle)
    (tmp_path / "oracle" / "oracle.json").write_text(state)
    resumed = oracle_of_directory()
    resumed.reload()
    assert {*resumed.trials} == {"0000"}
    again, values = ask(resumed)
    assert (again.trial_id, values) == ("0001", expected)


@pytest.mark.parametrize("kind", ["evolution", "local_search"])
def test_every_kind_of_hyperparameter_is_mutated(kind):
    oracle = ORACLES[kind](hyperparameters=of_many_kinds())
    generator = np.random.default_rng(0)
    values = oracle.sample(generator)
    changed = set()
    for _ in range(40):
        mutated = oracle.mutate(values, generator)
        assert distance(values, mutated) == 1
        changed |= {name for name in values if values[name] != mutated[name]}
    assert changed == {"units", "rate", "bias"}


def test_a_mutation_is_uniform():
    oracle = ORACLES["evolution"](hyperparameters=choices(3, "ab"))
    generator = np.random.default_rng(0)
    counts = {}
    for _ in range(2000):
        mutated = oracle.mutate({"a": 0, "b": 1}, generator)
        key = mutated["a"], mutated["b"]
        counts[key] = counts.get(key, 0) + 1
    assert {*counts} == {(1, 1), (2, 1), (0, 0), (0, 2)}
    # Four standard deviations of a binomial distribution.
    assert all(abs(count - 500) < 78 for count in counts.values())


def test_nothing_to_mutate_is_said():
    oracle = ORACLES["evolution"](hyperparameters=choices(1))
    with pytest.raises(ValueError, match="There is nothing to search"):
        oracle.mutate(dict.fromkeys(NAMES, 0), np.random.default_rng(0))


# Evolution


class Drawing:
    """A generator whose tournaments have the members that a test names."""

    def __init__(self, members):
        self.members = members
        self.random_numbers = np.random.default_rng(0)

    def integers(self, high, size=None):
        if size is None:
            return self.random_numbers.integers(high)
        assert len(self.members) == size and max(self.members) < high
        return self.members

    def random(self):
        return self.random_numbers.random()


def population_of(oracle):
    return [member["loss"] for member in oracle.members]


def test_the_oldest_leaves_even_if_it_is_the_best():
    oracle = ORACLES["evolution"](hyperparameters=choices())
    for loss in (1, 5, 3, 4):
        trial, _ = ask(oracle)
        tfdarts.tell(oracle, trial, loss)
    assert population_of(oracle) == [1, 5, 3, 4]
    trial, _ = ask(oracle)
    tfdarts.tell(oracle, trial, 9)
    assert population_of(oracle) == [5, 3, 4, 9]


def test_without_aging_the_worst_leaves():
    oracle = ORACLES["evolution"](hyperparameters=choices(), removal="worst")
    for loss in (1, 5, 3, 4, 2, 9):
        trial, _ = ask(oracle)
        tfdarts.tell(oracle, trial, loss)
    assert population_of(oracle) == [1, 3, 4, 2]
    with pytest.raises(ValueError, match="`removal` must be one of oldest, w"):
        ORACLES["evolution"](hyperparameters=choices(), removal="youngest")


def test_the_parent_is_the_best_of_the_tournament():
    oracle = ORACLES["evolution"](hyperparameters=choices())
    members = []
    for loss in (1, 5, 3, 4):
        trial, values = ask(oracle)
        members.append(values)
        tfdarts.tell(oracle, trial, loss)
    for drawn, parent in (([1, 2], 2), ([3, 1], 3), ([0, 1], 0), ([1, 1], 1)):
        child = oracle.propose(Drawing(drawn))
        assert distance(child, members[parent]) == 1


# Local search


def test_local_search_mutates_the_best_and_repeats_nothing():
    oracle = ORACLES["local_search"](hyperparameters=choices(2, "abc"))
    seen, best = [], None
    for number in range(5):
        trial, values = ask(oracle)
        if number >= 3:
            assert values not in seen
        if number == 3:
            assert distance(values, best[1]) == 1
        loss = sum(values.values())
        tfdarts.tell(oracle, trial, loss)
        seen.append(values)
        best = min(best or (9, None), (loss, values), key=lambda each: each[0])


def test_local_search_ends_when_all_values_were_tried():
    oracle = ORACLES["local_search"](hyperparameters=choices(2, "abc"))
    tried = set()
    while (trial := tfdarts.ask(oracle)) is not None:
        values = trial.hyperparameters.values
        tried.add(tuple(values.values()))
        tfdarts.tell(oracle, trial, sum(values.values()))
    assert len(tried) == 8
    assert tfdarts.ask(oracle) is None


# REINFORCE


def test_probabilities_sum_to_one_and_begin_equal():
    oracle = ORACLES["reinforce"](hyperparameters=conditional())
    for each in oracle.hyperparameters.space:
        found = oracle.probabilities(each)
        assert found.sum() == pytest.approx(1)
        assert found == pytest.approx(1 / len(found), abs=2e-3)


def log_probability(oracle, values, logits):
    """Of values, by TensorFlow, for the logits of each choice."""
    return sum(
        tf.nn.log_softmax(logits[each.name])[
            [*each.values].index(values[each.name])
        ]
        for each in oracle.hyperparameters.space
        if each.name in values
    )


def test_gradients_are_those_of_the_log_probability():
    oracle = ORACLES["reinforce"](hyperparameters=conditional())
    values = {"kind": "right", "right": 2}
    for each in oracle.hyperparameters.space:
        oracle.probabilities(each)
    logits = {
        name: tf.Variable(np.array(row["logits"]) + range(len(row["logits"])))
        for name, row in oracle.policy.items()
    }
    for name, row in oracle.policy.items():
        row["logits"] = logits[name].numpy().tolist()
    with tf.GradientTape() as tape:
        loss = -log_probability(oracle, values, logits)
    expected = tape.gradient(loss, logits)
    found = oracle.gradients(values)
    assert {*found} == {"kind", "right"}
    for name, gradient in found.items():
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-12)


def test_steps_are_those_of_adam_against_the_corrected_baseline():
    oracle = ORACLES["reinforce"](hyperparameters=choices(), baseline_decay=0.8)
    for each in oracle.hyperparameters.space:
        oracle.probabilities(each)
    logits = {
        name: keras.Variable(row["logits"], dtype="float64")
        for name, row in oracle.policy.items()
    }
    adam = keras.optimizers.Adam(0.01, epsilon=1e-8)
    rewards = []
    for number in range(5):
        trial, values = ask(oracle)
        rewards.append(-float(number**2))
        # The average whose weights are 1, .8, .64, ..., the newest first.
        weights = 0.8 ** np.arange(len(rewards))[::-1]
        advantage = rewards[-1] - np.average(rewards, weights=weights)
        with tf.GradientTape() as tape:
            loss = -advantage * log_probability(oracle, values, logits)
        variables = [*logits.values()]
        adam.apply(tape.gradient(loss, [v.value for v in variables]), variables)
        tfdarts.tell(oracle, trial, -rewards[-1])
        for name, variable in logits.items():
            np.testing.assert_allclose(
                oracle.policy[name]["logits"], variable.numpy(), atol=1e-6
            )


def test_a_planted_reward_is_learnt():
    oracle = ORACLES["reinforce"](
        hyperparameters=choices(5), policy_learning_rate=0.1
    )
    for _ in range(200):
        trial, values = ask(oracle)
        tfdarts.tell(oracle, trial, -sum(v == 3 for v in values.values()))
    for each in oracle.hyperparameters.space:
        assert oracle.probabilities(each)[3] > 0.9


def test_a_choice_without_a_list_of_values_is_refused():
    oracle = ORACLES["reinforce"](hyperparameters=of_many_kinds())
    with pytest.raises(ValueError, match="list of the values of rate: give it"):
        tfdarts.ask(oracle)


# Keras-tuner's own oracles and loop


def test_an_oracle_of_keras_tuner_needs_a_directory(tmp_path):
    oracle = keras_tuner.oracles.RandomSearchOracle(hyperparameters=choices())
    with pytest.raises(ValueError, match="writes files: give it a directory f"):
        tfdarts.ask(oracle)
    keras_tuner.engine.base_tuner.BaseTuner(oracle, directory=tmp_path)
    trial, values = ask(oracle)
    tfdarts.tell(oracle, trial, sum(values.values()))
    assert oracle.get_best_trials()[0].score == sum(values.values())


class Tuner(keras_tuner.engine.base_tuner.BaseTuner):
    def run_trial(self, trial, verbose):
        hp = trial.hyperparameters
        return abs(hp.get("units") - 32) + hp.get("rate") + hp.get("bias")


@every_oracle
def test_a_tuner_of_keras_tuner_takes_the_oracles(kind, tmp_path, capsys):
    def tune(max_trials):
        hyperparameters = of_many_kinds()
        if kind == "reinforce":
            hyperparameters = keras_tuner.HyperParameters()
            hyperparameters.Int("units", 8, 64, step=8)
            hyperparameters.Choice("rate", [0.0, 0.1, 1.0])
            hyperparameters.Boolean("bias")
        oracle = ORACLES[kind](
            hyperparameters=hyperparameters, max_trials=max_trials
        )
        tuner = Tuner(oracle, directory=tmp_path, project_name="tuned")
        tuner.search(verbose=0)
        return oracle

    tune(8)
    resumed = tune(40)
    assert len(resumed.end_order) == 40
    best, *_ = resumed.get_best_trials()
    assert best.hyperparameters.values["units"] == 32
    assert json.loads((tmp_path / "tuned" / "oracle.json").read_text())
