import errno
import os
import pathlib

import pytest
import tensorflow as tf

import tfdarts
from tfdarts.cli.errors import classify_error
from tfdarts.cli.errors import os_error_sentence
from tfdarts.tasks.configs import SearchConfig
from tfdarts.training import memory
from tfdarts.training.checkpoints import EpochCheckpoint


class DataError(ValueError):
    """Of the same name as one of tfdarts, but another's."""


def caught(function, *arguments):
    """The exception that a call raises, with its traceback."""
    try:
        function(*arguments)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def os_error(name, *path):
    number = getattr(errno, name)
    return OSError(number, os.strerror(number), *path)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("ENOSPC", "cannot be written: no space is left on the disk. Free"),
        ("EDQUOT", "cannot be written: your disk quota is used up."),
        (
            "EFBIG",
            "cannot be written: it would exceed the limit for the size of",
        ),
        ("EROFS", "cannot be written: the disk is mounted read-only."),
        ("EACCES", "cannot be read or written: permission is denied. Give"),
        ("EPERM", "cannot be read or written: permission is denied. Give"),
        ("ENOENT", "does not exist. Check the path."),
        ("ENOTDIR", "cannot be used: part of its path is a file, not a dir"),
        ("EEXIST", "is a file, but a directory is needed. Give another"),
        ("EISDIR", "is a directory, but a file is needed. Give a file."),
        ("ENAMETOOLONG", "cannot be used: its name is too long. Give a sh"),
        ("EMFILE", "cannot be opened: too many files are open. Raise the"),
        ("EIO", "cannot be used: Input/output error. Check the path."),
    ],
)
def test_what_the_system_refuses_is_a_sentence(name, sentence):
    said = os_error_sentence(os_error(name, "runs/x"))
    assert said.startswith(f"runs/x {sentence}")
    assert classify_error(os_error(name, "runs/x")) == (2, said)
    without = os_error_sentence(os_error(name))
    assert without.startswith(f"A file, or the output, {sentence}")


def test_where_only_words_are_left_they_are_known():
    error = OSError(
        "Can't write data (file write failed: errno = 28, error message = "
        "'No space left on device')"
    )
    assert "no space is left on the disk" in os_error_sentence(error)


def test_an_os_error_without_a_number_keeps_its_words():
    error = OSError("Unable to open file (file signature not found)")
    assert classify_error(error) == (2, str(error))
    assert classify_error(OSError()) == (2, "OSError")


def test_a_sentence_of_tfdarts_itself_is_not_said_again(tmp_path):
    checkpoint = EpochCheckpoint(tmp_path / "directory", some=[])
    (tmp_path / "directory").rmdir()
    (tmp_path / "directory").touch()
    error = caught(checkpoint.on_epoch_end, 0)
    assert type(error) is OSError
    code, said = classify_error(error)
    assert code == 2
    assert said == str(error)
    assert said.startswith("The state after epoch 1 could not be written")


def test_tensorflow_words_for_a_system_error(tmp_path):
    (tmp_path / "file").touch()
    error = caught(tf.io.write_file, f"{tmp_path}/file/x", "text")
    assert classify_error(error) == (
        2,
        f"{tmp_path}/file/x cannot be used: part of its path is a file, not "
        f"a directory. Give another path.",
    )


def test_an_error_of_tensorflow_is_a_bug():
    error = caught(tf.linalg.inv, tf.zeros((2, 2)))
    assert isinstance(error, tf.errors.OpError)
    assert classify_error(error)[0] == 1


def test_the_flags_to_lower_are_those_of_the_command():
    said = [
        classify_error(MemoryError(), flags)[1] for flags in ("", "a", "abc")
    ]
    assert said == [
        "Out of memory: close other programs, or use a larger machine.",
        "Out of memory: lower --a.",
        "Out of memory: lower --a, --b or --c.",
    ]
    _, said = classify_error(MemoryError(), "ab", "xy")
    assert said == "Out of memory: lower --a or --b, or give --x or --y."


def test_what_is_known_of_the_memory_is_said(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 5e6)
    assert classify_error(caught(memory.require_memory, 3e10), "a") == (
        4,
        "A step needs at least 30.00 GB of memory, but only 0.01 GB are left: "
        "lower --a.",
    )


def test_a_value_error_is_the_users_only_where_tfdarts_raised_it(monkeypatch):
    assert classify_error(caught(SearchConfig, None, "digits", -1))[0] == 2
    assert classify_error(caught(int, "x"))[0] == 1
    assert classify_error(ValueError("raised by nobody"))[0] == 1


def test_a_value_error_out_of_c_code_is_not_of_the_line_that_called_it():
    # What is written in C has no frame: the last one is that of the caller.
    names = {}
    path = pathlib.Path(tfdarts.__file__).with_name("line.py")
    exec(compile("def f():\n    int('x')", path, "exec"), names)
    error = caught(names["f"])
    assert error.__traceback__.tb_next.tb_frame.f_code.co_filename == str(path)
    assert error.__traceback__.tb_next.tb_next is None
    assert classify_error(error)[0] == 1


def test_another_librarys_data_error_is_none_of_ours():
    assert classify_error(caught(raising, DataError("x")))[0] == 1


def raising(error):
    raise error
