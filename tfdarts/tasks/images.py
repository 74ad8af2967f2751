"""The task of images: predict the class of each image."""

import json

from tfdarts.evaluators.evaluator import FROM_SCRATCH
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.tasks.configs import CandidateSearchConfig
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.configs import SelectConfig
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.image_settings import ImageConfig
from tfdarts.tasks.request_settings import ImagesQuestion
from tfdarts.tasks.task import Task


class ImageTask(Task):
    """Images with labels, and convolutional cells that classify them."""

    name = "images"
    space = "darts"
    configs = {
        "search": SearchConfig,
        "train": TrainConfig,
        "select": SelectConfig,
        "candidates": CandidateSearchConfig,
    }
    shared_config = ImageConfig
    question = ImagesQuestion
    placeholder = "IMAGES"
    located = ("folder", "idx")
    data_sets = (
        "digits",
        "tfds:<name>",
        "idx:<directory>",
        "folder:<directory>",
    )
    costly = ("batch_size", "init_channels", "num_cells", "image_size")
    sparing = ("recompute", "micro_batches")
    has_wide_graphs = True
    data_settings = (
        *("dataset", "fingerprint", "image_size", "image_fit", "skip_broken"),
        *("validation_portion", "mean", "std"),
    )
    network_settings = (
        *("network", "init_channels", "num_cells", "stem", "depth"),
        "channel_multiplier",
        *("growth_rate", "auxiliary_weight"),
    )
    metrics_of_seeds = (
        *("test_accuracy", "test_loss", "test_balanced_accuracy"),
        *("test_macro_f1", "validation_accuracy"),
    )
    figures = (
        "test_accuracy",
        "test_top5_accuracy",
        "test_balanced_accuracy",
        "test_macro_f1",
        "test_loss",
        "test_calibration_error",
        "test_examples",
        "num_parameters",
        "multiply_adds",
        "multiply_adds_everything",
        "milliseconds_per_image",
        "images_per_second",
    )
    examples = {
        "search": (
            "tfdarts-search --flagfile=configs/digits.cfg "
            "--run_dir=runs/digits",
            "tfdarts-search --order=1 --epochs=30 --run_dir=runs/first_order",
            "tfdarts-search --dataset=folder:flowers --describe_data",
            "tfdarts-search --flagfile=configs/digits.cfg --dry_run",
        ),
        "select": (
            "tfdarts-select --flagfile=configs/digits_train.cfg "
            "--run_dirs=runs/seed0,runs/seed1 --validation_portion=0.2 "
            "--epochs=10 --run_dir=runs/selected",
            "tfdarts-select --flagfile=configs/cifar10_train.cfg "
            "'--run_dirs=runs/seed*' --epochs=100 --run_dir=runs/selected",
        ),
        "train": (
            "tfdarts-train --flagfile=configs/digits_train.cfg "
            "--run_dir=runs/digits",
            "tfdarts-train --genotype=DARTS_V2 --init_channels=8 "
            "--num_cells=5 --epochs=50 --run_dir=runs/published",
            "tfdarts-train --flagfile=configs/digits_train.cfg --seeds=0,1,2 "
            "--run_dir=runs/digits",
            "tfdarts-train --dataset=folder:flowers --run_dir=runs/flowers "
            "--dry_run",
            "tfdarts-train --genotype=random:0 "
            "--flagfile=configs/digits_train.cfg --run_dir=runs/random",
        ),
        "pipeline": (
            "tfdarts-pipeline --flagfile=configs/digits.cfg "
            "--run_dir=runs/digits",
            "tfdarts-pipeline --flagfile=configs/digits.cfg --seed=1 "
            "--run_dir=runs/digits1",
            "tfdarts-pipeline --flagfile=configs/digits.cfg --epochs=2 "
            "--train_epochs=3 --run_dir=runs/short",
        ),
        "predict": (
            "tfdarts-predict --export_dir=runs/digits/export/digits "
            "--images=seven.png",
            "tfdarts-predict --server=http://localhost:8501 --name=digits "
            "--images='new/*.png' --format=json",
            "tfdarts-predict --server=grpc://localhost:8500 --name=digits "
            "--model_version=stable --images=new",
        ),
    }

    def takes(self, spec):
        from tfdarts.data.image_source import ImageSource

        if isinstance(spec, str):
            kinds = *self.located, "digits", "tfds", "arrays"
            return spec.partition(":")[0] in kinds
        return isinstance(spec, ImageSource | tuple | list)

    def specification_of(self, path):
        return f"folder:{path}"

    def find_data(self, dataset, settings, prepare=False):
        from tfdarts.data.sources import open_source

        return open_source(
            dataset,
            settings["image_size"],
            prepare,
            settings["image_fit"],
            # Version 0.1.0 did not have this setting.
            settings.get("skip_broken", False),
        )

    def describe_data(self, config):
        from tfdarts.tasks.run_data import describe_images

        return describe_images(config)

    def open_test(self, test, settings, path):
        from tfdarts.tasks.image_evaluation import source_of_test

        return source_of_test(test, settings, path)

    def sizes(self, config, source, multiple):
        from tfdarts.strategies.gradient.gradient_parts import stages
        from tfdarts.tasks import sizes

        if isinstance(config, SearchConfig):
            if stages(get_strategy(config.strategy), config):
                return None  # Each stage has sizes of its own.
            multiple *= config.micro_batches
            return sizes.sizes_of_search(config, source, multiple)
        if isinstance(config, CandidateSearchConfig):
            if config.evaluator != FROM_SCRATCH:
                return None
            return sizes.sizes_of_candidates(config, source, multiple)
        return sizes.sizes_of_training(config, source, multiple)

    def search(self, config):
        from tfdarts.tasks.image_search import ImageSearch

        return ImageSearch(config)

    def build_supernet(self, config, source):
        from tfdarts.tasks.networks import build_supernet

        num_classes = len(source.class_names)
        return build_supernet(config, num_classes, source.image_shape)

    def build_network(self, config, genotype, source):
        from tfdarts.tasks.networks import build_network

        num_classes = len(source.class_names)
        return build_network(config, genotype, num_classes, source.image_shape)

    @property
    def training(self):
        from tfdarts.tasks.image_training import ImageTraining

        return ImageTraining

    def apply_selection_preset(self, config):
        from tfdarts.tasks.image_training import apply_selection_preset

        return apply_selection_preset(config)

    def figure_of_selection(self, config):
        if config.class_weights == "balanced":
            return "validation_balanced_accuracy"
        return "validation_accuracy"

    def show_figure(self, value):
        return f"{value:.2%}"

    def rank(self, results, config):
        figure = results[self.figure_of_selection(config)]
        return -figure, results["validation_loss"]

    def test(self, network, settings, source, batch_size, distribution):
        from tfdarts.tasks.image_evaluation import image_scores

        return image_scores(network, settings, source, batch_size, distribution)

    def show_report(self, report):
        from tfdarts.tasks.image_tables import class_table

        return class_table(report["classes"])

    def headline(self, results):
        return f"Test accuracy   {results['test_accuracy']:.2%}"

    def predictions(self, question, **options):
        from tfdarts.tasks.image_prediction import predictions

        return predictions(question, **options)

    def failure(self, answer):
        error = answer.get("error")
        return error and f"{answer['image']}: {error}"

    def show_answer(self, predictions):
        from tfdarts.tasks.image_prediction import show_predictions

        return show_predictions(predictions)

    def export(self, formats, network, settings, directory, run):
        from tfdarts.tasks.image_export import export_classifier

        return export_classifier(formats, network, settings, directory, run)

    def show_export(self, paths):
        from tfdarts.tasks.image_tables import int8_table

        if "litert_int8" not in paths:
            return ""
        report = paths["litert_int8"].with_suffix(".json")
        return int8_table(json.loads(report.read_text()))

    def card_facts(self, settings, network):
        return {
            "labels": settings["class_names"],
            "image_shape": settings["image_shape"],
        }

    def cost(self, network):
        from tfdarts.models.multiply_adds import multiply_adds

        return {"multiply_adds": multiply_adds(network)}

    def describe_model(self, facts):
        from tfdarts.serving.model_card import describe_classifier

        return describe_classifier(facts)
