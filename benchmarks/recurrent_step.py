"""How long a step of a recurrent network takes, beside plain PyTorch.

    python benchmarks/recurrent_step.py --what=search --order=2 \
        --reference=PYTHON

At the paper's size: 10,000 words, 300 units, batches of 256 rows of 35 steps.
`--what=train` is a step of the weights of DARTS_V2's network. Each measurement
is a process of its own, in turn.
"""

import argparse
import json
import pathlib
import resource
import statistics
import sys
import time

from search_step import add_process_arguments
from search_step import measure_in_turn


def megabytes():
    """The most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


HERE = pathlib.Path(__file__).parent
WORDS, UNITS = 10_000, 300
RATE, DECAY, CLIP, DROPOUT = 20.0, 5e-7, 0.25, 0.25


def measure(given):
    """Returns the figures of tfdarts."""
    import keras
    import numpy as np
    import tensorflow as tf

    from tfdarts.training.optimizers import SGD

    imports = megabytes()
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    shape = (given.batch, given.length)
    batches = [
        tuple(tf.constant(random.integers(0, WORDS, shape)) for _ in range(2))
        for _ in range(2)
    ]
    optimizer = SGD(RATE, l2=DECAY, clip_norm=CLIP)
    form = {"search": make_search_step, "train": make_training_step}[given.what]
    step, weights = form(given, optimizer)
    times = []
    for _ in range(given.steps + 1):
        started = time.perf_counter()
        step(*batches)
        times.append(time.perf_counter() - started)
    return {
        "form": "tfdarts",
        "first_step_s": times[0],
        "median_step_s": statistics.median(times[1:]),
        "peak_memory_mb": megabytes(),
        "import_memory_mb": imports,
        "weights": sum(int(keras.ops.size(w)) for w in weights),
    }


def make_search_step(given, optimizer):
    from tfdarts.models.rnn_supernet import RNNSupernet
    from tfdarts.strategies.darts import DARTS
    from tfdarts.training.optimizers import Adam

    supernet = RNNSupernet(WORDS, UNITS, recurrent_dropout=DROPOUT)
    search = DARTS(supernet, order=given.order, clip_virtual_step=True)
    search.compile(optimizer, Adam(3e-3, beta_1=0.9, l2=1e-3))

    def step(train, val):
        search.train_step((train, val))
        supernet.alpha_variables[0].numpy()

    return step, supernet.network_weights


def make_training_step(given, optimizer):
    import tensorflow as tf

    from tfdarts import genotypes
    from tfdarts.models.rnn_network import RNNNetwork
    from tfdarts.models.word_cross_entropy import WordCrossEntropy

    network = RNNNetwork(
        genotypes.get("DARTS_V2", "rnn"),
        *(WORDS, UNITS),
        recurrent_dropout=DROPOUT,
    )
    optimizer.build(network.trainable_variables)
    loss_function = WordCrossEntropy()

    @tf.function
    def gradients(x, y, state):
        with tf.GradientTape() as tape:
            logits, state = network(x, state=state, training=True)
            loss = loss_function(y, logits)
        weights = network.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss, state

    states = [network.initial_state(given.batch)]

    def step(train, val):
        loss, state = gradients(*train, states[-1])
        states[:] = [state]
        loss.numpy()

    return step, network.trainable_variables


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=("search", "train"), default="search")
    parser.add_argument("--order", type=int, choices=(1, 2), default=2)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--length", type=int, default=35)
    parser.add_argument("--steps", type=int, default=5)
    add_process_arguments(parser)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given)))
        return
    same = [
        f"--{name}={getattr(given, name)}"
        for name in ("what", "order", "batch", "length", "steps")
    ]
    commands = [[sys.executable, __file__, "--measure", *same]]
    if given.reference:
        script = str(HERE / "torch_recurrent.py")
        commands.append([given.reference, script, *same])
    print(
        "| | first step, s | step, s | "
        "peak memory above the import baseline, MB | weights |\n"
        "| --- | ---: | ---: | ---: | ---: |"
    )
    rows = measure_in_turn(commands, given.rounds)
    for row in rows:
        memory = row["peak_memory_mb"] - row["import_memory_mb"]
        print(
            f"| {row['form']} | {row['first_step_s']:.1f} | "
            f"{row['median_step_s']:.2f} | {memory:,.0f} | "
            f"{row['weights']:,} |"
        )
    if given.reference:
        ratio = rows[1]["median_step_s"] / rows[0]["median_step_s"]
        print(f"\nPyTorch takes {ratio:.2f} times the step's time.")


if __name__ == "__main__":
    main()
