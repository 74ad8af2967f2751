"""A training step of DARTS_V2 in plain PyTorch, for `train_step.py`.

    python benchmarks/torch_train.py --setting=C

The operations are those of `torch_reference.py`, here with trainable scale and
offset, and without batch normalization after pooling, as in the authors' code.
"""

import argparse
import json
import statistics
import time

import torch
import torch_reference as reference
from torch import nn
from torch.nn import functional

reference.batch_norm = nn.BatchNorm2d
SETTINGS = {  # channels, cells, batch, weights
    "C": (16, 8, 64, 246_106),
    "P": (36, 20, 96, 3_349_342),  # the paper's
}
CELLS = {  # primitive and source of both edges of each node
    "normal": (
        (("sep_conv_3x3", 0), ("sep_conv_3x3", 1)),
        (("sep_conv_3x3", 0), ("sep_conv_3x3", 1)),
        (("sep_conv_3x3", 1), ("skip_connect", 0)),
        (("skip_connect", 0), ("dil_conv_3x3", 2)),
    ),
    "reduce": (
        (("max_pool_3x3", 0), ("max_pool_3x3", 1)),
        (("skip_connect", 2), ("max_pool_3x3", 1)),
        (("max_pool_3x3", 0), ("skip_connect", 2)),
        (("skip_connect", 2), ("max_pool_3x3", 1)),
    ),
}
PRIMITIVES = {
    **reference.PRIMITIVES,
    "max_pool_3x3": lambda channels, stride: nn.MaxPool2d(3, stride, 1),
}


class Cell(reference.Cell):
    """A cell of the genotype: two edges into each node."""

    @property
    def nodes(self):
        return CELLS["reduce" if self.reduction else "normal"]

    def make_edges(self, channels):
        for node in self.nodes:
            for name, source in node:
                yield PRIMITIVES[name](channels, self.stride_from(source))

    def forward(self, older, newer, edge_weights):
        states = [self.preprocess_older(older), self.preprocess_newer(newer)]
        edges = iter(self.edges)
        for node in self.nodes:
            outputs = [next(edges)(states[source]) for _, source in node]
            states.append(sum(outputs))
        return torch.cat(states[2:], dim=1)


def measure(setting, memory_format, steps):
    """Returns the figures of one training in this process."""
    channels, cells, batch, weights = SETTINGS[setting]
    layout = reference.MEMORY_FORMATS[memory_format]
    torch.manual_seed(0)
    images = torch.randn(batch, 3, 32, 32).to(memory_format=layout)
    labels = torch.randint(reference.CLASSES, (batch,))
    network = reference.Supernet(channels, cells, 3, Cell)
    network = network.to(memory_format=layout)
    counted = sum(weight.numel() for weight in network.parameters())
    if counted != weights:
        raise RuntimeError(
            f"The network of tfdarts has {weights:,} weights, this one has "
            f"{counted:,}: they are not the same network."
        )
    optimizer = torch.optim.SGD(
        network.parameters(),
        reference.LEARNING_RATE,
        momentum=reference.MOMENTUM,
        weight_decay=reference.WEIGHT_DECAY,
    )

    def step():
        started = time.perf_counter()
        optimizer.zero_grad()
        functional.cross_entropy(network(images), labels).backward()
        nn.utils.clip_grad_norm_(network.parameters(), reference.CLIP_NORM)
        optimizer.step()
        return time.perf_counter() - started

    first = step()
    quartiles = statistics.quantiles([step() for _ in range(steps)], n=4)
    return {
        "form": f"PyTorch, {memory_format}",
        "first_step_s": first,
        "median_step_s": quartiles[1],
        "spread_s": quartiles[2] - quartiles[0],
        "images_per_s": batch / quartiles[1],
        "peak_memory_mb": reference.megabytes(),
        "import_memory_mb": reference.IMPORT_MEMORY,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setting", choices=SETTINGS, default="C")
    parser.add_argument(
        "--memory_format",
        choices=reference.MEMORY_FORMATS,
        default="channels_first",
    )
    parser.add_argument("--steps", type=int, default=10)
    print(json.dumps(measure(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
