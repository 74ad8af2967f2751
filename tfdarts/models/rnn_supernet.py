"""The recurrent supernet, a language model with every cell of the space."""

from collections.abc import Sequence

import keras

from tfdarts.arguments import scalar
from tfdarts.genotypes import RECURRENT_PRIMITIVES
from tfdarts.layers.recurrent_search_cell import RecurrentSearchCell
from tfdarts.layers.recurrent_search_cell import SearchRNN
from tfdarts.layers.relaxations import Relaxation
from tfdarts.models.language_model import LanguageModel
from tfdarts.models.supernet import Supernet
from tfdarts.search_spaces.cell_space import CellSearchSpace


@keras.saving.register_keras_serializable(package="tfdarts")
class RNNSupernet(Supernet, LanguageModel):
    """A language model whose recurrence is the search cell.

    Args:
        vocabulary_size: Integer.
        units: Integer, the size of the embedding and of the state.
        num_nodes: Integer, intermediate nodes of the cell. Defaults to `8`.
        primitives: Sequence of primitive names. Defaults to the five of the
            paper.
        relaxation: `tfdarts.Relaxation`, how alphas become weights, or its
            name: `"softmax"` or `"concrete"`. Defaults to `"softmax"`.
        input_dropout, recurrent_dropout: See
            `tfdarts.RNNNetwork`.
        space: Search space of recurrent cells, or the dict that its
            `get_config` returns; then `num_nodes` and `primitives` are those
            of the space. Defaults to the paper's.
        **kwargs: See `tfdarts.models.language_model.LanguageModel`, also for
            the call arguments and returned values.

    Example:

    >>> supernet = RNNSupernet(vocabulary_size=10000, units=300)
    >>> f"{sum(int(keras.ops.size(w)) for w in supernet.network_weights):,}"
    '4,810,000'
    >>> supernet.alpha_values()["recurrent"].shape
    (36, 5)

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), sections 2.1,
      3.1.2
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        num_nodes: int = 8,
        primitives: Sequence[str] = RECURRENT_PRIMITIVES,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        relaxation: str | Relaxation = "softmax",
        space: CellSearchSpace | None = None,
        **kwargs,
    ):
        units, num_nodes, input_dropout, recurrent_dropout, seed = map(
            scalar, (units, num_nodes, input_dropout, recurrent_dropout, seed)
        )
        cell = RecurrentSearchCell(
            units,
            num_nodes,
            primitives,
            input_dropout,
            recurrent_dropout,
            seed,
            relaxation=relaxation,
            space=space,
            dtype=dtype,
        )
        super().__init__(
            SearchRNN(cell, dtype=dtype),
            *(vocabulary_size, units),
            seed=seed,
            dtype=dtype,
            **kwargs,
        )
        cell.space.require_supernet()
        self.space = cell.space
        self.num_nodes = cell.space.num_nodes
        self.primitives = cell.space.primitives
        self.input_dropout = input_dropout
        self.recurrent_dropout = recurrent_dropout

    @property
    def alphas(self):
        """The `Alphas` layer of the cell, a dict with one item."""
        return {"recurrent": self.recurrence.cell.alphas}

    def get_config(self):
        return {
            **self._config_of_all(),
            "space": self.space.get_config(),
            "relaxation": keras.saving.serialize_keras_object(
                self.recurrence.cell.alphas.relaxation
            ),
            "input_dropout": self.input_dropout,
            "recurrent_dropout": self.recurrent_dropout,
        }
