"""Testing a trained network on the test examples."""

import logging
import os
from typing import Any

import keras

from tfdarts import machine
from tfdarts.console import show_progress
from tfdarts.data.image_source import DataError
from tfdarts.records.json_files import write_json
from tfdarts.records.pictures import optional_pictures
from tfdarts.records.pictures import redraw_advice
from tfdarts.records.run_directory import Stage
from tfdarts.runs.trained_run_settings import EvaluateSettings
from tfdarts.runs.visualize import draw_evaluation
from tfdarts.runs.workers import require_agreement
from tfdarts.runs.workers import use_own_run_dir
from tfdarts.tasks.networks import network_of
from tfdarts.tasks.task import TEST_OR_DATASET
from tfdarts.tasks.task_registry import task_of_settings
from tfdarts.training.distribution import distribution_of

logger = logging.getLogger("tfdarts")


@show_progress()
def evaluate(
    run_dir: str | os.PathLike,
    batch_size: int = 128,
    dataset: Any = None,
    distribute: str = "none",
    test: Any = None,
) -> dict[str, Any]:
    """Tests the trained network of a run on the test examples.

    The run directory also gets `evaluation/`, with all metrics in
    `report.json`. For images, they include metrics of each class and the
    confusion matrix, and two pictures are drawn, `confusion.png` and
    `reliability.png`; if drawing fails, a warning is logged. A text is read
    once, as one row; see `tfdarts.tasks.text_evaluation`.

    Args:
        run_dir: Path of a run whose training has finished.
        batch_size: Integer, for images. It changes the time, not the result.
        dataset: The data that the run was trained on, if their name no longer
            leads to them, as with arrays: whatever `dataset` of
            `tfdarts.TrainConfig` takes.
        distribute: String, the devices that share the images; see
            `tfdarts.distribution_of`. A text is one
            row, which replicas do not share.
        test: Images to test on instead of the test examples of the data set:
            a pair `(images, labels)` of arrays or a `tf.data.Dataset`; see
            `tfdarts.from_arrays` and `tfdarts.from_dataset`.

    Returns:
        Dict of results, as written to `train/results.json`: `test_loss`,
        `test_accuracy` or, for a text, `test_perplexity`, and further
        metrics.

    Raises:
        ValueError: If the run holds no finished training, or an argument is
            invalid.
        DataError: If the data are missing, or differ from the training's.
    """
    given = EvaluateSettings(run_dir, batch_size, dataset, distribute)
    batch_size, dataset = given.batch_size, given.dataset
    distribution = distribution_of(given.distribute)
    with use_own_run_dir(
        given.run_dir, distribution, **{"--batch_size": batch_size}
    ) as run_dir:
        return _evaluate(run_dir, batch_size, dataset, distribution, test)


def _evaluate(run_dir, batch_size, dataset, distribution, test):
    stage = Stage(run_dir, "train")
    with distribution.scope():
        network, settings = load_network(stage)
    task = task_of_settings(settings)
    if test is None:
        source = source_of_run(stage, settings, dataset)
    elif dataset is None:
        source = task.open_test(test, settings, stage.path)
    else:
        raise ValueError(TEST_OR_DATASET)
    require_agreement(
        distribution,
        **{"the data": source.fingerprint, "the weights": network.variables},
    )
    directory = stage.run_dir / "evaluation"
    directory.mkdir(exist_ok=True)
    figures, details = task.test(
        network, settings, source, batch_size, distribution
    )
    results = {**stage.results(), **figures}
    report = {**results, **details, "machine": machine.describe()}
    write_json(directory / "report.json", report)
    # Written last, because this file marks the test as done.
    write_json(stage.path / "results.json", results)
    with optional_pictures("The test is done", redraw_advice(stage.run_dir)):
        pictures = draw_evaluation(stage.run_dir)
        if settings.get("tensorboard") and pictures:
            _show_in_tensorboard(stage, pictures, settings["epochs"])
    return results


def _show_in_tensorboard(stage, pictures, epoch):
    # Imported here because it needs matplotlib.
    from tfdarts.records.tensorboard import write_pictures

    names = {f"evaluation/{path.stem}": path for path in pictures}
    write_pictures(stage.path / "tensorboard", names, epoch)


def source_of_run(stage, settings, dataset):
    """Returns the data set of a run, after checking its fingerprint."""
    spec = settings["dataset"] if dataset is None else dataset
    source = task_of_settings(settings).find_data(spec, settings)
    if source.fingerprint != settings["fingerprint"]:
        raise DataError(
            f"The network in {stage.path} was trained on other data: "
            f"{settings['dataset']} has changed since then, or {source.name} "
            "is another data set. Restore the data of the training, or give "
            "them as --dataset."
        )
    return source


def load_network(stage):
    """Returns the trained network of a stage, and the stage's settings.

    Raises:
        ValueError: If the training has not finished, or its network cannot
            be read.
    """
    settings = stage.settings()
    if not stage.finished:
        reason = stage.status().get("reason")
        raise ValueError(
            f"The training in {stage.path} has not finished: re-run the same "
            "tfdarts-train command to resume."
            + (f" It stopped with the message: {reason}" if reason else "")
        )
    path = stage.path / "model.keras"
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises no common class.
        raise ValueError(
            f"{path} is missing or damaged. Remove {stage.path}/status.json "
            "and re-run the same tfdarts-train command: it writes the file "
            "again from the last checkpoint. If the file is of a development "
            "version between 0.1.0 and 0.2.0, train in a new --run_dir."
        ) from error
    return network_of(model), settings
