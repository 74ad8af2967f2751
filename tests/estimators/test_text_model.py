"""The estimator for texts."""

import math

import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import tfdarts

SMALL = {"units": 8, "batch_size": 4, "epochs": 1, "steps": 8}
SEARCH = {**SMALL, "num_nodes": 2, "order": 1}
TRAINING = {**SMALL, "step_spread": 1.0}
LINES = ["the cat sat on the mat", "the dog sat on the log"] * 60


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    model = tfdarts.TextModel(
        max_minutes=0,
        run_dir=tmp_path_factory.mktemp("runs"),
        search_settings=SEARCH,
        train_settings=TRAINING,
    )
    return model.fit(LINES)


def test_words_and_probabilities(fitted):
    """The next words' probabilities and those of longer texts agree."""
    assert fitted.vocabulary_[:3] == ("<unk>", "the", "cat")
    words = fitted.predict("the cat")
    assert all(0 < p < 1 for _, p in words)
    word, probability = words[0]
    longer = fitted.log_probability(f"the cat {word}")
    before = fitted.log_probability("the cat")
    assert longer - before == pytest.approx(math.log(probability), abs=1e-4)


def test_the_last_lines_are_tested(fitted):
    results = fitted.evaluate()
    assert results["test_words"] == sum(len(x.split()) + 1 for x in LINES[108:])
    assert fitted.score() == -results["test_loss"]
    assert math.exp(results["test_loss"]) == pytest.approx(
        results["test_perplexity"]
    )


def test_a_file_is_a_text(tmp_path):
    path = tmp_path / "novel.txt"
    with pytest.raises(tfdarts.DataError, match="There is no text"):
        tfdarts.TextModel().fit(path)
    with pytest.raises(NotFittedError):
        clone(tfdarts.TextModel()).predict("the")
