"""N-gram baselines of language models."""

import numpy as np


class KneserNey:
    """An interpolated Kneser-Ney model of n-grams.

    The probability of a word is that of its n-gram, minus a discount. The
    discounted mass is distributed by the model of the next shorter context:

        p(w | h) = max(c(h w) - d, 0) / c(h) + d n(h) / c(h) p(w | h')

    where c(h w) is the count of the n-gram, c(h) the sum of c(h w) over all
    words, n(h) the number of distinct words after h, and h' the context
    without its first word. For all n-grams but the longest, c counts the
    distinct words before them. The discount of each length is Ney's,
    d = n1 / (n1 + 2 n2), where n1 and n2 are the numbers of n-grams with
    c = 1 and c = 2; it is 1/2 if n1 is 0.

    Args:
        tokens: Integer array `(words,)`, the training text.
        order: Integer, the length n of the longest n-grams, at least 2.
        vocabulary_size: Integer. The discounted mass of unigrams is spread
            evenly over all words.

    Example:

    >>> model = KneserNey(np.array([0, 1, 0, 1, 0, 2]), 2, vocabulary_size=3)
    >>> p = model.probabilities(np.array([[0, 0, 0], [0, 1, 2]]).T)
    >>> round(float(p.sum()), 6)
    1.0

    Reference:

    - [Kneser and Ney, 1995](https://doi.org/10.1109/ICASSP.1995.479394)
    - [Chen and Goodman, 1999](https://doi.org/10.1006/csla.1999.0128),
      section 2.7
    """

    def __init__(self, tokens, order, vocabulary_size):
        self.order = order
        self.vocabulary_size = vocabulary_size
        longest = np.unique(_windows(tokens, order), axis=0, return_counts=True)
        self.lengths = [_Counts(*longest)]
        for _ in range(1, order):
            ngrams = self.lengths[0].ngrams[:, 1:]
            shorter = np.unique(ngrams, axis=0, return_counts=True)
            self.lengths.insert(0, _Counts(*shorter))

    def probabilities(self, ngrams):
        """Returns the probability of each n-gram's last word after the others.

        Args:
            ngrams: Integer array `(count, order)`.
        """
        p = np.full(len(ngrams), 1 / self.vocabulary_size)
        for length, counts in enumerate(self.lengths, start=1):
            p = counts.interpolated(ngrams[:, self.order - length :], p)
        return p

    def perplexity(self, tokens):
        """Returns the perplexity of a text from its second word on.

        At the beginning, the context is padded with copies of the first word.

        Args:
            tokens: Integer array `(words,)`.
        """
        before = np.repeat(tokens[:1], self.order - 2)
        ngrams = _windows(np.concatenate([before, tokens]), self.order)
        return float(np.exp(-np.log(self.probabilities(ngrams)).mean()))


class _Counts:
    """The counts of all n-grams of one length."""

    def __init__(self, ngrams, counts):
        self.ngrams = ngrams
        self.counts = dict(zip(map(bytes, ngrams), counts))
        # Rows are sorted, so n-grams with the same context are adjacent.
        contexts = ngrams[:, :-1]
        first = np.append(True, (contexts[1:] != contexts[:-1]).any(axis=1))
        starts = np.flatnonzero(first)
        sums = np.add.reduceat(counts, starts)
        followers = np.diff(np.append(starts, len(ngrams)))
        self.contexts = dict(
            zip(map(bytes, contexts[starts]), zip(sums, followers))
        )
        ones, twos = (np.sum(counts == count) for count in (1, 2))
        self.discount = ones / (ones + 2 * twos) if ones else 0.5

    def interpolated(self, ngrams, shorter):
        """Returns probabilities, given those of the shorter n-grams."""
        rows = map(bytes, ngrams)
        counts = np.array([self.counts.get(row, 0) for row in rows])
        contexts = map(bytes, np.ascontiguousarray(ngrams[:, :-1]))
        seen = np.array([self.contexts.get(row, (0, 0)) for row in contexts])
        sums, followers = seen.T
        share = np.maximum(counts - self.discount, 0) + (
            self.discount * followers * shorter
        )
        return np.where(sums, share / np.maximum(sums, 1), shorter)


def _windows(tokens, length):
    windows = np.lib.stride_tricks.sliding_window_view(tokens, length)
    return np.ascontiguousarray(windows)
