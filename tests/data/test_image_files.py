"""Image files are checked in threads, by one graph."""

import tensorflow as tf
from PIL import Image

from tfdarts.data import image_files


def test_the_graph_that_checks_files_is_traced_once(tmp_path, monkeypatch):
    """Where threads trace it each, TensorFlow warns of it as of a fault."""
    decode = tf.function(image_files.decode_image.python_function)
    monkeypatch.setattr(image_files, "decode_image", decode)
    paths = [tmp_path / f"{k}.png" for k in range(8)]
    for path in paths:
        Image.new("RGB", (4, 3)).save(path)
    paths[5].write_bytes(paths[5].read_bytes()[:-20])
    assert [*image_files.find_broken(paths)] == [paths[5]]
    assert decode.experimental_get_tracing_count() == 1
