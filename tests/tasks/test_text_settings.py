"""Every setting for texts changes something: none is a flag without effect."""

import dataclasses

import keras
import pytest
import tiny_text

from tfdarts.layers.recurrent_cell import RecurrentCell
from tfdarts.tasks.text_search import TextSearch
from tfdarts.tasks.text_training import TextTraining


def of_model(model):
    """What a language model is made of, as far as settings decide it."""
    cell = getattr(model.recurrence, "cell", model.recurrence)
    return {
        "units": model.units,
        "word_dropout": model.word_dropout,
        "embedding_dropout": model.embedding_dropout.rate,
        "input_dropout": cell.dropout,
        "recurrent_dropout": cell.recurrent_dropout,
        "output_dropout": model.output_dropout.rate,
        "activation_l2": model.activation_l2,
        "temporal_l2": model.temporal_l2,
    }


def of_optimizer(optimizer):
    return {
        "learning_rate": round(float(optimizer.learning_rate), 5),
        "weight_decay": optimizer.l2,
        "clip_norm": optimizer.clip_norm,
    }


def of_reading(work):
    first, second = work.lengths(0), work.lengths(1)
    return {
        "steps": max(first),
        "batch_size": len(work.rows),
        "seed": (first, second),
    }


def effects_on_search(config):
    work = TextSearch(config)
    darts = work.darts
    alphas = darts.alpha_optimizer
    return {
        **of_model(darts.supernet),
        **of_optimizer(darts.optimizer),
        **of_reading(work),
        "order": darts.order,
        "method": darts.method,
        "update_order": darts.update_order,
        "alpha_warmup_epochs": darts.alpha_warmup_steps > 0,
        "num_nodes": darts.supernet.space.num_nodes,
        "epochs": sum(1 for _ in work.batches()) // work.steps_per_epoch,
        "alpha_learning_rate": round(float(alphas.learning_rate), 5),
        "alpha_weight_decay": alphas.l2,
        "momentum": darts.optimizer.momentum,
        "beta_1": alphas.beta_1,
        "clip_virtual_step": darts.clip_virtual_step,
    }


def effects_on_training(config):
    work = TextTraining(config)
    cell = getattr(work.network.recurrence, "cell", work.network.recurrence)
    return {
        **of_model(work.network),
        **of_optimizer(work.model.optimizer),
        **of_reading(work),
        "epochs": sum(1 for _ in work.batches()) // work.steps_per_epoch,
        "step_spread": work.lengths(0),
        "cell": type(cell),
        "genotype": getattr(cell, "genotype", None),
    }


COMMON = [
    ("units", 3, 3),
    ("batch_size", 4, 4),
    ("epochs", 3, 3),
    ("word_dropout", 0.3, 0.3),
    ("embedding_dropout", 0.3, 0.3),
    ("input_dropout", 0.3, 0.3),
    ("recurrent_dropout", 0.3, 0.3),
    ("output_dropout", 0.3, 0.3),
    ("activation_l2", 0.5, 0.5),
    ("temporal_l2", 0.5, 0.5),
    ("learning_rate", 0.5, 0.5),
    ("weight_decay", 0.5, 0.5),
    ("clip_norm", 1.5, 1.5),
]
SEARCH = dataclasses.replace(tiny_text.SEARCH, order=2)


@pytest.fixture(scope="module")
def search_before():
    return effects_on_search(SEARCH)


@pytest.fixture(scope="module")
def training_before():
    return effects_on_training(tiny_text.TRAINING)


def test_what_no_setting_changes(search_before):
    """Recurrent searches have no momentum, Adam's own beta, and clip."""
    assert search_before["momentum"] == 0
    assert search_before["beta_1"] == 0.9
    assert search_before["clip_virtual_step"] is True


@pytest.mark.parametrize("kind", [TextSearch, TextTraining])
def test_each_epoch_is_cut_in_its_own_way(kind):
    config = {TextSearch: SEARCH, TextTraining: tiny_text.TRAINING}[kind]
    work = kind(dataclasses.replace(config, steps=4, epochs=3))
    lengths = [work.lengths(epoch) for epoch in range(3)]
    assert lengths[0] != lengths[1] != lengths[2]
    later = work.batches(1)
    if kind is TextSearch:
        later = (pair for pair, _ in later)
    assert [x.shape[1] for x, _ in later] == lengths[1] + lengths[2]


@pytest.mark.parametrize(
    ("setting", "value", "effect"),
    [
        *COMMON,
        ("order", 1, 1),
        ("method", "exact", "exact"),
        ("update_order", "weights_first", "weights_first"),
        ("alpha_warmup_epochs", 1, True),
        ("num_nodes", 3, 3),
        ("alpha_learning_rate", 0.5, 0.5),
        ("alpha_weight_decay", 0.25, 0.25),
    ],
)
def test_search_setting_changes_only_what_it_names(
    search_before, setting, value, effect
):
    config = dataclasses.replace(SEARCH, **{setting: value})
    after = effects_on_search(config)
    assert after[setting] == effect != search_before[setting]
    # Of first order there is no method; fewer rows are longer.
    along = {"order": {"method"}, "batch_size": {"seed"}}.get(setting, set())
    for name in search_before.keys() - {setting} - along:
        assert after[name] == search_before[name], name


@pytest.mark.parametrize(("setting", "value", "effect"), COMMON)
def test_training_setting_changes_only_what_it_names(
    training_before, setting, value, effect
):
    config = dataclasses.replace(tiny_text.TRAINING, **{setting: value})
    after = effects_on_training(config)
    assert after[setting] == effect != training_before[setting]
    along = {"batch_size": {"seed", "step_spread", "steps"}}.get(setting, set())
    for name in training_before.keys() - {setting} - along:
        assert after[name] == training_before[name], name


def test_further_settings_of_a_training(training_before):
    def after(**settings):
        return effects_on_training(
            dataclasses.replace(tiny_text.TRAINING, **settings)
        )

    assert training_before["cell"] is RecurrentCell
    assert training_before["genotype"].name == "DARTS_V2"
    assert after(genotype="ENAS")["genotype"].name == "ENAS"
    assert after(cell="gru", genotype=None)["cell"] is keras.layers.GRUCell
    even = after(step_spread=0.0)["step_spread"]
    assert {*even[:-1]} <= {7, 3} != {*training_before["step_spread"][:-1]}
    assert after(steps=5, step_spread=0.0)["steps"] == 5
    assert after(seed=1)["seed"] != training_before["seed"]


def test_masks_of_keras_own_cells_are_not_shared():
    config = dataclasses.replace(
        tiny_text.TRAINING, cell="lstm", genotype=None, distribute="mirrored"
    )
    with pytest.raises(ValueError, match="--cell=lstm draws .* --distribute="):
        TextTraining(dataclasses.replace(config, recurrent_dropout=0.1))
    without = {"input_dropout": 0.0, "recurrent_dropout": 0.0}
    work = TextTraining(dataclasses.replace(config, **without))
    assert work.model.distribute_strategy.num_replicas_in_sync == 2
