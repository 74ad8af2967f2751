"""The published cells, as tables.

A cell is a string of its edges, each `primitive:predecessor`, and a tuple of
the nodes in its output. Convolutional cells have two edges per node; an entry
has the normal cell first and the reduction cell second. A recurrent cell has
one edge per node.
"""

_CONVOLUTIONAL = {
    # Zoph et al., 2018, https://arxiv.org/abs/1707.07012
    "NASNet": (
        "sep_conv_5x5:1 sep_conv_3x3:0 sep_conv_5x5:0 sep_conv_3x3:0 "
        "avg_pool_3x3:1 skip_connect:0 avg_pool_3x3:0 avg_pool_3x3:0 "
        "sep_conv_3x3:1 skip_connect:1",
        (2, 3, 4, 5, 6),
        "sep_conv_5x5:1 sep_conv_7x7:0 max_pool_3x3:1 sep_conv_7x7:0 "
        "avg_pool_3x3:1 sep_conv_5x5:0 skip_connect:3 avg_pool_3x3:2 "
        "sep_conv_3x3:2 max_pool_3x3:1",
        (4, 5, 6),
    ),
    # Real et al., 2019, https://arxiv.org/abs/1802.01548
    "AmoebaNet": (
        "avg_pool_3x3:0 max_pool_3x3:1 sep_conv_3x3:0 sep_conv_5x5:2 "
        "sep_conv_3x3:0 avg_pool_3x3:3 sep_conv_3x3:1 skip_connect:1 "
        "skip_connect:0 avg_pool_3x3:1",
        (4, 5, 6),
        "avg_pool_3x3:0 sep_conv_3x3:1 max_pool_3x3:0 sep_conv_7x7:2 "
        "sep_conv_7x7:0 avg_pool_3x3:1 max_pool_3x3:0 max_pool_3x3:1 "
        "conv_7x1_1x7:0 sep_conv_3x3:5",
        (3, 4, 6),
    ),
    # Liu et al., 2018, https://arxiv.org/abs/1712.00559
    "PNASNet": (
        "sep_conv_5x5:0 max_pool_3x3:0 sep_conv_7x7:1 max_pool_3x3:1 "
        "sep_conv_5x5:1 sep_conv_3x3:1 sep_conv_3x3:4 max_pool_3x3:1 "
        "sep_conv_3x3:0 skip_connect:1",
        (2, 3, 4, 5, 6),
        "sep_conv_5x5:0 max_pool_3x3:0 sep_conv_7x7:1 max_pool_3x3:1 "
        "sep_conv_5x5:1 sep_conv_3x3:1 sep_conv_3x3:4 max_pool_3x3:1 "
        "sep_conv_3x3:0 skip_connect:1",
        (2, 3, 4, 5, 6),
    ),
    # Liu et al., 2019, https://arxiv.org/abs/1806.09055: first order
    "DARTS_V1": (
        "sep_conv_3x3:1 sep_conv_3x3:0 skip_connect:0 sep_conv_3x3:1 "
        "skip_connect:0 sep_conv_3x3:1 sep_conv_3x3:0 skip_connect:2",
        (2, 3, 4, 5),
        "max_pool_3x3:0 max_pool_3x3:1 skip_connect:2 max_pool_3x3:0 "
        "max_pool_3x3:0 skip_connect:2 skip_connect:2 avg_pool_3x3:0",
        (2, 3, 4, 5),
    ),
    # The same, second order
    "DARTS_V2": (
        "sep_conv_3x3:0 sep_conv_3x3:1 sep_conv_3x3:0 sep_conv_3x3:1 "
        "sep_conv_3x3:1 skip_connect:0 skip_connect:0 dil_conv_3x3:2",
        (2, 3, 4, 5),
        "max_pool_3x3:0 max_pool_3x3:1 skip_connect:2 max_pool_3x3:1 "
        "max_pool_3x3:0 skip_connect:2 skip_connect:2 max_pool_3x3:1",
        (2, 3, 4, 5),
    ),
    # Xu et al., 2020, https://arxiv.org/abs/1907.05737
    "PC_DARTS_cifar": (
        "sep_conv_3x3:1 skip_connect:0 sep_conv_3x3:0 dil_conv_3x3:1 "
        "sep_conv_5x5:0 sep_conv_3x3:1 avg_pool_3x3:0 dil_conv_3x3:1",
        (2, 3, 4, 5),
        "sep_conv_5x5:1 max_pool_3x3:0 sep_conv_5x5:1 sep_conv_5x5:2 "
        "sep_conv_3x3:0 sep_conv_3x3:3 sep_conv_3x3:1 sep_conv_3x3:2",
        (2, 3, 4, 5),
    ),
    # The same, searched on ImageNet
    "PC_DARTS_image": (
        "skip_connect:1 sep_conv_3x3:0 sep_conv_3x3:0 skip_connect:1 "
        "sep_conv_3x3:1 sep_conv_3x3:3 sep_conv_3x3:1 dil_conv_5x5:4",
        (2, 3, 4, 5),
        "sep_conv_3x3:0 skip_connect:1 dil_conv_5x5:2 max_pool_3x3:1 "
        "sep_conv_3x3:2 sep_conv_3x3:1 sep_conv_5x5:0 sep_conv_3x3:3",
        (2, 3, 4, 5),
    ),
    # Chen et al., 2019, https://arxiv.org/abs/1904.12760
    "PDARTS": (
        "skip_connect:0 dil_conv_3x3:1 skip_connect:0 sep_conv_3x3:1 "
        "sep_conv_3x3:1 sep_conv_3x3:3 sep_conv_3x3:0 dil_conv_5x5:4",
        (2, 3, 4, 5),
        "avg_pool_3x3:0 sep_conv_5x5:1 sep_conv_3x3:0 dil_conv_5x5:2 "
        "max_pool_3x3:0 dil_conv_3x3:1 dil_conv_3x3:1 dil_conv_5x5:3",
        (2, 3, 4, 5),
    ),
    # Dong and Yang, 2019, https://arxiv.org/abs/1910.04465
    "GDAS_V1": (
        "skip_connect:0 skip_connect:1 skip_connect:0 sep_conv_5x5:2 "
        "sep_conv_3x3:3 skip_connect:0 sep_conv_5x5:4 sep_conv_3x3:3",
        (2, 3, 4, 5),
        "sep_conv_5x5:0 sep_conv_3x3:1 sep_conv_5x5:2 sep_conv_5x5:1 "
        "dil_conv_5x5:2 sep_conv_3x3:1 sep_conv_5x5:0 sep_conv_5x5:1",
        (2, 3, 4, 5),
    ),
    # Chen et al., 2021, https://arxiv.org/abs/2006.10355
    "DrNAS_cifar10": (
        "sep_conv_3x3:0 sep_conv_5x5:1 sep_conv_3x3:1 sep_conv_3x3:2 "
        "skip_connect:0 sep_conv_3x3:1 sep_conv_3x3:2 dil_conv_5x5:3",
        (2, 3, 4, 5),
        "max_pool_3x3:0 sep_conv_5x5:1 dil_conv_5x5:2 sep_conv_5x5:1 "
        "sep_conv_5x5:1 dil_conv_5x5:3 skip_connect:4 sep_conv_5x5:1",
        (2, 3, 4, 5),
    ),
    # The same, searched on ImageNet
    "DrNAS_imagenet": (
        "sep_conv_3x3:1 sep_conv_3x3:0 sep_conv_3x3:0 sep_conv_3x3:1 "
        "sep_conv_3x3:0 dil_conv_3x3:3 skip_connect:0 sep_conv_3x3:1",
        (2, 3, 4, 5),
        "max_pool_3x3:0 sep_conv_3x3:1 sep_conv_3x3:0 skip_connect:2 "
        "sep_conv_3x3:0 sep_conv_3x3:2 sep_conv_3x3:3 sep_conv_3x3:1",
        (2, 3, 4, 5),
    ),
}

_RECURRENT = {
    # Pham et al., 2018, https://arxiv.org/abs/1802.03268
    "ENAS": (
        "tanh:0 tanh:1 relu:1 tanh:3 tanh:3 relu:3 relu:4 relu:7 relu:8 "
        "relu:8 relu:8",
        (2, 5, 6, 9, 10, 11),
    ),
    # Liu et al., 2019, https://arxiv.org/abs/1806.09055
    "DARTS_V1": (
        "relu:0 relu:1 tanh:2 relu:3 relu:4 identity:1 relu:5 relu:1",
        (1, 2, 3, 4, 5, 6, 7, 8),
    ),
    "DARTS_V2": (
        "sigmoid:0 relu:1 relu:1 identity:1 tanh:2 sigmoid:5 tanh:3 relu:5",
        (1, 2, 3, 4, 5, 6, 7, 8),
    ),
}

PUBLISHED = {"cnn": _CONVOLUTIONAL, "rnn": _RECURRENT}
"""The published cells of each space."""
