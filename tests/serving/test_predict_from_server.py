"""tfdarts-predict of a server and of the model itself: the same."""

import json

import numpy as np
import pytest
import served_models
import tensorflow as tf

import tfdarts
from tfdarts.cli.predict_command import command
from tfdarts.data.image_source import DataError
from tfdarts.serving.clients import Answer
from tfdarts.serving.clients import ServerError
from tfdarts.serving.clients import Unavailable
from tfdarts.tasks import image_prediction
from tfdarts.tasks import server as server_module
from tfdarts.tasks.request_settings import RequestSettings

IMAGES = np.random.default_rng(5).integers(
    0, 256, (5, *served_models.SHAPE), "uint8"
)


@pytest.fixture
def folder(tmp_path):
    for number, image in enumerate(IMAGES):
        path = tmp_path / "new" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(tf.io.encode_png(image).numpy())
    return tmp_path / "new"


@pytest.fixture(params=["rest", "grpc", "model"])
def whom(request):
    """The flags that say who is asked."""
    if request.param == "model":
        models = request.getfixturevalue("models")
        return [f"--export_dir={models / 'pets'}"]
    server = request.getfixturevalue("server")
    return [f"--server={getattr(server, request.param)}", "--name=pets"]


def predict(*arguments):
    values, _ = command.parse_arguments(arguments)
    command.run(values.flag_values_dict())


@pytest.mark.parametrize("version", [None, 1])
def test_json(folder, whom, version, capsys):
    chosen = [f"--model_version={version}"] if version else []
    predict(*whom, *chosen, f"--images={folder}", "--format=json")
    predictions = json.loads(capsys.readouterr().out)
    expected = served_models.probabilities(version or 2, IMAGES)
    np.testing.assert_allclose(
        [each["probabilities"] for each in predictions], expected, atol=1e-5
    )
    for number, each in enumerate(predictions):
        best = expected[number].argmax()
        assert each["image"] == str(folder / f"{number}.png")
        assert each["class_id"] == best
        assert each["class_names"] == [*served_models.LABELS]
        assert each["label"] == served_models.LABELS[best]
        assert each["probability"] == pytest.approx(
            expected[number].max(), abs=1e-5
        )


@pytest.mark.parametrize(
    "given",
    [
        lambda images: images,
        lambda images: images.astype("float32"),
        lambda images: images / 255,
        lambda images: [tf.constant(image) for image in images],
    ],
)
def test_arrays_are_asked_about_as_they_are(whom, given):
    options = dict(flag[2:].split("=") for flag in whom)
    said = tfdarts.predict(
        given(IMAGES), batch_size=np.int64(2), timeout=np.float32(9), **options
    )
    np.testing.assert_allclose(
        [each["probabilities"] for each in said],
        served_models.probabilities(2, IMAGES),
        atol=1e-5,
    )
    assert [each["image"] for each in said] == [0, 1, 2, 3, 4]
    assert {*said[0]} == {
        *("image", "label", "class_id", "probability", "probabilities"),
        "class_names",
    }
    (alone,) = tfdarts.predict(given(IMAGES)[3], **options)
    assert alone == {
        **said[3],
        "image": 0,
        "probability": pytest.approx(said[3]["probability"], abs=1e-5),
        "probabilities": pytest.approx(said[3]["probabilities"], abs=1e-5),
    }


@pytest.mark.parametrize("shape", [(12, 10, 1), (2, 12, 10), (10, 12, 3)])
def test_arrays_of_another_shape_are_refused(whom, shape):
    options = dict(flag[2:].split("=") for flag in whom)
    *_, height, width = shape[: 2 + (len(shape) == 3 and shape[2] > 3)]
    with pytest.raises(ServerError, match=f"images are {height}x{width} pixel"):
        tfdarts.predict(np.zeros(shape, "uint8"), **options)


def test_a_table_and_what_could_not_be_used(folder, whom, capsys):
    (folder / "3.png").write_bytes(b"no image")
    images = f"--images={folder / '0.png'},{folder}/[1-4].*"
    with pytest.raises(DataError) as refusal:
        predict(*whom, "--batch_size=3", images)
    lines = capsys.readouterr().out.splitlines()
    expected = served_models.probabilities(2, IMAGES)
    assert lines[0].split() == ["image", "label", "probability"]
    for number, line in enumerate(lines[1:]):
        best = expected[number].argmax()
        shown = served_models.LABELS[best], f"{expected[number].max():.2%}"
        shown = ("-", "-") if number == 3 else shown
        assert line.split() == [str(folder / f"{number}.png"), *shown]
    assert str(refusal.value).startswith(
        f"1 of 5 images could not be used. {folder}/3.png: "
    )
    assert "It is not a PNG, JPEG, BMP" in str(refusal.value)


def test_what_could_not_be_used_may_be_left_out(folder, models, caplog):
    for number in (2, 3):
        (folder / f"{number}.png").write_bytes(b"no image")
    asked = f"--export_dir={models / 'pets'}", f"--images={folder}"
    with pytest.raises(DataError) as refusal:
        predict(*asked)
    said = str(refusal.value)
    assert said.startswith("2 of 5") and f"{folder}/3.png: It is not" in said
    predict(*asked, "--skip_broken")
    assert said in caplog.text
    with pytest.raises(DataError, match="1 of 1 images could not be used"):
        predict(asked[0], "--skip_broken", f"--images={folder / '2.png'}")


def test_a_name_with_a_comma(folder, whom, capsys):
    path = (folder / "0.png").rename(folder / "a,b.png")
    predict(*whom, f"--images={path}")
    assert f"{path}  " in capsys.readouterr().out


def test_what_was_answered_is_shown_when_the_server_goes(
    folder, monkeypatch, capsys
):
    class Client:
        asked = 0

        def class_names(self, count):
            return ["cat", "dog"]

        def predict(self, contents):
            if self.asked:
                raise Unavailable("It is gone.")
            self.asked += 1
            probabilities = np.array([[0.0, 1.0]] * len(contents))
            return Answer(["dog"] * 2, [1] * 2, probabilities)

    monkeypatch.setattr(server_module, "client_of", lambda *_: Client())
    flags = "--server=x", "--name=n", "--batch_size=2", "--retries=0"
    with pytest.raises(Unavailable, match="It is gone"):
        predict(*flags, f"--images={folder}")
    assert len(capsys.readouterr().out.splitlines()) == 1 + 2


def test_what_the_flags_say_arrives(monkeypatch):
    seen = []

    def noted(images, **options):
        seen.extend([images, options])
        return iter(())

    monkeypatch.setattr(image_prediction, "predictions", noted)
    flags = "server=x name=n model_version=stable batch_size=3 timeout=4"
    more = "retries=5 max_request_mb=6"
    predict(
        *(f"--{flag}" for flag in f"{flags} {more}".split()), "--images=a, b"
    )
    whom = {"export_dir": None, "server": "x", "name": "n", "version": "stable"}
    how = {"batch_size": 3, "timeout": 4.0, "retries": 5, "max_request_mb": 6.0}
    assert seen == [("a", "b"), whom | how]


@pytest.mark.parametrize("version", ["", "9" * 20, "1/x", "-1"])
def test_what_is_no_version(version):
    with pytest.raises(ValueError, match="--model_version must be the number"):
        RequestSettings(model_version=version)


def test_a_label_that_there_is_not_is_no_fault_of_images(folder, server):
    for where in server.rest, server.grpc:
        with pytest.raises(ServerError, match="label: nolabel"):
            predict(
                f"--server={where}",
                *("--name=pets", "--model_version=nolabel"),
                f"--images={folder}",
            )
