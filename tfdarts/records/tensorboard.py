"""Event files of a run for TensorBoard."""

import pathlib
import tempfile

import keras
import tensorflow as tf

from tfdarts.records.pictures import optional_pictures
from tfdarts.visualization import panels
from tfdarts.visualization.alpha_history import chosen_edges
from tfdarts.visualization.alpha_history import heat_map
from tfdarts.visualization.cell_graphs import draw_cells
from tfdarts.visualization.curves import curves


class TensorBoard(keras.callbacks.Callback):
    """Writes the logs of each epoch for TensorBoard; the step is the epoch.

    It also writes pictures: the curves of the epochs so far and, in a search,
    the operations' weights as a heat map per cell type, and the cells when
    they change. It must follow the callbacks that add to the logs.

    Args:
        directory: Path for the event files, for `tensorboard --logdir`. A
            resumed run adds files to the existing ones.
        metrics: `tfdarts.records.progress.MetricsFile`, which precedes this
            callback and also has the epochs before a resume.
        title: String, the title of the curves.

    Raises:
        ValueError: If TensorBoard is not installed.
    """

    def __init__(self, directory, metrics, title):
        super().__init__()
        # Without this check, TensorFlow would fail after the first epoch.
        try:
            import tensorboard.summary.v2  # noqa: F401
        except ImportError as error:
            raise ValueError(
                "--tensorboard needs the package tensorboard, which cannot "
                f"be imported ({error}): run `pip install tensorboard`, or "
                "leave --tensorboard out."
            ) from error
        self.directory = pathlib.Path(directory)
        self.metrics = metrics
        self.title = title
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
            if self.draws:
                self._draw(supernet, epoch + 1)
        self.writer.flush()

    def on_train_end(self, logs=None):
        if self.writer is not None:
            self.writer.close()

    @panels.in_default_style
    def _draw(self, supernet, epochs):
        """Writes pictures, until drawing fails once."""
        self.draws = False
        with optional_pictures(
            f"Epoch {epochs} is recorded", "TensorBoard gets no more pictures."
        ):
            if supernet is not None:
                genotype = self.model.genotype()
                self._write_alphas(supernet, genotype, epochs)
                self._write_cells(genotype)
            if self._is_time_for_curves(epochs):
                self._write_curves()
            self.draws = True

    def _is_time_for_curves(self, epoch):
        """Returns whether the epoch is the last, or one of about twenty."""
        epochs = self.params.get("epochs", 1)
        ends = epoch == epochs or self.model.stop_training
        return ends or epoch % max(epochs // 20, 1) == 0

    def _write_curves(self):
        columns = {
            name: [float(row.get(name) or "nan") for row in self.metrics.rows]
            for name in self.metrics.rows[-1]
        }
        _write_image("curves", panels.to_png(curves(columns, self.title)))

    def _write_alphas(self, supernet, genotype, epochs):
        space = supernet.space
        for cell_type, values in self.model.probabilities().items():
            figure = heat_map(
                cell_type,
                values,
                epochs,
                space.edges,
                space.primitives,
                chosen_edges(genotype, cell_type, space.edges),
            )
            _write_image(f"alphas/{cell_type}", panels.to_png(figure))

    def _write_cells(self, genotype):
        if genotype == self.genotype:
            return
        self.genotype = genotype
        with tempfile.TemporaryDirectory() as directory:
            for path in draw_cells(genotype, directory):
                if path.suffix == ".png":
                    _write_image(f"cells/{path.stem}", path.read_bytes())


def write_pictures(directory, pictures, step):
    """Adds pictures to the event files of a run.

    Args:
        directory: Path of the event files.
        pictures: Dict from names to the paths of PNGs.
        step: Integer, the epoch of the pictures.
    """
    with tf.summary.create_file_writer(str(directory)).as_default(step=step):
        for name, path in pictures.items():
            _write_image(name, path.read_bytes())


def _write_image(name, png):
    image = tf.io.decode_png(png, channels=3)
    tf.summary.image(name, image[tf.newaxis])
