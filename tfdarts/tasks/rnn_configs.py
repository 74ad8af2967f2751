"""The settings of each command on texts, as dataclasses.

Each field is a flag of the command line and an argument in Python.
"""

import dataclasses
import typing

from tfdarts.search_spaces.rnn import RNNSearchSpace
from tfdarts.settings.fields import FromPython
from tfdarts.settings.fields import setting
from tfdarts.settings.fields import with_default
from tfdarts.tasks.shared_settings import CandidatesSettings
from tfdarts.tasks.shared_settings import GenotypeSettings
from tfdarts.tasks.shared_settings import NumCandidates
from tfdarts.tasks.shared_settings import RunConfig
from tfdarts.tasks.shared_settings import SearchSettings
from tfdarts.tasks.shared_settings import TimeSettings
from tfdarts.tasks.space_settings import SpaceSettings
from tfdarts.tasks.space_settings import num_nodes_setting
from tfdarts.tasks.space_settings import primitives_setting


@dataclasses.dataclass(frozen=True)
class RNNConfig(RunConfig):
    """Settings of language models and of their data.

    In Python, `dataset` may also be the result of `tfdarts.from_lines`.

    Reference:

    - [Merity et al., 2018](https://arxiv.org/abs/1708.02182)
    """

    dataset: FromPython = with_default(RunConfig, "dataset", "pydoc")
    units: int = setting(
        300, "Size of the embedding and of the recurrent state.", least=1
    )
    steps: int = setting(
        35,
        "Words in a segment of truncated backpropagation; one segment in "
        "twenty is half as long and has half the learning rate.",
        least=2,
    )
    batch_size: int = setting(
        0,
        "Rows of the text in a batch, over all devices; 0: 256 in a search "
        "and 64 in a training, or as many as a shorter text fills.",
        least=0,
    )
    epochs: int = setting(50, "Epochs: how often the text is read.", least=1)
    word_dropout: float = setting(
        0.0, "Dropout rate of whole words of the vocabulary.", least=0, below=1
    )
    embedding_dropout: float = setting(
        0.2, "Dropout rate of the embedding.", least=0, below=1
    )
    input_dropout: float = setting(
        0.75, "Dropout rate of the inputs of the cell.", least=0, below=1
    )
    recurrent_dropout: float = setting(
        0.25, "Dropout rate of the recurrent state.", least=0, below=1
    )
    output_dropout: float = setting(
        0.75, "Dropout rate of the outputs.", least=0, below=1
    )
    activation_l2: float = setting(
        0.0,
        "Weight of activation regularization (AR): the mean square of "
        "the outputs.",
        least=0,
    )
    temporal_l2: float = setting(
        1e-3,
        "Weight of temporal activation regularization (TAR): the mean "
        "square of the change of the outputs.",
        least=0,
    )
    learning_rate: float = setting(
        20.0, "Learning rate of a segment of --steps words.", least=0
    )
    weight_decay: float = setting(
        5e-7,
        "L2 regularization of the weights, added to the gradient.",
        least=0,
    )
    clip_norm: float = setting(
        0.25, "Global norm that the gradients are clipped to.", above=0
    )

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.dataset, str):
            from tfdarts.data.text_lookup import open_text_source
            from tfdarts.tasks.task_registry import add_task_hint

            with add_task_hint(self, self.dataset):
                open_text_source(self.dataset)

    @property
    def depends_on_epochs(self):
        """See `RunConfig`; the learning rate is constant."""
        return False

    @property
    def dropouts(self):
        """Dropout rates and activation penalties, as model arguments."""
        names = ("word", "embedding", "input", "recurrent", "output")
        rates = {f"{n}_dropout": getattr(self, f"{n}_dropout") for n in names}
        penalties = ("activation_l2", "temporal_l2")
        return rates | {name: getattr(self, name) for name in penalties}


@dataclasses.dataclass(frozen=True)
class RNNCellSettings(SpaceSettings):
    """The recurrent cells that a search may find."""

    space: str = setting(
        RNNSearchSpace.name,
        "Search space: darts_rnn (the recurrent cells of the DARTS paper), "
        "or a space of your own.",
    )
    num_nodes: int = num_nodes_setting(RNNSearchSpace)
    primitives: FromPython = primitives_setting(RNNSearchSpace)


@dataclasses.dataclass(frozen=True)
class RNNSearchConfig(SearchSettings, RNNCellSettings, RNNConfig):
    """Settings of a recurrent-cell search; the defaults are the paper's.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.1.2
    """

    early_stop: typing.ClassVar = "none"
    most_rows: typing.ClassVar = 256

    @property
    def depends_on_epochs(self):
        """See `RunConfig`."""
        return self.alpha_learning_rate_schedule != "constant"

    alpha_learning_rate: float = setting(
        3e-3, "Learning rate of alpha (Adam).", least=0
    )


@dataclasses.dataclass(frozen=True)
class RNNTrainSettings(RNNConfig):
    """Settings for training language models; the defaults are the paper's.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.2.2
    """

    most_rows: typing.ClassVar = 64

    units: int = with_default(RNNConfig, "units", 850)
    epochs: int = with_default(RNNConfig, "epochs", 8000)
    word_dropout: float = with_default(RNNConfig, "word_dropout", 0.1)
    weight_decay: float = with_default(RNNConfig, "weight_decay", 8e-7)
    step_spread: float = setting(
        5.0,
        "Standard deviation of the number of words in a segment, which is at "
        "least about 5 and at most --steps + 20.",
        least=0,
    )
    nonmonotone: int = setting(
        5,
        "Averaging of the weights begins when the validation loss is above "
        "the lowest loss of all epochs before the last --nonmonotone ones; "
        "0: never.",
        least=0,
    )

    def __post_init__(self):
        super().__post_init__()
        if self.step_spread > self.steps / 4:
            raise ValueError(
                f"--step_spread must be at most a quarter of --steps, "
                f"{self.steps}. Received: {self.step_spread:g}."
            )


@dataclasses.dataclass(frozen=True)
class RNNTrainConfig(GenotypeSettings, TimeSettings, RNNTrainSettings):
    """Settings of a final training of a language model."""

    cell: str = setting(
        "genotype",
        "genotype (of --genotype), or a baseline: lstm or gru.",
        choices=("genotype", "lstm", "gru"),
    )

    @property
    def takes_genotype(self):
        """Whether the cell is built from a genotype."""
        return self.cell == "genotype"


@dataclasses.dataclass(frozen=True)
class RNNBriefTrainConfig(RNNTrainSettings):
    """Settings of the brief trainings that rank candidates.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 3.1
    """

    epochs: int = setting(300, "Epochs of training of each candidate.", least=1)


@dataclasses.dataclass(frozen=True)
class RNNCandidateSearchConfig(
    NumCandidates, RNNCellSettings, RNNBriefTrainConfig
):
    """Settings of a search that trains recurrent candidates briefly."""


@dataclasses.dataclass(frozen=True)
class RNNSelectConfig(CandidatesSettings, RNNBriefTrainConfig):
    """Settings of a selection among recurrent cells.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 3.1
    """
