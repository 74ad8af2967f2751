"""The set-up that all runs share: dtype check, seeds, devices."""

import logging

import keras
import tensorflow as tf

import tfdarts
from tfdarts.replicas import worker_of
from tfdarts.training.distribution import local_devices
from tfdarts.training.sums import keep_sums_in_order

logger = logging.getLogger("tfdarts")


def require_float32():
    """Raises `ValueError` if Keras' default dtype is not float32.

    Layers and models of a run set their dtypes. Keras' metrics and the
    learning rate, which checkpoints hold, use the default dtype.
    """
    floatx = keras.config.floatx()
    if floatx != "float32":
        raise ValueError(
            "tfdarts needs keras.config.floatx() to be float32, but it is "
            f"{floatx}: call keras.config.set_floatx('float32') first. "
            "--precision sets the dtype of the layers."
        )


def require_xla(config):
    """Raises `ValueError` if XLA is requested without a GPU.

    Args:
        config: `tfdarts.tasks.image_settings.ComputeConfig`.
    """
    if config.jit_compile and not local_devices("GPU"):
        raise ValueError(
            "--jit_compile needs a GPU, and there is none: on CPUs XLA's "
            "convolutions take 15 to 50 times as long. Leave --jit_compile "
            "out."
        )


def set_up(config, distribution):
    """Sets the seeds and logs versions and devices.

    Args:
        config: `tfdarts.tasks.shared_settings.RunConfig`.
        distribution: `tf.distribute.Strategy`.
    """
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    # On GPUs, TensorFlow's own order saves memory, which is scarce there.
    if config.deterministic or not local_devices("GPU"):
        keep_sums_in_order()
    logger.info(
        "tfdarts %s, TensorFlow %s, Keras %s, on %s",
        tfdarts.__version__,
        tf.__version__,
        keras.__version__,
        ", ".join(name.rpartition("device:")[2] for name in local_devices()),
    )
    count = distribution.num_replicas_in_sync
    if config.distribute != "none" and count == 1:
        logger.warning(
            "--distribute=%s finds only one device, so batches are not split.",
            config.distribute,
        )
    if count == 1 and getattr(config, "batch_norm", "local") == "global":
        logger.info("--batch_norm=global has no effect on one device.")
    if count > 1:
        worker, num_workers = worker_of(distribution)
        logger.info(
            "each batch is split among %d devices%s",
            count,
            f"; this is worker {worker} of {num_workers}, counted from 0"
            if num_workers > 1
            else "",
        )
