"""The interface of a task: a kind of data and its functions."""

import pathlib
import re
import typing
from collections.abc import Iterator
from typing import Any

from tfdarts.characters import compose_accents
from tfdarts.genotypes import Genotype
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import flag_fields

if typing.TYPE_CHECKING:  # They start slowly; commands show help without them.
    import keras
    import tensorflow as tf

TEST_OR_DATASET = (
    "`test` replaces `dataset` and is only for networks of images: give one "
    "of the two; for a text, give `dataset`."
)


class Task:
    """A kind of data, and everything in a run that depends on it.

    Subclass it and register the subclass with `tfdarts.register_task`.
    Methods import modules that need TensorFlow when they are called, so that
    `--help` does not wait for TensorFlow.

    Attributes:
        name: String in the plural, such as `"images"`, as in `config.json` of
            a run and in `--help`.
        space: String, the default search space of the cells; see
            `tfdarts.search_spaces.space_registry.SPACES`.
        configs: Dict from `"search"`, `"train"` and `"select"` to the
            dataclass of the command's settings, and from `"candidates"` to
            the dataclass of searches that train candidates. Tasks must not
            share these dataclasses.
        shared_config: Dataclass, the settings that a search and its training
            share.
        examples: Dict from names of commands, such as `"search"`, to tuples
            of command lines for `--help`.
        question: Dataclass of one setting, the flag of `tfdarts-predict`
            for the input of a prediction.
        placeholder: String that stands for this input, such as `"IMAGES"`.
        idle_in_predictions: Tuple of strings, the flags of `tfdarts-predict`
            that have no effect on this input, so they are refused beside it.
        located: Tuple of strings, the kinds of specifications of `--dataset`
            that contain a path, such as `"folder"`.
        data_sets: Tuple of strings, the specifications of `--dataset` that
            the error for an unknown data set lists, such as
            `"folder:<directory>"`. They are not inherited by derived tasks.
        costly: Tuple of strings, the settings that raise memory use.
        sparing: Tuple of strings, the settings that lower memory use.
        has_wide_graphs: Boolean, whether the graphs of a search have many
            operations that do not need each other's results. On few cores,
            commands that train then give each operation one thread.
        data_settings: Tuple of strings, the settings of a training that a
            model card lists under its data, in order.
        network_settings: Tuple of strings, those under its network.
        metrics_of_seeds: Tuple of strings, the metrics of a training and its
            test whose mean over several seeds a model card shows.
        figures: Tuple of strings, the test results that `tfdarts-evaluate`
            prints, in order.
    """

    name: str | None = None
    space: str | None = None
    configs: dict[str, type[Settings]] = {}
    shared_config: type[Settings] | None = None
    examples: dict[str, tuple[str, ...]] = {}
    question: type[Settings] | None = None
    placeholder: str | None = None
    idle_in_predictions: tuple[str, ...] = ()
    located: tuple[str, ...] = ()
    data_sets: tuple[str, ...] = ()
    costly: tuple[str, ...] = ("batch_size",)
    sparing: tuple[str, ...] = ()
    has_wide_graphs: bool = False
    data_settings: tuple[str, ...] = ("dataset", "fingerprint")
    network_settings: tuple[str, ...] = ()
    metrics_of_seeds: tuple[str, ...] = ("test_loss",)
    figures: tuple[str, ...] = ()

    def takes(self, spec: Any) -> bool:
        """Returns whether a specification of `--dataset` fits this task.

        Args:
            spec: String, or data in Python.

        Raises:
            DataError: If there is no such data set.
        """
        raise NotImplementedError

    # Data

    def specification_of(self, path: pathlib.Path) -> str | None:
        """Returns the specification of the data at a path, or `None`.

        Args:
            path: `pathlib.Path`.
        """
        return None

    def data_name(self, dataset: Any) -> str:
        """Returns a name for a data set: of a directory, and on a server.

        Args:
            dataset: Specification, or the result of `find_data`.

        Example:

        >>> from tfdarts.tasks.task_registry import get_task
        >>> get_task("images").data_name("folder:/home/me/My flowers/")
        'My-flowers'
        >>> get_task("images").data_name("tfds:imagenet_resized/32x32")
        'imagenet_resized-32x32'
        """
        spec = dataset if isinstance(dataset, str) else dataset.name
        kind, _, name = spec.partition(":")
        if kind in self.located:
            name = self.name_of_path(pathlib.Path(name).expanduser().resolve())
        name = re.sub(r"[^\w.-]+", "-", compose_accents(name or kind)).strip(
            "-."
        )
        return name or self.name

    def name_of_path(self, path: pathlib.Path) -> str:
        """Returns a name for the data at a path; see `data_name`."""
        return path.name

    def find_data(
        self, dataset: Any, settings: dict[str, Any], prepare: bool = False
    ) -> Any:
        """Returns the data set of a specification.

        Args:
            dataset: Specification, or data in Python.
            settings: Dict of the settings of a run, or of one to be.
            prepare: Boolean, whether the data set may be downloaded.

        Raises:
            DataError: If the data set does not exist or cannot be used.
        """
        raise NotImplementedError

    def describe_data(self, config: Settings) -> str:
        """Returns lines that describe the data set of a config."""
        raise NotImplementedError

    def open_test(
        self, test: Any, settings: dict[str, Any], path: pathlib.Path
    ) -> Any:
        """Returns test examples that a user gives in Python, as a data set.

        Args:
            test: The argument of `tfdarts.evaluate`.
            settings: Dict of the settings of the training.
            path: Path of the training, for error messages.

        Raises:
            ValueError: If the task takes no test examples.
        """
        raise ValueError(TEST_OR_DATASET)

    # Search, training and selection

    def sizes(self, config: Settings, source: Any, multiple: int) -> Any:
        """Returns the sizes that a run with a time limit may choose, or `None`.

        Args:
            config: The settings of a search or a training.
            source: The result of `find_data`.
            multiple: Integer, the number of replicas.

        Returns:
            `tfdarts.tasks.sizes.Sizes`; by default `None`: the run takes the
            sizes of its settings and ends when its time is up.
        """
        return None

    def search(self, config: Settings) -> Any:
        """Returns the data, supernet and optimizers of a search, untrained.

        Args:
            config: The settings of the search.

        Returns:
            An object like `tfdarts.tasks.image_search.ImageSearch`.

        Raises:
            DataError: If the data do not fit the settings.
        """
        raise NotImplementedError

    def build_supernet(self, config: Settings, source: Any) -> "keras.Model":
        """Returns the supernet of a search.

        Args:
            config: The settings, with the choices of the preset.
            source: The result of `find_data`.
        """
        raise NotImplementedError

    def build_network(
        self, config: Settings, genotype: Genotype | None, source: Any
    ) -> "keras.Model":
        """Returns the network of a training.

        Args:
            config: The settings, with the choices of the preset.
            genotype: `Genotype`, or `None` if the config needs none.
            source: The result of `find_data`.
        """
        raise NotImplementedError

    @property
    def training(self) -> type:
        """The class that holds the data and network of a training.

        Its interface is `tfdarts.tasks.image_training.ImageTraining`.
        """
        raise NotImplementedError

    def require_training_settings(self, given: dict[str, Any]) -> None:
        """Raises `ValueError` if a pipeline lacks settings of the training.

        Args:
            given: Dict of the settings of the training that were given.
        """

    def apply_selection_preset(self, config: Settings) -> Settings:
        """Returns the settings of a selection with the choices of its preset.

        Raises:
            DataError: If there are no validation examples to rank on.
        """
        return config

    def figure_of_selection(self, config: Settings) -> str:
        """Returns the name of the metric that a selection shows."""
        raise NotImplementedError

    def show_figure(self, value: float) -> str:
        """Returns the metric of a selection as text."""
        return f"{value:.2f}"

    def rank(self, results: dict[str, Any], config: Settings) -> tuple:
        """Returns the sort key of a candidate, a tuple; the least is best.

        Args:
            results: Dict, the results of a candidate's training.
            config: The settings of the selection.
        """
        return (results["validation_loss"],)

    # Test

    def test(
        self,
        network: "keras.Model",
        settings: dict[str, Any],
        source: Any,
        batch_size: int,
        distribution: "tf.distribute.Strategy",
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Tests a network on the test examples.

        Args:
            network: Keras model.
            settings: Dict of the settings of the network's training.
            source: The result of `find_data` or `open_test`.
            batch_size: Integer.
            distribution: `tf.distribute.Strategy`.

        Returns:
            Two dicts: the results, and details for `report.json`.
        """
        raise NotImplementedError

    def show_report(self, report: dict[str, Any]) -> str:
        """Returns details of a test as lines for the terminal, if any.

        Args:
            report: Dict, the content of `report.json`.
        """
        return ""

    def headline(self, results: dict[str, Any]) -> str:
        """Returns the main test results of a network, as a few lines."""
        raise NotImplementedError

    # Prediction

    @property
    def question_name(self) -> str | None:
        """The name of the one setting of `question`, if there is one."""
        if self.question is None:
            return None
        (field,) = flag_fields(self.question)
        return field.name

    @property
    def example_question(self) -> dict[str, str]:
        """The flag of a question with its placeholder, a dict, if any."""
        return {self.question_name: self.placeholder} if self.question else {}

    def predictions(self, question: Any, **options) -> Iterator[dict[str, Any]]:
        """Yields the answers of a model or of a server, each a dict.

        Args:
            question: The input of the prediction.
            **options: The settings of
                `tfdarts.tasks.request_settings.RequestSettings`, with
                `version` for `model_version`.
        """
        raise NotImplementedError

    def answer(self, predictions: list[dict[str, Any]]) -> Any:
        """Returns the result of `tfdarts.predict`.

        Args:
            predictions: List of the dicts of `predictions`.
        """
        return predictions

    def failure(self, answer: dict[str, Any]) -> str | None:
        """Returns why there is no prediction, in words, or `None`.

        Args:
            answer: One of the dicts of `predictions`.
        """
        return None

    def show_answer(self, predictions: list[dict[str, Any]]) -> str:
        """Returns a table of predictions.

        Args:
            predictions: List of the dicts of `predictions`.
        """
        raise NotImplementedError

    # Export

    def require_formats(self, formats: list[str], path: pathlib.Path) -> None:
        """Raises `ValueError` if the task does not support a format.

        Args:
            formats: List of strings.
            path: Path of the training, for error messages.
        """

    def export(
        self,
        formats: list[str],
        network: "keras.Model",
        settings: dict[str, Any],
        directory: pathlib.Path,
        run: Any,
    ) -> dict[str, pathlib.Path]:
        """Writes a network as the next version of a model.

        Args:
            formats: List of strings; see `tfdarts.export`.
            network: Keras model.
            settings: Dict of the settings of the network's training.
            directory: Path of the model, which holds its versions.
            run: `tfdarts.tasks.exported_run.ExportedRun`.

        Returns:
            Dict from formats to the paths of the written files.
        """
        raise NotImplementedError

    def show_export(self, paths: dict[str, pathlib.Path]) -> str:
        """Returns details of an export as lines for the terminal, if any.

        Args:
            paths: The result of `export`.
        """
        return ""

    def card_facts(
        self, settings: dict[str, Any], network: "keras.Model"
    ) -> dict[str, Any]:
        """Returns the network's inputs and outputs for a model card."""
        raise NotImplementedError

    def cost(self, network: "keras.Model") -> dict[str, Any]:
        """Returns the network's cost for a model card, a dict."""
        return {}

    def describe_model(self, facts: dict[str, Any]) -> str:
        """Returns the first paragraph of a model card.

        Args:
            facts: Dict; see `tfdarts.serving.model_card.model_card`.
        """
        raise NotImplementedError
