"""A classifier of images that finds its own network."""

import os
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from tfdarts.estimators.fitted_run import RunEstimator
from tfdarts.estimators.image_inputs import labels_of
from tfdarts.estimators.image_inputs import pixels_for
from tfdarts.estimators.image_inputs import training_source
from tfdarts.estimators.network_size import fit_channels
from tfdarts.records.run_directory import Stage
from tfdarts.runs.evaluate import evaluate
from tfdarts.runs.evaluate import load_network
from tfdarts.runs.search_configs import search_config
from tfdarts.tasks.configs import TrainConfig


class ImageClassifier(ClassifierMixin, RunEstimator):
    """Searches for a cell, trains its network, and classifies images.

    It follows scikit-learn's conventions: `clone`, pipelines and
    cross-validation work. Parameters are checked by `fit`.

    Args:
        max_minutes: Float, the time of `fit`: half for the search, half for
            the training. The sizes of both are chosen from measured steps;
            `0` for no limit and the sizes of `tfdarts-search` and
            `tfdarts-train`.
        strategy: String, how to search; see `tfdarts-search --help`.
        max_parameters: Integer, the most parameters of the trained network,
            which gets fewer channels if needed. `None` for no limit.
        image_size: Integer. Images become squares of this size; `0` leaves
            them as they are, if they all have one size.
        run_dir: String or path. The same `fit` with the same `run_dir`
            resumes one that was interrupted. Each data set and each set of
            parameters has a directory of its own in it. Defaults to a new
            temporary directory.
        random_state: Integer, the seed. Equal seeds give equal results on one
            machine if both have as many epochs.
        search_settings: Dict of further settings of `tfdarts.search_config`.
        train_settings: Dict of further settings of `tfdarts.TrainConfig`.

    Attributes:
        classes_: Array `(num_classes,)`, the labels in order.
        genotype_: `tfdarts.Genotype`, the cells that were found.
        run_dir_: `pathlib.Path`, the run directory, for all commands.
        results_: Dict, the results of the training.

    Example:

    >>> from sklearn.datasets import load_digits
    >>> import tfdarts
    >>> X, y = load_digits(return_X_y=True)
    >>> X = (X.reshape(-1, 8, 8) * 15.9).astype("uint8")
    >>> classifier = tfdarts.ImageClassifier(max_minutes=4)
    >>> classifier.fit(X[:1500], y[:1500])  # doctest: +SKIP
    ImageClassifier(max_minutes=4)
    >>> classifier.score(X[1500:], y[1500:])  # doctest: +SKIP
    0.96

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055)
    """

    def __init__(
        self,
        max_minutes: float = 30.0,
        strategy: str = "darts",
        max_parameters: int | None = None,
        image_size: int = 0,
        run_dir: str | os.PathLike | None = None,
        random_state: int = 0,
        search_settings: dict[str, Any] | None = None,
        train_settings: dict[str, Any] | None = None,
    ):
        self.max_minutes = max_minutes
        self.strategy = strategy
        self.max_parameters = max_parameters
        self.image_size = image_size
        self.run_dir = run_dir
        self.random_state = random_state
        self.search_settings = search_settings
        self.train_settings = train_settings

    def fit(self, X: Any, y: Any = None) -> "ImageClassifier":
        """Searches and trains on images.

        Args:
            X: Images: an array as in `tfdarts.from_arrays`; a list, a column
                or a data frame of one column with paths of image files; a
                `tf.data.Dataset` of `(image, label)`; or the path of a folder
                with a folder for each class.
            y: The label of each image: integers or strings. `None` if `X`
                holds the labels.

        Raises:
            DataError: If `X` and `y` are no images with labels.
            ValueError: If a parameter is invalid, or no network is as small
                as `max_parameters`.
        """
        source, classes = training_source(X, y, self.image_size)
        self._run(source)
        self.classes_ = classes
        self.__dict__.pop("_model", None)
        return self

    def _search_config(self, common):
        return search_config(
            self.strategy, **common, **(self.search_settings or {})
        )

    def _train_config(self, common):
        return TrainConfig(**common, **(self.train_settings or {}))

    def _sized(self, config, genotype, source):
        if self.max_parameters is None:
            return config
        return fit_channels(config, genotype, source, self.max_parameters)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Returns the probability of each class.

        Args:
            X: Images, an array or paths; see `fit`.

        Returns:
            Array `(images, num_classes)`, float32, in the order of
            `classes_`.
        """
        check_is_fitted(self, "run_dir_")
        model = self._classifier()
        pixels = pixels_for(X, self._image_shape)
        answers = model.predict(pixels, batch_size=128, verbose=0)
        return answers["probabilities"]

    def predict(self, X: Any) -> np.ndarray:
        """Returns the most likely label of each image, out of `classes_`."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        return self.classes_[likeliest]

    def evaluate(self, X: Any, y: Any) -> dict[str, Any]:
        """Tests the network on images; see `tfdarts.evaluate`.

        Args:
            X: Images, an array or paths; see `fit`.
            y: The label of each image, out of `classes_`.

        Returns:
            Dict of results: `test_accuracy`, `test_loss` and more. The run
            directory gets `evaluation/` with pictures.
        """
        check_is_fitted(self, "run_dir_")
        self._classifier()
        pixels = pixels_for(X, self._image_shape)
        test = pixels, labels_of(y, self.classes_)
        return evaluate(self.run_dir_, test=test)

    def _classifier(self):
        """Returns the model from pixels to probabilities, loaded once."""
        if "_model" not in self.__dict__:
            from tfdarts.serving.classifier import classifier

            network, settings = load_network(Stage(self.run_dir_, "train"))
            self._image_shape = tuple(settings["image_shape"])
            self._model = classifier(
                network,
                mean=settings["mean"],
                std=settings["std"],
                image_size=self._image_shape[:2],
            )
        return self._model

    def __getstate__(self):
        # A pickle holds the run directory, not the network.
        state = super().__getstate__()
        return {name: v for name, v in state.items() if name != "_model"}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags
