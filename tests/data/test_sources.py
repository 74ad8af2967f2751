import numpy as np
import pytest

from tfdarts.data.sources import DataError
from tfdarts.data.sources import open_source


def test_the_digits_open_by_name():
    source = open_source("digits")
    images, labels = source.read("train")
    assert source.name == "digits"
    assert source.class_names == tuple("0123456789")
    assert source.mean is source.std is None
    assert len(images) == len(labels) == 1437
    assert np.unique(labels).tolist() == list(range(10))


@pytest.mark.parametrize("spec", ["digit", "DIGITS", "", "cifar11"])
def test_another_name_is_refused_with_those_there_are(spec):
    with pytest.raises(DataError, match=f"no data set '{spec}'.*are: digits"):
        open_source(spec)


def test_a_data_error_is_a_value_error():
    assert issubclass(DataError, ValueError)
