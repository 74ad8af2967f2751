"""Testing a trained network on the test examples."""

import logging

import keras

from tfdarts import machine
from tfdarts.console import show_progress
from tfdarts.data.image_source import DataError
from tfdarts.records.pictures import draw_again
from tfdarts.records.pictures import optional_pictures
from tfdarts.records.run_directory import Stage
from tfdarts.records.run_directory import write_json
from tfdarts.runs.settings import EvaluateSettings
from tfdarts.runs.visualize import draw_evaluation
from tfdarts.runs.workers import in_own_run_dir
from tfdarts.runs.workers import require_agreement
from tfdarts.tasks.networks import network_of
from tfdarts.tasks.registry import task_of_settings
from tfdarts.tasks.task import TEST_OR_DATASET
from tfdarts.training.distribution import distribution_of

logger = logging.getLogger("tfdarts")


@show_progress()
def evaluate(
    run_dir, batch_size=128, dataset=None, distribute="none", test=None
):
    """Tests the trained network of a run on the test examples.

    Beside the results it leaves `evaluation/` in the run directory: all
    figures in `report.json`, and of images those of each class and the
    confusion matrix among them, and two pictures, `confusion.png` and
    `reliability.png`; that these cannot be drawn is only a warning. A text is
    read once from its beginning to its end, as one row; see
    `tfdarts.tasks.text_evaluation`.

    Args:
        run_dir: Path of a run whose training has finished.
        batch_size: Integer, of images. It changes the time, not the result.
        dataset: The data that the run was trained on, where they are no
            longer to be found by their name, as arrays never are: whatever
            `dataset` of `tfdarts.TrainConfig` takes.
        distribute: String, which devices share the images; see
            `tfdarts.training.distribution.distribution_of`. A text is one row,
            which is not shared.
        test: Images to test on in place of the test examples of the data set:
            a pair `(images, labels)` of arrays or a `tf.data.Dataset`; see
            `tfdarts.from_arrays` and `tfdarts.from_dataset`.

    Returns:
        The results, a dict with `test_loss`, `test_accuracy` or, of a text,
        `test_perplexity`, and further figures: what `train/results.json`
        holds from now on.

    Raises:
        ValueError: If the run holds no finished training, or an argument
            cannot be.
        DataError: If the data are not there, or not those trained on.
    """
    given = EvaluateSettings(run_dir, batch_size, dataset, distribute)
    batch_size, dataset = given.batch_size, given.dataset
    distribution = distribution_of(given.distribute)
    with in_own_run_dir(
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
    # The last of all results: it says that the test is done.
    write_json(stage.path / "results.json", results)
    with optional_pictures("The test is done", draw_again(stage.run_dir)):
        pictures = draw_evaluation(stage.run_dir)
        if settings.get("tensorboard") and pictures:
            _show_in_tensorboard(stage, pictures, settings["epochs"])
    return results


def _show_in_tensorboard(stage, pictures, epoch):
    # It takes matplotlib.
    from tfdarts.records.tensorboard import write_pictures

    names = {f"evaluation/{path.stem}": path for path in pictures}
    write_pictures(stage.path / "tensorboard", names, epoch)


def source_of_run(stage, settings, dataset):
    """Returns the data set of a run, if it still is what it was."""
    spec = settings["dataset"] if dataset is None else dataset
    source = task_of_settings(settings).find_data(spec, settings)
    if source.fingerprint != settings["fingerprint"]:
        raise DataError(
            f"The network in {stage.path} was trained on "
            f"{settings['dataset']} as it was then. {source.name} as it is "
            f"now holds other data."
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
            f"The training in {stage.path} has not finished: give the same "
            f"tfdarts-train command again, and it goes on."
            + (f" It stopped, saying: {reason}" if reason else "")
        )
    path = stage.path / "model.keras"
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras has no one class for it.
        raise ValueError(
            f"{path} is missing or damaged. Remove {stage.path}/status.json "
            f"and give the same tfdarts-train command: it makes the file anew "
            f"out of the last checkpoint."
        ) from error
    return network_of(model), settings
