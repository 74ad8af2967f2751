"""A search that cannot move alpha, or has not, says so, with numbers."""

import numpy as np
import pytest
import scipy.stats
from scipy.special import softmax

from tfdarts.runs.alpha_movement import unmoved_warning
from tfdarts.runs.alpha_movement import warn_of_short_path
from tfdarts.runs.search_configs import search_config
from tfdarts.strategies.verdict import judge
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.presets import fill_paper_settings
from tfdarts.tasks.rnn_configs import RNNSearchConfig


def said(config, steps_per_epoch, caplog):
    with caplog.at_level("WARNING", "tfdarts"):
        warn_of_short_path(config, steps_per_epoch)
    return caplog.text


@pytest.mark.parametrize(
    ("config", "steps_per_epoch"),
    [
        (fill_paper_settings(SearchConfig()), 390),
        (RNNSearchConfig(), 104),
        (SearchConfig(epochs=10, alpha_learning_rate=0.1), 5),
        # Its alphas do not learn.
        (search_config("random_sharing", epochs=1), 5),
    ],
)
def test_the_papers_searches_are_long_enough(config, steps_per_epoch, caplog):
    assert not said(config, steps_per_epoch, caplog)


def test_a_search_that_is_too_short_is_warned_of(caplog):
    text = said(fill_paper_settings(SearchConfig()), 2, caplog)
    # 100 steps of 3e-4.
    assert "100 steps (50 epochs of 2)" in text
    assert (
        "--alpha_learning_rate=0.0003, move alpha by at most 0.03 nats" in text
    )
    assert "--alpha_learning_rate to 0.05 or more" in text


@pytest.mark.parametrize("rate", [0.1, 3.0])
def test_few_steps_choose_nothing_at_any_rate(rate, caplog):
    config = SearchConfig(epochs=7, alpha_learning_rate=rate)
    text = said(config, 7, caplog)
    assert "49 steps (7 epochs of 7)" in text and "at least 50" in text
    assert "--alpha_learning_rate" not in text


def test_warm_up_does_not_count(caplog):
    config = RNNSearchConfig(alpha_warmup_epochs=48)
    assert "12 steps (2 epochs of 6)" in said(config, 6, caplog)


def test_a_search_of_warm_up_alone_is_warned_of(caplog):
    config = RNNSearchConfig(alpha_warmup_epochs=50)
    assert "alpha does not move" in said(config, 104, caplog)


@pytest.mark.parametrize("primitives", [5, 8])
def test_alphas_that_have_chosen_nothing(primitives):
    random = np.random.default_rng(0)
    noise = random.normal(size=(14, primitives))
    weights = softmax(1e-3 * noise, axis=1)
    text = unmoved_warning({"normal": weights, "reduce": weights[:, ::-1]})
    assert f"at most {np.log(primitives):.4f} nats" in text
    weights = np.sort(weights, axis=1)
    assert f"of an edge is {weights[:, -1].mean():.4f}" in text
    assert f"second strongest {weights[:, -2].mean():.4f}" in text


@pytest.mark.parametrize(("largest", "chosen"), [(0.19, False), (0.2, True)])
def test_there_is_one_verdict(largest, chosen):
    """The entropy of 0.19 and seven equal weights is 99.2 %, of 0.2 98.9 %."""
    weights = np.tile([largest, *[(1 - largest) / 7] * 7], (14, 1))
    share = scipy.stats.entropy(weights, axis=1).mean() / np.log(8)
    assert (share < 0.99) == chosen
    assert (unmoved_warning({"normal": weights}) is None) == chosen
    assert judge({"normal": weights}, {}).sound == chosen
