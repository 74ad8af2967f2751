"""The relaxed cell against the textbook's double loop in NumPy."""

import keras
import numpy as np
import numpy_reference
import pytest
from samples import image
from samples import scramble

from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.search_cell import SearchCell

FEW = ("none", "skip_connect", "max_pool_3x3", "dil_conv_3x3")
FORMS = [(False, False), (True, False), (False, True), (True, True)]


def inputs_of(cell, size, num_edges):
    """The older input is twice as large behind a reduction cell."""
    scale = 2 if cell.after_reduction else 1
    older = image(2, *(scale * s - scale // 2 for s in size), 3)
    newer = image(2, *size, 5, seed=1)
    weights = np.exp(image(num_edges, len(cell.primitives), seed=2))
    return older, newer, weights / weights.sum(1, keepdims=True)


def textbook(cell, older, newer, edge_weights):
    """Node by node, predecessor by predecessor, primitive by primitive."""
    preprocess_older = (
        numpy_reference.factorized_reduce
        if cell.after_reduction
        else numpy_reference.relu_conv_bn
    )
    nodes = [
        function(x, (w.numpy() for w in layer.trainable_weights), affine=False)
        for function, x, layer in zip(
            (preprocess_older, numpy_reference.relu_conv_bn),
            (older, newer),
            cell.preprocess,
        )
    ]
    rows = iter(edge_weights)
    for node in range(2, 2 + cell.num_nodes):
        total = 0.0
        for predecessor in range(node):
            mixed_op = cell.mixed_ops[predecessor]
            edge = node - max(2, predecessor + 1)
            for name, weight in zip(cell.primitives, next(rows), strict=True):
                operation = mixed_op.operation_of(edge, name)
                total = total + weight * numpy_reference.primitive(
                    name,
                    nodes[predecessor],
                    operation.trainable_weights,
                    strides=2 if cell.reduction and predecessor < 2 else 1,
                    search=True,
                )
        nodes.append(total)
    assert next(rows, None) is None
    return np.concatenate(nodes[2:], axis=-1)


@pytest.mark.parametrize("size", [(4, 6), (5, 3)])
@pytest.mark.parametrize(("reduction", "after_reduction"), FORMS)
def test_cell_is_the_textbook(reduction, after_reduction, size):
    cell = SearchCell(
        4, reduction, after_reduction, 3, primitives=FEW, dtype="float64"
    )
    older, newer, weights = inputs_of(cell, size, num_edges=9)
    cell.build(older.shape, newer.shape, weights.shape)
    scramble(cell)
    outputs = cell(older, newer, weights, training=True)
    expected = textbook(cell, older, newer, weights)
    np.testing.assert_allclose(outputs, expected, atol=1e-8)
    assert expected.shape == cell.compute_output_shape(older.shape, newer.shape)
    height, width = (-(-s // 2) if reduction else s for s in size)
    assert expected.shape == (2, height, width, 12)


def test_cell_of_the_paper_is_the_textbook():
    """Four nodes, 14 edges, eight primitives."""
    cell = SearchCell(4, reduction=True, dtype="float64")
    inputs = inputs_of(cell, (4, 4), num_edges=14)
    np.testing.assert_allclose(
        cell(*inputs, training=True), textbook(cell, *inputs), atol=1e-8
    )


@pytest.mark.parametrize("size", [(4, 6), (5, 3)])
@pytest.mark.parametrize(("reduction", "after_reduction"), FORMS)
def test_symbolic_shape(reduction, after_reduction, size):
    cell = SearchCell(2, reduction, after_reduction, 2, primitives=FEW[:2])
    older = [2 * s if after_reduction else s for s in size]
    outputs = cell(
        keras.KerasTensor((None, *older, 3)),
        keras.KerasTensor((None, *size, 5)),
        keras.KerasTensor((5, 2)),
    )
    height, width = (-(-s // 2) if reduction else s for s in size)
    assert outputs.shape == (None, height, width, 4)


def test_all_batch_norms_hear_that_it_is_training():
    cell = SearchCell(2, reduction=True, num_nodes=2)
    inputs = inputs_of(cell, (4, 4), num_edges=5)
    outputs = [cell(*inputs, training=training) for training in (False, True)]
    assert not np.allclose(*outputs, atol=1e-2)
    norms = [x for x in cell._flatten_layers() if isinstance(x, BatchNorm)]
    # Per strided node 9 (two a sep_conv), per other node 8, two before them.
    assert len(norms) == 2 + 2 * 9 + 1 * 8
    for norm in norms:
        assert np.all(norm.moving_variance != 1.0)
