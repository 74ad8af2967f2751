"""The layers in plain NumPy and float64, as PyTorch pads and strides them.

Images are `(batch, height, width, channels)`. Weights come as an iterator, in
the order of the layers that own them.
"""

import itertools

import numpy as np

EPSILON = 1e-5


def windows(x, kernel, strides=1, padding=0, dilation=1, fill=0.0):
    """Yields `(row, column, shifted image)` for each pixel of a kernel."""
    strides, padding = (np.broadcast_to(v, 2) for v in (strides, padding))
    x = np.pad(
        x,
        [(0, 0), *((p, p) for p in padding), (0, 0)],
        constant_values=fill,
    )
    sizes = [
        (size - dilation * (k - 1) - 1) // stride + 1
        for size, k, stride in zip(x.shape[1:3], kernel, strides)
    ]
    for offset in itertools.product(*map(range, kernel)):
        rows, columns = (
            dilation * start + stride * np.arange(size)
            for start, stride, size in zip(offset, strides, sizes)
        )
        yield *offset, x[:, rows][:, :, columns]


def relu(x):
    return np.maximum(x, 0.0)


def conv(x, kernel, **geometry):
    return sum(
        window @ kernel[row, column]
        for row, column, window in windows(x, kernel.shape[:2], **geometry)
    )


def depthwise(x, kernel, **geometry):
    return sum(
        window * kernel[row, column, :, 0]
        for row, column, window in windows(x, kernel.shape[:2], **geometry)
    )


def max_pool(x, strides, size=3):
    shifted = windows(x, (size,) * 2, strides, size // 2, fill=-np.inf)
    return np.max([window for *_, window in shifted], axis=0)


def avg_pool(x, strides):
    """The mean of the pixels that are there: padding does not count."""
    shifted = windows(x, (3, 3), strides, padding=1, fill=np.nan)
    return np.nanmean([window for *_, window in shifted], axis=0)


def batch_norm(x, weights=None):
    """By the batch's own statistics; affine if weights are given."""
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    normal = (x - mean) / np.sqrt(variance + EPSILON)
    return normal if weights is None else normal * next(weights) + next(weights)


def relu_conv_bn(x, weights, affine):
    x = conv(relu(x), next(weights))
    return batch_norm(x, weights if affine else None)


def separable(x, weights, affine, strides=1, padding=0, dilation=1):
    """ReLU, depthwise, pointwise, batch norm."""
    x = depthwise(
        relu(x),
        next(weights),
        strides=strides,
        padding=padding,
        dilation=dilation,
    )
    x = conv(x, next(weights))
    return batch_norm(x, weights if affine else None)


def factorized_reduce(x, weights, affine):
    """Two strided convolutions, the second from pixel (1, 1) on."""
    x = relu(x)
    even = conv(x, next(weights), strides=2)
    odd_sizes = [(0, size % 2) for size in x.shape[1:3]]
    shifted = np.pad(x, [(0, 0), *odd_sizes, (0, 0)])[:, 1:, 1:]
    odd = conv(shifted, next(weights), strides=2)
    x = np.concatenate([even, odd], axis=-1)
    return batch_norm(x, weights if affine else None)


def conv_kx1_1xk(x, weights, affine, strides, side):
    x = conv(relu(x), next(weights), strides=(1, strides), padding=(0, side))
    x = conv(x, next(weights), strides=(strides, 1), padding=(side, 0))
    return batch_norm(x, weights if affine else None)


def primitive(name, x, weights, strides=1, search=False):
    """Any primitive; in its search form if `search`."""
    x = np.asarray(x, "float64")
    weights = (np.asarray(weight, "float64") for weight in weights)
    affine = not search
    match name.rsplit("_", 1)[0]:
        case "none":
            output = np.zeros_like(x[:, ::strides, ::strides])
        case "skip" if strides == 1:
            output = x
        case "skip":
            output = factorized_reduce(x, weights, affine)
        case "max_pool":
            output = max_pool(x, strides, int(name[-1]))
            output = batch_norm(output) if search else output
        case "avg_pool":
            output = avg_pool(x, strides)
            output = batch_norm(output) if search else output
        case "nor_conv":
            side = int(name[-1]) // 2
            output = conv(relu(x), next(weights), strides=strides, padding=side)
            output = batch_norm(output, weights if affine else None)
        case "sep_conv":
            padding = int(name[-1]) // 2
            output = separable(x, weights, affine, strides, padding)
            output = separable(output, weights, affine, 1, padding)
        case "dil_conv":
            padding = int(name[-1]) - 1
            output = separable(x, weights, affine, strides, padding, 2)
        case "conv_7x1" | "conv_3x1":
            side = int(name[-1]) // 2
            output = conv_kx1_1xk(x, weights, affine, strides, side)
    if next(weights, None) is not None:
        raise ValueError(f"{name} has more weights than the reference uses.")
    return output
