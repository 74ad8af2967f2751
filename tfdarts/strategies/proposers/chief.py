"""The chief of a search: proposes candidates to workers by keras-tuner."""

import collections
import concurrent.futures
import contextlib
import json
import logging
import shlex
import socket
import threading
import time

import grpc
import keras_tuner
from keras_tuner.engine import trial as kt_trial
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from tfdarts.cluster import ClusterError
from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.strategies.proposers.proposer import ResumableOracle
from tfdarts.strategies.proposers.trial_metrics import evaluation_of
from tfdarts.strategies.trial_budget import has_ended

logger = logging.getLogger("tfdarts")

AGREEMENT = "tfdarts_agreement"
"""The hyperparameter that tells workers the settings of the chief, as JSON."""

SECONDS_OF_SILENCE = 60
"""A worker from which the chief hears nothing for so long is lost."""

MOST_LOSSES = 3
"""A candidate that loses so many workers has failed."""

_SECONDS_BETWEEN_LOGS = 30
_SECONDS_TO_SAY_GOODBYE = 10
_PAUSE = 0.2
_THREADS = 64
_LOCAL = "127.0.0.1"
_EVERYWHERE = "0.0.0.0", "[::]"


class Chief:
    """An oracle for keras-tuner's server, which records what workers report.

    A worker that asks for a trial while it has one gets the same one again,
    as of any oracle: this is its heartbeat. The trial of a lost worker goes to
    the next worker that asks.

    Args:
        proposals: `Proposals`.

    Attributes:
        ended: Boolean, whether workers get no more trials.
        failure: The error that has ended the search, or `None`.
        seen: Dict from the names of workers to the times of their requests.
    """

    def __init__(self, proposals):
        self.proposals = proposals
        self.search, self.oracle = proposals.search, proposals.oracle
        self.oracle.verbose = 0
        self.ended = has_ended(self.search)
        self.failure = None
        self.seen = {}
        self._metrics = {}
        self._losses = collections.Counter()
        self._lock = threading.Lock()

    def get_space(self):
        """Returns what workers must agree on; they know the space."""
        space = keras_tuner.HyperParameters()
        space.Fixed(AGREEMENT, json.dumps(self.search.agreement, default=str))
        return space

    def create_trial(self, tuner_id):
        """Returns the trial of a worker, or one without a candidate.

        Its status is `"IDLE"` if the worker shall ask again later, and
        `"STOPPED"` if the search has ended.
        """
        self.seen[tuner_id] = time.monotonic()
        trial = self.oracle.ongoing_trials.get(tuner_id)
        # A heartbeat does not wait while the oracle proposes to others.
        if trial is not None and not self.ended:
            return _without_space(trial)
        with self._guard():
            return _without_space(self._next_trial(tuner_id))

    def update_trial(self, trial_id, metrics, step=0):
        """Keeps the metrics of a trial until its end."""
        self._metrics[trial_id] = dict(metrics)
        return _without_space(self.oracle.get_trial(trial_id))

    def end_trial(self, trial):
        """Records a trial, unless it was ended or given to another worker."""
        with self._guard():
            if self.ended or trial.trial_id not in self._held():
                return
            trial = self.oracle.get_trial(trial.trial_id)
            metrics = self._metrics.pop(trial.trial_id)
            genotype = self.proposals.genotype(trial)
            self._record(trial, evaluation_of(metrics, genotype))

    def give_back(self, worker):
        """Takes the trial of a lost worker, for others to evaluate.

        Returns:
            Boolean, whether the worker had a trial.
        """
        with self._guard():
            self.seen.pop(worker, None)
            trial = self.oracle.ongoing_trials.pop(worker, None)
            if trial is None or self.ended:
                return trial is not None
            self._losses[trial.trial_id] += 1
            lost = self._losses[trial.trial_id]
            if lost < MOST_LOSSES:
                self.oracle._retry_queue.append(trial.trial_id)
                self.oracle.save()
                logger.warning(
                    "search: worker %s is lost; another evaluates candidate %d",
                    *(worker, number_of(trial)),
                )
            else:
                logger.warning(
                    "search: candidate %d has failed: %d workers were lost "
                    "while they evaluated it",
                    *(number_of(trial), lost),
                )
                genotype = self.proposals.genotype(trial)
                self._record(trial, Evaluation.of_diverged(genotype))
            return True

    def give_back_of_silent(self):
        """Takes the trials of workers that have been silent for long."""
        now = time.monotonic()
        for worker, time_of_request in [*self.seen.items()]:
            if now - time_of_request > SECONDS_OF_SILENCE:
                self.give_back(worker)

    @contextlib.contextmanager
    def _guard(self):
        """Holds the lock; an error ends the search."""
        with self._lock:
            if self.failure is not None:
                raise RuntimeError("The search has failed.")
            try:
                yield
            except BaseException as error:
                self.failure = error
                raise

    def _held(self):
        return {t.trial_id for t in self.oracle.ongoing_trials.values()}

    def _next_trial(self, worker):
        while not self.ended:
            if self._has_begun_all():
                return _without_candidate("IDLE")
            trial = self.oracle.create_trial(worker)
            if trial.status == "RUNNING":
                known = self.search.known(self.proposals.genotype(trial))
                if known is None:
                    logger.info(
                        "search: worker %s evaluates candidate %d of %d",
                        *(worker, number_of(trial)),
                        self.search.config.num_candidates,
                    )
                    return trial
                self._record(trial, known)
            elif trial.status == "IDLE" or self.oracle.ongoing_trials:
                # Those that evaluate the last ones may get lost.
                return _without_candidate("IDLE")
            else:
                logger.info("search: ended, because the oracle has no more")
                self.ended = True
        self.seen.pop(worker, None)
        return _without_candidate("STOPPED")

    def _has_begun_all(self):
        begun = len(self.search.trials) + len(self.oracle.ongoing_trials)
        is_last = begun >= self.search.config.num_candidates
        return is_last and not self.oracle._retry_queue

    def _record(self, trial, evaluation):
        self.search.keep(evaluation)
        self.proposals.tell(trial, evaluation)
        self.ended = has_ended(self.search)


def number_of(trial):
    """Returns the number of a trial's candidate, from 1 in order of begin."""
    return int(trial.trial_id) + 1


def _without_space(trial):
    """Returns the values of a trial, which are all that workers read.

    Keras-tuner prints each condition of a space that it sends, and standard
    output is for the result of the command.
    """
    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.values = dict(trial.hyperparameters.values)
    return kt_trial.Trial(
        hyperparameters, trial_id=trial.trial_id, status=trial.status
    )


def _without_candidate(status):
    return kt_trial.Trial(
        keras_tuner.HyperParameters(), trial_id="", status=status
    )


def run_chief(proposals):
    """Serves the trials of an oracle to workers until the search has ended.

    Args:
        proposals: `Proposals`.

    Raises:
        ClusterError: If the address cannot be used, the strategy cannot have
            workers, or a worker process of this command fails.
    """
    search = proposals.search
    config = search.config
    if not isinstance(proposals.oracle, ResumableOracle):
        raise ClusterError(
            f"The strategy {config.strategy} cannot have workers, because its "
            "oracle keeps no state: derive the oracle from tfdarts' Proposer, "
            "or leave --num_workers and --listen out."
        )
    chief = Chief(proposals)
    if chief.ended:
        return
    given = config.listen or f"{_LOCAL}:0"
    host, _, port = given.rpartition(":")
    name = socket.gethostname() if host in _EVERYWHERE else host
    # A search that workers cannot join is refused before a long preparation.
    command = search.worker_command(f"{name}:{port}")
    # What all candidates share is there before workers look for it.
    with serve(chief, given, search.evaluator.prepare) as address:
        if config.listen:
            logger.info("search: start workers by %s", shlex.join(command))
        with search.start_workers(address, config.num_workers) as processes:
            last_log = time.monotonic()
            while not chief.ended and chief.failure is None:
                processes.replace_lost(chief)
                chief.give_back_of_silent()
                if chief.seen:
                    last_log = time.monotonic()
                elif time.monotonic() > last_log + _SECONDS_BETWEEN_LOGS:
                    logger.info("search: still waiting for workers")
                    last_log = time.monotonic()
                time.sleep(_PAUSE)
            _say_goodbye(chief)
    if chief.failure is not None:
        raise chief.failure


@contextlib.contextmanager
def serve(chief, address, prepare=lambda: None):
    """Runs keras-tuner's server for a chief.

    Keras-tuner's own `start_server` never ends once a worker is lost.

    Args:
        chief: `Chief`.
        address: String, the host and the port to listen at; port 0 is a free
            one.
        prepare: Function without arguments that is called when the address
            is taken, and before the first worker is served.

    Yields:
        String, the address for workers of this machine.

    Raises:
        ClusterError: If the address cannot be used.
    """
    executor = concurrent.futures.ThreadPoolExecutor(_THREADS)
    # Two chiefs must not listen at one port.
    server = grpc.server(executor, options=[("grpc.so_reuseport", 0)])
    service = protos.get_service_grpc()
    service.add_OracleServicer_to_server(OracleServicer(chief), server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise ClusterError(
            f"The chief cannot listen at {address}: another process uses this "
            "port, or the host is no address of this machine. Give another "
            "--listen."
        ) from error
    host = address.rpartition(":")[0]
    try:
        prepare()
        server.start()
        yield f"{_LOCAL if host in _EVERYWHERE else host}:{port}"
    finally:
        server.stop(None)
        executor.shutdown(wait=False)


def _say_goodbye(chief):
    """Waits until all workers know that the search has ended."""
    limit = time.monotonic() + _SECONDS_TO_SAY_GOODBYE
    while chief.seen and chief.failure is None and time.monotonic() < limit:
        time.sleep(_PAUSE)
