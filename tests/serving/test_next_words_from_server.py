"""tfdarts-predict of texts, of a server and of the model itself: the same."""

import json
import pathlib
import re

import numpy as np
import pytest
import requests
import served_models

from tfdarts.cli.predict_command import command
from tfdarts.serving.clients import Client
from tfdarts.serving.clients import ServerError
from tfdarts.serving.clients import Unavailable
from tfdarts.tasks import server as server_module
from tfdarts.tasks.text_prediction import next_words

TEXT = "To be, or 'ät not\nto be"
TOKENS = [1, 2, 3, 4, 0, 5, 1, 2, 3]  # Of "ät" only the t is a word.


@pytest.fixture(params=["rest", "grpc", "model"])
def whom(request):
    """The flags that say who is asked."""
    name = served_models.WORDS
    if request.param == "model":
        models = request.getfixturevalue("models")
        return [f"--export_dir={models / name}"]
    server = request.getfixturevalue("server")
    return [f"--server={getattr(server, request.param)}", f"--name={name}"]


def predict(*arguments):
    values, _ = command.parse_arguments(arguments)
    command.run(values.flag_values_dict())


def test_json(whom, capsys):
    predict(*whom, f"--text={TEXT}", "--format=json")
    said = json.loads(capsys.readouterr().out)
    network = served_models.language_model()
    logits = network(np.array([TOKENS]))[0][0].numpy().astype("float64")
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = log_p[np.arange(len(TOKENS) - 1), TOKENS[1:]].sum()
    assert said["text"] == TEXT and said["num_words"] == len(TOKENS) - 1
    assert said["log_probability"] == pytest.approx(expected, abs=1e-4)
    best = np.argsort(-log_p[-1])
    words = [served_models.VOCABULARY[k] for k in best]
    assert [each["word"] for each in said["next_words"]] == words
    np.testing.assert_allclose(
        [each["probability"] for each in said["next_words"]],
        np.exp(log_p[-1][best]),
        atol=1e-5,
    )


def test_table(models, capsys):
    flags = [f"--export_dir={models / served_models.WORDS}"]
    predict(*flags, "--text=to be")
    head, *rows, text = capsys.readouterr().out.splitlines()
    assert head.split() == ["next", "word", "probability"]
    assert len(rows) == 6 and all(row.endswith("%") for row in rows)
    shares = [float(row.split()[1].rstrip("%")) for row in rows]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.1)
    assert text.startswith("The text: -") and " 2 words, perplexity " in text
    predict(*flags, "--text=")
    assert "The text" not in capsys.readouterr().out


def test_the_request_of_the_docs_is_answered(server):
    page = pathlib.Path(__file__).parents[2] / "docs" / "text.md"
    ((body, url),) = re.findall(
        r"^curl -d '(.*)' (\S+)$", page.read_text(), re.M
    )
    url = url.replace("http://localhost:8501", server.rest)
    url = url.replace("/pydoc:", f"/{served_models.WORDS}:")
    outputs = requests.post(url, data=body).json()["outputs"]
    # Of its four words none is known here.
    assert outputs["num_words"] == [4]
    assert {*outputs["top_words"][0]} == {*served_models.VOCABULARY}


class Answering(Client):
    """A server that answers what a test says, or fails first."""

    who = "It"

    def __init__(self, *answers):
        self.answers = [*answers]

    def ask(self, signature, inputs, outputs):
        assert (signature, inputs) == ("serving_default", {"text": [b"a"]})
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


GOOD = [[[b"a", "b"]], [[0.75, 0.25]], [-1.5], [1]]


@pytest.mark.parametrize(
    ("position", "value"),
    [
        (0, [["a"]]),
        (0, [[1, 2]]),
        (0, []),
        (1, [[0.5, float("nan")]]),
        (1, "x"),
        (2, [-1.5, -1.0]),
        (2, [None]),
        (3, ["many"]),
    ],
)
def test_answers_of_another_kind_are_refused(position, value):
    answer = [*GOOD]
    answer[position] = value
    with pytest.raises(ServerError, match="It answers, but not as a model of"):
        Answering(answer).predict_next_words(["a"])
    assert Answering(GOOD).predict_next_words(["a"]).top_words == [["a", "b"]]


def test_it_is_asked_again(monkeypatch):
    client = Answering(Unavailable("Not now."), GOOD)
    monkeypatch.setattr(server_module, "client_of", lambda *given: client)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    said = next_words("a", server="http://x", name="y")
    assert said["next_words"][0] == {"word": "a", "probability": 0.75}
    client.answers = [Unavailable("Not now.")]
    with pytest.raises(Unavailable):
        next_words("a", server="http://x", name="y", retries=0)


@pytest.mark.parametrize("given", [{}, {"images": "x.png", "text": "a"}])
def test_either_images_or_a_text(given):
    with pytest.raises(ValueError, match="Give either --images or --text"):
        command.settings_for(None)[0](**given)
