"""Predicting the classes of images, with a model or a server."""

import base64
import functools
import io
import logging
import os
import time

import numpy as np

from tfdarts.duration import format_duration
from tfdarts.image_kinds import BadImageError
from tfdarts.image_kinds import read_header
from tfdarts.serving.clients import InvalidArgument
from tfdarts.serving.clients import ServerError
from tfdarts.table import table
from tfdarts.tasks.images_to_predict import find_images
from tfdarts.tasks.images_to_predict import images_of
from tfdarts.tasks.images_to_predict import request_batches
from tfdarts.tasks.request_settings import RequestSettings
from tfdarts.tasks.server import client_for
from tfdarts.tasks.server import with_retries

logger = logging.getLogger("tfdarts")

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAA"
    "AABJRU5ErkJggg=="
)
"""A valid image file of one gray pixel, which every model accepts."""


def predictions(
    images,
    export_dir=None,
    server=None,
    name=None,
    version=None,
    batch_size=32,
    timeout=10.0,
    retries=3,
    max_request_mb=32.0,
):
    """Yields the predictions for images, each as soon as it is known.

    An unusable image does not stop the others. Files of a kind that no server
    decodes correctly are not sent; see `tfdarts.image_kinds`. A batch that
    the server refuses is sent again in halves.

    Args:
        images: Path of an image file or of a folder of images, pattern such
            as `"new/*.png"`, or a sequence of these. Or an array of images,
            `(images, height, width, channels)`, or without channels if they
            are gray; an array of one image; or a sequence of arrays. Pixels
            are as in `tfdarts.from_arrays`: integers or floats from 0 to 255,
            or floats from 0 to 1. Channels and size must fit the model.
        export_dir: Path of a model's exported versions, or of one version.
        server: String, instead of `export_dir`: the URL of a server,
            `http://host:8501` (REST) or `grpc://host:8500`.
        name: String, the name of the model on the server.
        version: Integer; for a server also a string, the label of a version.
            Defaults to the newest.
        batch_size: Integer, images in a request.
        timeout: Float, seconds to wait for a server's answer.
        retries: Integer, how often to repeat a request to a server that is
            unavailable, each time after a longer wait.
        max_request_mb: Float, the most megabytes of images in a request.

    Yields:
        One dict for each image: `image`, its path or, in an array, its
        position, and either `label`, `class_id`, `probability` and the lists
        `class_names` and `probabilities`, in the same order, or `error`, the
        reason why the image is unusable. A server whose model tfdarts 0.1.0
        exported has no `class_names`.

    Raises:
        ValueError: If there is no such model or server, or an argument is
            invalid.
        DataError: If there is no such image, or an image is too large.
    """
    request_settings = RequestSettings(
        *(export_dir, server, name, version),
        *(batch_size, timeout, retries, max_request_mb),
    )
    retries = request_settings.retries
    images = images_of(images)
    of_files = isinstance(images, list)
    if of_files:
        images = find_images(images)
        sizes = [path.stat().st_size for path in images]
    else:
        sizes = [images[0].nbytes] * len(images)
    batches = list(
        request_batches(
            images,
            sizes,
            request_settings.batch_size,
            request_settings.max_request_mb,
        )
    )
    client = client_for(request_settings)
    if of_files:
        ask = _check_first_refusal(with_retries(client.predict, retries))
    else:
        ask = _refuse_all_together(with_retries(client.predict_pixels, retries))
    class_names = functools.cache(
        lambda count: _class_names(
            with_retries(client.class_names, retries), count
        )
    )
    done, rotated, started = 0, 0, time.monotonic()
    for batch in batches:
        if of_files:
            contents = [path.read_bytes() for path in batch]
            headers = [*map(_read_header, contents)]
            rotated += sum(
                getattr(header, "is_rotated", 0) for header in headers
            )
            answers = _predict_decodable(ask, batch, contents, headers)
        else:
            positions = range(done, done + len(batch))
            answers = _predict(ask, positions, np.stack(batch))
        for answer in answers:
            if "error" not in answer:
                answer |= class_names(len(answer["probabilities"]))
            yield answer
        done += len(batch)
        _report(done, len(images), time.monotonic() - started)
    if rotated:
        logger.warning(
            "predict: %s of %s images have an EXIF orientation that asks for "
            "a rotation. The rotation is ignored, as in training.",
            f"{rotated:,}",
            f"{len(images):,}",
        )


def _class_names(ask, count):
    """Returns `class_names` as part of a prediction, if the client has any."""
    try:
        return {"class_names": ask(count)}
    except ServerError as error:
        logger.warning(
            "predict: the class names are unknown (%s) A model that tfdarts "
            "0.1.0 exported has no class names: export the model again.",
            error,
        )
        return {}


def _predict_decodable(ask, paths, contents, headers):
    """Returns predictions; sends only the files that can be decoded."""
    good = [
        k for k, header in enumerate(headers) if not isinstance(header, str)
    ]
    answers = iter(
        _predict(ask, [paths[k] for k in good], [contents[k] for k in good])
    )
    return [
        {"image": str(path), "error": header}
        if isinstance(header, str)
        else next(answers)
        for path, header in zip(paths, headers)
    ]


def _read_header(content):
    """Returns the header of an image file, or why the file is unusable."""
    try:
        return read_header(io.BytesIO(content))
    except BadImageError as error:
        reason = str(error)
        return f"{reason[0].upper()}{reason[1:]}."


def _predict(ask, paths, contents):
    if not paths:
        return []
    try:
        answer = ask(contents)
    except InvalidArgument as error:
        if len(paths) == 1:
            return [{"image": _name(paths[0]), "error": str(error)}]
        half = len(paths) // 2
        return [
            *_predict(ask, paths[:half], contents[:half]),
            *_predict(ask, paths[half:], contents[half:]),
        ]
    return [
        {
            "image": _name(path),
            "label": label,
            "class_id": class_id,
            "probability": float(probabilities[class_id]),
            "probabilities": probabilities.tolist(),
        }
        for path, label, class_id, probabilities in zip(
            paths, *answer, strict=True
        )
    ]


def _name(image):
    """Returns the path of an image as a string, or its position."""
    return str(image) if isinstance(image, os.PathLike) else image


def _refuse_all_together(ask):
    """Returns a function that sends arrays, whose errors concern all images.

    All arrays have one shape, so a refusal of one is a refusal of all.
    """

    def ask_once(images):
        try:
            return ask(images)
        except InvalidArgument as error:
            height, width, channels = images.shape[1:]
            raise ServerError(
                f"The images are {height}x{width} pixels (height x width) "
                f"with {channels} channel{'s' * (channels > 1)}, but the "
                f"model does not accept such images: {error}"
            ) from error

    return ask_once


def _check_first_refusal(ask):
    """Returns a function that sends images, and checks the first refusal.

    A server may refuse every request, for instance if it lacks the version.
    After the first refusal, a valid one-pixel image tells the cases apart.
    """
    tested = False

    def ask_and_test(contents):
        nonlocal tested
        try:
            return ask(contents)
        except InvalidArgument as error:
            if not tested:
                try:
                    ask([PIXEL])
                except InvalidArgument:
                    raise ServerError(str(error)) from error
            tested = True
            raise

    return ask_and_test


def _report(done, count, seconds):
    left = format_duration(seconds / done * (count - done))
    logger.info(
        *("predict: %d/%d images, %s left", done, count, left),
        extra={"transient": True, "progress": done / count},
    )


def show_predictions(answers):
    """Returns a table of predictions.

    Args:
        answers: List of the dicts of `predictions`.
    """
    return table(("image", "label", "probability"), map(_row, answers))


def _row(prediction):
    if "error" in prediction:
        return prediction["image"], "-", "-"
    probability = f"{prediction['probability']:.2%}"
    return prediction["image"], prediction["label"], probability
