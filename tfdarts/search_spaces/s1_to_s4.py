"""The search spaces in which RobustDARTS studies the collapse of DARTS."""

from tfdarts.search_spaces.cnn import CNNSearchSpace


class S2(CNNSearchSpace):
    """DARTS cells of skip connections and 3x3 separable convolutions.

    Reference:

    - [Zela et al., 2020](https://arxiv.org/abs/1909.09656), section 3
    """

    name = "s2"
    primitives = ("skip_connect", "sep_conv_3x3")


class S3(CNNSearchSpace):
    """The space `S2` with `"none"`.

    Reference:

    - [Zela et al., 2020](https://arxiv.org/abs/1909.09656), section 3
    """

    name = "s3"
    primitives = ("none", "skip_connect", "sep_conv_3x3")


class S4(CNNSearchSpace):
    """DARTS cells of noise and 3x3 separable convolutions.

    Reference:

    - [Zela et al., 2020](https://arxiv.org/abs/1909.09656), section 3
    """

    name = "s4"
    primitives = ("noise", "sep_conv_3x3")


_SHORT = {
    "max": "max_pool_3x3",
    "avg": "avg_pool_3x3",
    "skip": "skip_connect",
    "sep3": "sep_conv_3x3",
    "dil3": "dil_conv_3x3",
    "dil5": "dil_conv_5x5",
}


def _pairs(text):
    """Returns a tuple of primitives for each edge."""
    return tuple(
        tuple(_SHORT[name] for name in pair.split("/")) for pair in text.split()
    )


class S1(CNNSearchSpace):
    """DARTS cells with two primitives on each edge, which differ by edge.

    The authors chose the two with the largest alphas in searches of DARTS. In
    the supernet each edge computes all six primitives; the weights of the
    others are 0.

    Reference:

    - [Zela et al., 2020](https://arxiv.org/abs/1909.09656), section 3; the
      pairs are in the authors' code
    """

    name = "s1"
    primitives = tuple(_SHORT.values())
    primitives_by_edge = {
        "normal": _pairs(
            "skip/dil3 skip/dil5 skip/dil5 skip/sep3 skip/dil3 max/skip "
            "skip/sep3 skip/sep3 skip/dil3 skip/sep3 max/skip skip/dil3 "
            "dil3/dil5 dil3/dil5"
        ),
        "reduce": _pairs(
            "max/avg max/dil3 max/avg max/avg skip/dil5 max/avg max/sep3 "
            "skip/dil3 skip/dil5 max/avg max/avg skip/dil5 skip/dil5 skip/dil5"
        ),
    }
