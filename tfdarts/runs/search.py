"""Searching a cell."""

import functools
import logging

import keras
import tensorflow as tf

from tfdarts.data import batches
from tfdarts.genotypes import Genotype
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.runs.data import open_training_data
from tfdarts.runs.data import recorded
from tfdarts.runs.early_stop import Curvature
from tfdarts.runs.early_stop import EarlyStop
from tfdarts.runs.progress import DataWait
from tfdarts.runs.progress import MetricsFile
from tfdarts.runs.progress import Progress
from tfdarts.runs.run_directory import Stage
from tfdarts.runs.search_record import SearchRecord
from tfdarts.runs.start import start
from tfdarts.runs.tensorboard import tensorboard
from tfdarts.runs.visualize import draw_run
from tfdarts.strategies.darts import DARTS
from tfdarts.strategies.early_stop import MOST_SKIPS
from tfdarts.training.checkpoints import EpochCheckpoint
from tfdarts.training.divergence import StopOnNaN
from tfdarts.training.memory import require_memory
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam
from tfdarts.training.schedules import EpochCosine
from tfdarts.training.schedules import LearningRate

logger = logging.getLogger("tfdarts")

LOGGED = {
    "loss": "loss",
    "alpha_loss": "alpha loss",
    "val_supernet_accuracy": "supernet accuracy",
    "alpha_entropy": "alpha entropy",
    "skip_connections": "skips",
    "epochs_unchanged": "epochs unchanged",
    "dominant_eigenvalue": "eigenvalue",
}


def search(config):
    """Searches a cell and leaves its genotype in the run directory.

    A search that was interrupted goes on after its last whole epoch; one
    that has finished only returns its genotype.

    Args:
        config: `tfdarts.runs.configs.SearchConfig`.

    Returns:
        The `Genotype` found.

    Raises:
        ValueError: If a setting cannot be, or the run directory holds a
            search with other settings.
        DataError: If the data do not fit the settings.
        DivergedError: If the loss becomes NaN.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055)
    """
    stage = Stage(config.run_dir, "search")
    data, darts = prepared(config)
    begin = functools.partial(
        stage.begin,
        recorded(config, data.source),
        fingerprint=data.source.fingerprint,
        mean=data.examples.mean,
        std=data.examples.std,
    )
    if stage.finished:
        begin()
        logger.info("search: already finished, in %s", stage.path)
    else:
        with stage.running():
            begin()
            genotypes, best = _fit(config, data, darts, stage)
            genotype = genotypes[best - 1]
            genotype.save(stage.run_dir / "genotype.json")
            stage.report("running", epochs=len(genotypes), best_epoch=best)
            _draw(stage)
            _warn_of_skips(genotype)
            stage.report("finished")
    return Genotype.load(stage.run_dir / "genotype.json")


def prepared(config):
    """Returns what a search works with; nothing of it has been moved yet.

    Args:
        config: `tfdarts.runs.configs.SearchConfig`.

    Returns:
        `tfdarts.runs.data.TrainingData` and a compiled `DARTS`.

    Raises:
        DataError: If the data do not fit the settings.
    """
    data = open_training_data(config, config.train_portion)
    examples = data.examples
    batches.steps_per_epoch(examples.second[1], config.batch_size)
    start(config)
    supernet = CNNSupernet(
        config.init_channels,
        config.num_cells,
        len(data.source.class_names),
        examples.first[0].shape[1:],
        num_nodes=config.num_nodes,
        recompute=config.recompute,
        dtype=config.dtype_policy,
    )
    return data, _compiled(config, supernet, data.steps_per_epoch)


def _compiled(config, supernet, steps):
    darts = DARTS(
        supernet,
        order=config.order,
        method=config.method,
        update_order=config.update_order,
        alpha_warmup_steps=config.alpha_warmup_epochs * steps,
        micro_batches=config.micro_batches,
    )
    darts.compile(
        weight_optimizer=SGD(
            EpochCosine(
                config.learning_rate,
                config.min_learning_rate,
                config.epochs,
                steps,
            ),
            momentum=config.momentum,
            l2=config.weight_decay,
            clip_norm=config.clip_norm,
        ),
        alpha_optimizer=Adam(
            config.alpha_learning_rate, l2=config.alpha_weight_decay
        ),
        jit_compile=config.jit_compile,
    )
    return darts


def _fit(config, data, darts, stage):
    supernet, examples = darts.supernet, data.examples
    logger.info(
        "search: %d images for the weights, %d for alpha, %s each, in %d "
        "classes; %s weights, %d alphas",
        len(examples.first[1]),
        len(examples.second[1]),
        "x".join(map(str, supernet.image_shape)),
        supernet.num_classes,
        f"{_size(supernet.network_weights):,}",
        _size(supernet.alpha_variables),
    )
    checkpoint = checkpoint_of(darts, stage.path / "checkpoints")
    first_epoch = checkpoint.restore()
    if first_epoch:
        logger.info("search: going on after epoch %d", first_epoch)
    record = SearchRecord(stage.path, supernet, first_epoch)
    metrics = MetricsFile(stage.path / "metrics.csv", first_epoch)
    early_stop = EarlyStop(config, record, metrics)
    if early_stop.best_epoch() is not None:
        early_stop.report()
        return record.genotypes, early_stop.best_epoch()
    pairs = batches_of_pairs(config, data, first_epoch)
    darts.fit(
        pairs,
        epochs=config.epochs,
        initial_epoch=first_epoch,
        steps_per_epoch=data.steps_per_epoch,
        validation_data=validation_batches(config, data),
        callbacks=[
            StopOnNaN(),
            LearningRate(),
            DataWait(),
            *curvature(config, data),
            record,
            metrics,
            early_stop,
            *tensorboard(config, stage),
            checkpoint,
            Progress(stage, config.epochs, data.steps_per_epoch, LOGGED),
            keras.callbacks.LambdaCallback(
                on_train_begin=lambda logs: require_memory(
                    darts.gradient_graph(pairs.element_spec[0])
                )
            ),
        ],
        shuffle=False,
        verbose=0,
    )
    early_stop.report()
    return record.genotypes, early_stop.best_epoch()


def checkpoint_of(darts, directory):
    """Returns the callback that keeps all that a search changes."""
    return EpochCheckpoint(
        directory,
        supernet=darts.supernet.variables,
        weight_optimizer=darts.optimizer.variables,
        alpha_optimizer=darts.alpha_optimizer.variables,
    )


def batches_of_pairs(config, data, first_epoch=0):
    """Returns batches for the weights beside batches for alpha."""
    return tf.data.Dataset.zip(
        batches.shuffled_batches(
            data.examples.first,
            config.batch_size,
            config.seed,
            range(first_epoch, config.epochs),
            data.transform,
        ),
        _alpha_batches(config, data, first_epoch),
    )


def _alpha_batches(config, data, first_epoch):
    """While alpha waits, zeros: nobody looks at them, and they cost nothing."""
    moving = min(max(first_epoch, config.alpha_warmup_epochs), config.epochs)
    dataset = batches.random_batches(
        data.examples.second,
        config.batch_size,
        config.seed,
        range(
            moving * data.steps_per_epoch, config.epochs * data.steps_per_epoch
        ),
        data.transform,
    )
    zeros = [tf.zeros(spec.shape, spec.dtype) for spec in dataset.element_spec]
    waiting = tf.data.Dataset.from_tensors(tuple(zeros))
    waiting = waiting.repeat((moving - first_epoch) * data.steps_per_epoch)
    return waiting.concatenate(dataset)


def validation_batches(config, data):
    """Returns the batches that the supernet's accuracy is measured on."""
    return batches.ordered_batches(
        data.examples.second, config.batch_size, data.examples.normalize
    )


def curvature(config, data):
    """Returns the callbacks that measure it, one or none."""
    if config.early_stop != "hessian":
        return []
    batch = batches.random_batches(
        data.examples.second,
        config.batch_size,
        config.seed,
        range(1),
        lambda images, seed: data.examples.normalize(images),
    )
    return [Curvature(next(iter(batch)), config.alpha_warmup_epochs)]


def _warn_of_skips(genotype):
    skips = genotype.num_skip_connections
    if skips > MOST_SKIPS:
        logger.warning(
            "search: %d of the %d edges of the normal cell are skip "
            "connections. Such cells make poor networks as a rule: the search "
            "may have collapsed. Fewer epochs or an early stop may find a "
            "better cell.",
            skips,
            len(genotype.normal),
        )


def _draw(stage):
    """Draws what was found; a failure of it is none of the search."""
    try:
        draw_run(stage.run_dir)
    except Exception as error:
        logger.warning(
            "The search is done, but drawing it failed (%s). Try again with "
            "tfdarts-visualize --run_dir=%s.",
            error,
            stage.run_dir,
        )


def _size(variables):
    return sum(int(keras.ops.size(variable)) for variable in variables)
