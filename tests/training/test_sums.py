"""Sums are equal to the bit, whichever term is ready first."""

import numpy as np
import tensorflow as tf

from tfdarts.training.sums import keep_sums_in_order

SIZE = 10_800_000
"""Floats of a term; five terms are more than 80% of 256 MB."""


def test_large_sums_do_not_depend_on_threads():
    keep_sums_in_order()
    terms = tf.function(
        lambda values: tf.add_n([values * k for k in (0.1, 0.7, 1.3, 2.9, 3.1)])
    )
    values = np.random.default_rng(0).normal(size=SIZE).astype(np.float32)
    values = tf.constant(values)
    expected = terms(values)
    for _ in range(15):
        assert tf.reduce_all(terms(values) == expected)
