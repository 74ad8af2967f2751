"""A language model that finds its own recurrent cell."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

from sklearn.utils.validation import check_is_fitted

from tfdarts.data.image_source import DataError
from tfdarts.data.text_lookup import open_text_source
from tfdarts.data.text_source import from_lines
from tfdarts.estimators.fitted_run import RunEstimator
from tfdarts.runs.evaluate import evaluate
from tfdarts.runs.predict import predict
from tfdarts.runs.search_configs import search_config
from tfdarts.tasks.rnn_configs import RNNTrainConfig

SEARCH = {
    "units": 64,
    "batch_size": 64,
    "embedding_dropout": 0.1,
    "input_dropout": 0.2,
    "recurrent_dropout": 0.1,
    "output_dropout": 0.2,
    "alpha_learning_rate": 0.05,
}
"""The search of configs/pydoc.cfg, for tens of thousands of words."""

TRAINING = {
    "units": 160,
    "batch_size": 32,
    "epochs": 30,
    "word_dropout": 0.05,
    "embedding_dropout": 0.2,
    "input_dropout": 0.2,
    "recurrent_dropout": 0.1,
    "output_dropout": 0.3,
    "nonmonotone": 2,
}
"""The training of configs/pydoc_train.cfg."""

PARTS = (0.8, 0.9)
"""Where a text without splits is cut for validation and test."""


class TextModel(RunEstimator):
    """Searches for a recurrent cell and trains its language model.

    Args:
        max_minutes: Float, the most time of `fit`: half for the search, half
            for the training; `0` for no limit.
        strategy: String, how to search; see `tfdarts-search --help`.
        run_dir, random_state: See `tfdarts.ImageClassifier`.
        search_settings: Dict of further settings of `tfdarts.search_config`,
            in place of those of `configs/pydoc.cfg`.
        train_settings: Dict of further settings of `tfdarts.RNNTrainConfig`,
            in place of those of `configs/pydoc_train.cfg`.

    Attributes:
        vocabulary_: Tuple of strings, the words that the model knows.
        genotype_, run_dir_, results_: See `tfdarts.ImageClassifier`.

    Example:

    >>> import tfdarts
    >>> model = tfdarts.TextModel(max_minutes=10)
    >>> model.fit("novel.txt")  # doctest: +SKIP
    TextModel(max_minutes=10)
    >>> model.predict("It is a truth")  # doctest: +SKIP
    [('universally', 0.21), ('that', 0.1)]

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055)
    """

    def __init__(
        self,
        max_minutes: float = 30.0,
        strategy: str = "darts",
        run_dir: str | os.PathLike | None = None,
        random_state: int = 0,
        search_settings: dict[str, Any] | None = None,
        train_settings: dict[str, Any] | None = None,
    ):
        self.max_minutes = max_minutes
        self.strategy = strategy
        self.run_dir = run_dir
        self.random_state = random_state
        self.search_settings = search_settings
        self.train_settings = train_settings

    def fit(
        self, X: str | os.PathLike | Sequence[str], y: None = None
    ) -> "TextModel":
        """Searches and trains on a text.

        Args:
            X: Path of a text file, or of a directory with `train.txt`,
                `valid.txt` and `test.txt`; or a sequence of lines, of which
                the last tenth is for tests and the tenth before for
                validation.
            y: Not used.

        Raises:
            DataError: If there is no such text, or it is too short.
            ValueError: If a parameter is invalid.
        """
        source = _source_of(X)
        self._run(source)
        self.vocabulary_ = source.vocabulary
        self._source = source
        self.__dict__.pop("_export_dir", None)
        return self

    def _search_config(self, common):
        settings = {**common, **SEARCH, **(self.search_settings or {})}
        return search_config(self.strategy, **settings)

    def _train_config(self, common):
        settings = {**common, **TRAINING, **(self.train_settings or {})}
        return RNNTrainConfig(**settings)

    def predict(self, text: str) -> list[tuple[str, float]]:
        """Returns the likeliest next words of a text, with probabilities.

        Args:
            text: String, read as the beginning of a line.
        """
        answer = self._ask(text)["next_words"]
        return [(each["word"], each["probability"]) for each in answer]

    def log_probability(self, text: str) -> float:
        """Returns the log probability of a text, in nats."""
        return self._ask(text)["log_probability"]

    def evaluate(self) -> dict[str, Any]:
        """Tests the model on the test lines of `fit`.

        Returns:
            Dict of results, such as `test_perplexity`; see
            `tfdarts.evaluate`.
        """
        check_is_fitted(self, "run_dir_")
        return evaluate(self.run_dir_, dataset=self._source)

    def score(self, X: Any = None, y: None = None) -> float:
        """Returns the negative loss of the test lines, in nats per word."""
        return -self.evaluate()["test_loss"]

    def _ask(self, text):
        check_is_fitted(self, "run_dir_")
        if "_export_dir" not in self.__dict__:
            self._export_dir = self.export()["saved_model"]
        return predict(text=text, export_dir=self._export_dir)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        return tags


def _source_of(text):
    if isinstance(text, str | os.PathLike):
        path = pathlib.Path(text).expanduser()
        if not path.exists():
            raise DataError(
                f"There is no text {path}: give the path of a file or of a "
                "directory, or a sequence of lines."
            )
        return open_text_source(f"text:{path}")
    lines = [*text]
    first, second = (round(share * len(lines)) for share in PARTS)
    return from_lines(lines[:first], lines[first:second], lines[second:])
