"""What all commands share: flags, help, errors and exit codes."""

import contextlib
import dataclasses
import logging
import os
import pathlib
import signal
import sys
import textwrap
import traceback

from absl import flags

import tfdarts
from tfdarts.cli.console import ConsoleHandler
from tfdarts.cli.console import end_line
from tfdarts.cli.console import quiet_start

EXIT_CODES = {
    "usage": 2,
    "data": 3,
    "memory": 4,
    "diverged": 5,
    "interrupted": 130,
    "terminated": 143,
}


class Terminated(BaseException):
    """The process was asked to end."""


@dataclasses.dataclass(frozen=True)
class Command:
    """A command: what it is for, its flags, and what it runs.

    Args:
        name: String, as it is typed.
        summary: String, what it does.
        examples: Tuple of command lines.
        settings: Tuple of dataclasses whose fields are the flags; see
            `tfdarts.runs.configs.setting`.
        run: Function of a dict of the flags' values. It imports what needs
            TensorFlow, so that help and flag errors need not wait for it.
        needs_tensorflow: Boolean.
    """

    name: str
    summary: str
    examples: tuple
    settings: tuple
    run: object
    needs_tensorflow: bool = True

    def main(self, argv=None):
        """Runs the command and returns its exit code."""
        arguments = sys.argv[1:] if argv is None else argv
        values = self._flag_values()
        try:
            _parse(values, self.name, arguments)
        except ValueError as error:
            self._complain(f"{error}\nSee {self.name} --help.")
            return EXIT_CODES["usage"]
        if values["help"].value:
            print(self.help())
            return 0
        if values["version"].value:
            print(f"tfdarts {tfdarts.__version__}")
            return 0
        return self._guarded(values)

    def help(self):
        """Returns the help text."""
        examples = "\n".join(f"  {example}" for example in self.examples)
        lines = [self.summary, "", "Examples:", "", examples, "", "Flags:", ""]
        for field in self._fields():
            lines.append(f"  --{field.name}{_shown_default(field)}")
            lines += textwrap.wrap(
                field.metadata["help"],
                76,
                initial_indent="      ",
                subsequent_indent="      ",
            )
        lines += [
            "  --flagfile=FILE",
            "      File of flags, one --name=value a line, # for comments.",
            "      What stands later wins, so give it first.",
            "  --debug  --version  --help",
            "      Show the traceback of an error; print the version; this.",
            "",
            "Exit codes: 0 done, 1 unexpected, 2 usage or configuration,",
            "3 data, 4 out of memory, 5 diverged, 130 or 143 interrupted.",
        ]
        return "\n".join(lines)

    def _fields(self):
        fields = {}
        for settings in self.settings:
            for field in dataclasses.fields(settings):
                fields.setdefault(field.name, field)
        return fields.values()

    def _flag_values(self):
        values = flags.FlagValues()
        for field in self._fields():
            define = {
                bool: flags.DEFINE_bool,
                int: flags.DEFINE_integer,
                float: flags.DEFINE_float,
                str: flags.DEFINE_string,
            }[field.type]
            define(
                field.name,
                field.default,
                field.metadata["help"],
                flag_values=values,
            )
        for name in ("help", "version", "debug"):
            flags.DEFINE_bool(name, False, name, flag_values=values)
        return values

    def _guarded(self, values):
        """Runs the command; an error becomes a sentence and an exit code."""
        debug = values["debug"].value
        _prepare_process()
        try:
            if self.needs_tensorflow:
                _start_tensorflow(debug)
            self.run(values.flag_values_dict())
            return 0
        except KeyboardInterrupt:
            code, message = EXIT_CODES["interrupted"], _INTERRUPTED
        except Terminated:
            code, message = EXIT_CODES["terminated"], _INTERRUPTED
        except Exception as error:
            code, message = _classified(error)
            if debug or code == 1:
                end_line(sys.stderr)
                traceback.print_exc()
        self._complain(message)
        return code

    def _complain(self, message):
        end_line(sys.stderr)
        print(f"{self.name}: {message}", file=sys.stderr)


_INTERRUPTED = (
    "Interrupted. What was finished, to the last whole epoch, is kept: give "
    "the same command again to go on."
)


def settings_of(config_class, values):
    """Returns a config out of the flags that belong to it."""
    names = [field.name for field in dataclasses.fields(config_class)]
    return config_class(**{name: values[name] for name in names})


def settings_from_flagfile(config_class, flagfile, **overrides):
    """Returns a config out of a flagfile, and settings that overrule it.

    Raises:
        ValueError: If the file is missing or holds other flags.
    """
    values = Command("", "", (), (config_class,), None)._flag_values()
    try:
        _parse(values, "", [f"--flagfile={flagfile}"])
    except ValueError as error:
        raise ValueError(f"{flagfile} cannot be used: {error}") from error
    return settings_of(config_class, {**values.flag_values_dict(), **overrides})


def _parse(values, name, arguments):
    """Fills the values from the arguments, or raises `ValueError`."""
    try:
        positional = values([name, *_found_flagfiles(arguments)])[1:]
    except (flags.Error, OSError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    if positional:
        raise ValueError(
            f"Every argument is a flag, --name=value, but this is none: "
            f"{positional[0]}"
        )


def _found_flagfiles(arguments):
    """Names the flagfiles that come with tfdarts by their full path."""
    found, previous = [], ""
    for argument in arguments:
        name, separator, value = argument.partition("=")
        if not separator:  # --flagfile FILE, in two arguments
            name, value = previous, argument
        if name in ("--flagfile", "-flagfile"):
            argument = argument.removesuffix(value) + _shipped(value)
        found.append(argument)
        previous = argument
    return found


def _shipped(flagfile):
    """Returns where a flagfile is.

    One `configs/...` that is not in the working directory is taken from the
    package, or in a checkout from beside it.
    """
    if flagfile.startswith("configs/") and not os.path.exists(flagfile):
        package = pathlib.Path(tfdarts.__file__).parent
        for place in (package, package.parent):
            if (place / flagfile).exists():
                return str(place / flagfile)
    return flagfile


def _shown_default(field):
    if field.type is bool:
        return " (off)"
    kind = {int: "INTEGER", float: "NUMBER", str: "TEXT"}[field.type]
    if field.default is None:
        return f"={kind}"
    return f"={kind} (default {field.default})"


def _start_tensorflow(debug):
    with contextlib.nullcontext() if debug else quiet_start():
        import tensorflow as tf

        tf.config.list_logical_devices()


def _prepare_process():
    logger = logging.getLogger("tfdarts")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [ConsoleHandler(sys.stderr)]

    def terminate(signal_number, frame):
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)


def _classified(error):
    """Returns the exit code of an error and the sentence to say."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    message = str(error) or type(error).__name__
    if "DataError" in kinds:
        return EXIT_CODES["data"], message
    if "DivergedError" in kinds:
        return EXIT_CODES["diverged"], message
    if kinds & {"MemoryError", "ResourceExhaustedError"}:
        return EXIT_CODES["memory"], (
            "Out of memory: lower --batch_size, --init_channels or --num_cells."
        )
    if kinds & {"ValueError", "OSError"}:
        return EXIT_CODES["usage"], message
    return 1, f"Unexpected: {message}"
