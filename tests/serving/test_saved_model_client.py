"""A SavedModel is found wherever it lies."""

import numpy as np
import pytest
import tensorflow as tf

from tfdarts.serving.saved_model_client import SavedModelClient


class Doubling(tf.Module):
    """A model with one variable, which no path without its files gives."""

    def __init__(self):
        super().__init__()
        self.two = tf.Variable([[2.0]])

    @tf.function(input_signature=[tf.TensorSpec((None, 1), name="text")])
    def serve(self, text):
        return {"doubled": text * self.two}


@pytest.mark.parametrize("name", ["lr=[0.1]", "a\\b", "{a} $b 50% 'c' é😀"])
def test_any_directory_will_do(tmp_path, name):
    model = Doubling()
    path = tmp_path / name / "1"
    tf.saved_model.save(model, path, {"serving_default": model.serve})
    client = SavedModelClient(path)
    (answer,) = client.ask("serving_default", {"text": [[3.0]]}, ["doubled"])
    np.testing.assert_array_equal(answer, [[6.0]])
