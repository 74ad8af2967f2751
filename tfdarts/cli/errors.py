"""Translating errors into sentences and exit codes."""

import dis
import errno
import os
import re

from tfdarts.cli.plugin_errors import failed_part
from tfdarts.cli.plugin_errors import is_of_tfdarts
from tfdarts.cli.plugin_errors import plugin_error_sentence

EXIT_CODES = {
    "unexpected": 1,
    "usage": 2,
    "data": 3,
    "memory": 4,
    "diverged": 5,
    "worker": 6,
    "joining": 14,
    "interrupted": 130,
    "unread": 141,
    "terminated": 143,
}

INTERRUPTED = "Interrupted."
RESUME = (
    "Everything up to the last whole epoch is kept: re-run the same "
    "command to resume."
)

RESUME_ALL = (
    "Everything up to the last whole epoch is kept: re-run the same "
    "command on all workers to resume."
)

_MAKE_ROOM = "Free some space, or give a path on another disk."
_DENIED = "cannot be read or written: permission is denied"
_OTHER_PLACE = "Give another path, or ask for access to this one."

_REFUSALS = {
    errno.ENOSPC: (
        "cannot be written: no space is left on the disk",
        _MAKE_ROOM,
    ),
    errno.EDQUOT: (
        "cannot be written: your disk quota is used up",
        _MAKE_ROOM,
    ),
    errno.EFBIG: (
        "cannot be written: it would exceed the limit for the size of a file",
        "Raise the limit, see `ulimit -f`, or give a path on another disk.",
    ),
    errno.EROFS: (
        "cannot be written: the disk is mounted read-only",
        "Give another path.",
    ),
    errno.EACCES: (_DENIED, _OTHER_PLACE),
    errno.EPERM: (_DENIED, _OTHER_PLACE),
    errno.ENOENT: ("does not exist", "Check the path."),
    errno.ENOTDIR: (
        "cannot be used: part of its path is a file, not a directory",
        "Give another path.",
    ),
    errno.EEXIST: (
        "is a file, but a directory is needed",
        "Give another path.",
    ),
    errno.EISDIR: ("is a directory, but a file is needed", "Give a file."),
    errno.ENAMETOOLONG: (
        "cannot be used: its name is too long",
        "Give a shorter name.",
    ),
    errno.EMFILE: (
        "cannot be opened: too many files are open",
        "Raise the limit, see `ulimit -n`.",
    ),
}


class Terminated(BaseException):
    """Raised when the process receives SIGTERM."""


def classify_error(error, costly=(), sparing=(), resumes=True):
    """Returns the exit code and the message for an error.

    Args:
        error: Exception, with its traceback.
        costly: Sequence of the names of flags that increase memory use.
        sparing: Sequence of the names of flags that reduce memory use.
        resumes: Boolean, whether the command resumes an interrupted run.
    """
    interrupted = f"{INTERRUPTED} {RESUME}" if resumes else INTERRUPTED
    ours, kinds = _kinds(error)
    message = str(error) or type(error).__name__
    if isinstance(error, KeyboardInterrupt):
        return EXIT_CODES["interrupted"], interrupted
    if isinstance(error, Terminated):
        return EXIT_CODES["terminated"], interrupted
    if "DataError" in ours:
        return EXIT_CODES["data"], message
    if "DivergedError" in ours:
        return EXIT_CODES["diverged"], message
    if "WorkerLostError" in ours:
        again = f" {RESUME_ALL}" if resumes else ""
        return EXIT_CODES["worker"], f"{message}.{again}"
    if isinstance(error, BrokenPipeError):
        message = "Stopped: the reader of the results is gone."
        return EXIT_CODES["unread"], message
    if isinstance(error, OSError):
        part = failed_part(error)
        failed = f"{part} failed: " if part else ""
        return EXIT_CODES["usage"], f"{failed}{os_error_sentence(error)}"
    # TensorFlow has its own classes for system errors, and also calls a full
    # disk an exhausted resource.
    if "OpError" in kinds and _number(error):
        return EXIT_CODES["usage"], os_error_sentence(error)
    if kinds & {"MemoryError", "ResourceExhaustedError"}:
        foreseen = isinstance(error, MemoryError) and _raised_by_tfdarts(error)
        reason = message if foreseen else "Out of memory"
        return (
            EXIT_CODES["memory"],
            f"{reason}: {_less_memory(costly, sparing)}.",
        )
    if isinstance(error, ValueError) and _raised_by_tfdarts(error):
        return EXIT_CODES["usage"], message
    sentence = plugin_error_sentence(error)
    return EXIT_CODES["unexpected"], sentence or (
        f"Unexpected {type(error).__name__}: {message}\nThis should not "
        f"happen and is a bug of tfdarts. Please report it with all lines "
        f"above, the command, and the environment.json of the run directory."
    )


def os_error_sentence(error):
    """Returns what could not be read or written, why, and advice.

    Args:
        error: `OSError`, or a TensorFlow error that reports one.
    """
    number = _number(error)
    if number is None:
        return str(error) or type(error).__name__
    default = (f"cannot be used: {os.strerror(number)}", "Check the path.")
    refusal, advice = _REFUSALS.get(number, default)
    what = _path(error, number) or "A file, or the output,"
    return f"{what} {refusal}. {advice}"


def _number(error):
    """Returns the number of a system error, if need be from its message."""
    if getattr(error, "errno", None):
        return error.errno
    # Our own messages are complete.
    if not isinstance(error, OSError) or not _raised_by_tfdarts(error):
        for number in _REFUSALS:
            if os.strerror(number).lower() in str(error).lower():
                return number
    return None


def _path(error, number):
    if getattr(error, "filename", None) is not None:
        return error.filename
    # TensorFlow puts the path behind the operation in double braces.
    message = re.sub(r"^\{\{.*?\}\}\s*", "", str(error))
    match = re.search(rf"(/.+|\S+); {re.escape(os.strerror(number))}", message)
    return match and match[1]


def _less_memory(costly, sparing):
    if not costly:
        return "close other programs, or use a larger machine"
    advice = f"lower {_alternatives(costly)}"
    return f"{advice}, or give {_alternatives(sparing)}" if sparing else advice


def _alternatives(flags):
    *others, last = [f"--{flag}" for flag in flags]
    return f"{', '.join(others)} or {last}" if others else last


def _kinds(error):
    """Returns the names of an error's classes: tfdarts' own, and all."""
    classes = type(error).__mro__
    ours = {
        each.__name__
        for each in classes
        if each.__module__.startswith("tfdarts.")
    }
    return ours, {each.__name__ for each in classes}


def _raised_by_tfdarts(error):
    """Returns whether a `raise` statement of tfdarts raised an error."""
    last = error.__traceback__
    if last is None:
        return False
    while last.tb_next:
        last = last.tb_next
    code = last.tb_frame.f_code
    if not is_of_tfdarts(code):
        return False
    # Functions written in C leave no frame, so their errors seem to come from
    # the line that called them.
    return dis.opname[code.co_code[last.tb_lasti]] == "RAISE_VARARGS"
