"""The settings of the search space."""

import copy
import dataclasses

from tfdarts import arguments
from tfdarts.primitive_table import IN_PAPER
from tfdarts.primitive_table import require_primitives
from tfdarts.search_spaces.space_registry import build_space
from tfdarts.search_spaces.space_registry import get_space
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting


def num_nodes_setting(space):
    """Returns the setting of the number of nodes of a cell.

    Args:
        space: Subclass of `CellSearchSpace`, the default.
    """
    return setting(
        None,
        "Intermediate nodes of a cell. Defaults to the number of the space, "
        f"{space.num_nodes} in {space.name}.",
        least=1,
    )


def primitives_setting(space):
    """Returns the setting of the primitives that a search chooses from.

    Args:
        space: Subclass of `CellSearchSpace`, the default.
    """
    return setting(
        IN_PAPER,
        "Primitives that the search chooses from, separated by commas, at "
        "least one besides none; or paper: those of the space, "
        f"{', '.join(space.primitives)} in {space.name}.",
        form=lambda value, name: ",".join(arguments.names(value, name)),
    )


@dataclasses.dataclass(frozen=True)
class SpaceSettings(Settings):
    """The cells that a search may find.

    A subclass has the settings `space`, `num_nodes` and `primitives`.
    """

    def __post_init__(self):
        super().__post_init__()
        space = get_space(self.space)
        _require_space_fits(space, self.__dataclass_fields__["space"].default)
        if self.num_nodes is None:
            self._set("num_nodes", space.num_nodes)
        names = tuple(filter(None, self.primitives.split(",")))
        if names == tuple(space.primitives):
            self._set("primitives", IN_PAPER)
        elif self.primitives != IN_PAPER:
            require_primitives(names, space.structure.name, "--primitives")
        # Refuses nodes and primitives that the space cannot have.
        build_space(self.space, self.num_nodes, self.primitives)

    @property
    def search_space(self):
        """The search space, a `CellSearchSpace`."""
        if "_search_space" in vars(self):
            return vars(self)["_search_space"]
        return build_space(self.space, self.num_nodes, self.primitives)

    def in_space(self, space):
        """Returns these settings for a stage of a search in another space.

        Args:
            space: `CellSearchSpace`.
        """
        config = copy.copy(self)
        object.__setattr__(config, "_search_space", space)
        return config


def _require_space_fits(space, default):
    """Raises `ValueError` if a space is for another kind of data.

    Args:
        space: Subclass of `CellSearchSpace`.
        default: String, the space of the paper for the data.
    """
    structure, needed = space.structure, get_space(default).structure
    if structure.primitives != needed.primitives:
        raise ValueError(
            f"--space={space.name} holds {structure.description}, but these "
            f"data need {needed.description}, such as those of "
            f"--space={default}."
        )
