"""Image files in folders, one folder per class."""

import collections
import hashlib
import itertools
import logging
import pathlib

import numpy as np
import tensorflow as tf

from tfdarts.characters import compose_accents
from tfdarts.data import splits
from tfdarts.data.directories import unreadable_error
from tfdarts.data.folder_splits import SPLITS
from tfdarts.data.folder_splits import class_of
from tfdarts.data.folder_splits import find_files
from tfdarts.data.image_files import decode_files
from tfdarts.data.image_files import describe_bad
from tfdarts.data.image_files import find_broken
from tfdarts.data.image_files import read_headers
from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import ImageSource
from tfdarts.data.image_source import check_class_names
from tfdarts.data.image_source import fingerprint
from tfdarts.data.pixels import collect_images

logger = logging.getLogger("tfdarts")


def open_folder(
    directory, image_size=0, image_fit="stretch", skip_broken=False
):
    """Returns the data set of a directory of images.

    The directory has a folder for each class, or it has `train/` and
    optionally `test/` and `validation/` (or `val/`, or `valid/`), which have
    these folders. The classes are in the order of their names. Hidden files
    are ignored. `tfdarts.decoding.decode_image` defines the pixels of images.
    No image is decoded until its split is read, unless `skip_broken`.

    Args:
        directory: Path.
        image_size: Integer. Images become squares of this size; `0` leaves
            them unchanged.
        image_fit: See `tfdarts.decoding.resize`.
        skip_broken: Boolean, whether unusable files are left out. All files
            are decoded once to find them.

    Raises:
        DataError: If files are no usable images, the images have different
            sizes and `image_size` is 0, or a split lacks a class.
    """
    directory = pathlib.Path(directory).expanduser().resolve()
    name = f"folder:{directory}"
    files, notes = find_files(directory)
    looks, bad = read_headers(_paths_of_all_splits(files))
    if bad or skip_broken:
        if bad and not skip_broken:
            logger.info(
                "data: checking all images, because some cannot be used"
            )
        bad |= find_broken([*looks])
    if bad and not skip_broken:
        raise _unusable_error(bad, _paths_of_all_splits(files), directory)
    if bad:
        notes.append(_skipped_note(bad, files, directory))
        files = _remove_bad(bad, files, directory)
        looks = {path: looks[path] for path in _paths_of_all_splits(files)}
    folders = sorted({path.parent.name for path in files["train"]})
    check_class_names(folders, name)
    class_names = tuple(map(compose_accents, folders))
    contents = _fingerprint(files, looks)
    if "test" not in files:
        files = {**files, **_split_off_test(files["train"], name)}
        notes.append(splits.NOTE)
    sizes = collections.Counter(look.size for look in looks.values())
    channels = {look.channels for look in looks.values()}
    notes += _conversion_notes(looks)
    if image_size:
        notes.append(f"Images are resized to {image_size}x{image_size}.")
        size = (image_size, image_size)
    elif len(sizes) > 1:
        raise DataError(
            f"The images in {directory} have different sizes, height x width: "
            f"{_list_sizes(sizes, looks)}. Give --image_size to resize all "
            "images to squares of that size."
        )
    else:
        (size,) = sizes
    shape = (*size, max(channels))

    def load(split):
        paths = files[split]
        images = decode_files(paths, shape, image_fit if image_size else None)
        try:
            images = collect_images(images, len(paths), shape)
        except (OSError, tf.errors.InvalidArgumentError) as error:
            bad = find_broken(_paths_of_all_splits(files))
            if not bad:
                raise
            raise _unusable_error(
                bad, _paths_of_all_splits(files), directory
            ) from error
        labels = [class_names.index(class_of(path)) for path in paths]
        return images, np.array(labels, "int64")

    return ImageSource(
        name,
        class_names,
        shape,
        {split: len(files[split]) for split in SPLITS if split in files},
        load,
        fingerprint=contents,
        notes=tuple(notes),
    )


def _paths_of_all_splits(files):
    return [*itertools.chain.from_iterable(files.values())]


def _unusable_error(bad, paths, directory):
    return DataError(
        f"{len(bad):,} of {len(paths):,} files in {directory} cannot be used. "
        f"{describe_bad(bad, directory)}. Repair or remove these files, or "
        "give --skip_broken to leave them out."
    )


def _skipped_note(bad, files, directory):
    """Returns a sentence on the number of bad files in each split."""
    counts = {split: len(bad.keys() & paths) for split, paths in files.items()}
    of_splits = ", ".join(
        f"{count:,} of {split}" for split, count in counts.items() if count
    )
    return (
        f"Left out by --skip_broken: {len(bad):,} of "
        f"{len(_paths_of_all_splits(files)):,} files ({of_splits}). "
        f"{describe_bad(bad, directory)}."
    )


def _remove_bad(bad, files, directory):
    """Returns the files of each split without the bad ones."""
    good = {s: [p for p in paths if p not in bad] for s, paths in files.items()}
    for split, paths in files.items():
        lost = {p.parent for p in paths} - {p.parent for p in good[split]}
        if lost:
            raise DataError(
                f"None of the files in {', '.join(map(str, sorted(lost)))} "
                f"can be used. {describe_bad(bad, directory)}. Every class "
                f"must have an image in every split."
            )
    return good


def _conversion_notes(looks):
    """Returns sentences on conversions of the images."""
    notes = []
    if len({look.channels for look in looks.values()}) > 1:
        notes.append(
            "Some images are gray and some are color: all become color."
        )
    rotated = sum(look.is_rotated for look in looks.values())
    if rotated:
        notes.append(
            f"{rotated:,} of {len(looks):,} images have an EXIF orientation "
            "that asks for a rotation. tfdarts ignores the orientation, in "
            "training and on a server. To rotate the pixels themselves, run "
            "mogrify -auto-orient (ImageMagick)."
        )
    transparent = sum(look.is_transparent_gif for look in looks.values())
    if transparent:
        notes.append(
            f"{transparent:,} of {len(looks):,} images are GIFs with "
            f"transparent pixels, which become black."
        )
    return notes


def _split_off_test(paths, name):
    """Splits the files of a training split into training and test files."""
    classes = np.array([path.parent.name for path in paths])
    rows = zip(("train", "test"), splits.test_rows(classes, name))
    return {split: [paths[row] for row in part] for split, part in rows}


def _list_sizes(sizes, looks, most=5):
    """Returns the most frequent sizes, with an example of each."""
    examples = {look.size: path for path, look in looks.items()}
    counts = [
        f"{h}x{w} ({count:,} of them, such as "
        f"{examples[h, w].parent.name}/{examples[h, w].name})"
        for (h, w), count in sizes.most_common(most)
    ]
    more = len(sizes) - most
    return ", ".join(counts) + (f" and {more} more" if more > 0 else "")


def _fingerprint(files, looks):
    """Returns the fingerprint of all files that training may read."""
    read = {split: paths for split, paths in files.items() if split != "test"}
    names = {s: [p.parts[-2:] for p in paths] for s, paths in read.items()}
    description = ([*files], names)
    if any(
        looks[path].is_transparent_gif for path in _paths_of_all_splits(read)
    ):
        # Version 0.1.0 read these files with other pixels.
        description = (*description, "transparent GIFs on black")
    return fingerprint(description, map(_digest, _paths_of_all_splits(read)))


def _digest(path):
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise unreadable_error(path, error) from error
