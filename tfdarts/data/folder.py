"""Image files in folders, one folder a class."""

import collections
import hashlib
import itertools
import pathlib
import struct
import warnings

import numpy as np
from PIL import Image

from tfdarts.data import held_out
from tfdarts.data.files import entries
from tfdarts.data.files import unreadable
from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import ImageSource
from tfdarts.data.image_source import check_class_names
from tfdarts.data.image_source import check_name
from tfdarts.data.image_source import fingerprint
from tfdarts.data.pixels import collected
from tfdarts.data.resizing import resize
from tfdarts.signs import composed

_SPLITS = ("train", "validation", "test")
_VALIDATION = ("validation", "val", "valid")
# What Windows puts beside images.
_LITTER = ("thumbs.db", "desktop.ini")
_FORMATS = ("PNG", "JPEG", "BMP", "GIF")
_GREY_MODES = ("1", "L", "LA")
# What Pillow raises for a broken file depends on the format.
_BROKEN = (OSError, SyntaxError, ValueError, struct.error)
_TOO_LARGE = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def open_folder(directory, image_size=0, image_fit="stretch"):
    """Returns the data set of a directory of images.

    It has a directory for each class, or `train/`, and beside it `test/` and
    `validation/` (or `val/`, or `valid/`) if there are any, which have them.
    The classes are in the order of their names. Hidden files count for
    nothing. No image is decoded until its split is read.

    Args:
        directory: Path.
        image_size: Integer. Images become squares of this size; `0` leaves
            them as they are.
        image_fit: See `tfdarts.data.resizing.resize`.

    Raises:
        DataError: If a file is no image, the images have different sizes and
            `image_size` is 0, or a split lacks a class.
    """
    directory = pathlib.Path(directory).expanduser().resolve()
    name = f"folder:{directory}"
    files, notes = _find_files(directory)
    folders = sorted({path.parent.name for path in files["train"]})
    check_class_names(folders, name)
    class_names = tuple(map(composed, folders))
    contents = _fingerprint(files)
    if "test" not in files:
        files = {**files, **_held_out(files["train"], name)}
        notes.append(held_out.NOTE)
    looks = {path: _look_up(path) for paths in files.values() for path in paths}
    sizes = collections.Counter(size for size, _ in looks.values())
    channels = {channels for _, channels in looks.values()}
    if len(channels) > 1:
        notes.append("Some images are grey, some colour: all become colour.")
    if image_size:
        notes.append(f"Images are resized to {image_size}x{image_size}.")
        size = (image_size, image_size)
    elif len(sizes) > 1:
        raise DataError(
            f"The images in {directory} have different sizes, height x width: "
            f"{_counted(sizes, looks)}. Give --image_size, and all become "
            f"squares of that size."
        )
    else:
        (size,) = sizes

    def load(split):
        paths = files[split]
        images = (_decoded(path, max(channels)) for path in paths)
        if image_size:
            images = (resize(i, image_size, image_fit) for i in images)
        images = collected(images, len(paths), (*size, max(channels)))
        labels = [class_names.index(_class_of(path)) for path in paths]
        return images, np.array(labels, "int64")

    return ImageSource(
        name,
        class_names,
        (*size, max(channels)),
        {split: len(files[split]) for split in _SPLITS if split in files},
        load,
        fingerprint=contents,
        notes=tuple(notes),
    )


def _find_files(directory):
    """Returns the image files of each split, by class, and what to note."""
    names = {folder.name for folder in _visible(directory) if folder.is_dir()}
    if "train" not in names:
        if names & {*_SPLITS}:
            raise DataError(
                f"{directory} has {_listed(names & {*_SPLITS})} but no train/."
            )
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
                f"{directory / places[split]} has no {_listed(every - there)}, "
                f"which another split has. Every split must have all classes."
            )
    notes = [
        f"{place}/ is the {split} split."
        for split, place in places.items()
        if split != place
    ]
    unread = names - {*places.values()}
    if unread:
        notes.append(f"Not read, being no split: {_listed(unread)}.")
    return files, notes


def _validation(names, directory):
    """Returns the directory of the validation split, if there is one."""
    there = names & {*_VALIDATION}
    if len(there) > 1:
        raise DataError(
            f"{directory} has {_listed(there)}, of which only one can be the "
            f"validation split. Move the other away."
        )
    return {"validation": place for place in there}


def _class_files(directory):
    """Returns the files in the directories of the classes, sorted."""
    paths = []
    for folder in filter(pathlib.Path.is_dir, _visible(directory)):
        images = _visible(folder)
        if not images:
            raise DataError(f"The class {folder} has no images.")
        for entry in images:
            if entry.is_dir():
                raise DataError(
                    f"{entry} is a directory inside that of a class, which "
                    f"must have nothing but images."
                )
            if not entry.is_file():
                raise DataError(
                    f"{entry} is no file: a link that leads nowhere, perhaps."
                )
        paths += images
    if not paths:
        raise DataError(
            f"{directory} must have a directory for each class, or train/ and "
            f"test/ that have them. It has none."
        )
    return paths


def _class_of(path):
    """Returns the name of a file's class, alike in all splits."""
    return composed(path.parent.name)


def _visible(directory):
    """Returns the paths of what is in a directory and counts, sorted."""
    visible = [
        path
        for path in entries(directory)
        if not path.name.startswith(".") and path.name.lower() not in _LITTER
    ]
    for path in visible:
        check_name(path.name, f"Something in {directory}")
    return visible


def _listed(names):
    return ", ".join(f"{name}/" for name in sorted(names))


def _held_out(paths, name):
    """Returns the files of a training split in two parts."""
    classes = np.array([path.parent.name for path in paths])
    rows = zip(("train", "test"), held_out.test_rows(classes, name))
    return {split: [paths[row] for row in part] for split, part in rows}


def _look_up(path):
    """Returns height and width, and the channels, without decoding."""
    with _opened(path) as image:
        if image.mode.startswith(("I", "F")):
            raise DataError(
                f"{path} has more than 8 bits a pixel and channel: convert "
                f"it to 8."
            )
        return (image.height, image.width), 3 - 2 * (image.mode in _GREY_MODES)


def _decoded(path, channels):
    with _opened(path) as image:
        try:
            if image.mode == "P":  # Or Pillow warns where it is transparent.
                image = image.convert("RGBA")
            pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
        except _BROKEN as error:
            raise DataError(f"{path} is a broken image: {error}.") from error
    return pixels.reshape(*pixels.shape[:2], channels)


def _opened(path):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path, formats=_FORMATS)
    except _TOO_LARGE as error:
        raise DataError(
            f"{path} has more than {Image.MAX_IMAGE_PIXELS:,} pixels, or is "
            f"broken and says so. Make it smaller."
        ) from error
    except PermissionError as error:
        raise unreadable(path, error) from error
    except _BROKEN as error:
        raise DataError(
            f"{path} is no image that can be read; PNG, JPEG, BMP and GIF can."
        ) from error


def _counted(sizes, looks, most=5):
    """Returns the commonest sizes with an example of each."""
    examples = {size: path for path, (size, _) in looks.items()}
    counts = [
        f"{h}x{w} ({count:,} of them, as "
        f"{examples[h, w].parent.name}/{examples[h, w].name})"
        for (h, w), count in sizes.most_common(most)
    ]
    more = len(sizes) - most
    return ", ".join(counts) + (f" and {more} more" if more > 0 else "")


def _fingerprint(files):
    """Returns that of all the files that training may read."""
    read = {split: paths for split, paths in files.items() if split != "test"}
    names = {s: [p.parts[-2:] for p in paths] for s, paths in read.items()}
    paths = itertools.chain.from_iterable(read.values())
    return fingerprint(([*files], names), map(_digest, paths))


def _digest(path):
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise unreadable(path, error) from error
