"""Building and compiling the supernet or network of a config."""

import keras

from tfdarts.models.auxiliary_head import WithAuxiliaryHead
from tfdarts.models.auxiliary_head import require_size_for_head
from tfdarts.models.densenet import densenet_bc
from tfdarts.models.language_model import LanguageModel
from tfdarts.models.on_devices import FunctionalOnDevices
from tfdarts.models.stems import stem_for
from tfdarts.primitive_table import as_function
from tfdarts.signatures import parameter_names
from tfdarts.strategies.gradient import gradient_parts
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.structures import STRUCTURES
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import AdamW
from tfdarts.training.schedules import EpochCosine
from tfdarts.training.schedules import EpochExponential
from tfdarts.training.schedules import EpochSteps
from tfdarts.training.schedules import WarmUp

NETWORK = "network"
"""The name of the layer of `train/model.keras` that is the network."""


def build_supernet(config, num_classes, image_shape):
    """Returns the supernet that a config describes.

    Args:
        config: `tfdarts.SearchConfig`.
        num_classes: Integer.
        image_shape: Tuple `(height, width, channels)`.
    """
    space = config.search_space
    return as_function(space.supernet)(
        config.init_channels,
        config.num_cells,
        num_classes,
        image_shape,
        space=space,
        stem=config.stem,
        recompute=config.recompute,
        dtype=config.dtype_policy,
        **_supernet_arguments(config),
    )


def _supernet_arguments(config):
    """Returns the arguments of a supernet that are not those of DARTS.

    Args:
        config: The settings of the search.

    Raises:
        ValueError: If the supernet of the space does not have one of them.
    """
    strategy, space = get_strategy(config.strategy), config.search_space
    arguments = gradient_parts.supernet_arguments(strategy, config)
    known = parameter_names(as_function(space.supernet))
    for name in sorted({*arguments} - known):
        raise ValueError(
            f"The strategy {strategy.name} chooses `{name}` of the supernet, "
            f"which those of --space={space.name} do not have: choose another "
            "--strategy or --dataset."
        )
    return arguments


def build_recurrent_supernet(config, vocabulary_size):
    """Returns the supernet of recurrent cells that a config describes.

    Args:
        config: `tfdarts.RNNSearchConfig`.
        vocabulary_size: Integer.
    """
    space = config.search_space
    return as_function(space.supernet)(
        vocabulary_size,
        config.units,
        space=space,
        dtype="float32",
        **config.dropouts,
        **_supernet_arguments(config),
    )


def build_search(config, supernet, steps_per_epoch, **options):
    """Returns the search of a supernet that a config describes.

    Args:
        config: The settings of the search.
        supernet: The result of `build_supernet` or `build_recurrent_supernet`.
        steps_per_epoch: Integer.
        **options: Further arguments of `DARTS`.
    """
    strategy = get_strategy(config.strategy)
    arguments = {
        "order": config.order,
        "method": config.method,
        "update_order": config.update_order,
        "alpha_warmup_steps": config.alpha_warmup_epochs * steps_per_epoch,
        **options,
        **gradient_parts.search_arguments(strategy, config),
    }
    return strategy.build_search(supernet, **arguments)


def build_network(config, genotype, num_classes, image_shape):
    """Returns the network that a config describes.

    Args:
        config: `tfdarts.TrainConfig`.
        genotype: `Genotype`, or `None` if the network has no cells.
        num_classes: Integer.
        image_shape: Tuple `(height, width, channels)` of the data; with
            `crop_size`, the network's input is smaller.
    """
    image_shape = _input_shape(config, image_shape)
    if config.network == "densenet_bc":
        return densenet_bc(
            config.depth,
            config.growth_rate,
            num_classes,
            image_shape,
            name=NETWORK,
            dtype=config.dtype_policy,
        )
    return as_function(STRUCTURES[genotype.space].network)(
        genotype,
        config.init_channels,
        config.num_cells,
        num_classes,
        image_shape,
        drop_path=config.drop_path_rate > 0,
        stem=config.stem,
        channel_multiplier=config.channel_multiplier,
        name=NETWORK,
        dtype=config.dtype_policy,
    )


def require_network(config, image_shape):
    """Raises `ValueError` if images are too small for the network.

    Args:
        config: `tfdarts.TrainConfig`, with its preset applied.
        image_shape: See `build_network`.
    """
    if config.auxiliary_weight:
        shape = _input_shape(config, image_shape)
        require_size_for_head(shape, stem_for(shape, config.stem))


def _input_shape(config, image_shape):
    if config.crop_size:
        return (config.crop_size, config.crop_size, image_shape[-1])
    return image_shape


def build_language_model(config, genotype, vocabulary_size):
    """Returns the language model that a config describes.

    Args:
        config: `tfdarts.RNNTrainConfig`.
        genotype: `Genotype`, or `None` for an LSTM or GRU.
        vocabulary_size: Integer.
    """
    rates, form = config.dropouts, {"dtype": "float32"}
    if genotype is not None:
        network = as_function(STRUCTURES[genotype.space].network)
        return network(genotype, vocabulary_size, config.units, **rates, **form)
    kinds = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
    recurrence = kinds[config.cell](
        config.units,
        dropout=rates.pop("input_dropout"),
        recurrent_dropout=rates.pop("recurrent_dropout"),
        return_sequences=True,
        return_state=True,
        **form,
    )
    return LanguageModel(
        recurrence, vocabulary_size, config.units, **rates, **form
    )


def compile_network(config, network, steps_per_epoch):
    """Returns the compiled model to train.

    Args:
        config: `tfdarts.TrainConfig`.
        network: The result of `build_network`.
        steps_per_epoch: Integer.

    Returns:
        The network's layers as another model, or `WithAuxiliaryHead`. The
        network is not compiled, so it is saved without optimizer.
    """
    if config.auxiliary_weight:
        model = WithAuxiliaryHead(network, config.auxiliary_weight)
    else:
        model = FunctionalOnDevices(network.input, network.output)
        model.dtype_policy = network.dtype_policy
    losses = keras.losses
    loss = (
        losses.CategoricalCrossentropy
        if config.has_soft_targets
        else losses.SparseCategoricalCrossentropy
    )
    model.compile(
        optimizer=_optimizer(config, _schedule(config, steps_per_epoch)),
        loss=loss(from_logits=True),
        metrics=["accuracy"],
        jit_compile=config.jit_compile,
    )
    model.optimizer.build(model.trainable_variables)
    return model


def _schedule(config, steps_per_epoch):
    initial, epochs = config.learning_rate, config.epochs
    match config.schedule:
        case "cosine":
            schedule = EpochCosine(
                initial, config.min_learning_rate, epochs, steps_per_epoch
            )
        case "exponential":
            schedule = EpochExponential(
                initial, config.decay_rate, steps_per_epoch
            )
        case "steps":
            schedule = EpochSteps(initial, epochs, steps_per_epoch)
    if config.warmup_epochs:
        schedule = WarmUp(schedule, config.warmup_epochs * steps_per_epoch)
    return schedule


def _optimizer(config, learning_rate):
    common = {"clip_norm": config.clip_norm or None}
    if config.ema_momentum:
        common |= {"use_ema": True, "ema_momentum": config.ema_momentum}
    if config.optimizer == "adamw":
        return AdamW(learning_rate, weight_decay=config.weight_decay, **common)
    return SGD(
        learning_rate,
        momentum=config.momentum,
        nesterov=config.nesterov,
        l2=config.weight_decay,
        **common,
    )


def count_parameters(network):
    """Returns the number of trainable parameters."""
    return sum(int(keras.ops.size(v)) for v in network.trainable_variables)


def save_network(model, stage):
    """Writes a model into its stage atomically.

    Args:
        model: `tfdarts.serving.classifier.with_preprocessing` of a network,
            or a language model.
        stage: `Stage`.
    """
    partial = stage.path / ".model.keras"
    model.save(partial)
    partial.replace(stage.path / "model.keras")


def network_of(model):
    """Returns the network inside a model that `save_network` wrote.

    Version 0.1.0 saved image networks without preprocessing.
    """
    if any(layer.name == NETWORK for layer in model.layers):
        return model.get_layer(NETWORK)
    return model
