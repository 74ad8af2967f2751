"""Testing a network on images."""

import logging

from tfdarts.data import arrays
from tfdarts.data import augmentation
from tfdarts.data import batches
from tfdarts.data import sources
from tfdarts.models.multiply_adds import multiply_adds
from tfdarts.replicas import worker_of
from tfdarts.tasks.latency import measure_latency
from tfdarts.tasks.scores import calibration
from tfdarts.tasks.scores import confusion
from tfdarts.tasks.scores import per_class
from tfdarts.tasks.scores import scores
from tfdarts.training.shared_data import predict_all

logger = logging.getLogger("tfdarts")


def image_scores(network, settings, source, batch_size, distribution):
    """Returns the metrics of a test on images, and their details.

    Args:
        network: Keras model.
        settings: Dict of the settings of the network's training.
        source: `ImageSource`.
        batch_size: Integer.
        distribution: `tf.distribute.Strategy`.

    Returns:
        Two dicts: the results, and further entries of `report.json`.
    """
    images, labels = source.read("test")
    logger.info("evaluate: %d images", len(labels))
    logits = _logits(
        network, settings, images, labels, batch_size, distribution
    )
    figures = {
        **scores(labels, logits),
        "multiply_adds": multiply_adds(network),
        "multiply_adds_everything": multiply_adds(network, everything=True),
        **measure_latency(network, batch_size),
    }
    return figures, {
        "classes": per_class(labels, logits, source.class_names),
        "confusion": confusion(labels, logits),
        "calibration": calibration(labels, logits),
    }


def _logits(network, settings, images, labels, batch_size, distribution):
    """Returns the logits of the network for raw images."""

    def prepare(images):
        return augmentation.prepare_for_test(
            images,
            settings["mean"],
            settings["std"],
            settings["crop_size"],
        )

    dataset = batches.ordered_batches(
        (images, labels), batch_size, prepare, worker_of(distribution)
    )
    return predict_all(network, dataset, distribution)


def source_of_test(test, settings, path):
    """Returns the test images that a user gives, as a data set.

    Args:
        test: Pair of arrays or `tf.data.Dataset`; see `tfdarts.evaluate`.
        settings: Dict of the settings of the training.
        path: Path of the training, for error messages.

    Raises:
        DataError: If the images differ in kind from the training images.
    """
    source = sources.open_source(
        arrays.source_of_test(test, settings["class_names"]),
        settings["image_size"],
        image_fit=settings["image_fit"],
    )
    if [*source.image_shape] != settings["image_shape"]:
        raise sources.DataError(
            f"The network in {path} was trained on images of shape "
            f"{tuple(settings['image_shape'])}. The test images have the "
            f"shape {source.image_shape}: give images of the same shape."
        )
    return source
