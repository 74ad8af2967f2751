"""A worker of a search: evaluates the candidates that the chief proposes."""

import contextlib
import json
import logging
import os
import signal
import threading
import time

import grpc
from keras_tuner.engine.trial import Trial
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_client import OracleClient

from tfdarts.cluster import ClusterError
from tfdarts.cluster import WorkerLostError
from tfdarts.cluster import worker_name
from tfdarts.strategies.proposers.chief import AGREEMENT
from tfdarts.strategies.proposers.chief import number_of
from tfdarts.strategies.proposers.proposals import encoding_of
from tfdarts.strategies.proposers.trial_metrics import metrics_of

logger = logging.getLogger("tfdarts")

SECONDS_TO_FIND_CHIEF = 600
SECONDS_TO_FIND_LOCAL_CHIEF = 60
"""Worker processes whose chief was killed must not stay for long."""

_SECONDS_BETWEEN_LOGS = 30
_SECONDS_BETWEEN_BEATS = 2
_SECONDS_TO_ANSWER = 60
_SECONDS_TO_PROPOSE = 600
_SECONDS_IDLE = 0.5


def run_worker(search, address):
    """Evaluates candidates for a chief until the search has ended.

    Args:
        search: `TrialSearch`.
        address: String, the address of the chief.

    Raises:
        ClusterError: If this worker and the chief do not agree.
        WorkerLostError: If the chief is gone.
    """
    name, encoding = worker_name(os.getpid()), encoding_of(search)
    with contextlib.closing(ChiefClient(address, name)) as client:
        client.wait_for_chief()
        require_agreement(client, search.agreement)
        while (trial := client.next_trial()) is not None:
            genotype = encoding.decode(trial.hyperparameters.values)
            with contextlib.suppress(TrialGone), Heartbeat(client, trial):
                with search.reserve(number_of(trial)):
                    evaluation = search.measure(genotype, number_of(trial))
                client.report(trial, metrics_of(evaluation))


def require_agreement(client, own):
    """Raises `ClusterError` if the settings of the chief are others.

    Args:
        client: `ChiefClient`.
        own: Dict, the values that must be equal.
    """
    chiefs = json.loads(client.agreement())
    own = json.loads(json.dumps(own, default=str))
    names = [*dict.fromkeys([*chiefs, *own])]
    differing = [n for n in names if chiefs.get(n) != own.get(n)]
    if differing:
        raise ClusterError(
            f"The chief and this worker do not agree on {', '.join(differing)}."
            " Start the worker by the command that the chief logs, with the "
            "same data and the same versions."
        )


class TrialGone(BaseException):
    """Raised in an evaluation that nobody needs any more.

    It is no `Exception`, so that no evaluator takes it for a failure.
    """


class ChiefClient(OracleClient):
    """Keras-tuner's client of an oracle in another process.

    Args:
        address: String, the address of the chief.
        name: String, the name of this worker.
    """

    def __init__(self, address, name):
        # Keras-tuner's own reads the address from the environment, and its
        # channel would go through a proxy.
        options = [("grpc.enable_http_proxy", 0)]
        self.channel = grpc.insecure_channel(address, options)
        self.stub = protos.get_service_grpc().OracleStub(self.channel)
        self.tuner_id = name
        self.multi_worker = False
        self.should_report = True
        self.address = address

    def close(self):
        """Closes the connection."""
        self.channel.close()

    def wait_for_chief(self):
        """Waits until the chief listens."""
        is_local = self.address.startswith(("127.0.0.1:", "localhost:"))
        limit = time.monotonic() + (
            SECONDS_TO_FIND_LOCAL_CHIEF if is_local else SECONDS_TO_FIND_CHIEF
        )
        ready = grpc.channel_ready_future(self.channel)
        while True:
            try:
                return ready.result(_SECONDS_BETWEEN_LOGS)
            except grpc.FutureTimeoutError as error:
                if time.monotonic() > limit:
                    raise WorkerLostError(
                        f"The chief at {self.address} cannot be reached: "
                        "start the chief, and check --chief"
                    ) from error
                logger.info("still waiting for the chief at %s", self.address)

    def agreement(self):
        """Returns what the workers must agree on, as JSON."""
        with self._losing_chief():
            return self.get_space().get(AGREEMENT)

    def next_trial(self):
        """Returns the next trial, or `None` if the search has ended."""
        while True:
            trial = self.ask(_SECONDS_TO_PROPOSE)
            if trial.status == "STOPPED":
                return None
            if trial.status == "RUNNING":
                return trial
            time.sleep(_SECONDS_IDLE)

    def ask(self, seconds):
        """Returns the trial of this worker, or a new one if it has none.

        Args:
            seconds: Number, how long to wait for the answer. Without a chief,
                the request fails at once; that of `create_trial` would wait.
        """
        request = protos.get_service().CreateTrialRequest(
            tuner_id=self.tuner_id
        )
        with self._losing_chief():
            answer = self.stub.CreateTrial(request, timeout=seconds)
        return Trial.from_proto(answer.trial)

    def report(self, trial, metrics):
        """Ends a trial with its metrics."""
        with self._losing_chief():
            self.update_trial(trial.trial_id, metrics)
            trial.status = "COMPLETED"
            self.end_trial(trial)

    @contextlib.contextmanager
    def _losing_chief(self):
        try:
            yield
        except grpc.RpcError as error:
            raise WorkerLostError(
                f"The chief at {self.address} is gone, and this worker cannot "
                "continue without it"
            ) from error


class Heartbeat:
    """Tells the chief that this worker is there, while it evaluates.

    If the chief is gone, or has given the trial to another worker, the
    evaluation is interrupted by `WorkerLostError` or `TrialGone`.

    Args:
        client: `ChiefClient`.
        trial: `keras_tuner.engine.trial.Trial`.
    """

    def __init__(self, client, trial):
        self.client = client
        self.trial = trial
        self.error = None
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self):
        self.evaluating = threading.get_ident()
        # Unlike SIGINT, nobody sends or ignores this signal.
        self.handler = signal.signal(signal.SIGUSR1, self._interrupt)
        self.thread.start()

    def __exit__(self, *exception):
        self.done.set()
        self.thread.join()
        signal.signal(signal.SIGUSR1, self.handler)

    def _beat(self):
        while not self.done.wait(_SECONDS_BETWEEN_BEATS):
            try:
                now = self.client.ask(_SECONDS_TO_ANSWER)
                if now.trial_id == self.trial.trial_id:
                    continue
                self.error = TrialGone()
            except WorkerLostError as error:
                self.error = error
            if not self.done.is_set():
                signal.pthread_kill(self.evaluating, signal.SIGUSR1)
            return

    def _interrupt(self, number, frame):
        raise self.error
