"""The language model of a recurrent genotype."""

import keras

from tfdarts.arguments import scalar
from tfdarts.genotypes import Genotype
from tfdarts.genotypes import of_space
from tfdarts.layers.recurrent_cell import RecurrentCell
from tfdarts.models.language_model import LanguageModel


@keras.saving.register_keras_serializable(package="tfdarts")
class RNNNetwork(LanguageModel):
    """A language model whose recurrence is the cell of a genotype.

    Args:
        genotype: `Genotype` of a recurrent cell, the dict that its `to_dict`
            returns, or a published name such as `"DARTS_V2"`.
        vocabulary_size: Integer.
        units: Integer, the size of the embedding and of the state.
        input_dropout: Float, the share of the cell's inputs dropped in
            training.
        recurrent_dropout: Float, the share of the cell's state and nodes
            dropped in training; see
            `tfdarts.layers.recurrent_cell.RecurrentCell`.
        **kwargs: See `tfdarts.models.language_model.LanguageModel`, also for
            the call arguments and returned values.

    Raises:
        ValueError: If the genotype does not describe a recurrent cell.

    Example:

    >>> genotype = tfdarts.genotypes.get("DARTS_V2", space="rnn")
    >>> network = RNNNetwork(genotype, vocabulary_size=10000, units=850)
    >>> f"{sum(int(keras.ops.size(w)) for w in network.trainable_weights):,}"
    '22,960,000'

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 3.2.2
    """

    def __init__(
        self,
        genotype: Genotype | str,
        vocabulary_size: int,
        units: int,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        **kwargs,
    ):
        genotype = of_space(genotype, "rnn")
        units, input_dropout, recurrent_dropout, seed = map(
            scalar, (units, input_dropout, recurrent_dropout, seed)
        )
        recurrence = keras.layers.RNN(
            RecurrentCell(
                genotype,
                units,
                input_dropout,
                recurrent_dropout,
                seed,
                dtype=dtype,
            ),
            return_sequences=True,
            return_state=True,
            dtype=dtype,
        )
        super().__init__(
            recurrence, vocabulary_size, units, seed=seed, dtype=dtype, **kwargs
        )
        self.genotype = genotype
        self.input_dropout = input_dropout
        self.recurrent_dropout = recurrent_dropout

    def get_config(self):
        return {
            **self._config_of_all(),
            "genotype": self.genotype.to_dict(),
            "input_dropout": self.input_dropout,
            "recurrent_dropout": self.recurrent_dropout,
        }
