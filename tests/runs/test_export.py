"""Where exports go."""

import logging
import sys

import pytest

from tfdarts.runs import export as export_module
from tfdarts.runs.export import export
from tfdarts.runs.export import exported_versions
from tfdarts.serving.warm_up import warm_up_requests
from tfdarts.tasks import image_export
from tfdarts.tasks.exported_run import ExportedRun
from tfdarts.tasks.exported_run import warm_up
from tfdarts.tasks.images import ImageTask

IMAGES = {"task": "images"}


@pytest.mark.parametrize("name", ["../x", "a/b", "/x", "..", ".", 'a"b'])
def test_name_stays_in_the_run_directory(tmp_path, monkeypatch, name):
    monkeypatch.setattr(
        export_module,
        "load_network",
        lambda stage: (None, IMAGES),
    )
    with pytest.raises(ValueError, match="--name must consist of letters"):
        export(str(tmp_path), name=name)
    assert not any(tmp_path.iterdir())


def test_versions_are_integers_in_their_order(tmp_path):
    assert exported_versions(str(tmp_path), "digits") == []
    for name in ("10", "9", "1.bak", ".exporting-x"):
        path = tmp_path / "export" / "digits" / name
        path.mkdir(parents=True)
        (path / "saved_model.pb").touch()
    versions = exported_versions(str(tmp_path), "digits")
    assert [path.name for path in versions] == ["9", "10"]


def test_without_the_extra_there_are_no_warm_up_requests(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "tensorflow_serving", None)
    for name in [n for n in sys.modules if n.startswith("tensorflow_serving.")]:
        monkeypatch.delitem(sys.modules, name)
    with caplog.at_level(logging.INFO, "tfdarts"):
        assert warm_up(warm_up_requests, "digits", (8, 8, 1)) == {}
    assert "pip install 'tfdarts[serving]'" in caplog.text


@pytest.mark.parametrize("formats", [[], ["onxx"], ["onnx", ""]])
def test_formats_that_there_are_not(tmp_path, formats):
    with pytest.raises(ValueError, match="--format must be one or more of"):
        export(str(tmp_path), formats=formats)


@pytest.mark.parametrize(
    "format, package, extra",
    [
        ("onnx", "tf2onnx", "onnx"),
        ("litert_int8", "ai-edge-litert", "litert"),
    ],
)
def test_what_a_format_needs_is_said(monkeypatch, format, package, extra):
    monkeypatch.setattr(
        export_module.importlib.util, "find_spec", lambda module: None
    )
    message = rf"needs {package}: pip install 'tfdarts\[{extra}\]'"
    with pytest.raises(ValueError, match=message):
        export("nowhere", formats=[format])


def test_data_are_for_8_bits_alone(tmp_path):
    with pytest.raises(
        ValueError, match="--dataset is only for --format=litert_i"
    ):
        export(str(tmp_path), formats=["keras"], dataset="digits")


def test_a_second_process_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(
        export_module,
        "load_network",
        lambda stage: (None, IMAGES),
    )
    monkeypatch.setattr(ImageTask, "export", lambda *_: export_again())

    def export_again():
        export(str(tmp_path), name="x")

    message = "Another process is writing to .*/x. .* give another --name"
    with pytest.raises(ValueError, match=message):
        export_again()
    monkeypatch.setattr(ImageTask, "export", lambda *_: "written")
    assert export(str(tmp_path), name="x") == "written"


def test_what_is_served_is_prepared_as_in_the_run(tmp_path, monkeypatch):
    taken = {}

    def noted(network, directory, labels, **arguments):
        taken.update(arguments, labels=labels)
        return directory / "1"

    monkeypatch.setattr(image_export, "export_saved_model", noted)
    monkeypatch.setattr(image_export, "warm_up", lambda *_: {})
    run = ExportedRun(tmp_path, None, dict)
    settings = {
        "class_names": ["a", "b"],
        "image_shape": [20, 21, 3],
        "image_fit": "crop",
        "mean": [0.1, 0.2, 0.3],
        "std": [1.0, 2.0, 3.0],
    }
    image_export.export_classifier(
        ["saved_model"], None, settings, tmp_path, run
    )
    assert taken == {
        "labels": ["a", "b"],
        "mean": [0.1, 0.2, 0.3],
        "std": [1.0, 2.0, 3.0],
        "image_size": [20, 21],
        "image_fit": "crop",
        "version": 1,
        "extra_files": {},
    }
