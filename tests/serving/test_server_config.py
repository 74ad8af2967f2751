"""The configuration of a server against TF Serving's own definition."""

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from tfdarts.serving.server_config import models_config
from tfdarts.serving.server_config import write_server_config

NAMES = ['a"b', "it's", "a\\", "a\\n{}", "$1 %s [x] # é e\u0301 😀", "a\tb"]


def parsed(text):
    config = model_server_config_pb2.ModelServerConfig()
    return text_format.Parse(text, config).model_config_list.config


@pytest.mark.parametrize("names", [[], ["digits"], ["a", "b-c.d"], NAMES])
def test_models_are_where_the_server_finds_them(names):
    entries = parsed(models_config(names))
    assert [(e.name, e.base_path) for e in entries] == [
        (name, f"/models/{name}") for name in names
    ]
    assert {e.model_platform for e in entries} <= {"tensorflow"}


def make_version(path):
    path.mkdir(parents=True)
    (path / "saved_model.pb").touch()


def test_what_was_changed_by_hand_stays(tmp_path):
    make_version(tmp_path / "digits" / "1")
    write_server_config(tmp_path)
    assert [
        e.name for e in parsed((tmp_path / "models.config").read_text())
    ] == ["digits"]
    (tmp_path / "batching.config").write_text("max_batch_size { value: 8 }")
    make_version(tmp_path / "reader" / "3")
    (tmp_path / "phone").mkdir()
    (tmp_path / "phone" / "1.tflite").touch()
    write_server_config(tmp_path)
    text = (tmp_path / "models.config").read_text()
    assert [e.name for e in parsed(text)] == ["digits", "reader"]
    kept = (tmp_path / "batching.config").read_text()
    assert kept == "max_batch_size { value: 8 }"
    assert "enable: true" in (tmp_path / "monitoring.config").read_text()
