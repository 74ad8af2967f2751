"""The parts of a run that an export needs."""

import logging
import pathlib
import typing

from tfdarts.serving.warm_up import FILE

logger = logging.getLogger("tfdarts")


class ExportedRun(typing.NamedTuple):
    """The run whose network is exported.

    Attributes:
        path: Path of the training.
        open_data: Function that returns the data set of the run.
        make_card: Function that returns the files of the model card, a dict of
            bytes by relative path.
    """

    path: pathlib.Path
    open_data: typing.Callable
    make_card: typing.Callable


def warm_up(requests, *arguments):
    """Returns the file of warm-up requests for a server, or an empty dict.

    Args:
        requests: Function of `tfdarts.serving.warm_up`.
        *arguments: Arguments of `requests`.
    """
    try:
        return {FILE: requests(*arguments)}
    except ImportError:
        logger.info(
            "export: no warm-up requests are written, because they need "
            "tensorflow-serving-api: pip install 'tfdarts[serving]'"
        )
        return {}
