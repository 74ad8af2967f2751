"""The search step of `search_step.py` in plain PyTorch, to compare with.

    python benchmarks/torch_reference.py --setting=S --order=2

The arithmetic is tfdarts', the structure that of the authors' code: one module
for each primitive on each edge, each run by itself. PyTorch is no dependency
of tfdarts; install it into an environment of its own.
"""

import argparse
import contextlib
import json
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional


def megabytes():
    """The most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


IMPORT_MEMORY = megabytes()
SETTINGS = {  # channels, cells, batch, image, weights
    "S": (8, 5, 32, (3, 28, 28), 394_210),
    "M": (16, 8, 16, (3, 32, 32), 1_930_618),
    "P": (16, 8, 64, (3, 32, 32), 1_930_618),  # the paper's
}
MEMORY_FORMATS = {
    "channels_first": torch.contiguous_format,
    "channels_last": torch.channels_last,
}
CLASSES = 10
NODES = 4
EDGES = sum(2 + node for node in range(NODES))

LEARNING_RATE = 0.025
MOMENTUM = 0.9
WEIGHT_DECAY = 3e-4
CLIP_NORM = 5.0
PERTURBATION = 0.01


class Zero(nn.Module):
    """`none`."""

    def __init__(self, stride):
        super().__init__()
        self.stride = stride

    def forward(self, inputs):
        return inputs[:, :, :: self.stride, :: self.stride] * 0.0


class FactorizedReduce(nn.Module):
    """Two 1x1 convolutions of stride 2, one pixel apart."""

    def __init__(self, inputs, channels):
        super().__init__()
        half = channels // 2
        self.even = nn.Conv2d(inputs, half, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(inputs, channels - half, 1, stride=2, bias=False)
        self.norm = batch_norm(channels)

    def forward(self, inputs):
        active = functional.relu(inputs)
        halves = [self.even(active), self.odd(active[:, :, 1:, 1:])]
        return self.norm(torch.cat(halves, dim=1))


def batch_norm(channels):
    return nn.BatchNorm2d(channels, affine=False)


def relu_conv_bn(inputs, channels):
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(inputs, channels, 1, bias=False),
        batch_norm(channels),
    )


def separable(channels, kernel, stride, dilation=1):
    """ReLU, depthwise convolution, pointwise convolution, batch norm."""
    depthwise = nn.Conv2d(
        channels,
        channels,
        kernel,
        stride=stride,
        padding=dilation * (kernel // 2),
        dilation=dilation,
        groups=channels,
        bias=False,
    )
    pointwise = nn.Conv2d(channels, channels, 1, bias=False)
    return nn.Sequential(nn.ReLU(), depthwise, pointwise, batch_norm(channels))


def sep_conv(channels, kernel, stride):
    return nn.Sequential(
        separable(channels, kernel, stride), separable(channels, kernel, 1)
    )


def skip_connect(channels, stride):
    return (
        nn.Identity() if stride == 1 else FactorizedReduce(channels, channels)
    )


def max_pool(channels, stride):
    return nn.Sequential(
        nn.MaxPool2d(3, stride, padding=1), batch_norm(channels)
    )


def avg_pool(channels, stride):
    return nn.Sequential(
        nn.AvgPool2d(3, stride, padding=1, count_include_pad=False),
        batch_norm(channels),
    )


PRIMITIVES = {
    "none": lambda channels, stride: Zero(stride),
    "max_pool_3x3": max_pool,
    "avg_pool_3x3": avg_pool,
    "skip_connect": skip_connect,
    "sep_conv_3x3": lambda channels, stride: sep_conv(channels, 3, stride),
    "sep_conv_5x5": lambda channels, stride: sep_conv(channels, 5, stride),
    "dil_conv_3x3": lambda channels, stride: separable(channels, 3, stride, 2),
    "dil_conv_5x5": lambda channels, stride: separable(channels, 5, stride, 2),
}


class MixedOp(nn.Module):
    """The weighted sum of all primitives on one edge."""

    def __init__(self, channels, stride):
        super().__init__()
        self.operations = nn.ModuleList(
            make(channels, stride) for make in PRIMITIVES.values()
        )

    def forward(self, inputs, weights):
        return sum(
            weight * operation(inputs)
            for weight, operation in zip(weights, self.operations)
        )


class Cell(nn.Module):
    """Two inputs, and nodes that are each the sum of their edges."""

    def __init__(self, older, newer, channels, reduction, after_reduction):
        super().__init__()
        self.reduction = reduction
        preprocess_older = FactorizedReduce if after_reduction else relu_conv_bn
        self.preprocess_older = preprocess_older(older, channels)
        self.preprocess_newer = relu_conv_bn(newer, channels)
        self.edges = nn.ModuleList(self.make_edges(channels))

    def make_edges(self, channels):
        for node in range(NODES):
            for source in range(2 + node):
                yield MixedOp(channels, self.stride_from(source))

    def stride_from(self, source):
        return 2 if self.reduction and source < 2 else 1

    def forward(self, older, newer, edge_weights):
        states = [self.preprocess_older(older), self.preprocess_newer(newer)]
        edges = iter(zip(self.edges, edge_weights))
        for _ in range(NODES):
            incoming = zip(list(states), edges)
            states.append(
                sum(edge(state, weights) for state, (edge, weights) in incoming)
            )
        return torch.cat(states[2:], dim=1)


class Supernet(nn.Module):
    """Stem, cells and classifier. The alphas are no parameters of it."""

    def __init__(self, channels, cells, image_channels, cell=Cell):
        super().__init__()
        stem = 3 * channels
        self.stem = nn.Sequential(
            nn.Conv2d(image_channels, stem, 3, padding=1, bias=False),
            nn.BatchNorm2d(stem),
        )
        self.cells = nn.ModuleList()
        older = newer = stem
        after_reduction = False
        for position in range(cells):
            reduction = position in (cells // 3, 2 * cells // 3)
            channels *= 2 if reduction else 1
            self.cells.append(
                cell(older, newer, channels, reduction, after_reduction)
            )
            older, newer = newer, NODES * channels
            after_reduction = reduction
        self.classifier = nn.Linear(newer, CLASSES)
        self.alphas = [
            (1e-3 * torch.randn(EDGES, len(PRIMITIVES))).requires_grad_()
            for _ in ("normal", "reduce")
        ]

    def forward(self, images):
        normal, reduce = (alpha.softmax(dim=-1) for alpha in self.alphas)
        older = newer = self.stem(images)
        for cell in self.cells:
            edge_weights = reduce if cell.reduction else normal
            older, newer = newer, cell(older, newer, edge_weights)
        return self.classifier(newer.mean(dim=(2, 3)))


class Search:
    """DARTS: `step` is Algorithm 1 of the paper.

    Args:
        supernet: `Supernet`.
        order: Integer, `1` or `2`; `0` leaves the alphas alone.
    """

    def __init__(self, supernet, order):
        self.supernet = supernet
        self.order = order
        self.weights = list(supernet.parameters())
        self.weight_optimizer = torch.optim.SGD(
            self.weights,
            LEARNING_RATE,
            momentum=MOMENTUM,
            weight_decay=WEIGHT_DECAY,
        )
        self.alpha_optimizer = torch.optim.Adam(
            supernet.alphas, 3e-4, betas=(0.5, 0.999), weight_decay=1e-3
        )

    def step(self, train_batch, val_batch):
        if self.order:
            self.update_alphas(train_batch, val_batch)
        self.update_weights(train_batch)

    def update_weights(self, batch):
        gradients = torch.autograd.grad(self.loss(batch), self.weights)
        set_gradients(self.weights, gradients)
        nn.utils.clip_grad_norm_(self.weights, CLIP_NORM)
        self.weight_optimizer.step()
        self.weight_optimizer.zero_grad()

    def update_alphas(self, train_batch, val_batch):
        with batch_statistics_only(self.supernet):
            gradients = (
                self.alpha_gradients(val_batch)
                if self.order == 1
                else self.unrolled_alpha_gradients(train_batch, val_batch)
            )
        set_gradients(self.supernet.alphas, gradients)
        self.alpha_optimizer.step()
        self.alpha_optimizer.zero_grad()

    def loss(self, batch):
        images, labels = batch
        return functional.cross_entropy(self.supernet(images), labels)

    def alpha_gradients(self, batch):
        return torch.autograd.grad(self.loss(batch), self.supernet.alphas)

    def unrolled_alpha_gradients(self, train_batch, val_batch):
        """Equations 7 and 8 of the paper, moving the weights in place."""
        before = [weight.detach().clone() for weight in self.weights]
        self.virtual_step(
            torch.autograd.grad(self.loss(train_batch), self.weights)
        )
        gradients = torch.autograd.grad(
            self.loss(val_batch), self.supernet.alphas + self.weights
        )
        count = len(self.supernet.alphas)
        first_order, direction = gradients[:count], gradients[count:]
        norm = torch.linalg.vector_norm(
            torch.stack([torch.linalg.vector_norm(v) for v in direction])
        )
        epsilon = PERTURBATION / norm
        sides = []
        for sign in (1, -1):
            self.place_weights(before, sign * epsilon, direction)
            sides.append(self.alpha_gradients(train_batch))
        self.place_weights(before)
        return [
            gradient - LEARNING_RATE * (above - below) / (2 * epsilon)
            for gradient, above, below in zip(first_order, *sides)
        ]

    @torch.no_grad()
    def virtual_step(self, gradients):
        """A step of the weight optimizer that it will not remember."""
        for weight, gradient in zip(self.weights, gradients):
            step = gradient + WEIGHT_DECAY * weight
            state = self.weight_optimizer.state[weight]
            if "momentum_buffer" in state:
                step += MOMENTUM * state["momentum_buffer"]
            weight -= LEARNING_RATE * step

    @torch.no_grad()
    def place_weights(self, values, distance=None, direction=None):
        """Sets the weights to values, or to a distance from them."""
        for index, (weight, value) in enumerate(zip(self.weights, values)):
            weight.copy_(value)
            if direction is not None:
                weight += distance * direction[index]


def set_gradients(parameters, gradients):
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = gradient


@contextlib.contextmanager
def batch_statistics_only(model):
    """Inside, training leaves the running statistics as they are."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


def measure(setting, order, memory_format, steps):
    """Returns the figures of one search in this process."""
    channels, cells, batch, image, weights = SETTINGS[setting]
    layout = MEMORY_FORMATS[memory_format]
    torch.manual_seed(0)

    def examples():
        images = torch.randn(batch, *image).to(memory_format=layout)
        return images, torch.randint(CLASSES, (batch,))

    pair = examples(), examples()
    supernet = Supernet(channels, cells, image[0]).to(memory_format=layout)
    counted = sum(weight.numel() for weight in supernet.parameters())
    if counted != weights:
        raise RuntimeError(
            f"The supernet of tfdarts has {weights:,} weights, this one has "
            f"{counted:,}: they are not the same network."
        )
    search = Search(supernet, order)

    def step():
        started = time.perf_counter()
        search.step(*pair)
        return time.perf_counter() - started

    first = step()
    quartiles = statistics.quantiles([step() for _ in range(steps)], n=4)
    return {
        "setting": setting,
        "order": order,
        "memory_format": memory_format,
        "first_step_s": first,
        "median_step_s": quartiles[1],
        "spread_s": quartiles[2] - quartiles[0],
        "images_per_s": batch / quartiles[1],
        "peak_memory_mb": megabytes(),
        "import_memory_mb": IMPORT_MEMORY,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--setting", choices=SETTINGS, default="S")
    parser.add_argument("--order", type=int, choices=(0, 1, 2), default=2)
    parser.add_argument(
        "--memory_format", choices=MEMORY_FORMATS, default="channels_first"
    )
    parser.add_argument(
        "--steps", type=int, default=10, help="timed steps, at least 2"
    )
    parser.add_argument("--json", action="store_true")
    arguments = vars(parser.parse_args())
    if arguments["steps"] < 2:
        parser.error("--steps must be at least 2, for the quartiles.")
    as_json = arguments.pop("json")
    figures = measure(**arguments)
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        shown = f"{value:.3f}" if isinstance(value, float) else value
        print(f"{name:18} {shown}")


if __name__ == "__main__":
    main()
