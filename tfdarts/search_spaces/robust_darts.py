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
