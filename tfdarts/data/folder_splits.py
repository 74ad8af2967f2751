"""Which files of a directory are images of which split and class."""

import pathlib
import re

from tfdarts.characters import compose_accents
from tfdarts.data.directories import list_entries
from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import check_name

SPLITS = ("train", "validation", "test")

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


def find_files(directory):
    """Returns the image files of each split, by class, and notes."""
    names = {folder.name for folder in _visible(directory) if folder.is_dir()}
    _check_names_of_splits(names, directory)
    if "train" not in names:
        if names & {*SPLITS}:
            raise DataError(
                f"{directory} has {_join_names(names & {*SPLITS})} but no "
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
    classes = {s: {*map(class_of, paths)} for s, paths in files.items()}
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
        if name not in (*SPLITS, *_VALIDATION)
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


def class_of(path):
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
