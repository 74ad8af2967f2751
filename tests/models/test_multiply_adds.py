"""Counts of multiply-adds against published ones."""

import keras
import pytest

from tfdarts import genotypes
from tfdarts.genotypes import Genotype
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.models.multiply_adds import multiply_adds


@pytest.mark.parametrize(
    ("name", "millions", "everything"),
    [
        ("DARTS_V2", 529.9, 545.3),
        pytest.param("DARTS_V1", 505.9, None, marks=pytest.mark.slow),
        # The papers say 557 and 597 million.
        ("PDARTS", 542.8, 557.6),
        ("PC_DARTS_image", 581.6, 597.3),
    ],
)
def test_networks_for_imagenet(name, millions, everything):
    network = CNNNetwork(genotypes.get(name), 48, 14, 1000, (224, 224, 3))
    assert round(multiply_adds(network) / 1e6, 1) == millions
    if everything:
        counted = multiply_adds(network, everything=True)
        assert round(counted / 1e6, 1) == everything


@pytest.mark.parametrize(
    ("operation", "cost", "everything"),
    [
        # 16 channels, maps of 8x8: 64 places.
        ("skip_connect", 0, 0),
        ("max_pool_3x3", 0, 64 * 16 * 9),
        ("sep_conv_3x3", 64 * 2 * (9 * 16 + 16 * 16), 64 * 16 * 6),
        ("dil_conv_5x5", 64 * (25 * 16 + 16 * 16), 64 * 16 * 3),
        ("conv_7x1_1x7", 64 * 2 * 7 * 16 * 16, 64 * 16 * 3),
    ],
)
def test_an_operation_by_hand(operation, cost, everything):
    """One operation more on one edge of the first of three cells."""

    def network(operation):
        edges = [(operation, 0), ("skip_connect", 1)]
        still = [("skip_connect", 0), ("skip_connect", 1)]
        return CNNNetwork(
            Genotype(edges, [2], still, [2]), 16, 3, 10, (8, 8, 3)
        )

    def more(everything):
        with_it, without = (
            multiply_adds(network(name), everything)
            for name in (operation, "skip_connect")
        )
        return with_it - without

    assert more(everything=False) == cost
    assert more(everything=True) == cost + everything


def test_pooling_of_a_search_has_a_batch_norm_to_count():
    edges = [("max_pool_3x3", 0), ("avg_pool_3x3", 1)]
    still = [("skip_connect", 0), ("skip_connect", 1)]
    final, search = (
        CNNNetwork(
            Genotype(edges, [2], still, [2]), 16, 3, 10, (8, 8, 3), search=form
        )
        for form in (False, True)
    )
    more = multiply_adds(search, True) - multiply_adds(final, True)
    assert more == 2 * 2 * 64 * 16  # two of them, in the only normal cell


def test_strided_reductions_by_hand():
    images = keras.Input((8, 6, 4))
    outputs = keras.layers.Conv2D(5, 3, strides=2)(images)
    outputs = keras.layers.Flatten()(outputs)
    outputs = keras.layers.Dense(7)(outputs)
    model = keras.Model(images, outputs)
    assert multiply_adds(model) == 3 * 2 * 5 * 9 * 4 + 30 * 7


def test_what_is_not_known_is_not_nothing():
    images = keras.Input((8, 6, 4))
    outputs = keras.layers.Conv2DTranspose(5, 3)(images)
    with pytest.raises(
        ValueError, match="count the multiply-adds of Conv2DTranspose"
    ):
        multiply_adds(keras.Model(images, outputs))
