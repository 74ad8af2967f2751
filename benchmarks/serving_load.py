"""A server under load: is every answer right, and what does it cost?

    python benchmarks/serving_load.py --seconds=30 --clients=8

Eight clients ask a server, half of them over REST and half over gRPC, for one
to eight images at a time, and in between for what cannot be answered. Before
and after it, as many threads ask the same SavedModel directly, in this
process. The server is `tensorflow_model_server` where that is on the PATH,
and else the stand-in of the tests, in Python.

It ends with 1 if a good request was not answered right, a bad one not with a
sentence, or the server's memory grew by more than 5 % from the second third of
the time to the last. Both sides have a while before that does not count.
"""

import argparse
import collections
import concurrent.futures
import pathlib
import random
import sys
import tempfile
import threading
import time

import numpy as np
import psutil
import requests
import tensorflow as tf

from tfdarts import genotypes
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.serving.clients import ServerError
from tfdarts.serving.clients import validate_url
from tfdarts.serving.grpc_client import GrpcClient
from tfdarts.serving.rest_client import RestClient
from tfdarts.serving.saved_model import export_saved_model
from tfdarts.serving.saved_model_client import SavedModelClient
from tfdarts.serving.server_config import models_config

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "serving"))
from running_server import started  # noqa: E402

NAME = "load"
SHAPE = (32, 32, 3)
IMAGES = 64
BAD = 0.2
MOST_GROWTH = 1.05
KINDS = ("no image", "no such model", "no JSON", "no such signature")


def export_model(directory):
    """Writes a network of 8 cells and 16 channels; returns its version."""
    network = CNNNetwork(genotypes.get("DARTS_V2"), 16, 8, 10, SHAPE)
    labels = [f"class {k}" for k in range(10)]
    version = export_saved_model(network, directory / NAME, labels)
    (directory / "models.config").write_text(
        models_config([NAME], root=str(directory))
    )
    return version


def image_files():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (IMAGES, *SHAPE), "uint8")
    return [tf.io.encode_png(image).numpy() for image in images]


class Client:
    """Asks one thing after the other and notes what became of it."""

    def __init__(self, number, ask, files, expected, refused=None):
        self.random = random.Random(number)
        self.ask, self.refused = ask, refused
        self.files, self.expected = files, expected
        self.seconds, self.images = [], 0
        self.outcomes = collections.Counter()

    def run(self, until):
        while time.monotonic() < until:
            if self.refused and self.random.random() < BAD:
                kind = self.random.choice(KINDS)
                self.outcomes[kind, self.refused(kind)] += 1
            else:
                self._good()
        return self

    def _good(self):
        chosen = self.random.sample(range(IMAGES), self.random.randint(1, 8))
        contents = [self.files[k] for k in chosen]
        started = time.perf_counter()
        try:
            answer = self.ask(contents)
        except ServerError as error:
            self.outcomes["good", f"refused: {error}"] += 1
            return
        self.seconds.append(time.perf_counter() - started)
        self.images += len(chosen)
        right = np.allclose(
            answer.probabilities, self.expected[chosen], atol=1e-5
        )
        self.outcomes["good", "right" if right else "wrong"] += 1


def bad_request(server, kind):
    """Sends an invalid request; returns how the server answered, in words."""
    url = f"{server.rest}/v1/models/{NAME}:predict"
    url, body, status = {
        "no such model": (url.replace(NAME, "none"), "{}", [404]),
        "no JSON": (url, "{", [400]),
        "no such signature": (url, '{"signature_name": "x"}', [400, 412]),
    }[kind]
    answer = requests.post(url, data=body, timeout=60)
    refused = answer.status_code in status and answer.json()["error"]
    return "refused with a sentence" if refused else f"{answer.status_code}"


def bad_image(ask):
    try:
        ask([b"no image"])
    except ServerError as error:
        refused = "Unknown image file format" in str(error)
        return "refused with a sentence" if refused else str(error)
    return "answered"


def client_of(server, number, files, expected):
    """A client over REST, or for odd numbers over gRPC."""
    kind = (RestClient, GrpcClient)[number % 2]
    url = validate_url((server.rest, server.grpc)[number % 2])
    ask = kind(url, NAME, timeout=60).predict

    def refused(what):
        if what == "no image":
            return bad_image(ask)
        return bad_request(server, what)

    return Client(number, ask, files, expected, refused)


def run_together(clients, seconds):
    """Runs clients at the same time; returns how long it took."""
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
        until = started + seconds
        for done in [pool.submit(c.run, until) for c in clients]:
            done.result()
    return time.monotonic() - started


class Memory(threading.Thread):
    """Notes the memory of a process, twice a second, in MB."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.noted = psutil.Process(process), []
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(0.5):
            self.noted.append(self.process.memory_info().rss / 1e6)

    def thirds(self):
        """The medians of the second and of the last third of the time."""
        self.ended.set()
        first, second = (len(self.noted) * k // 3 for k in (1, 2))
        return (
            np.median(self.noted[first:second]),
            np.median(self.noted[second:]),
        )


def row(name, clients, seconds):
    times = np.concatenate([client.seconds for client in clients]) * 1000
    images = sum(client.images for client in clients)
    percentiles = np.percentile(times, (50, 90, 99))
    shown = " | ".join(f"{value:.1f}" for value in percentiles)
    rates = f"{len(times) / seconds:.1f} | {images / seconds:.0f}"
    return f"| {name} | {shown} | {rates} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--clients", type=int, default=8)
    given = parser.parse_args()
    files = image_files()

    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        model = SavedModelClient(export_model(directory))
        expected = model.predict(files).probabilities

        def direct(first):
            clients = [
                Client(first + k, model.predict, files, expected)
                for k in range(given.clients)
            ]
            return clients, run_together(clients, given.seconds / 3)

        direct(100)  # Sizes of batches that are new take longer.
        before, seconds_before = direct(200)
        with started(directory / "models.config", NAME) as server:

            def new_clients(first):
                return [
                    client_of(server, first + k, files, expected)
                    for k in range(given.clients)
                ]

            run_together(new_clients(400), given.seconds / 3)
            clients = new_clients(0)
            memory = Memory(server.process)
            memory.start()
            seconds = run_together(clients, given.seconds)
            earlier, later = memory.thirds()
        after, seconds_after = direct(300)

    direct_clients = before + after
    print(
        "| | median, ms | 90 % | 99 % | requests/s | images/s |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: |"
    )
    print(row("server, REST", clients[::2], seconds))
    print(row("server, gRPC", clients[1::2], seconds))
    print(row("server, both", clients, seconds))
    seconds_direct = seconds_before + seconds_after
    print(row("SavedModel directly", direct_clients, seconds_direct))
    print("\n| request | outcome | count |\n| --- | --- | ---: |")
    outcomes = sum((c.outcomes for c in clients), collections.Counter())
    for (kind, outcome), count in sorted(outcomes.items()):
        print(f"| {kind} | {outcome} | {count:,} |")
    print(
        f"\nMemory of the server: {earlier:.1f} MB in the second third, "
        f"{later:.1f} MB in the last."
    )
    fine = {"right", "refused with a sentence"}
    wrong = {outcome for _, outcome in outcomes} - fine
    grown = later > MOST_GROWTH * earlier
    print(f"Answers: {'not ' * bool(wrong)}all correct.", end=" ")
    print(f"Memory: {'not ' * bool(grown)}flat.")
    return 1 if wrong or grown else 0


if __name__ == "__main__":
    sys.exit(main())
