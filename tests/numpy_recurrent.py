"""The recurrent cells in plain NumPy and float64, one step and one node at a
time.
"""

import numpy as np

EPSILON = 1e-5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


FUNCTIONS = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": sigmoid,
    "identity": lambda x: x,
}


def first_node(x, h, kernel, mask):
    c, candidate = np.split(np.concatenate([x, h * mask], 1) @ kernel, 2, 1)
    c = sigmoid(c)
    return c * np.tanh(candidate) + (1 - c) * h


def derived_step(genotype, x, h, kernels, mask=1.0):
    """The output of a genotype's cell."""
    first, *kernels = kernels
    nodes = [first_node(x, h, first, mask)]
    kernels = iter(kernels)
    for edges in genotype.cells["recurrent"].nodes:
        node = np.zeros_like(h)
        edges = [edge for edge in edges if edge[0] != "none"]
        kernel = next(kernels) if edges else None
        for name, source in edges:
            s = nodes[source]
            c, candidate = np.split((s * mask) @ kernel, 2, 1)
            c = sigmoid(c)
            node += c * FUNCTIONS[name](candidate) + (1 - c) * s
        nodes.append(node)
    return np.mean([nodes[k] for k in genotype.recurrent_concat], axis=0)


class BatchNorm:
    """By the batch; the moving statistics move with every call."""

    def __init__(self, units):
        self.mean, self.variance = np.zeros(units), np.ones(units)

    def __call__(self, x):
        mean, variance = x.mean(0), x.var(0)
        self.mean = 0.9 * self.mean + 0.1 * mean
        self.variance = 0.9 * self.variance + 0.1 * x.var(0, ddof=1)
        return (x - mean) / np.sqrt(variance + EPSILON)


def search_step(primitives, alphas, x, h, kernels, batch_norm, mask=1.0):
    """The output of the search cell: edge by edge, primitive by primitive."""
    weights = np.exp(alphas) / np.exp(alphas).sum(1, keepdims=True)
    first, *kernels = kernels
    nodes = [batch_norm(first_node(x, h, first, mask))]
    edge = 0
    for kernel in kernels:
        node = np.zeros_like(h)
        for s in nodes:
            c, candidate = np.split((s * mask) @ kernel, 2, 1)
            c = sigmoid(c)
            for name, weight in zip(primitives, weights[edge]):
                if name != "none":
                    output = c * FUNCTIONS[name](candidate) + (1 - c) * s
                    node += weight * output
            edge += 1
        nodes.append(batch_norm(node))
    return np.mean(nodes[1:], axis=0)


def sequence(step, xs, h):
    """All outputs, `(batch, steps, units)`, and the last state."""
    outputs = []
    for time in range(xs.shape[1]):
        h = step(xs[:, time], h)
        outputs.append(h)
    return np.stack(outputs, 1), h


def numeric_gradient(function, arrays, distance=1e-6):
    """The gradient of a function of arrays, by central differences."""
    gradients = []
    for array in arrays:
        gradient = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            kept = array[index]
            array[index] = kept + distance
            above = function()
            array[index] = kept - distance
            below = function()
            array[index] = kept
            gradient[index] = (above - below) / (2 * distance)
        gradients.append(gradient)
    return gradients
