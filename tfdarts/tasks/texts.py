"""The task of texts: predict the next word."""

from tfdarts.tasks.request_settings import TextQuestion
from tfdarts.tasks.rnn_configs import RNNCandidateSearchConfig
from tfdarts.tasks.rnn_configs import RNNSearchConfig
from tfdarts.tasks.rnn_configs import RNNSelectConfig
from tfdarts.tasks.rnn_configs import RNNTrainConfig
from tfdarts.tasks.shared_settings import RunConfig
from tfdarts.tasks.task import Task


class TextTask(Task):
    """Texts, and recurrent cells that predict their words."""

    name = "texts"
    space = "darts_rnn"
    configs = {
        "search": RNNSearchConfig,
        "train": RNNTrainConfig,
        "select": RNNSelectConfig,
        "candidates": RNNCandidateSearchConfig,
    }
    shared_config = RunConfig
    question = TextQuestion
    placeholder = "WORDS"
    # A text is one request.
    idle_in_predictions = ("batch_size", "max_request_mb", "skip_broken")
    figures = (
        "test_loss",
        "test_perplexity",
        "test_words",
        "bigram_perplexity",
        "trigram_perplexity",
        "num_parameters",
        "words_per_second",
    )
    examples = {
        "search": (
            "tfdarts-search --flagfile=configs/pydoc.cfg --run_dir=runs/pydoc",
        ),
        "select": (
            "tfdarts-select --flagfile=configs/pydoc_train.cfg "
            "--run_dirs=runs/pydoc,random:0 --epochs=10 --run_dir=runs/chosen",
        ),
        "train": (
            "tfdarts-train --flagfile=configs/pydoc_train.cfg --cell=lstm "
            "--run_dir=runs/lstm",
        ),
        "pipeline": (
            "tfdarts-pipeline --flagfile=configs/pydoc.cfg "
            "--run_dir=runs/pydoc",
        ),
        "predict": (
            "tfdarts-predict --export_dir=runs/pydoc/export/pydoc "
            "--text='the value of the'",
        ),
    }

    located = ("text",)
    data_sets = ("pydoc", "text:<directory>", "text:<file>", "tfds:<name>")
    costly = ("batch_size", "units", "steps")
    network_settings = ("cell", "units")
    metrics_of_seeds = ("test_loss", "test_perplexity")

    def name_of_path(self, path):
        return path.stem

    def specification_of(self, path):
        is_text = path.is_file() or (path / "train.txt").exists()
        return f"text:{path}" if is_text else None

    def takes(self, spec):
        from tfdarts.data.text_lookup import is_text

        return is_text(spec)

    def find_data(self, dataset, settings, prepare=False):
        from tfdarts.data.text_lookup import open_text_source

        return open_text_source(dataset, prepare)

    def describe_data(self, config):
        from tfdarts.tasks.run_data import find_data

        source = find_data(config)
        return "\n".join([*source.describe(), *source.warnings])

    def search(self, config):
        from tfdarts.tasks.text_search import TextSearch

        return TextSearch(config)

    def build_supernet(self, config, source):
        from tfdarts.tasks.networks import build_recurrent_supernet

        return build_recurrent_supernet(config, len(source.vocabulary))

    def build_network(self, config, genotype, source):
        from tfdarts.tasks.networks import build_language_model

        return build_language_model(config, genotype, len(source.vocabulary))

    @property
    def training(self):
        from tfdarts.tasks.text_training import TextTraining

        return TextTraining

    def require_training_settings(self, given):
        if "epochs" not in given:
            raise ValueError(
                "A pipeline on a text needs the settings of the training: "
                "give --train_flagfile, or at least --train_epochs."
            )

    def figure_of_selection(self, config):
        return "validation_perplexity"

    def test(self, network, settings, source, batch_size, distribution):
        from tfdarts.tasks.text_evaluation import text_scores

        return text_scores(network, settings, source, distribution), {}

    def headline(self, results):
        lines = (
            ("Test perplexity", "test"),
            ("Bigram model", "bigram"),
            ("Trigram model", "trigram"),
        )
        return "\n".join(
            f"{title:<15} {results[f'{name}_perplexity']:.2f}"
            for title, name in lines
        )

    def predictions(self, question, **options):
        from tfdarts.tasks.text_prediction import next_words

        for name in self.idle_in_predictions:
            options.pop(name, None)
        yield next_words(question, **options)

    def answer(self, predictions):
        (answer,) = predictions
        return answer

    def show_answer(self, predictions):
        from tfdarts.tasks.text_prediction import show_next_words

        return show_next_words(*predictions)

    def require_formats(self, formats, path):
        if formats != ["saved_model"]:
            raise ValueError(
                f"--format of a language model must be saved_model; for Keras "
                f"there is {path}/model.keras. Received: "
                f"{', '.join(formats)}."
            )

    def export(self, formats, network, settings, directory, run):
        from tfdarts.tasks.text_export import export_text_network

        path = export_text_network(network, settings, directory, run)
        return {"saved_model": path}

    def card_facts(self, settings, network):
        return {
            "vocabulary_size": settings["vocabulary_size"],
            "tokenizer": settings["tokenizer"],
            "state_size": network.state_size,
        }

    def describe_model(self, facts):
        from tfdarts.serving.model_card import describe_language_model

        return describe_language_model(facts)
