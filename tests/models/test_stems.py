"""Which stem stands before the cells."""

import pytest

from tfdarts import genotypes
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.models.stems import stem_for


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((32, 32), "cifar"),
        ((127, 224), "cifar"),
        ((128, 128), "imagenet"),
        ((224, 224), "imagenet"),
    ],
)
def test_the_shorter_side_decides(size, expected):
    assert stem_for((*size, 3)) == expected


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
@pytest.mark.parametrize("size", [32, 224])
def test_unless_told(stem, size):
    assert stem_for((size, size, 3), stem) == stem


def test_an_unknown_one_is_refused():
    with pytest.raises(ValueError, match="auto or one of cifar, imagenet"):
        stem_for((32, 32, 3), "mnist")


def test_too_small_images_are_refused():
    with pytest.raises(ValueError, match="at least 32 pixels.*31x40"):
        stem_for((31, 40, 3), "imagenet")


def test_a_single_channel_cannot_be_halved():
    genotype = genotypes.get("DARTS_V2")
    with pytest.raises(ValueError, match="needs at least 2.*init_channels=1"):
        CNNNetwork(genotype, 1, 3, 10, (32, 32, 3), stem="imagenet")
