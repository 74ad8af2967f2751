"""The steps of `recurrent_step.py` in plain PyTorch, to compare with.

    python benchmarks/torch_recurrent.py --what=search --order=2

Structure and arithmetic are those of the authors' code: a Python loop over
time, over the nodes and over the primitives. PyTorch is no dependency of
tfdarts; install it into an environment of its own.
"""

import argparse
import json
import resource
import statistics
import time

import torch
from torch.nn import functional


def megabytes():
    """The most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


IMPORT_MEMORY = megabytes()
WORDS, UNITS, NODES = 10_000, 300, 8
RATE, DECAY, CLIP, PERTURBATION = 20.0, 5e-7, 0.25, 0.01
KEPT = 0.75
FUNCTIONS = (torch.tanh, torch.relu, torch.sigmoid, lambda x: x)
DARTS_V2 = ((2, 0), (1, 1), (1, 1), (3, 1), (0, 2), (2, 5), (0, 3), (1, 5))


class Network(torch.nn.Module):
    """Embedding, cell and tied decoder; the search's cell or DARTS_V2."""

    def __init__(self, search):
        super().__init__()

        def weight(*shape):
            return torch.nn.Parameter(torch.empty(shape).uniform_(-0.04, 0.04))

        self.embedding = weight(WORDS, UNITS)
        self.bias = torch.nn.Parameter(torch.zeros(WORDS))
        self.first_kernel = weight(2 * UNITS, 2 * UNITS)
        self.nodes = torch.nn.ParameterList(
            weight(UNITS, 2 * UNITS) for _ in range(NODES)
        )
        self.norm = torch.nn.BatchNorm1d(UNITS, affine=False)
        edges = sum(range(1, NODES + 1))
        self.alphas = (1e-3 * torch.randn(edges, 5)).requires_grad_(search)
        self.search = search

    def forward(self, tokens, state):
        kept = torch.full_like(state, KEPT)
        mask = torch.bernoulli(kept) / KEPT
        xs = self.embedding[tokens].transpose(0, 1)
        outputs = []
        for x in xs:
            state = self.cell(x, state, mask)
            outputs.append(state)
        logits = torch.stack(outputs, 1) @ self.embedding.t() + self.bias
        return logits, state.detach()

    def cell(self, x, h, mask):
        c, candidate = (torch.cat([x, h * mask], 1) @ self.first_kernel).chunk(
            2, 1
        )
        s = h + c.sigmoid() * (candidate.tanh() - h)
        if not self.search:
            return self.derived(s, mask)
        states = self.norm(s)[None]
        weights, edge = functional.softmax(self.alphas, 1), 0
        for number, kernel in enumerate(self.nodes, 1):
            product = (states * mask).view(-1, UNITS) @ kernel
            c, candidate = product.view(number, -1, 2 * UNITS).chunk(2, 2)
            c = c.sigmoid()
            node = 0.0
            for column, function in enumerate(FUNCTIONS, 1):
                output = states + c * (function(candidate) - states)
                share = weights[edge : edge + number, column, None, None]
                node = node + (share * output).sum(0)
            states = torch.cat([states, self.norm(node)[None]])
            edge += number
        return states[1:].mean(0)

    def derived(self, s, mask):
        states = [s]
        for (function, source), kernel in zip(DARTS_V2, self.nodes):
            s = states[source]
            c, candidate = ((s * mask) @ kernel).chunk(2, 1)
            states.append(
                s + c.sigmoid() * (FUNCTIONS[function](candidate) - s)
            )
        return torch.stack(states[1:]).mean(0)

    def loss(self, batch, state):
        tokens, targets = batch
        logits, state = self(tokens, state)
        loss = functional.cross_entropy(
            logits.reshape(-1, WORDS), targets.reshape(-1)
        )
        return loss, state


class Steps:
    """Steps of a search, or with order 0 of the weights alone."""

    def __init__(self, search, order, batch):
        self.network, self.order = Network(search), order
        self.weights = list(self.network.parameters())
        self.optimizer = torch.optim.SGD(self.weights, RATE, weight_decay=DECAY)
        self.alphas = torch.optim.Adam(
            [self.network.alphas], 3e-3, weight_decay=1e-3
        )
        self.states = [torch.zeros(batch, UNITS) for _ in range(2)]

    def step(self, train, val):
        if self.order:
            gradient = (self.first_order, self.second_order)[self.order - 1](
                train, val
            )
            self.network.alphas.grad = gradient
            self.alphas.step()
        self.optimizer.zero_grad()
        loss, self.states[0] = self.network.loss(train, self.states[0])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights, CLIP)
        self.optimizer.step()

    def gradients(self, batch, stream, of):
        loss, state = self.network.loss(batch, self.states[stream])
        return torch.autograd.grad(loss, of), state

    def first_order(self, train, val):
        (gradient,), self.states[1] = self.gradients(
            val, 1, [self.network.alphas]
        )
        return gradient

    def second_order(self, train, val):
        alphas = self.network.alphas
        gradients, _ = self.gradients(train, 0, self.weights)
        c = min(1.0, CLIP / (norm(gradients) + 1e-6))
        kept = [w.data for w in self.weights]
        for w, g in zip(self.weights, gradients):
            w.data = w.data - RATE * (c * g + DECAY * w.data)
        (*v, explicit), self.states[1] = self.gradients(
            val, 1, [*self.weights, alphas]
        )
        shrink = min(1.0, CLIP / (norm(v) + 1e-6))
        epsilon = PERTURBATION / (shrink * norm(v))
        sides = []
        for sign in (1, -1):
            for w, value, d in zip(self.weights, kept, v):
                w.data = value + sign * epsilon * shrink * d
            (gradient,), _ = self.gradients(train, 0, [alphas])
            sides.append(gradient)
        for w, value in zip(self.weights, kept):
            w.data = value
        implicit = (sides[0] - sides[1]) / (2 * epsilon)
        return explicit - RATE * c * implicit


def norm(tensors):
    return float(torch.sqrt(sum((t * t).sum() for t in tensors)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=("search", "train"))
    parser.add_argument("--order", type=int, default=2)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--length", type=int, default=35)
    parser.add_argument("--steps", type=int, default=5)
    given = parser.parse_args()
    torch.manual_seed(0)
    shape = (given.batch, given.length)
    batches = [
        [torch.randint(WORDS, shape) for _ in range(2)] for _ in range(2)
    ]
    search = given.what == "search"
    steps = Steps(search, given.order if search else 0, given.batch)
    times = []
    for _ in range(given.steps + 1):
        started = time.perf_counter()
        steps.step(*batches)
        times.append(time.perf_counter() - started)
    print(
        json.dumps(
            {
                "form": "PyTorch",
                "first_step_s": times[0],
                "median_step_s": statistics.median(times[1:]),
                "peak_memory_mb": megabytes(),
                "import_memory_mb": IMPORT_MEMORY,
                "weights": sum(w.numel() for w in steps.weights),
            }
        )
    )


if __name__ == "__main__":
    main()
