"""Carries a supernet's weights into one whose operations are wider."""

import numpy as np

from tfdarts.layers.alphas import EXCLUDED
from tfdarts.layers.bundle import Bundle
from tfdarts.layers.edge_places import assign_edge
from tfdarts.layers.edge_places import places_of_edges
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.separate_mixed_op import SeparateMixedOp


def widen(before, after, seed=0):
    """Sets weights and alphas of a search to those of another.

    The channels that an operation has in addition are copies of others of its
    own, drawn at random. All else has the values of the other search, and
    primitives that are left out have no alpha.

    Args:
        before: `DARTS` of a `CNNSupernet`.
        after: `DARTS` of the same cells, whose mixed operations compute as
            many channels or more, and the same primitives or fewer.
        seed: Integer.

    Reference:

    - [Chen et al., 2016](https://arxiv.org/abs/1511.05641)
    - [Chen et al., 2021](https://arxiv.org/abs/2006.10355), their code
    """
    random = np.random.default_rng(seed)
    first, second = before.supernet, after.supernet
    for name, alphas in second.alphas.items():
        values = first.alphas[name].alpha.numpy()
        allowed = second.space.mask(name)
        alphas.alpha.assign(np.where(allowed, values, EXCLUDED))
        if alphas.beta is not None:
            alphas.beta.assign(first.alphas[name].beta)
    for one, other in zip(first.searched_cells, second.searched_cells):
        allowed = second.space.mask(second.cell_type_of(other))
        for source, mixed_ops in enumerate(zip(one.mixed_ops, other.mixed_ops)):
            rows = allowed[second.space.outgoing_edges(source)]
            for edge, row in enumerate(rows):
                for name in np.array(second.primitives)[row]:
                    _widen_operation(*mixed_ops, edge, str(name), random)
    _copy_others(first, second)


def _widen_operation(one, other, edge, name, random):
    old = one.operation_of(edge, name).get_weights()
    new = other.operation_of(edge, name).get_weights()
    # Old and new channels; an operation without weights has none.
    indices = {}
    arrays = []
    for array, like in zip(old, new, strict=True):
        for axis, (size, wide) in enumerate(zip(array.shape, like.shape)):
            if size == wide:
                continue
            if (size, wide) not in indices:
                more = random.integers(0, size, wide - size)
                indices[size, wide] = np.concatenate([np.arange(size), more])
            array = np.take(array, indices[size, wide], axis=axis)
        arrays.append(array)
    mixed_op, edge = _plain(other, edge)
    operation = mixed_op.operations[mixed_op.primitives.index(name)]
    if isinstance(operation, Bundle):
        assign_edge(operation, places_of_edges(operation)[edge], arrays)
    else:
        operation.set_weights(arrays)


def _plain(mixed_op, edge):
    """Returns the `MixedOp` inside a mixed operation, and its edge."""
    if isinstance(mixed_op, SeparateMixedOp):
        return _plain(mixed_op.mixed_ops[edge], 0)
    while not isinstance(mixed_op, MixedOp):
        mixed_op = mixed_op.mixed_op
    return mixed_op, edge


def _copy_others(first, second):
    """Copies the variables outside of mixed operations, by their shapes."""
    pairs = zip(_outside(first), _outside(second), strict=True)
    for one, other in pairs:
        other.assign(one)


def _outside(supernet):
    """Returns the variables of no mixed operation, but alphas and seeds."""
    inside = {
        id(variable)
        for cell in supernet.searched_cells
        for mixed_op in cell.mixed_ops
        for variable in mixed_op.variables
    }
    inside |= {
        id(v) for each in supernet.alphas.values() for v in each.variables
    }
    return [v for v in supernet.weights if id(v) not in inside]
