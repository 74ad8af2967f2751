"""What a supernet states about itself."""

import keras
import pytest

import tfdarts
from tfdarts.models.rnn_network import RNNNetwork
from tfdarts.models.supernet import carries_state
from tfdarts.models.supernet import image_shape


class OneWord(keras.Model):
    """A supernet that only states that it carries state."""

    carries_state = True


class Unrelated(keras.Model):
    """Names that say nothing do not count."""

    image_shape = None

    def initial_state(self):
        """Of something else."""


@pytest.mark.parametrize(
    ("model", "carries", "shape"),
    [
        (lambda: tfdarts.RNNSupernet(7, 3), True, None),
        (lambda: RNNNetwork("DARTS_V2", 7, 3), True, None),
        (
            lambda: tfdarts.CNNSupernet(2, 3, 10, (8, 8, 1)),
            *(False, (8, 8, 1)),
        ),
        (OneWord, True, None),
        (Unrelated, False, None),
    ],
)
def test_a_model_states_whether_it_carries_state(model, carries, shape):
    model = model()
    assert carries_state(model) is carries
    assert image_shape(model) == shape
