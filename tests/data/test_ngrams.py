"""Kneser-Ney by hand, and beside NLTK's."""

import itertools
import math

import numpy as np
import pytest
from nltk.lm import KneserNeyInterpolated
from nltk.lm import Vocabulary
from nltk.util import everygrams

from tfdarts.data.ngrams import KneserNey

# "a b a b a c", with words 0, 1, 2; word 3 never occurs.
TEXT = np.array([0, 1, 0, 1, 0, 2])


def test_bigrams_by_hand():
    """The counts: ab 2, ba 2, ac 1; before a stands b, before b and c a."""
    model = KneserNey(TEXT, 2, vocabulary_size=4)
    bigrams, words = model.lengths[1], model.lengths[0]
    # One bigram occurs once, two occur twice: 1 / (1 + 2 · 2).
    assert bigrams.discount == pytest.approx(1 / 5)
    # Each word has one different word before it; none has two.
    assert words.discount == pytest.approx(1)
    d = 1 / 5
    # With discount 1 the words share it all alike, those unseen too.
    single = (1 - 1) / 3 + 1 * 3 / 3 * (1 / 4)
    expected = {
        (0, 1): (2 - d) / 3 + d * 2 / 3 * single,
        (0, 2): (1 - d) / 3 + d * 2 / 3 * single,
        (1, 0): (2 - d) / 2 + d * 1 / 2 * single,
        (1, 1): d * 1 / 2 * single,
        (0, 3): d * 2 / 3 * single,
        # Nothing is known of what follows c.
        (2, 0): single,
    }
    found = model.probabilities(np.array([*expected]))
    np.testing.assert_allclose(found, [*expected.values()])


@pytest.mark.parametrize("order", [2, 3, 4])
def test_probabilities_of_every_context_sum_to_one(order):
    text = np.random.default_rng(0).zipf(1.6, 300) % 5
    model = KneserNey(text, order, vocabulary_size=6)
    contexts = [*itertools.product(range(6), repeat=order - 1)]
    ngrams = np.array([(*c, word) for c in contexts for word in range(6)])
    sums = model.probabilities(ngrams).reshape(-1, 6).sum(axis=1)
    np.testing.assert_allclose(sums, 1)


@pytest.mark.parametrize("order", [2, 3])
def test_it_is_nltks(order):
    """With its one discount, on words of which each has been seen."""
    random = np.random.default_rng(1)
    text = random.zipf(1.5, 400) % 7
    model = KneserNey(text, order, vocabulary_size=7)
    model.lengths[0].discount = 0.0
    for counts in model.lengths[1:]:
        counts.discount = 0.1
    words = [str(word) for word in text]
    # Of the shorter n-grams, those inside the longest alone: the first words
    # of the text have nothing before them.
    nltk = KneserNeyInterpolated(
        order, discount=0.1, vocabulary=Vocabulary(words)
    )
    nltk.fit([everygrams(words, max_len=order)])
    for ngram in random.integers(0, 7, (40, order)):
        *context, word = map(str, ngram)
        expected = nltk.score(word, context)
        assert model.probabilities(ngram[None])[0] == pytest.approx(expected)


def test_perplexity_is_of_all_but_the_first_word():
    model = KneserNey(TEXT, 3, vocabulary_size=4)
    text = np.array([1, 0, 2, 3])
    # The first trigram begins with the first word twice.
    ngrams = np.array([[1, 1, 0], [1, 0, 2], [0, 2, 3]])
    expected = np.log(model.probabilities(ngrams)).mean()
    assert model.perplexity(text) == pytest.approx(math.exp(-expected))


def test_without_rare_words_unseen_ones_have_their_share_too():
    """The counts: 01 50, 10 49; each word has one before it."""
    model = KneserNey(np.array([0, 1] * 50), 2, vocabulary_size=3)
    assert model.lengths[1].discount == 0.5
    single = 1 / 3
    p = model.probabilities(np.array([[0, 1], [0, 2]]))
    share = 0.5 * 1 / 50 * single
    np.testing.assert_allclose(p, [(50 - 0.5) / 50 + share, share])
    assert math.isfinite(model.perplexity(np.array([0, 2, 0])))
