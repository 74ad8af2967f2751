"""The choices of a model after each epoch."""

import json
import os
import pathlib

import keras

from tfdarts.arguments import as_path
from tfdarts.files import write_atomically
from tfdarts.models.chosen_options import choices_of


class ChoiceHistory(keras.callbacks.Callback):
    """Records the probabilities of all choices after each epoch of a search.

    Args:
        path: Path of a JSON file, which is written after each epoch. With an
            existing file the record continues, for a search that resumes.
            Defaults to no file.

    Raises:
        ValueError: If the file holds something else, or, when the training
            begins, if the model has no choices.

    Attributes:
        epochs: List of the results of `tfdarts.choices_of`, one per epoch;
            the first is that before the first epoch.

    Example:

    >>> inputs = keras.Input((3,))
    >>> choice = tfdarts.LayerChoice.of_sizes(
    ...     keras.layers.Dense, (2, 4), name="width"
    ... )
    >>> search = tfdarts.DARTS(keras.Model(inputs, choice(inputs)), order=1)
    >>> search.compile(loss="mse")
    >>> history = tfdarts.ChoiceHistory()
    >>> data = keras.ops.ones((8, 3)), keras.ops.ones((8, 4))
    >>> _ = search.fit(data, data, epochs=2, verbose=0, callbacks=[history])
    >>> len(history.epochs), [*history.epochs[-1]]
    (3, ['width'])
    """

    def __init__(self, path: str | os.PathLike | None = None):
        super().__init__()
        self.path = None if path is None else as_path(path, "path")
        self.epochs = []
        if self.path is not None and self.path.exists():
            self.epochs = _read(self.path)

    def on_train_begin(self, logs=None):
        self._choices()

    def on_epoch_begin(self, epoch, logs=None):
        # A resumed search repeats the epochs after its last checkpoint.
        del self.epochs[epoch + 1 :]
        if epoch == 0 or not self.epochs:
            self.epochs = [self._choices()]

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(self._choices())
        if self.path is not None:
            text = json.dumps(self.epochs, indent=2)
            write_atomically(self.path, text.encode())

    def _choices(self):
        # The model of a search, or a model that is trained without search.
        model = getattr(self.model, "supernet", self.model)
        found = choices_of(model)
        if not found:
            raise ValueError(
                f"The model {model.name} has no choices to record: see "
                "tfdarts.LayerChoice."
            )
        return found

    def draw(self, path: str | os.PathLike) -> pathlib.Path:
        """Draws the probabilities over the epochs.

        Args:
            path: Path of the PNG.

        Returns:
            The path.
        """
        if not self.epochs:
            raise ValueError(
                "There is nothing to draw before the first epoch: give this "
                "callback to `fit` of a search."
            )
        from tfdarts.visualization.choices import draw_choices_by_epoch

        return draw_choices_by_epoch(self.epochs, path)


def _read(path):
    try:
        epochs = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise _damage_error(path) from error
    if not isinstance(epochs, list):
        raise _damage_error(path)
    return epochs


def _damage_error(path):
    return ValueError(
        f"{path} holds no record of choices. Delete it to begin a new record, "
        "or give another path."
    )
