"""What a kind of data says of itself."""

from tfdarts.settings.fields import flag_fields

TEST_OR_DATASET = (
    "`test` takes the place of `dataset`, and is for networks of images: give "
    "one of the two, for a text `dataset`."
)


class Task:
    """A kind of data, and all of a run that depends on it.

    A subclass says what is different; `tfdarts.register_task` makes it known.
    Methods import what needs TensorFlow when they are called, so that
    `--help` does not wait for it.

    Attributes:
        name: String in the plural, as `"images"`. `config.json` of a run and
            `--help` say it.
        space: String, the search space of its cells; see
            `tfdarts.search_spaces.lookup.SPACES`.
        configs: Dict from `"search"`, `"train"` and `"select"` to the
            dataclass of the command's settings, and from `"candidates"` to
            that of searches that train candidates. No other task has the
            same.
        shared_config: Dataclass, the settings that a search and its training
            share.
        examples: Dict from names of commands, as `"search"`, to tuples of
            command lines for `--help`.
        question: Dataclass of one setting, the flag of `tfdarts-predict`
            that takes what is asked about.
        placeholder: String that stands for its value, as `"IMAGES"`.
        figures: Tuple of strings, the results of a test that
            `tfdarts-evaluate` prints, in order.
    """

    name = None
    space = None
    configs = {}
    shared_config = None
    examples = {}
    question = None
    placeholder = None
    figures = ()

    def takes(self, spec):
        """Returns whether a specification of `--dataset` is of this task.

        Args:
            spec: String, or what Python gives in its place.

        Raises:
            DataError: If there is no such data set.
        """
        raise NotImplementedError

    # Data

    def find_data(self, dataset, settings, prepare=False):
        """Returns the data set of a specification.

        Args:
            dataset: Specification, or what Python gives in its place.
            settings: Dict of the settings of a run, or of one to be.
            prepare: Boolean, whether it may be downloaded.

        Raises:
            DataError: If there is no such data set, or it cannot be used.
        """
        raise NotImplementedError

    def describe_data(self, config):
        """Returns lines that say what the data set of a config is."""
        raise NotImplementedError

    def open_test(self, test, settings, path):
        """Returns test examples that are given in Python, as a data set.

        Args:
            test: What `tfdarts.evaluate` was given.
            settings: Dict of the settings of the training.
            path: Path of the training, for error messages.

        Raises:
            ValueError: If the task takes none.
        """
        raise ValueError(TEST_OR_DATASET)

    # Search, training and selection

    def search(self, config):
        """Returns what a search works with; nothing of it has moved yet.

        Args:
            config: The settings of the search.

        Returns:
            An object like `tfdarts.tasks.image_search.ImageSearch`.

        Raises:
            DataError: If the data do not fit the settings.
        """
        raise NotImplementedError

    def build_supernet(self, config, source):
        """Returns the supernet of a search.

        Args:
            config: The settings of the search, with what the data choose.
            source: What `find_data` returned.
        """
        raise NotImplementedError

    def build_network(self, config, genotype, source):
        """Returns the network of a training.

        Args:
            config: The settings of the training, with what the data choose.
            genotype: `Genotype`, or `None` where the config needs none.
            source: What `find_data` returned.
        """
        raise NotImplementedError

    @property
    def training(self):
        """The class of what a training works with.

        It is like `tfdarts.tasks.image_training.ImageTraining`.
        """
        raise NotImplementedError

    def require_training_settings(self, given):
        """Raises `ValueError` where a pipeline says too little of it.

        Args:
            given: Dict of the settings of the training that were given.
        """

    def settle_selection(self, config):
        """Returns the settings of a selection with what the data choose.

        Raises:
            DataError: If there is nothing to rank on.
        """
        return config

    def figure_of_selection(self, config):
        """Returns the name of the result that a selection shows."""
        raise NotImplementedError

    def show_figure(self, value):
        """Returns the figure of a selection as text."""
        return f"{value:.2f}"

    def rank(self, results, config):
        """Returns what candidates are sorted by, a tuple, the best first.

        Args:
            results: Dict, the results of a candidate's training.
            config: The settings of the selection.
        """
        return (results["validation_loss"],)

    # Test

    def test(self, network, settings, source, batch_size, distribution):
        """Tests a network on the test examples.

        Args:
            network: Keras model.
            settings: Dict of the settings of its training.
            source: What `find_data` or `open_test` returned.
            batch_size: Integer.
            distribution: `tf.distribute.Strategy`.

        Returns:
            Two dicts: the results, and details for `report.json`.
        """
        raise NotImplementedError

    def headline(self, results):
        """Returns how good a tested network is, in a few lines."""
        raise NotImplementedError

    # Prediction

    @property
    def question_name(self):
        """The name of the one setting of `question`, if there is one."""
        if self.question is None:
            return None
        (field,) = flag_fields(self.question)
        return field.name

    @property
    def example_question(self):
        """The flag of a question and its placeholder as a dict, if any."""
        return {self.question_name: self.placeholder} if self.question else {}

    def predictions(self, question, **options):
        """Yields the answers of a model or of a server, each a dict.

        Args:
            question: What is asked about.
            **options: The settings of `tfdarts.tasks.asking.AskSettings`,
                with `version` for `model_version`.
        """
        raise NotImplementedError

    def answer(self, said):
        """Returns what `tfdarts.predict` returns.

        Args:
            said: List of what `predictions` has yielded.
        """
        return said

    def show_answer(self, said):
        """Returns what `predictions` has yielded as a table.

        Args:
            said: List of dicts.
        """
        raise NotImplementedError

    # Export

    def require_formats(self, formats, path):
        """Raises `ValueError` where networks cannot be exported so.

        Args:
            formats: List of strings.
            path: Path of the training, for error messages.
        """

    def export(self, formats, network, settings, directory, run):
        """Writes a network as the next version of a model.

        Args:
            formats: List of strings; see `tfdarts.export`.
            network: Keras model.
            settings: Dict of the settings of its training.
            directory: Path of the versions.
            run: `tfdarts.tasks.exported_run.ExportedRun`.

        Returns:
            Dict from formats to the paths of what was written.
        """
        raise NotImplementedError

    def card_facts(self, settings, network):
        """Returns what a model card says of what the network takes."""
        raise NotImplementedError

    def cost(self, network):
        """Returns what a model card says of the network's cost, a dict."""
        return {}

    def describe_model(self, facts):
        """Returns the first paragraph of a model card.

        Args:
            facts: Dict; see `tfdarts.serving.model_card.model_card`.
        """
        raise NotImplementedError
