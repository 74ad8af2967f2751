"""Parsing arguments and flagfiles into the values of flags."""

import difflib
import itertools
import logging
import os
import pathlib
import types

from absl import flags

import tfdarts
from tfdarts.cli.errors import os_error_sentence
from tfdarts.settings.conditions import idle_settings

logger = logging.getLogger("tfdarts")


class _PlainErrors:
    """A parser whose errors say in plain words what it expects."""

    def parse(self, argument):
        try:
            return super().parse(argument)
        except (TypeError, ValueError) as error:
            raise ValueError(f"it must be {self.wanted}.") from error


class _IntegerParser(_PlainErrors, flags.IntegerParser):
    wanted = "an integer"


class _NumberParser(_PlainErrors, flags.FloatParser):
    wanted = "a number"


# Common values of switches; for the last four, an error explains true/false.
_SWITCH_VALUES = ("true", "false", "t", "f", "1", "0", "yes", "no", "on", "off")


class _SwitchParser(_PlainErrors, flags.BooleanParser):
    wanted = "true or false"


def define(name, kind, default, help, values):
    """Adds a flag to values.

    Args:
        name: String.
        kind: `bool`, `int`, `float` or `str`.
        default: The value if the flag is not given.
        help: String.
        values: absl's `FlagValues`.
    """
    if kind is bool:
        flags.DEFINE_bool(name, default, help, flag_values=values)
        values[name].parser = _SwitchParser()
        return
    parser = {
        int: _IntegerParser,
        float: _NumberParser,
        str: flags.ArgumentParser,
    }[kind]()
    flags.DEFINE(parser, name, default, help, flag_values=values)


def parse(values, name, arguments, elsewhere=()):
    """Fills values from the arguments of a command.

    Args:
        values: absl's `FlagValues`.
        name: String, the command.
        arguments: List of strings, without flagfiles.
        elsewhere: Dict from names of flags of other tasks and strategies to
            hints for the user.

    Raises:
        ValueError: If an argument is no flag or an invalid value.
    """
    for argument in arguments:
        if "\0" in argument:
            raise ValueError(
                f"{argument!r} contains a NUL character, which no flag may "
                "contain."
            )
    arguments = _join_switches(arguments, values)
    try:
        # absl's own suggestions for unknown flags fail on long names.
        _, *unknown = values([name, *arguments], known_only=True)
    except flags.Error as error:
        raise ValueError(str(error)) from error
    if unknown:
        raise ValueError(
            _unknown_flag_message(unknown[0], list(values), elsewhere)
        )


def drop_idle(values, fields, overrides):
    """Resets flags of flagfiles that have no effect beside other flags.

    Args:
        values: absl's `FlagValues`.
        fields: Sequence of the fields of the flags.
        overrides: Dict of the flags that override those in flagfiles.
    """
    given = types.SimpleNamespace(**values.flag_values_dict() | overrides)
    idle = {
        name: missed.keys() & overrides.keys()
        for name, missed in idle_settings(fields, given).items()
        if name not in overrides
    }
    dropped = [name for name, causes in idle.items() if causes]
    if not dropped:
        return
    causes = sorted({*itertools.chain(*idle.values())})
    log_ignored(" ".join(_shown(causes, given)), _shown(dropped, given))
    for name in dropped:
        values[name].unparse()


def log_ignored(causes, ignored):
    """Logs which flags of a flagfile are ignored.

    Args:
        causes: String, the typed flags that make them ineffective.
        ignored: List of strings, the ignored flags.
    """
    logger.info(
        "ignored flags of the flagfile, which have no effect beside %s: %s",
        causes,
        " ".join(ignored),
    )


def _shown(names, given):
    return [f"--{name}={getattr(given, name)}" for name in names]


def _join_switches(arguments, values):
    """Returns arguments, with each switch joined to its value.

    absl reads `--quiet false` as a switch that is on, and another argument.

    Args:
        arguments: List of strings.
        values: absl's `FlagValues`.
    """
    joined = []
    for argument in arguments:
        before = joined[-1] if joined else ""
        name = before.lstrip("-")
        is_switch = before.startswith("-") and name in values
        if (
            is_switch
            and isinstance(values[name].parser, _SwitchParser)
            and argument.lower() in _SWITCH_VALUES
        ):
            joined[-1] += f"={argument}"
        else:
            joined.append("--help" if argument == "-h" else argument)
    return joined


def last_value(arguments, name):
    """Returns the last given value of a flag, or `None`.

    Args:
        arguments: List of strings, without flagfiles.
        name: String, a flag that takes a value.

    Example:

    >>> last_value(["--a=1", "--b", "2", "-a", "3"], "a")
    '3'
    """
    value = None
    following = iter(arguments)
    for argument in following:
        flag, separator, given = argument.partition("=")
        if argument == "--":
            break
        if flag in (f"--{name}", f"-{name}"):
            value = given if separator else next(following, None)
    return value


def _unknown_flag_message(argument, known, elsewhere):
    """Returns the message for an argument that is no known flag."""
    if not argument.startswith("-"):
        return (
            f"Every argument must be a flag, --name=value. Received: {argument}"
        )
    name = argument.lstrip("-").partition("=")[0]
    if len(name.split()) > 1:
        written = "=".join(argument.split(maxsplit=1))
        return (
            "A line of a flagfile must be one flag, --name=value, without a "
            f"space before the value: write {written}."
        )
    if f"train_{name}" in known:
        return (
            f"The search has no --{name}. To set --{name} of the training, "
            f"give --train_{name}."
        )
    if name in elsewhere:
        return elsewhere[name]
    close = difflib.get_close_matches(name, known, n=1)
    guess = f" Did you mean --{close[0]}?" if close else ""
    return f"There is no flag --{name}.{guess}"


def typed_arguments(arguments):
    """Yields arguments without flagfiles."""
    return expand_flagfiles(arguments, lines_of=lambda path, opened: ())


def expand_flagfiles(arguments, opened=(), lines_of=None):
    """Yields arguments, with each flagfile replaced by its flags.

    absl reads flagfiles too, but cannot find those that come with tfdarts,
    which other flagfiles may also include.

    Args:
        arguments: Iterable of strings.
        opened: Tuple of strings, the flagfiles that include this one.
        lines_of: Function of a path and of `opened` that returns the flags in
            a flagfile. Defaults to reading the file.

    Raises:
        ValueError: If a flagfile cannot be read.
    """
    lines_of = lines_of or _read_flagfile
    arguments = iter(arguments)
    for argument in arguments:
        name, separator, value = argument.partition("=")
        if argument == "--":
            yield argument
            yield from arguments
        elif name not in ("--flagfile", "-flagfile"):
            yield argument
        else:
            path = value if separator else next(arguments, "")
            lines = lines_of(path, opened)
            yield from expand_flagfiles(lines, (*opened, path), lines_of)


def expand_without(names, arguments):
    """Replaces flagfiles by their flags, except flags of certain names.

    Args:
        names: Set of strings, the flags to drop from flagfiles.
        arguments: List of strings, as typed.

    Returns:
        Two lists of strings: the kept arguments, and the dropped ones.

    Raises:
        ValueError: If a flagfile cannot be read.
    """
    dropped = []

    def kept_lines(path, opened):
        kept = []
        lines = kept
        for line in _read_flagfile(path, opened):
            if line.startswith("-"):  # Otherwise, the previous flag's value.
                name = line.lstrip("-").partition("=")[0]
                is_named = bool({name, name.removeprefix("no")} & names)
                lines = dropped if is_named else kept
            lines.append(line)
            if "=" in line:
                lines = kept
        return kept

    return [*expand_flagfiles(arguments, lines_of=kept_lines)], dropped


def _read_flagfile(path, opened):
    """Returns the flags in a flagfile."""
    if not path:
        raise ValueError("A flagfile needs a name: --flagfile=FILE.")
    if path in opened:
        raise ValueError(
            f"The flagfile {path} includes itself, directly or through other "
            "flagfiles: remove this --flagfile."
        )
    try:
        text = pathlib.Path(_find_flagfile(path)).read_text(
            encoding="utf-8-sig"
        )
    except OSError as error:
        raise ValueError(os_error_sentence(error)) from error
    except ValueError as error:
        raise ValueError(f"{path} is not a text file: {error}.") from error
    lines = map(str.strip, text.splitlines())
    return [line for line in lines if line and not _is_comment(line)]


def _is_comment(line):
    return line.startswith(("#", "//"))


def _find_flagfile(path):
    """Returns the path of a flagfile.

    A `configs/...` that is not in the working directory is searched for in
    the package, or beside it in a checkout.
    """
    path = os.path.expanduser(path)
    if path.startswith("configs/") and not os.path.exists(path):
        for directory in config_directories():
            found = directory.parent / path
            if found.exists():
                return str(found)
    return path


def config_directories():
    """Returns the directories of flagfiles of tfdarts, a list of paths."""
    package = pathlib.Path(tfdarts.__file__).parent
    places = (package / "configs", package.parent / "configs")
    return [place for place in places if place.is_dir()]
