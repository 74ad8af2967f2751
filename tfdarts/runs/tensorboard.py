"""What TensorBoard shows of a run."""

import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf

from tfdarts.runs.pictures import optional_pictures
from tfdarts.search_spaces.relaxation import log_softmax
from tfdarts.visualization import panels
from tfdarts.visualization.alphas import heat_map
from tfdarts.visualization.cells import draw_cells


class TensorBoard(keras.callbacks.Callback):
    """Writes the logs of each epoch for TensorBoard; the step is the epoch.

    Of a search it writes the softmax of alpha, too, as a heat map for each
    cell type, and the two cells whenever they have changed. It stands behind
    the callbacks that add to the logs.

    Args:
        directory: Path for the files of events: what `tensorboard --logdir`
            takes. A run that goes on adds files to those that are there.

    Raises:
        ValueError: If TensorBoard is not installed.
    """

    def __init__(self, directory):
        super().__init__()
        # Without it TensorFlow would fail only when the first epoch is over.
        try:
            import tensorboard.summary.v2  # noqa: F401
        except ImportError as error:
            raise ValueError(
                f"Writing for TensorBoard needs TensorBoard, but it cannot be "
                f"imported ({error}): run `pip install tensorboard`, or "
                f"leave --tensorboard out."
            ) from error
        self.directory = pathlib.Path(directory)
        self.writer = None
        self.genotype = None
        self.draws = True

    def on_epoch_end(self, epoch, logs=None):
        if self.writer is None:
            self.writer = tf.summary.create_file_writer(str(self.directory))
        with self.writer.as_default(step=epoch + 1):
            for name, value in (logs or {}).items():
                tf.summary.scalar(name, float(value))
            supernet = getattr(self.model, "supernet", None)
            if supernet is not None and self.draws:
                self._draw(supernet, epoch + 1)
        self.writer.flush()

    def on_train_end(self, logs=None):
        if self.writer is not None:
            self.writer.close()

    def _draw(self, supernet, epochs):
        """Writes pictures, until it fails once."""
        self.draws = False
        with optional_pictures(
            f"Epoch {epochs} is recorded", "TensorBoard gets no more pictures."
        ):
            self._write_alphas(supernet, epochs)
            self._write_cells(supernet.genotype())
            self.draws = True

    def _write_alphas(self, supernet, epochs):
        space = supernet.space
        for cell_type, alphas in supernet.alpha_values().items():
            figure = heat_map(
                cell_type,
                np.exp(log_softmax(alphas)),
                epochs,
                space.edges,
                space.primitives,
            )
            _write_image(f"alphas/{cell_type}", panels.png(figure))

    def _write_cells(self, genotype):
        if genotype == self.genotype:
            return
        self.genotype = genotype
        with tempfile.TemporaryDirectory() as directory:
            for path in draw_cells(genotype, directory):
                if path.suffix == ".png":
                    _write_image(f"cells/{path.stem}", path.read_bytes())


def tensorboard(config, stage):
    """Returns the callbacks that `--tensorboard` asks for: one or none."""
    if not config.tensorboard:
        return []
    return [TensorBoard(stage.path / "tensorboard")]


def _write_image(name, png):
    image = tf.io.decode_png(png, channels=3)
    tf.summary.image(name, image[tf.newaxis])
