"""Every setting changes something: none is a flag that does nothing."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tfdarts.data import sources
from tfdarts.data.examples import TrainingExamples
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.runs.describe_data import to_recorded_config
from tfdarts.search_spaces.lookup import find_genotype
from tfdarts.tasks import image_search
from tfdarts.tasks import set_up as set_up_module
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.presets import fill_paper_settings
from tfdarts.tasks.run_data import TrainingData

SEARCH = fill_paper_settings(
    SearchConfig(
        run_dir="r", init_channels=2, num_cells=3, num_nodes=1, batch_size=128
    )
)
ONE_DEVICE = tf.distribute.get_strategy()
TRAIN = fill_paper_settings(
    TrainConfig(run_dir="r", init_channels=2, num_cells=3, batch_size=128)
)


@pytest.fixture(scope="module")
def source():
    return sources.open_source("digits")


@pytest.fixture(scope="module")
def examples(source):
    return TrainingExamples.of(source, 0.5, seed=0)


@pytest.fixture(scope="module")
def supernet():
    return CNNSupernet(2, 3, 10, (16, 16, 1), num_nodes=1)


def effects_on_search(config, supernet, examples):
    """What the search is made of, as far as settings decide it."""
    steps = len(examples.train[1]) // config.batch_size
    search = image_search.compile_search(config, supernet, steps)
    weights, alphas = search.optimizer, search.alpha_optimizer
    schedule = weights._learning_rate.get_config()
    return {
        "order": search.order,
        "method": search.method,
        "update_order": search.update_order,
        "alpha_warmup_epochs": search.alpha_warmup_steps,
        "epochs": schedule["epochs"],
        "batch_size": schedule["steps_per_epoch"],
        "learning_rate": schedule["initial"],
        "min_learning_rate": schedule["minimum"],
        "momentum": weights.momentum,
        "weight_decay": weights.l2,
        "clip_norm": weights.clip_norm,
        "alpha_learning_rate": round(float(alphas.learning_rate), 6),
        "alpha_weight_decay": alphas.l2,
        "micro_batches": search.micro_batches,
        "jit_compile": search.jit_compile,
    }


@pytest.mark.parametrize(
    ("setting", "value", "effect"),
    [
        ("method", "exact", "exact"),
        ("update_order", "weights_first", "weights_first"),
        ("alpha_warmup_epochs", 3, 15),
        ("epochs", 7, 7),
        ("batch_size", 64, 11),
        ("learning_rate", 0.5, 0.5),
        ("min_learning_rate", 0.25, 0.25),
        ("momentum", 0.5, 0.5),
        ("weight_decay", 0.5, 0.5),
        ("clip_norm", 1.5, 1.5),
        ("alpha_learning_rate", 0.5, 0.5),
        ("alpha_weight_decay", 0.25, 0.25),
        ("micro_batches", 4, 4),
        ("jit_compile", True, True),
    ],
)
def test_search_setting_changes_only_what_it_names(
    supernet, examples, setting, value, effect
):
    before = effects_on_search(SEARCH, supernet, examples)
    config = dataclasses.replace(SEARCH, **{setting: value})
    after = effects_on_search(config, supernet, examples)
    assert after[setting] == effect != before[setting]
    before[setting] = effect
    assert after == before


def test_recompute_and_precision_make_the_supernet():
    config = dataclasses.replace(SEARCH, order=1)
    plain = image_search.ImageSearch(config).darts
    config = dataclasses.replace(config, recompute=True, precision="bfloat16")
    chosen = image_search.ImageSearch(config).darts
    assert not plain.supernet.recompute and chosen.supernet.recompute
    for search, dtype in ((plain, "float32"), (chosen, "bfloat16")):
        assert search.supernet.cells[0].compute_dtype == dtype
        assert search.supernet.variable_dtype == "float32"


def first_pairs(config, examples, first_epoch=0):
    transform = examples.augment(
        config.crop_padding, config.random_flip, config.cutout_length
    )
    data = TrainingData(None, examples, transform, 5)
    pairs = image_search.batches_of_pairs(config, data, first_epoch)
    (pairs,) = pairs.take(1)
    return [part.numpy() for part in tf.nest.flatten(pairs)]


def test_augmentation_and_seed_change_the_batches(examples):
    x_train, y_train, x_val, y_val = first_pairs(SEARCH, examples)
    for setting in (
        {"crop_padding": 0},
        {"random_flip": "on"},
        {"cutout_length": 4},
    ):
        other = dataclasses.replace(SEARCH, **setting)
        x_other, y_other, v_other, _ = first_pairs(other, examples)
        np.testing.assert_array_equal(y_train, y_other)
        assert not np.array_equal(x_train, x_other)
        assert not np.array_equal(x_val, v_other)
    other = dataclasses.replace(SEARCH, seed=1)
    assert not np.array_equal(y_train, first_pairs(other, examples)[1])
    assert not np.array_equal(y_train, y_val)


def test_while_alpha_waits_no_batch_is_read_for_it(examples):
    """From then on they are those that they would have been."""

    def alpha_images(config, first_epoch):
        data = TrainingData(
            None, examples, lambda images, seed: tf.cast(images, "float32"), 5
        )
        pairs = image_search.batches_of_pairs(config, data, first_epoch)
        return [x.numpy() for _, (x, _) in pairs]

    config = dataclasses.replace(SEARCH, epochs=3)
    warm = dataclasses.replace(config, alpha_warmup_epochs=2)
    expected = alpha_images(config, first_epoch=0)
    result = alpha_images(warm, first_epoch=0)
    assert len(result) == len(expected) == 15
    assert not any(x.any() for x in result[:10])
    assert all(x.any() for x in expected)
    np.testing.assert_array_equal(result[10:], expected[10:])
    np.testing.assert_array_equal(alpha_images(warm, 1)[5:], expected[10:])
    np.testing.assert_array_equal(alpha_images(warm, 2), expected[10:])


def test_deterministic_turns_op_determinism_on(monkeypatch):
    calls = []
    monkeypatch.setattr(
        tf.config.experimental,
        "enable_op_determinism",
        lambda: calls.append(True),
    )
    set_up_module.set_up(SEARCH, ONE_DEVICE)
    assert not calls
    config = dataclasses.replace(TRAIN, deterministic=True)
    set_up_module.set_up(config, ONE_DEVICE)
    assert calls


def test_xla_is_refused_without_a_gpu(monkeypatch):
    config = dataclasses.replace(SEARCH, jit_compile=True)
    with pytest.raises(ValueError, match="--jit_compile needs a GPU"):
        set_up_module.require_xla(config)
    gpu = tf.config.list_logical_devices("CPU")
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda *kind: gpu)
    set_up_module.require_xla(config)


def test_train_portion_and_source_validation(source, examples):
    assert len(examples.train[1]) == 718 and len(examples.validation[1]) == 719
    third = TrainingExamples.of(source, 0.75, seed=0)
    assert len(third.train[1]) == 1077
    read = []
    own = dataclasses.replace(
        source,
        splits={**source.splits, "validation": 1437},
        load=lambda split: read.append(split) or source.load("train"),
    )
    assert TrainingExamples.of(own, 1, seed=0).validation is not None
    assert read == ["train", "validation"]


def test_random_genotype_is_that_of_its_seed():
    assert find_genotype("random:3") == find_genotype("random:3")
    assert find_genotype("random:3") != find_genotype("random:4")


def test_one_device_where_many_were_meant_is_said(
    monkeypatch, caplog, two_replicas
):
    monkeypatch.setattr(set_up_module.logger, "propagate", True)
    caplog.set_level("WARNING", logger="tfdarts")
    set_up_module.set_up(SEARCH, ONE_DEVICE)
    assert "batches are not split" not in caplog.text
    config = dataclasses.replace(SEARCH, distribute="mirrored")
    set_up_module.set_up(config, two_replicas)
    assert "batches are not split" not in caplog.text
    set_up_module.set_up(config, ONE_DEVICE)
    assert "--distribute=mirrored finds only one device" in caplog.text


@pytest.mark.parametrize("batch_norm", ["global", "local"])
def test_global_batch_norm_on_one_device_is_logged(
    batch_norm, caplog, monkeypatch
):
    monkeypatch.setattr(set_up_module.logger, "propagate", True)
    caplog.set_level("INFO", logger="tfdarts")
    set_up_module.set_up(TrainConfig(batch_norm=batch_norm), ONE_DEVICE)
    logged = "--batch_norm=global has no effect on one device." in caplog.text
    assert logged == (batch_norm == "global")


def test_a_run_may_go_on_with_other_devices(source):
    shared = dataclasses.replace(SEARCH, distribute="mirrored")
    assert to_recorded_config(shared, source) == to_recorded_config(
        SEARCH, source
    )
