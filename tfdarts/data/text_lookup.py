"""Texts by their `--dataset` specification."""

from tfdarts.arguments import specification
from tfdarts.data.image_source import DataError
from tfdarts.data.text import open_pydoc
from tfdarts.data.text import open_text
from tfdarts.data.text_source import TextSource


def open_text_source(spec, prepare=False):
    """Returns the text of a specification as a `TextSource`.

    Args:
        spec: String, one of these, or a `TextSource`, such as the result of
            `tfdarts.from_lines`:

            - `"pydoc"`: the documentation of Python's topics, which comes
              with every Python.
            - `"text:<directory>"`: `train.txt`, `valid.txt`, `test.txt`.
            - `"text:<file>"`: one text, which is cut into three splits.
            - `"tfds:<name>"`: texts of TensorFlow Datasets, such as
              `tfds:tiny_shakespeare`.
        prepare: Boolean, whether a missing TensorFlow data set may be
            downloaded.

    Raises:
        DataError: If the text does not exist or cannot be used.
    """
    spec = specification(spec)
    if isinstance(spec, TextSource):
        return spec
    if not isinstance(spec, str):
        raise DataError(
            "`dataset` must be a specification such as 'text:novel.txt', or "
            "what tfdarts.from_lines returns. Received: "
            f"{type(spec).__name__}."
        )
    match spec.split(":", 1):
        case ["pydoc"]:
            return open_pydoc()
        case ["text", path] if path:
            return open_text(path)
        case ["tfds", name] if name:
            from tfdarts.data.tfds_text import open_tfds_text

            return open_tfds_text(name, prepare)
        case ["lines", _]:
            raise DataError(
                f"{spec} was given as lines in Python, so tfdarts cannot open "
                "it by name: pass the same source as `dataset`."
            )
    raise DataError(
        f"There is no text {spec!r}. The texts are: pydoc, text:<directory>, "
        f"text:<file>, and a tfds:<name> that has a feature text."
    )


def is_text(spec):
    """Returns whether a specification is of texts, not of images.

    Only `tfds:<name>` requires a look at the data set's features.

    Args:
        spec: String, `ImageSource` or `TextSource`.

    Raises:
        DataError: If TensorFlow Datasets has no data set of this name.

    Example:

    >>> is_text("text:novels"), is_text("folder:flowers")
    (True, False)
    """
    if isinstance(spec, TextSource):
        return True
    kind, _, name = str(spec).partition(":")
    if kind == "tfds":
        from tfdarts.data.tfds_text import has_text

        return has_text(name)
    return kind in ("pydoc", "text", "lines")
