"""The stages of a search, each with a supernet of its own."""

import dataclasses
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfdarts.search_spaces.cell_space import CellSearchSpace


@dataclasses.dataclass(frozen=True)
class SearchStage:
    """A stage of a search after its first.

    A stage is a search of its own: it has a new supernet, new optimizers and
    the settings of the stage before, except for those that it changes. All
    stages share the data, and the records of a run count their epochs in one
    row.

    Attributes:
        changes: Dict of the settings that differ from the stage before, such
            as `{"num_cells": 11}`. `epochs` are those of this stage.
        keep: Function of a search space and the dict of probabilities after
            the stage before, which returns a dict of boolean arrays, the
            primitives that the edges of this stage have; see
            `CellSearchSpace.narrow`. By default, all primitives of
            the stage before.
        carry: Function of the searches of the stage before and of this
            stage, which sets variables of the latter. Defaults to new initial
            values.
        holds: Boolean, whether the values that change with the epochs of the
            stage before keep their last values. Defaults to `False`: they
            change again.
        callbacks: Function of the settings of this stage, its search and the
            batches of validation examples, which returns further callbacks, a
            list. Defaults to none.
    """

    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    keep: Callable | None = None
    carry: Callable | None = None
    holds: bool = False
    callbacks: Callable | None = None


def carry_all(before, after):
    """Copies all variables but the optimizer of the weights.

    Args:
        before: The search of the stage before.
        after: A search of an equal supernet.
    """
    for name in ("own_variables", "supernet", "alpha_optimizer"):
        lists = [getattr(each, name) for each in (before, after)]
        lists = [getattr(each, "variables", each) for each in lists]
        for old, new in zip(*lists, strict=True):
            new.assign(old)


def keep_strongest(
    space: CellSearchSpace,
    probabilities: Mapping[str, np.ndarray],
    count: int,
) -> dict[str, np.ndarray]:
    """Returns the primitives of the largest probabilities of each edge.

    `"none"` counts like the others. Of equal primitives, the last one stays.

    Args:
        space: The search space, whose masks hold.
        probabilities: Dict from cell types to arrays `(edges, primitives)`.
        count: Integer, how many primitives an edge keeps at most.

    Returns:
        Dict from cell types to boolean arrays `(edges, primitives)`.

    Reference:

    - [Chen et al., 2019](https://arxiv.org/abs/1904.12760), section 3.2, and
      their code
    """
    kept = {}
    for cell_type in space.cell_types:
        mask = space.mask(cell_type)
        ranked = np.where(mask, probabilities[cell_type], -1)
        order = np.argsort(ranked, axis=-1, kind="stable")
        strongest = np.zeros(mask.shape, bool)
        np.put_along_axis(strongest, order[:, -count:], True, axis=-1)
        kept[cell_type] = strongest & mask
    return kept
