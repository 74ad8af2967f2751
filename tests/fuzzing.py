"""What the tests with damaged inputs share."""

import hypothesis
import numpy as np

from tfdarts.data.image_source import DataError


def examples(number):
    """Settings for a test of many examples, the same ones each time."""
    return hypothesis.settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
    )


def is_read_or_refused(open_data, *arguments, **settings):
    """Reads all of a data set; returns it, or `None` for a sentence."""
    try:
        source = open_data(*arguments, **settings)
        for split in source.splits:
            images, labels = source.read(split)
            assert images.shape == (len(labels), *source.image_shape)
            assert images.dtype == np.uint8
    except DataError as error:
        assert len(str(error).split()) > 5
        return None
    return source
