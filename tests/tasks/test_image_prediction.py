"""Which images are asked about, in which requests, and what is made of it."""

import logging
import os
import sys

import numpy as np
import pytest
import tenacity
import tensorflow as tf
from image_samples import COLOR_KINDS
from image_samples import REFUSED_KINDS
from PIL import Image

from tfdarts import image_kinds
from tfdarts.data.image_source import DataError
from tfdarts.runs.predict import predict
from tfdarts.serving.clients import Answer
from tfdarts.serving.clients import InvalidArgument
from tfdarts.serving.clients import ServerError
from tfdarts.serving.clients import Unavailable
from tfdarts.tasks import image_prediction
from tfdarts.tasks import server
from tfdarts.tasks.image_prediction import PIXEL
from tfdarts.tasks.images_to_predict import find_images
from tfdarts.tasks.images_to_predict import images_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("b.PNG", "a.jpg", "deep/c.gif", "notes.txt", ".hidden/d.png"):
        path = tmp_path / "new" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    monkeypatch.chdir(tmp_path)
    return tmp_path / "new"


class Client:
    """Takes contents that begin with "x" for no images."""

    def __init__(self, unavailable=0):
        self.asked = []
        self.unavailable = unavailable

    def class_names(self, count):
        return ["cat", "dog"][:count]

    def predict(self, contents):
        self.asked.append(contents)
        if self.unavailable:
            self.unavailable -= 1
            raise Unavailable("Not now.")
        if any(content.startswith(b"x") for content in contents):
            raise InvalidArgument("It is no image.")
        probabilities = [[0.25, 0.75] for _ in contents]
        return Answer(
            ["dog"] * len(contents),
            [1] * len(contents),
            np.array(probabilities, "float32"),
        )


@pytest.fixture
def client(monkeypatch):
    client = Client()
    monkeypatch.setattr(server, "client_of", lambda *args: client)
    monkeypatch.setattr(image_prediction, "read_header", lambda file: None)
    return client


def files(directory, contents):
    paths = []
    for number, content in enumerate(contents):
        paths.append(directory / f"{number}.png")
        paths[-1].write_bytes(content)
    return paths


# Images


def test_all_images_of_a_folder_but_hidden_ones(folder, caplog):
    caplog.set_level(logging.INFO, "tfdarts")
    names = [str(p.relative_to(folder)) for p in find_images([folder])]
    assert names == ["a.jpg", "b.PNG", "deep/c.gif"]
    assert "because of their suffixes: 1 files (.txt)" in caplog.text


def test_files_and_patterns_in_their_order(folder):
    images = ["new/notes.txt", "new/*.[jP]*", "new/deep"]
    assert [str(path) for path in find_images(images)] == [
        *("new/notes.txt", "new/a.jpg", "new/b.PNG", "new/deep/c.gif")
    ]


def test_two_stars_stand_for_any_directories(folder):
    names = [path.name for path in find_images(["new/**/*.*[gG]"])]
    assert names == ["a.jpg", "b.PNG"]
    names = [path.name for path in find_images(["new/**/*.gif"])]
    assert names == ["c.gif"]


def test_what_is_no_file_is_no_image(folder):
    (folder / "dir.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    (folder / "gone.png").symlink_to("nowhere")
    assert len(find_images([folder])) == 3
    with pytest.raises(DataError, match="There is no image new/pipe.png"):
        find_images(["new/pipe.png"])


def test_names_with_signs_of_patterns(folder):
    (folder / "[a].png").touch()
    assert [p.name for p in find_images(["new/[a].png"])] == ["[a].png"]


@pytest.mark.parametrize("image", ["no.png", "new/*.bmp", "new/none", ""])
def test_no_image(folder, image):
    (folder / "none").mkdir()
    with pytest.raises(DataError) as refusal:
        find_images(["new/a.jpg", image])
    assert str(refusal.value).startswith(f"There is no image {image}: give ")


def test_nothing_to_look_at():
    with pytest.raises(DataError, match="There are no images"):
        find_images([])


@pytest.mark.parametrize("form", [str, lambda path: path, lambda path: [path]])
def test_one_path_is_one_image(folder, client, form):
    (prediction,) = predict(form(folder / "a.jpg"), export_dir="model")
    assert prediction["image"] == str(folder / "a.jpg")


def test_paths_may_be_in_an_array_or_in_the_home_directory(
    folder, client, monkeypatch
):
    monkeypatch.setenv("HOME", str(folder.parent))
    for images in ("~/new", np.array(["~/new/b.PNG", "~/new/a.jpg"])):
        names = [p["image"] for p in predict(images, export_dir="model")]
        assert str(folder / "a.jpg") in names
        assert str(folder / "b.PNG") in names


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((8, 6), (1, 8, 6, 1)),
        ((8, 6, 1), (1, 8, 6, 1)),
        ((8, 6, 3), (1, 8, 6, 3)),
        ((2, 8, 6), (2, 8, 6, 1)),
        ((2, 8, 6, 3), (2, 8, 6, 3)),
    ],
)
def test_arrays_are_images_or_one(shape, expected):
    pixels = np.random.default_rng(0).integers(0, 256, shape, "uint8")
    for given in (pixels, pixels.tolist(), tf.constant(pixels), [*pixels]):
        if len(shape) < 3 and isinstance(given, list):
            continue
        images = images_of(given)
        assert images.dtype == "float32"
        np.testing.assert_array_equal(images, pixels.reshape(expected))


def test_an_image_of_pillow_is_one_image():
    image = Image.new("L", (6, 8), 7)
    np.testing.assert_array_equal(images_of(image), np.full((1, 8, 6, 1), 7))


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.zeros((2, 8, 8, 3, 1)), "must be numbers of shape"),
        (np.full((8, 8), 256), "must be from 0 to 255"),
        (np.full((8, 8), 1.00001), "prediction are floats up to 1.00001: "),
        (np.zeros((0, 8, 8, 3)), "no images in the prediction"),
        ([np.zeros((8, 8, 3)), np.zeros((8, 9, 3))], "must have one shape"),
        ([np.zeros((8, 8, 3)), "a.png"], "must have one shape|must be numb"),
        (b"content of a file", "must be numbers"),
        (7, "must be numbers"),
    ],
)
def test_what_is_neither_a_path_nor_an_image(images, sentence):
    with pytest.raises(DataError, match=sentence):
        predict(images, export_dir="model")


def test_a_text_is_one_string(client):
    with pytest.raises(ValueError, match="`text` must be one string"):
        predict(text=["to", "be"], export_dir="model")


# Requests


def test_a_server_without_names_of_classes_is_told_of_and_answers(
    tmp_path, client, monkeypatch, caplog
):
    def refuse(count):
        raise ServerError("There is no such signature.")

    monkeypatch.setattr(client, "class_names", refuse)
    paths = files(tmp_path, [b"0", b"1", b"2"])
    with caplog.at_level("WARNING", logger="tfdarts"):
        said = predict(paths, export_dir="model", batch_size=1)
    assert [each["label"] for each in said] == ["dog"] * 3
    assert not any("class_names" in each for each in said)
    assert caplog.text.count("no such signature.) A model that tfdarts") == 1


def test_answers_stand_beside_their_images(tmp_path, client):
    paths = files(tmp_path, [b"0", b"1", b"2"])
    assert predict(paths, export_dir="model", batch_size=2) == [
        {
            "image": str(path),
            "label": "dog",
            "class_id": 1,
            "probability": 0.75,
            "probabilities": [0.25, 0.75],
            "class_names": ["cat", "dog"],
        }
        for path in paths
    ]
    assert client.asked == [[b"0", b"1"], [b"2"]]


def test_a_request_holds_no_more_than_it_may(tmp_path, client):
    paths = files(tmp_path, [b"0" * 600, b"1" * 600, b"2" * 300, b"3" * 100])
    predict(paths, export_dir="model", max_request_mb=0.001)
    sizes = [[len(content) for content in batch] for batch in client.asked]
    assert sizes == [[600], [600, 300, 100]]


def test_an_image_too_large_is_refused_before_anything_is_asked(
    tmp_path, client
):
    paths = files(tmp_path, [b"0", b"1", b"2" * 2000])
    with pytest.raises(DataError, match="0.0 MB, but a request may have at m"):
        predict(paths, export_dir="model", batch_size=1, max_request_mb=0.001)
    assert client.asked == []


@pytest.mark.parametrize("bad", [[0], [6], [2, 3], [0, 1, 2, 3, 4, 5, 6]])
def test_what_is_no_image_leaves_the_others_alone(tmp_path, client, bad):
    contents = [b"x" if k in bad else b"%d" % k for k in range(7)]
    predictions = predict(files(tmp_path, contents), export_dir="model")
    assert [k for k, each in enumerate(predictions) if "error" in each] == bad
    assert predictions[bad[0]] == {
        "image": str(tmp_path / f"{bad[0]}.png"),
        "error": "It is no image.",
    }
    assert len(predictions) == 7
    # Whether it is the images at all is asked once, of an image that is one.
    assert client.asked.count([PIXEL]) == 1
    assert all("label" in predictions[k] for k in {*range(7)} - {*bad})


def test_kinds_that_are_not_taken_are_not_asked_about(
    tmp_path, client, monkeypatch
):
    monkeypatch.setattr(
        image_prediction, "read_header", image_kinds.read_header
    )
    contents = [PIXEL, REFUSED_KINDS["bmp P"][0], PIXEL, b"no image"]
    answers = predict(files(tmp_path, contents), export_dir="model")
    assert ["label" in each for each in answers] == [True, False, True, False]
    assert answers[1]["error"].startswith("It is a BMP of a kind that Tensor")
    assert client.asked == [[PIXEL, PIXEL]]
    client.asked.clear()
    (answer,) = predict(files(tmp_path, [b"no image"]), export_dir="model")
    assert "error" in answer and client.asked == []


def test_rotated_images_are_counted(tmp_path, client, monkeypatch, caplog):
    monkeypatch.setattr(
        image_prediction, "read_header", image_kinds.read_header
    )
    contents = [PIXEL, COLOR_KINDS["jpeg RGB, rotated"], PIXEL]
    predict(files(tmp_path, contents), export_dir="model", batch_size=2)
    assert "1 of 3 images have an EXIF orientation" in caplog.text


def test_who_refuses_everything_blames_no_image(tmp_path, client, monkeypatch):
    def refuse(contents):
        client.asked.append(contents)
        raise InvalidArgument("There is no such version.")

    monkeypatch.setattr(client, "predict", refuse)
    with pytest.raises(ServerError, match="no such version") as refusal:
        predict(files(tmp_path, [b"0"] * 9), export_dir="model")
    assert type(refusal.value) is ServerError and len(client.asked) == 2


def test_the_pixel_is_an_image():
    image = tf.io.decode_image(PIXEL)
    assert image.shape == (1, 1, 1) and PIXEL.startswith(b"\x89PNG")


@pytest.fixture
def slept(monkeypatch):
    seconds = []
    monkeypatch.setattr(tenacity.nap.time, "sleep", seconds.append)
    return seconds


def test_who_cannot_answer_now_is_asked_again_later(
    tmp_path, client, slept, caplog
):
    client.unavailable = 3
    with caplog.at_level(logging.INFO, "tfdarts"):
        (prediction,) = predict(
            files(tmp_path, [b"0"]), export_dir="model", retries=3
        )
    assert prediction["label"] == "dog" and len(client.asked) == 4
    # Twice as long each time, and up to a quarter of a second more.
    for seconds, least in zip(slept, (0.25, 0.5, 1.0), strict=True):
        assert least <= seconds <= least + 0.25
    assert caplog.text.count("Not now. Trying again in") == 3


def test_at_most_eight_seconds_later(tmp_path, client, slept):
    client.unavailable = 9
    predict(files(tmp_path, [b"0"]), export_dir="model", retries=9)
    assert 8 <= max(slept) <= 8.25 and slept[-3:] > [7.9] * 3


def test_but_not_for_ever(tmp_path, client, slept):
    client.unavailable = 3
    with pytest.raises(Unavailable, match="Not now"):
        predict(files(tmp_path, [b"0"]), export_dir="model", retries=2)
    assert len(client.asked) == 3 and len(slept) == 2


def test_a_refusal_is_final(tmp_path, client, slept, monkeypatch):
    def refuse(contents):
        client.asked.append(contents)
        raise ServerError("There is no such model.")

    monkeypatch.setattr(client, "predict", refuse)
    with pytest.raises(ServerError, match="no such model"):
        predict(files(tmp_path, [b"0", b"1"]), export_dir="model", batch_size=1)
    assert len(client.asked) == 1 and not slept


# Who is asked


@pytest.mark.parametrize(
    "asked, message",
    [
        ({}, "Give either --export_dir.*or --server"),
        ({"export_dir": "x", "server": "http://h"}, "Give either"),
        ({"server": "http://h"}, "give --name"),
        (
            {"server": "http://h", "name": "a/b"},
            "--name must consist of letters",
        ),
        (
            {"export_dir": "x", "name": "y"},
            "--name is the name of a model at a server",
        ),
        ({"server": "h", "name": "x"}, "--server must be"),
        ({"export_dir": "nowhere"}, "has no version of a SavedModel"),
    ],
)
def test_nobody_or_two_to_ask(tmp_path, asked, message):
    with pytest.raises(ValueError, match=message):
        predict(files(tmp_path, [b"0"]), **asked)


def test_grpc_needs_an_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving", None)
    with pytest.raises(ValueError, match=r"pip install 'tfdarts\[serving\]'"):
        predict(files(tmp_path, [b"0"]), server="grpc://h", name="x")
