"""Every setting of a training changes the network or how it is trained."""

import dataclasses

import keras
import pytest

from tfdarts import genotypes
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.networks import build_network
from tfdarts.tasks.networks import compile_network
from tfdarts.tasks.presets import fill_paper_settings
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import AdamW

CONFIG = fill_paper_settings(
    TrainConfig(
        run_dir="r",
        init_channels=2,
        num_cells=3,
        epochs=8,
        auxiliary_weight=0.0,
        drop_path_rate=0.0,
    )
)


def build(image_shape=(16, 16, 1), **settings):
    config = dataclasses.replace(CONFIG, **settings)
    return build_network(config, genotypes.get("DARTS_V2"), 10, image_shape)


@pytest.fixture(scope="module")
def network():
    return build()


def optimizer_of(network, **settings):
    config = dataclasses.replace(CONFIG, **settings)
    return compile_network(config, network, 3).optimizer


def rates(network, steps, **settings):
    schedule = optimizer_of(network, **settings)._learning_rate
    return [float(schedule(step)) for step in steps]


def test_channels_cells_and_precision():
    network = build(init_channels=4, num_cells=5, precision="bfloat16")
    assert type(network) is CNNNetwork
    assert (network.init_channels, network.num_cells) == (4, 5)
    assert network.layers[1].compute_dtype == "bfloat16"
    assert {v.dtype for v in network.trainable_variables} == {"float32"}


def test_channel_multiplier(network):
    assert network.layers[-1].input.shape[-1] == 4 * 8
    wider = build(channel_multiplier=2.3)
    assert wider.layers[-1].input.shape[-1] == 4 * 11


def test_drop_path_and_stem(network):
    assert network.drop_path is None and network.stem == "cifar"
    assert build(drop_path_rate=0.1).drop_path is not None
    assert build((32, 32, 3), stem="imagenet").stem == "imagenet"


def test_the_network_sees_what_is_cropped():
    assert build((20, 24, 3), crop_size=12, crop_padding=0).input_shape == (
        *(None, 12, 12, 3),
    )


def test_an_auxiliary_head_is_around_it(network):
    plain = compile_network(CONFIG, network, 3)
    # In this order a checkpoint keeps them, that of version 0.1.0 too.
    for one, other in zip(plain.variables, network.variables, strict=True):
        assert one is other
    assert not network.compiled
    config = dataclasses.replace(CONFIG, auxiliary_weight=0.25)
    model = compile_network(config, network, 3)
    assert model.network is network and model.weight == 0.25


def test_densenet_instead_of_cells():
    network = build(network="densenet_bc", depth=16, growth_rate=3)
    assert network.name == "network"
    convs = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
    assert len(convs) == 16 - 1  # the last layer is dense
    assert convs[0].filters == 2 * 3


def test_densenet_has_depths_of_its_own():
    with pytest.raises(ValueError, match="--depth of densenet_bc must be"):
        dataclasses.replace(CONFIG, network="densenet_bc", depth=41)


def test_sgd_is_as_it_is_set(network):
    optimizer = optimizer_of(
        network, momentum=0.5, weight_decay=0.125, clip_norm=1.5
    )
    assert type(optimizer) is SGD
    assert (optimizer.momentum, optimizer.l2) == (0.5, 0.125)
    assert (optimizer.clip_norm, optimizer.nesterov) == (1.5, False)
    assert optimizer_of(network, nesterov=True).nesterov
    assert optimizer_of(network, clip_norm=0.0).clip_norm is None


def test_adamw_is_as_it_is_set(network):
    optimizer = optimizer_of(
        network, optimizer="adamw", weight_decay=0.125, clip_norm=1.5
    )
    assert type(optimizer) is AdamW
    assert (optimizer.weight_decay, optimizer.clip_norm) == (0.125, 1.5)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_averaging_is_the_optimizers(network, optimizer):
    assert not optimizer_of(network, optimizer=optimizer).use_ema
    averaging = optimizer_of(network, optimizer=optimizer, ema_momentum=0.75)
    assert averaging.use_ema and averaging.ema_momentum == 0.75


def test_cosine(network):
    schedule = optimizer_of(
        network, learning_rate=0.5, min_learning_rate=0.25
    )._learning_rate
    assert schedule.get_config() == {
        "initial": 0.5,
        "minimum": 0.25,
        "epochs": 8,
        "steps_per_epoch": 3,
    }


def test_exponential_and_steps(network):
    found = rates(
        network,
        (0, 2, 3, 6),
        schedule="exponential",
        learning_rate=1.0,
        decay_rate=0.5,
    )
    assert found == pytest.approx([1.0, 1.0, 0.5, 0.25])
    found = rates(network, (11, 12, 18), schedule="steps", learning_rate=1.0)
    assert found == pytest.approx([1.0, 0.1, 0.01])


def test_warm_up(network):
    found = rates(
        network,
        (0, 5, 6),
        warmup_epochs=2,
        schedule="exponential",
        decay_rate=1.0,
        learning_rate=0.6,
    )
    assert found == pytest.approx([0.1, 0.6, 0.6])


@pytest.mark.parametrize("settings", [{"mixup": 0.2}, {"label_smoothing": 0.1}])
def test_soft_targets_have_their_loss(network, settings):
    config = dataclasses.replace(CONFIG, **settings)
    loss = compile_network(config, network, 3).loss
    assert type(loss) is keras.losses.CategoricalCrossentropy
    plain = compile_network(CONFIG, network, 3).loss
    assert type(plain) is keras.losses.SparseCategoricalCrossentropy


def test_xla_is_asked_for(network):
    config = dataclasses.replace(CONFIG, jit_compile=True)
    assert compile_network(config, network, 3).jit_compile
    assert not compile_network(CONFIG, network, 3).jit_compile


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"warmup_epochs": 9}, "at most --epochs, 8"),
        ({"color_jitter": 1.5}, "--color_jitter must be at most 1"),
        ({"rand_augment": 1.1}, "--rand_augment must be at most 1"),
        ({"stem": "mnist"}, "--stem must be one of"),
    ],
)
def test_what_cannot_be_is_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        dataclasses.replace(CONFIG, **settings)
