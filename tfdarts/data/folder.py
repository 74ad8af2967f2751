"""Image files in folders, one folder a class."""

import collections
import hashlib
import pathlib
import struct
import warnings

import numpy as np
from PIL import Image

from tfdarts.data import held_out
from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import ImageSource
from tfdarts.data.resizing import resize

_SPLITS = ("train", "validation", "test")
_FORMATS = ("PNG", "JPEG", "BMP", "GIF")
_GREY_MODES = ("1", "L", "LA")
# What Pillow raises for a broken file depends on the format.
_BROKEN = (OSError, SyntaxError, ValueError, struct.error)
_TOO_LARGE = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def open_folder(directory, image_size=0):
    """Returns the data set of a directory of images.

    It has a directory for each class, or `train/`, and beside it `test/` and
    `validation/` if there are any, which have them. The classes are in the
    order of their names. Hidden files count for nothing. Of each image only
    size and colours are looked up, until its split is read.

    Args:
        directory: Path.
        image_size: Integer. Images become squares of this size; `0` leaves
            them as they are.

    Raises:
        DataError: If a file is no image, the images have different sizes and
            `image_size` is 0, or a split lacks a class.
    """
    directory = pathlib.Path(directory).expanduser().resolve()
    name = f"folder:{directory}"
    files, notes = _find_files(directory)
    fingerprint = _fingerprint(files, directory)
    class_names = tuple(sorted({path.parent.name for path in files["train"]}))
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
        images = resize(images, image_size) if image_size else [*images]
        labels = [class_names.index(path.parent.name) for path in paths]
        return np.stack(images), np.array(labels, "int64")

    return ImageSource(
        name,
        class_names,
        (*size, max(channels)),
        {split: len(files[split]) for split in _SPLITS if split in files},
        load,
        fingerprint=fingerprint,
        notes=tuple(notes),
    )


def _find_files(directory):
    """Returns the image files of each split, by class, and what to note."""
    names = {folder.name for folder in _folders(directory)}
    if "train" not in names:
        if names & {*_SPLITS}:
            raise DataError(
                f"{directory} has {_listed(names & {*_SPLITS})} but no train/."
            )
        return {"train": _class_files(directory)}, []
    files = {
        split: _class_files(directory / split)
        for split in _SPLITS
        if split in names
    }
    classes = {s: {p.parent.name for p in paths} for s, paths in files.items()}
    every = set.union(*classes.values())
    for split, there in classes.items():
        if there != every:
            raise DataError(
                f"{directory / split} has no {_listed(every - there)}, which "
                f"another split has. Every split must have all classes."
            )
    unread = names - {*_SPLITS}
    notes = [f"Not read, being no split: {_listed(unread)}."] if unread else []
    return files, notes


def _class_files(directory):
    """Returns the files in the directories of the classes, sorted."""
    paths = []
    for folder in _folders(directory):
        entries = [e for e in sorted(folder.iterdir()) if _visible(e)]
        if not entries:
            raise DataError(f"The class {folder} has no images.")
        for entry in entries:
            if entry.is_dir():
                raise DataError(
                    f"{entry} is a directory inside that of a class, which "
                    f"must have nothing but images."
                )
            if not entry.is_file():
                raise DataError(
                    f"{entry} is no file: a link that leads nowhere, perhaps."
                )
        paths += entries
    if not paths:
        raise DataError(
            f"{directory} must have a directory for each class, or train/ and "
            f"test/ that have them. It has none."
        )
    return paths


def _folders(directory):
    if not directory.is_dir():
        raise DataError(f"There is no directory {directory}.")
    return [
        e for e in sorted(directory.iterdir()) if e.is_dir() and _visible(e)
    ]


def _visible(path):
    return not path.name.startswith(".")


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
    except PermissionError:
        raise
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


def _fingerprint(files, directory):
    digest = hashlib.sha256()
    for path in (path for paths in files.values() for path in paths):
        where = path.relative_to(directory).as_posix()
        digest.update(f"{where} {path.stat().st_size}\n".encode())
    return digest.hexdigest()[:12]
