"""A chief that proposes candidates, and workers that evaluate them."""

import itertools
import math
import socket
import threading
import time

import keras_tuner
import numpy as np
import pytest
from killed_writes import Killed
from killed_writes import kill_at_writes

import tfdarts
from tfdarts.cluster import ClusterError
from tfdarts.cluster import WorkerLostError
from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.evaluators.nas_bench_201_table import NASBench201Evaluator
from tfdarts.records.trials import read_trials
from tfdarts.records.trials import write_trials
from tfdarts.runs import candidate_search
from tfdarts.runs.candidate_search import CandidateSearch
from tfdarts.runs.worker_processes import WorkerProcesses
from tfdarts.strategies.proposers import chief as chief_module
from tfdarts.strategies.proposers import oracle_strategy
from tfdarts.strategies.proposers import worker as worker_module
from tfdarts.strategies.proposers.chief import Chief
from tfdarts.strategies.proposers.chief import number_of
from tfdarts.strategies.proposers.chief import run_chief
from tfdarts.strategies.proposers.chief import serve
from tfdarts.strategies.proposers.proposals import Proposals
from tfdarts.strategies.proposers.space_encoding import SpaceEncoding
from tfdarts.strategies.proposers.trial_metrics import evaluation_of
from tfdarts.strategies.proposers.trial_metrics import metrics_of
from tfdarts.strategies.proposers.worker import run_worker
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.trial_search import TrialSearch
from tfdarts.tasks.task_registry import task_of_config

LOCAL = "127.0.0.1:0"
SMALL = {
    "evolution": {"population": 2, "tournament": 2},
    "nas_rl": {},
    "local_search": {"num_initial": 2},
    "random": {},
}


def config_of(name="evolution", **settings):
    return tfdarts.search_config(
        name, evaluator="nas_bench_201", **SMALL[name], **settings
    )


class Recorded(TrialSearch):
    """A search that writes its trials, if it has a directory."""

    def __init__(self, config, directory=None):
        super().__init__(config, NASBench201Evaluator(None, config))
        if directory is not None:
            self.directory = directory
            self.trials = read_trials(directory)

    def keep(self, evaluation):
        super().keep(evaluation)
        if self.directory is not None:
            write_trials(self.directory, self.trials)
        return evaluation


def chief_of(search):
    """Returns the chief of a search, as `OracleStrategy.run` makes it."""
    strategy = get_strategy(search.config.strategy)
    choices = strategy.build_encoding(search.config).hyperparameters()
    oracle = strategy.build_oracle(search.config, choices)
    oracle_strategy.restore_oracle(oracle, search.directory)
    proposals = Proposals(oracle, search)
    proposals.catch_up()
    return Chief(proposals)


def alone(config):
    search = Recorded(config)
    get_strategy(config.strategy).run(search)
    return search.trials


def finish(chief, trial, search=None):
    """Evaluates a trial as a worker does."""
    search = search or Recorded(chief.search.config)
    genotype = chief.proposals.genotype(trial)
    evaluation = search.measure(genotype, number_of(trial))
    chief.update_trial(trial.trial_id, metrics_of(evaluation))
    trial.status = "COMPLETED"
    chief.end_trial(trial)


def work(chief, *workers):
    """Lets workers take turns until the search has ended."""
    for worker in itertools.cycle(workers):
        trial = chief.create_trial(worker)
        if trial.status == "STOPPED":
            return
        if trial.status == "RUNNING":
            finish(chief, trial)


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(worker_module, "_SECONDS_BETWEEN_BEATS", 0.05)
    monkeypatch.setattr(worker_module, "_SECONDS_IDLE", 0.01)
    monkeypatch.setattr(chief_module, "_PAUSE", 0.01)


@pytest.mark.parametrize("name", SMALL)
def test_one_worker_evaluates_what_a_search_without_workers_does(name):
    """By keras-tuner's server and client; numbers arrive bit by bit."""
    config = config_of(name, num_candidates=12)
    chief = chief_of(Recorded(config))
    with serve(chief, LOCAL) as address:
        run_worker(Recorded(config), address)
    assert chief.ended and not chief.seen
    assert chief.search.trials == alone(config)


def test_a_search_serves_workers_until_its_end(monkeypatch, caplog):
    """What all candidates share is ready before the first worker comes."""
    caplog.set_level("INFO")
    monkeypatch.setattr(chief_module, "_SECONDS_BETWEEN_LOGS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = config_of(num_candidates=5, listen=f"0.0.0.0:{address[10:]}")
    prepared = []

    class Served(Recorded):
        def worker_command(self, address):
            assert not prepared  # It may refuse the search.
            return ["tfdarts-search", f"--chief={address}"]

        def start_workers(self, address, count):
            assert prepared == [self.evaluator]
            return WorkerProcesses([], count, None)

    def prepare(evaluator):
        prepared.append(evaluator)

    monkeypatch.setattr(NASBench201Evaluator, "prepare", prepare)
    search = Served(config)
    strategy = get_strategy("evolution")
    chief = threading.Thread(target=strategy.run, args=[search])
    chief.start()
    while "still waiting for workers" not in caplog.text:
        assert chief.is_alive()
        time.sleep(0.01)
    run_worker(Recorded(config), address)
    chief.join(5)
    assert not chief.is_alive()
    assert search.trials == alone(config_of(num_candidates=5))
    port = address.rpartition(":")[2]
    name = socket.gethostname()
    assert (
        f"start workers by tfdarts-search --chief={name}:{port}" in caplog.text
    )


def test_several_workers_evaluate_each_candidate_once():
    config = config_of(num_candidates=30)
    chief = chief_of(Recorded(config))
    failures = []

    def run(address, name):
        client = worker_module.ChiefClient(address, name)
        try:
            while (trial := client.next_trial()) is not None:
                genotype = chief.proposals.genotype(trial)
                evaluation = Recorded(config).measure(genotype, 1)
                client.report(trial, metrics_of(evaluation))
        except BaseException as error:
            failures.append(error)

    with serve(chief, LOCAL) as address:
        threads = [
            threading.Thread(target=run, args=(address, f"worker{number}"))
            for number in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures
    assert len(chief.search.trials) == 30
    oracle = chief.oracle
    assert sorted(oracle.end_order) == oracle.start_order
    assert not oracle.ongoing_trials and not oracle._retry_queue
    first = [
        tuple(trial.genotype.cells.items()) for trial in chief.search.trials
    ]
    told = [
        tuple(chief.proposals.genotype(oracle.trials[n]).cells.items())
        for n in oracle.end_order
    ]
    assert first == told


def test_chief_and_workers_print_nothing(capfd):
    """Keras-tuner prints the conditions of a space, as that of DARTS has."""
    config = tfdarts.search_config(
        "local_search",
        evaluator="surrogate",
        num_candidates=2,
        num_initial=1,
    )
    chief = chief_of(Recorded(config))
    with serve(chief, LOCAL) as address:
        client = worker_module.ChiefClient(address, "worker")
        assert client.agreement() == "{}"
        while (trial := client.next_trial()) is not None:
            genotype = chief.proposals.genotype(trial)
            assert genotype in config.search_space
            evaluation = Evaluation(genotype, [-0.5], 0.5, 1.0)
            client.report(trial, metrics_of(evaluation))
    assert len(chief.search.trials) == 2
    assert capfd.readouterr().out == ""


def test_a_lost_worker_gives_its_candidate_back():
    chief = chief_of(Recorded(config_of(num_candidates=3)))
    lost, other = map(chief.create_trial, ("lost", "other"))
    assert lost.trial_id != other.trial_id
    # A worker that asks again, as by its heartbeat, gets the same.
    assert chief.create_trial("lost").trial_id == lost.trial_id
    assert chief.give_back("lost") and not chief.give_back("lost")
    again = chief.create_trial("new")
    assert again.trial_id == lost.trial_id
    finish(chief, other)
    finish(chief, again)
    assert len(chief.search.trials) == 2
    # The lost one was only slow; nothing is counted twice.
    chief.update_trial(lost.trial_id, {"rank_0": 0.0, "score": 1.0})
    chief.end_trial(lost)
    assert len(chief.search.trials) == 2
    work(chief, "new", "lost")
    assert len(chief.search.trials) == 3
    assert sorted(chief.oracle.end_order) == chief.oracle.start_order


def test_a_silent_worker_is_lost(monkeypatch):
    chief = chief_of(Recorded(config_of(num_candidates=3)))
    trial = chief.create_trial("silent")
    chief.give_back_of_silent()
    assert chief.oracle.ongoing_trials
    monkeypatch.setattr(chief_module, "SECONDS_OF_SILENCE", -1)
    chief.give_back_of_silent()
    assert not chief.oracle.ongoing_trials and not chief.seen
    assert chief.create_trial("other").trial_id == trial.trial_id


def test_a_candidate_that_ends_three_workers_has_failed(caplog):
    chief = chief_of(Recorded(config_of(num_candidates=3)))
    first = chief.create_trial("0").trial_id
    for number in range(1, 3):
        chief.give_back(str(number - 1))
        assert not chief.search.trials
        assert chief.create_trial(str(number)).trial_id == first
    chief.give_back("2")
    (failed,) = chief.search.trials
    assert failed.has_diverged
    assert "candidate 1 has failed: 3 workers were lost" in caplog.text
    work(chief, "3")
    diverged = [trial.has_diverged for trial in chief.search.trials]
    assert diverged == [True, False, False]


def test_nobody_begins_more_candidates_than_there_are():
    """A worker without one waits, as another may get lost."""
    chief = chief_of(Recorded(config_of("nas_rl", num_candidates=2)))
    first, second = map(chief.create_trial, "ab")
    assert chief.create_trial("c").status == "IDLE"
    chief.give_back("a")
    assert chief.create_trial("c").trial_id == first.trial_id
    finish(chief, first)
    assert chief.create_trial("c").status == "IDLE"
    finish(chief, second)
    assert {chief.create_trial(name).status for name in "abc"} == {"STOPPED"}
    assert not chief.seen


def test_the_budget_ends_the_search_and_what_is_under_way():
    config = config_of(num_candidates=20, max_minutes=1e-3)
    chief = chief_of(Recorded(config))
    first, second = map(chief.create_trial, "ab")
    finish(chief, first)  # It has cost more than this.
    assert chief.ended
    assert chief.create_trial("b").status == "STOPPED"
    finish(chief, second)
    assert len(chief.search.trials) == len(alone(config)) == 1


def test_a_known_genotype_is_not_evaluated_again():
    config = config_of(num_candidates=60, primitives="none,nor_conv_1x1")
    chief = chief_of(Recorded(config))
    evaluated = []
    while (trial := chief.create_trial("a")).status == "RUNNING":
        evaluated.append(chief.proposals.genotype(trial))
        finish(chief, trial)
    assert len(evaluated) == len({*evaluated}) < 60
    assert chief.search.trials == alone(config)


@pytest.mark.parametrize("workers", [("a",), ("a", "b")])
def test_a_chief_that_is_killed_anywhere_goes_on(
    workers, tmp_path, monkeypatch
):
    """With one worker exactly; with two, none is lost or counted twice."""
    kill_before = kill_at_writes(monkeypatch)
    config = config_of(num_candidates=4)
    expected = alone(config)

    def run(directory):
        chief = chief_of(Recorded(config, directory))
        if len(workers) == 2:
            for worker in workers:
                if not chief.ended:
                    chief.create_trial(worker)
        if not chief.ended:
            # The one that began last ends first.
            work(chief, *reversed(workers))
        return chief

    for number in itertools.count():
        directory = tmp_path / str(number)
        directory.mkdir()
        kill_before(number)
        try:
            run(directory)
            break
        except Killed:
            kill_before(math.inf)
        chief = run(directory)
        assert len(chief.search.trials) == 4
        assert sorted(chief.oracle.end_order) == chief.oracle.start_order
        told = [
            chief.proposals.genotype(chief.oracle.trials[n])
            for n in chief.oracle.end_order
        ]
        assert told == [trial.genotype for trial in chief.search.trials]
        if len(workers) == 1:
            assert chief.search.trials == expected
    assert number > 5 * 4


def test_a_search_with_workers_goes_on_without(tmp_path):
    config = config_of(num_candidates=6)
    chief = chief_of(Recorded(config, tmp_path))
    trials = [chief.create_trial(name) for name in "abc"]
    # The last one is recorded; the chief dies before it tells the oracle.
    search = Recorded(config)
    evaluation = search.measure(chief.proposals.genotype(trials[0]), 1)
    chief.search.keep(evaluation)
    resumed = Recorded(config, tmp_path)
    get_strategy("evolution").run(resumed)
    assert len(resumed.trials) == 6 and resumed.trials[0] == evaluation
    genotypes = [trial.genotype for trial in resumed.trials]
    assert genotypes.count(evaluation.genotype) == 1
    begun = {chief.proposals.genotype(trial) for trial in trials}
    assert begun == {trial.genotype for trial in resumed.trials[:3]}


def test_a_worker_with_other_settings_is_refused():
    config = config_of(num_candidates=3)
    chief, search = chief_of(Recorded(config)), Recorded(config)
    chief.search.agreement = {"--epochs": 3, "--space": ("a",), "only": 1}
    search.agreement = {"--epochs": 4, "--space": ["a"], "--new": None}
    with serve(chief, LOCAL) as address:
        with pytest.raises(ClusterError, match="not agree on --epochs, only. "):
            run_worker(search, address)
    assert not chief.seen


class Waiting(Recorded):
    """A search whose evaluation waits until it is interrupted."""

    interrupted = 0

    def __init__(self, config, begin):
        super().__init__(config)
        self.begin = begin

    def measure(self, genotype, number):
        if self.begin is None:
            return super().measure(genotype, number)
        begin, self.begin = self.begin, None
        begin()
        try:
            for _ in range(1000):
                time.sleep(0.01)
        except BaseException:
            self.interrupted += 1
            raise
        raise AssertionError("Nobody has interrupted the evaluation.")


def test_a_chief_that_is_gone_ends_the_worker():
    config = config_of(num_candidates=3)
    with serve(chief_of(Recorded(config)), LOCAL) as address:
        pass
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_module, "SECONDS_TO_FIND_LOCAL_CHIEF", 0)
        patch.setattr(worker_module, "_SECONDS_BETWEEN_LOGS", 0.1)
        with pytest.raises(WorkerLostError, match="cannot be reached: start"):
            run_worker(Recorded(config), address)
    serving = serve(chief_of(Recorded(config)), LOCAL)
    address = serving.__enter__()
    search = Waiting(config, lambda: serving.__exit__(None, None, None))
    with pytest.raises(WorkerLostError, match="chief at 127.0.0.1.* is gone"):
        run_worker(search, address)
    assert search.interrupted == 1


def test_a_report_does_not_wait_for_a_chief_that_is_gone():
    """Keras-tuner's client waits an hour for its server to come back."""
    config = config_of(num_candidates=3)
    serving = serve(chief_of(Recorded(config)), LOCAL)
    address = serving.__enter__()

    class Ending(Recorded):
        def measure(self, genotype, number):
            evaluation = super().measure(genotype, number)
            serving.__exit__(None, None, None)
            return evaluation

    with pytest.raises(WorkerLostError, match="is gone"):
        run_worker(Ending(config), address)


def test_a_worker_that_was_given_up_begins_anew():
    config = config_of(num_candidates=4)
    chief = chief_of(Recorded(config))

    def lose():
        (worker,) = chief.oracle.ongoing_trials
        chief.give_back(worker)
        taken = chief.create_trial("other")
        finish(chief, taken)

    with serve(chief, LOCAL) as address:
        search = Waiting(config, lose)
        run_worker(search, address)
    assert search.interrupted == 1 and len(chief.search.trials) == 4
    assert sorted(chief.oracle.end_order) == chief.oracle.start_order


def test_an_error_of_the_oracle_ends_the_search(monkeypatch):
    """Keras-tuner's lock stays held then; nobody must wait for it."""
    config = config_of(num_candidates=4)
    chief = chief_of(Recorded(config))

    def fail(trial_id):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(chief.oracle, "populate_space", fail)
    for worker in "ab":
        with pytest.raises((OSError, RuntimeError)):
            chief.create_trial(worker)
    assert chief.failure.errno == 28


def test_an_address_that_is_taken_is_refused():
    config = config_of(num_candidates=4)
    with serve(chief_of(Recorded(config)), LOCAL) as address:
        with pytest.raises(ClusterError, match=f"cannot listen at {address}: "):
            with serve(chief_of(Recorded(config)), address):
                pass


class Unprepared(NASBench201Evaluator):
    """An evaluator whose preparation would take long."""

    def prepare(self):
        raise AssertionError("The search was not refused before.")


def test_a_chief_is_refused_before_it_prepares_what_candidates_share():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        config = config_of(num_candidates=4, listen=address)

        class Served(Recorded):
            def worker_command(self, address):
                return ["tfdarts-search", f"--chief={address}"]

        search = Served(config)
        search.evaluator = Unprepared(None, config)
        with pytest.raises(ClusterError, match=f"cannot listen at {address}: "):
            get_strategy("evolution").run(search)


@pytest.mark.parametrize(
    "workers", [{"num_workers": 2}, {"listen": "127.0.0.1:7"}]
)
def test_data_in_memory_are_refused_before_the_preparation(workers, tmp_path):
    images = np.zeros((40, 8, 8, 1), np.uint8), np.arange(40) % 2
    config = config_of(
        num_candidates=4, dataset=images, run_dir=str(tmp_path), **workers
    )
    search = CandidateSearch(task_of_config(config), config)
    search.evaluator = Unprepared(None, config)
    with pytest.raises(ValueError, match="cannot read data in memory: give `d"):
        get_strategy("evolution").run(search)


def test_an_oracle_without_state_has_no_workers():
    config = config_of(num_candidates=4)
    oracle = keras_tuner.oracles.RandomSearchOracle(
        hyperparameters=SpaceEncoding(config.search_space).hyperparameters()
    )
    with pytest.raises(ClusterError, match="cannot have workers, because"):
        run_chief(Proposals(oracle, Recorded(config)))


@pytest.mark.parametrize(
    "rest",
    [
        (0.93, 12.5),
        (0.1, 0.0, 3, None),
        (math.inf, 1.0, 2**40 + 1, 2**50 + 1),
    ],
)
def test_an_evaluation_is_the_same_as_metrics(rest):
    evaluation = Evaluation("genotype", [-1 / 3, math.inf], *rest)
    found = evaluation_of(metrics_of(evaluation), "genotype")
    assert found == evaluation
    assert [*map(type, found)] == [*map(type, evaluation)]
    assert {*map(type, metrics_of(evaluation).values())} == {float}


def test_a_candidate_has_one_worker_at_a_time(tmp_path, monkeypatch):
    """The worker of a chief that was killed may take a while to end."""
    config = tfdarts.search_config("nas_rl", run_dir=tmp_path / "run")
    search = CandidateSearch(task_of_config(config), config)
    other = CandidateSearch(task_of_config(config), config)
    reserved, released = threading.Event(), []

    def reserve():
        with search.reserve(3):
            reserved.set()
            time.sleep(0.3)
            released.append(True)

    thread = threading.Thread(target=reserve)
    thread.start()
    reserved.wait()
    with other.reserve(4):
        pass
    monkeypatch.setattr(candidate_search, "SECONDS_TO_LET_GO", 0)
    with pytest.raises(ValueError, match="Another process is writing to"):
        with other.reserve(3):
            pass
    monkeypatch.setattr(candidate_search, "SECONDS_TO_LET_GO", 5)
    with other.reserve(3):
        assert released
    thread.join()
