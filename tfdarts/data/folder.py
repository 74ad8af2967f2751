"""Image files in folders, one folder per class."""

import collections
import hashlib
import itertools
import logging
import pathlib
import re

import numpy as np
import tensorflow as tf

from tfdarts.characters import compose_accents
from tfdarts.data import splits
from tfdarts.data.directories import list_entries
from tfdarts.data.directories import unreadable_error
from tfdarts.data.image_files import decode_files
from tfdarts.data.image_files import describe_bad
from tfdarts.data.image_files import find_broken
from tfdarts.data.image_files import read_headers
from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import ImageSource
from tfdarts.data.image_source import check_class_names
from tfdarts.data.image_source import check_name
from tfdarts.data.image_source import fingerprint
from tfdarts.data.pixels import collect_images

_SPLITS = ("train", "validation", "test")
_VALIDATION = ("validation", "val", "valid")
# Common names of splits, in lower case, and common endings of these names.
_LOOK_LIKE = {
    "train": ("train", "training"),
    "validation": (*_VALIDATION, "validate", "dev"),
    "test": ("test", "testing"),
}
_OF_SPLITS = ("", "set", "data", "dataset", "images")
# Files that Windows puts beside images, and macOS into archives.
_LITTER = ("thumbs.db", "desktop.ini", "__macosx")

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
    files, notes = _find_files(directory)
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
        labels = [class_names.index(_class_of(path)) for path in paths]
        return images, np.array(labels, "int64")

    return ImageSource(
        name,
        class_names,
        shape,
        {split: len(files[split]) for split in _SPLITS if split in files},
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


def _find_files(directory):
    """Returns the image files of each split, by class, and notes."""
    names = {folder.name for folder in _visible(directory) if folder.is_dir()}
    _check_names_of_splits(names, directory)
    if "train" not in names:
        if names & {*_SPLITS}:
            raise DataError(
                f"{directory} has {_join_names(names & {*_SPLITS})} but no "
                "train/."
            )
        _check_not_wrapped(names, directory)
        return {"train": _class_files(directory)}, []
    places = {"train": "train", **_validation(names, directory), "test": "test"}
    files = {
        split: _class_files(directory / place)
        for split, place in places.items()
        if place in names
    }
    classes = {s: {*map(_class_of, paths)} for s, paths in files.items()}
    every = set.union(*classes.values())
    for split, there in classes.items():
        if there != every:
            raise DataError(
                f"{directory / places[split]} has no "
                f"{_join_names(every - there)}, which another split has. "
                "Every split must have all classes."
            )
    notes = [
        f"{place}/ is the {split} split."
        for split, place in places.items()
        if split != place
    ]
    unread = names - {*places.values()}
    if unread:
        notes.append(
            f"Not read, because these are not splits: {_join_names(unread)}."
        )
    return files, notes


def _check_names_of_splits(names, directory):
    """Raises `DataError` if splits seem to be misnamed."""
    likely = {
        name: split
        for split, alike in _LOOK_LIKE.items()
        for name in names
        if _looks_like(directory / name, alike)
    }
    misnamed = {
        name: split
        for name, split in likely.items()
        if name not in (*_SPLITS, *_VALIDATION)
    }
    # Otherwise a class among others may be called Test.
    are_splits = (
        "train" in likely.values()
        and len({*likely.values()}) > 1
        or {*likely} == names
        or any(_has_folders(directory / name) for name in misnamed)
    )
    if misnamed and are_splits:
        renamed = ", ".join(
            f"{name}/ to {split}/" for name, split in sorted(misnamed.items())
        )
        raise DataError(
            f"{directory} has {_join_names({*misnamed})}, which looks like a "
            "split of the data, not like a class. Splits are called train/, "
            "validation/ and test/, and have a directory for each class. "
            f"Rename {renamed}; if it is a class, give it another name."
        )


def _looks_like(directory, alike):
    """Returns whether a directory seems to be the split with some names.

    Example:

    >>> train = ("train", "training")
    >>> _looks_like(pathlib.Path("Train-Data"), train)
    True
    """
    words = re.split(r"[\W_]+", directory.name.lower())
    if "".join(words) in (a + end for a in alike for end in _OF_SPLITS):
        return True
    return not {*words}.isdisjoint(alike) and _has_folders(directory)


def _check_not_wrapped(names, directory):
    """Raises `DataError` if a single directory seems to hold all classes."""
    name = min(names, default="")
    if len(names) == 1 and _has_folders(directory / name):
        raise DataError(
            f"{directory} has nothing but {name}/, whose directories seem to "
            f"be the classes or the splits: give folder:{directory / name}."
        )


def _has_folders(directory):
    return any(path.is_dir() for path in _visible(directory))


def _validation(names, directory):
    """Returns the directory of the validation split, if it exists."""
    there = names & {*_VALIDATION}
    if len(there) > 1:
        raise DataError(
            f"{directory} has {_join_names(there)}. Only one of these can be "
            "the validation split: move the other away."
        )
    return {"validation": place for place in there}


def _class_files(directory):
    """Returns the files in the class directories, sorted."""
    paths = []
    for folder in filter(pathlib.Path.is_dir, _visible(directory)):
        images = _visible(folder)
        if not images:
            raise DataError(f"The class {folder} has no images.")
        for entry in images:
            if entry.is_dir():
                raise DataError(
                    f"{entry} is a directory inside the directory of a class. "
                    "The directory of a class must contain only images."
                )
        paths += images
    if not paths:
        raise DataError(
            f"{directory} must have a directory for each class, or train/ and "
            "test/ with a directory for each class. It has no directories."
        )
    return paths


def _class_of(path):
    """Returns the name of a file's class, the same in all splits."""
    return compose_accents(path.parent.name)


def _visible(directory):
    """Returns the paths of a directory's visible entries, sorted."""
    visible = [
        path
        for path in list_entries(directory)
        if not path.name.startswith(".") and path.name.lower() not in _LITTER
    ]
    for path in visible:
        check_name(path.name, f"An entry of {directory}")
    return visible


def _join_names(names):
    return ", ".join(f"{name}/" for name in sorted(names))


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
