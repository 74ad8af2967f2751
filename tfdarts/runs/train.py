"""Training the network of a genotype."""

import dataclasses
import functools
import logging

import keras
import tensorflow as tf

from tfdarts.data import augmentation
from tfdarts.data import batches
from tfdarts.data.targets import soft_targets
from tfdarts.runs.data import open_training_data
from tfdarts.runs.data import recorded
from tfdarts.runs.networks import build_network
from tfdarts.runs.networks import compile_network
from tfdarts.runs.progress import MetricsFile
from tfdarts.runs.progress import Progress
from tfdarts.runs.run_directory import Stage
from tfdarts.runs.run_directory import read_json
from tfdarts.runs.run_directory import write_json
from tfdarts.runs.start import start
from tfdarts.runs.tensorboard import tensorboard
from tfdarts.search_spaces.lookup import find_genotype
from tfdarts.training.checkpoints import EpochCheckpoint
from tfdarts.training.distribution import distribution_strategy
from tfdarts.training.divergence import StopOnNaN
from tfdarts.training.memory import require_memory
from tfdarts.training.schedules import LearningRate
from tfdarts.training.schedules import LinearDropPath

logger = logging.getLogger("tfdarts")

LOGGED = {
    "loss": "loss",
    "accuracy": "accuracy",
    "val_loss": "validation loss",
    "val_accuracy": "validation accuracy",
}


def train(config):
    """Trains a genotype's network and leaves it in the run directory.

    The test examples are not read: `evaluate` does that. A training that was
    interrupted goes on after its last whole epoch.

    Args:
        config: `tfdarts.runs.configs.TrainConfig`.

    Returns:
        The results, a dict: what `train/results.json` holds.

    Raises:
        ValueError: If a setting cannot be, or the run directory holds a
            training with other settings.
        DataError: If the data do not fit the settings.
        DivergedError: If the loss becomes NaN.
    """
    stage = Stage(config.run_dir, "train")
    genotype = _genotype(config, stage.run_dir)
    data = open_training_data(
        config,
        1 - config.validation_portion,
        crop_size=config.crop_size,
        color_jitter=config.color_jitter,
        rand_augment=config.rand_augment,
    )
    strategy = distribution_strategy(config.distribute, config.batch_size)
    start(config)
    with strategy.scope():
        network = build_network(
            config,
            genotype,
            len(data.source.class_names),
            data.examples.first[0].shape[1:],
        )
        model = compile_network(config, network, data.steps_per_epoch)
    begin = functools.partial(
        stage.begin,
        recorded(config, data.source),
        genotype=genotype and dataclasses.asdict(genotype),
        fingerprint=data.source.fingerprint,
        mean=data.examples.mean,
        std=data.examples.std,
        class_names=data.source.class_names,
        image_shape=data.examples.first[0].shape[1:],
    )
    if stage.finished:
        begin()
        logger.info("train: already finished, in %s", stage.path)
    else:
        with stage.running():
            begin()
            results = _fit(config, data, network, model, strategy, stage)
            write_json(stage.path / "results.json", results)
            stage.report("finished", epochs=config.epochs)
    return read_json(stage.path / "results.json")


def _genotype(config, run_dir):
    """Returns the genotype to be trained; `None` where there are no cells."""
    if config.network != "cells":
        return None
    return find_genotype(config.genotype or str(run_dir))


def _fit(config, data, network, model, strategy, stage):
    examples = data.examples
    num_parameters = sum(
        int(keras.ops.size(v)) for v in network.trainable_variables
    )
    logger.info(
        "train: %d images, %d for validation; %s parameters; %d device(s)",
        len(examples.first[1]),
        len(examples.second[1]) if examples.second else 0,
        f"{num_parameters:,}",
        strategy.num_replicas_in_sync,
    )
    with strategy.scope():
        checkpoint = EpochCheckpoint(
            stage.path / "checkpoints",
            network=model.variables,
            optimizer=model.optimizer.variables,
        )
    _warn_of_average(config, config.epochs * data.steps_per_epoch)
    first_epoch = checkpoint.restore()
    if first_epoch:
        logger.info("train: going on after epoch %d", first_epoch)
    training, validation = _datasets(config, data, first_epoch)
    metrics = MetricsFile(stage.path / "metrics.csv", first_epoch)
    model.fit(
        training,
        epochs=config.epochs,
        initial_epoch=first_epoch,
        steps_per_epoch=data.steps_per_epoch,
        validation_data=validation,
        callbacks=[
            StopOnNaN(),
            LearningRate(),
            *_regularization(config, network),
            metrics,
            *tensorboard(config, stage),
            checkpoint,
            Progress(stage, config.epochs, data.steps_per_epoch, LOGGED),
            keras.callbacks.LambdaCallback(
                on_train_begin=lambda logs: require_memory(
                    _gradient_graph(model, training.element_spec)
                )
            ),
        ],
        shuffle=False,
        verbose=0,
    )
    partial = stage.path / ".model.keras"
    network.save(partial)
    partial.replace(stage.path / "model.keras")
    first, second = data.examples.first, data.examples.second
    return {
        "num_parameters": num_parameters,
        "train_examples": len(first[1]),
        "validation_examples": 0 if second is None else len(second[1]),
        "seconds": round(stage.status().get("seconds", 0.0), 1),
        **{
            name: float(value)
            for name, value in metrics.rows[-1].items()
            if name not in ("epoch", "learning_rate")
        },
    }


def _warn_of_average(config, steps):
    """Says so where the first weights count for much in the average."""
    if config.ema_momentum**steps > 0.01:
        logger.warning(
            "train: --ema_momentum=%g averages over some %d steps, and the "
            "training has %d: it would end near the first weights. Give a "
            "smaller one, or more epochs.",
            config.ema_momentum,
            round(1 / (1 - config.ema_momentum)),
            steps,
        )


def _datasets(config, data, first_epoch):
    """Returns the batches of training, and of validation or `None`."""
    examples, num_classes = data.examples, len(data.source.class_names)
    soft = config.has_soft_targets
    training = batches.shuffled_batches(
        examples.first,
        config.batch_size,
        config.seed,
        range(first_epoch, config.epochs),
        data.transform,
        soft_targets(num_classes, config.label_smoothing, config.mixup)
        if soft
        else None,
    )
    if examples.second is None:
        return training, None
    validation = batches.ordered_batches(
        examples.second,
        config.batch_size,
        lambda images: augmentation.as_tested(
            images, examples.mean, examples.std, config.crop_size
        ),
    )
    if soft:
        validation = validation.map(
            lambda images, labels: (images, tf.one_hot(labels, num_classes))
        )
    return training, validation


def _regularization(config, network):
    """Returns the callbacks of drop path and of averaged weights."""
    callbacks = []
    if config.drop_path_rate:
        callbacks.append(
            LinearDropPath(
                network.drop_path, config.drop_path_rate, config.epochs
            )
        )
    if config.ema_momentum:
        callbacks.append(keras.callbacks.SwapEMAWeights())
    return callbacks


def _gradient_graph(model, batch_spec):
    """The graph that costs the most memory, on one device."""

    @tf.function
    def gradients(x, y):
        with tf.GradientTape() as tape:
            outputs, _ = model.stateless_call(
                [v.value for v in model.trainable_variables],
                [v.value for v in model.non_trainable_variables],
                x,
                training=True,
            )
            losses = [
                model.loss(y, logits) for logits in tf.nest.flatten(outputs)
            ]
            loss = tf.add_n(losses)
        return tape.gradient(loss, model.trainable_variables)

    return gradients.get_concrete_function(*batch_spec).graph
