"""Texts of TensorFlow Datasets."""

from tfdarts.data.image_source import DataError
from tfdarts.data.text import split_into_blocks
from tfdarts.data.text_checks import require_spaces
from tfdarts.data.text_source import SPLITS
from tfdarts.data.text_source import source_of_lines
from tfdarts.data.tfds import find_builder
from tfdarts.data.tfds import prepare_builder
from tfdarts.words import lines_of
from tfdarts.words import words_of


def has_text(name):
    """Returns whether a data set consists of texts.

    Args:
        name: String; see `tfdarts.data.tfds.open_tfds`.

    Raises:
        DataError: If there is no data set of this name.
    """
    features = find_builder(name).info.features
    return features is not None and _is_text(features)


def open_tfds_text(name, prepare=False):
    """Returns the texts of a data set as a `TextSource`.

    Words are separated by spaces. If the data set has no validation or no
    test split, the missing split is cut out of `train`, as from one file.

    Args:
        name: String; see `tfdarts.data.tfds.open_tfds`.
        prepare: Boolean, whether a missing data set is downloaded. Otherwise,
            nothing is ever downloaded.

    Raises:
        DataError: If the data set is missing, or has no texts.
    """
    builder = find_builder(name)
    if not builder.info.splits:  # Only prepared data sets have splits.
        prepare_builder(builder, name, prepare)
    if not _is_text(builder.info.features):
        raise DataError(
            f"tfds:{name} must have texts called text. It has "
            f"{', '.join(builder.info.features)}."
        )

    def lines(split):
        dataset = builder.as_dataset(split=split)
        texts = dataset.map(lambda example: example["text"])
        words = [
            words_of(line, "spaces")
            for text in texts.as_numpy_iterator()
            for line in lines_of(text.decode())
        ]
        require_spaces(words, f"The {split} split of tfds:{name}")
        return words

    there = [split for split in SPLITS if split in builder.info.splits]
    if "train" not in there:
        raise DataError(f"tfds:{name} has no split called train.")
    splits = {split: lines(split) for split in there}
    if len(there) < len(SPLITS):
        blocks = split_into_blocks(splits.pop("train"), f"tfds:{name}")
        for split in splits:
            # This split exists, so its blocks stay in the training text.
            blocks["train"] += blocks.pop(split)
        splits |= blocks
    return source_of_lines(f"tfds:{name}", splits)


def _is_text(features):
    import tensorflow_datasets as tfds

    if "image" in features or "text" not in features:
        return False
    return isinstance(features["text"], tfds.features.Text)
