"""R-DARTS: where it goes back to, with which weight decay, and resume."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_gradient_parts import TINY

import tfdarts
from tfdarts.records.progress import Progress
from tfdarts.runs.early_stop import Curvature
from tfdarts.strategies.early_stop_rules import RULES
from tfdarts.strategies.gradient.adaptive_decay import AdaptiveDecay


def tiny_search(**options):
    keras.utils.set_random_seed(0)
    supernet = tfdarts.CNNSupernet(
        *(2, 3, 3, (4, 4, 1)), num_nodes=1, primitives=("skip_connect",)
    )
    search = AdaptiveDecay(supernet, order=1, **options)
    search.compile(tfdarts.SGD(0.5, momentum=0.0, l2=3e-4))
    return search


def flat(search):
    weights = search.supernet.network_weights
    return np.concatenate([np.ravel(v) for v in weights])


def test_a_step_has_the_raised_decay():
    """Without gradient, a step multiplies the weights by 1 - η λ."""
    search = tiny_search(decay_factor=10.0, largest_weight_decay=0.03)
    _, _, state = search._compiled_loss.values()
    zeros = tf.zeros_like(flat(search))
    for decay, more in ((3e-4, True), (3e-3, True), (0.03, False)):
        assert search.weight_decay == pytest.approx(decay)
        assert search.may_stop_early is more
        search.use_decay()
        before = flat(search)
        search.step_weights(zeros, state)
        np.testing.assert_allclose(
            flat(search), before * (1 - 0.5 * decay), rtol=1e-6
        )
        search.raise_decay()


def test_a_saved_search_has_its_rises(tmp_path):
    search = tiny_search(weight_decay=1e-4, decay_factor=3.0)
    search.raise_decay()
    search.save(tmp_path / "search.keras")
    loaded = keras.saving.load_model(tmp_path / "search.keras")
    assert loaded.weight_decay == pytest.approx(3e-4)
    assert {id(loaded.rises)} <= set(map(id, loaded.own_variables))


@pytest.fixture
def decays(monkeypatch):
    """Epochs and weight decays of a search whose rule is simple.

    After the third epoch, the first would be the result.
    """
    seen = []

    def note(self, epoch, logs=None):
        seen.append((epoch, round(self.model.optimizer.l2, 6)))
        logs["dominant_eigenvalue"] = float(epoch)

    monkeypatch.setattr(Curvature, "on_epoch_end", note)
    monkeypatch.setitem(
        *(RULES, "robust_darts"),
        lambda history, patience: 1 if len(history.eigenvalues) == 3 else None,
    )
    return seen


def config_of(path, **settings):
    own = {"epochs": 4, "early_stop": "robust_darts", "early_stop_from": 1}
    return tfdarts.search_config(
        "robust_darts", **TINY | own, order=1, run_dir=str(path), **settings
    )


EXPECTED = [
    *((0, 3e-4), (1, 3e-4), (2, 3e-4)),
    *((1, 3e-3), (2, 3e-3)),
    *((1, 0.03), (2, 0.03), (3, 0.03)),
]


def arrays_of(path):
    with np.load(path / "search" / "alphas.npz") as file:
        return dict(file)


def test_a_search_goes_back_and_on_with_more_decay(decays, tmp_path):
    genotype = tfdarts.search(config_of(tmp_path / "whole"))
    assert decays == EXPECTED
    alphas = arrays_of(tmp_path / "whole")
    assert {len(each) for each in alphas.values()} == {5}
    file = tmp_path / "whole" / "search" / "genotypes" / "epoch_4.json"
    assert tfdarts.Genotype.load(file) == genotype


@pytest.mark.slow
def test_a_search_that_was_killed_goes_back_as_often(decays, tmp_path):
    """Killed before it goes back, and in the epoch after."""
    genotype = tfdarts.search(config_of(tmp_path / "whole"))
    decays.clear()
    counts, report = iter(range(100)), Progress.on_epoch_end

    def interrupt(self, epoch, logs=None):
        report(self, epoch, logs)
        if next(counts) in (2, 3):
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Progress, "on_epoch_end", interrupt)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                tfdarts.search(config_of(tmp_path / "killed"))
        assert tfdarts.search(config_of(tmp_path / "killed")) == genotype
    assert decays == EXPECTED
    alphas = arrays_of(tmp_path / "whole")
    for name, each in arrays_of(tmp_path / "killed").items():
        np.testing.assert_array_equal(each, alphas[name])


def test_what_cannot_adapt_is_refused():
    for setting, message in (
        ({"early_stop": "none"}, "adapts the weight decay to --early_stop"),
        ({"weight_decay": 0.01}, "can never rise"),
        ({"dataset": "pydoc"}, "cannot search on texts"),
    ):
        with pytest.raises(ValueError, match=message):
            tfdarts.search_config("robust_darts", **setting)
