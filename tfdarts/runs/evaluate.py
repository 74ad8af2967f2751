"""Testing a trained network, the only place that reads test examples."""

import logging

import keras

from tfdarts.data import augmentation
from tfdarts.data import batches
from tfdarts.data import sources
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.runs.run_directory import Stage
from tfdarts.runs.run_directory import read_json
from tfdarts.runs.run_directory import write_json

logger = logging.getLogger("tfdarts")


def evaluate(run_dir, batch_size=128, dataset=None):
    """Tests the trained network of a run on the test examples.

    Args:
        run_dir: Path of a run whose training has finished.
        batch_size: Integer. It changes the time, not the result.
        dataset: Specification, or `ImageSource`, of the data that the run
            was trained on, where they are no longer to be found by their
            name. Arrays never are.

    Returns:
        The results, a dict with `test_accuracy` and `test_loss`: what
        `train/results.json` holds from now on.

    Raises:
        ValueError: If the run holds no finished training.
        DataError: If the data are not there, or not those trained on.
    """
    stage = Stage(run_dir, "train")
    network, settings = load_network(stage)
    source = sources.open_source(
        dataset or settings["dataset"], settings["image_size"]
    )
    if source.fingerprint != settings["fingerprint"]:
        raise sources.DataError(
            f"The network in {stage.path} was trained on "
            f"{settings['dataset']} as it was then. {source.name} as it is "
            f"now holds other data."
        )

    def normalize(images):
        return augmentation.as_tested(
            images,
            settings["mean"],
            settings["std"],
            settings["crop_size"],
        )

    images, labels = source.read("test")
    network.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    loss, accuracy = network.evaluate(
        batches.ordered_batches((images, labels), batch_size, normalize),
        verbose=0,
    )
    results = {
        **read_json(stage.path / "results.json"),
        "test_accuracy": accuracy,
        "test_loss": loss,
        "test_examples": len(labels),
    }
    write_json(stage.path / "results.json", results)
    return results


def load_network(stage):
    """Returns the trained network of a stage, and the stage's settings.

    Raises:
        ValueError: If the training has not finished, or its network cannot
            be read.
    """
    settings = stage.settings()
    if not stage.finished:
        raise ValueError(
            f"The training in {stage.path} has not finished: give the same "
            f"tfdarts-train command again, and it goes on."
        )
    path = stage.path / "model.keras"
    try:
        network = keras.saving.load_model(
            path, custom_objects={"CNNNetwork": CNNNetwork}, compile=False
        )
    except Exception as error:  # Keras has no one class for it.
        raise ValueError(
            f"{path} is missing or damaged. Remove {stage.path}/status.json "
            f"and give the same tfdarts-train command: it makes the file anew "
            f"out of the last checkpoint."
        ) from error
    return network, settings
