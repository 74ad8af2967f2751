"""What all commands share: flags, help, errors and exit codes."""

import contextlib
import dataclasses
import io
import logging
import os
import shlex
import signal
import sys
import textwrap
import traceback

from absl import flags

import tfdarts
from tfdarts.cli import parsing
from tfdarts.cli.console import ConsoleHandler
from tfdarts.cli.errors import EXIT_CODES
from tfdarts.cli.errors import Terminated
from tfdarts.cli.errors import classified
from tfdarts.cluster import is_follower
from tfdarts.cluster import is_of_many
from tfdarts.cluster import workers
from tfdarts.data.image_source import DataError
from tfdarts.data.texts import is_text
from tfdarts.stderr import quiet_stderr

logger = logging.getLogger("tfdarts")

# Flags that memory grows with, where a command has them.
_COSTLY = (
    *("batch_size", "init_channels", "num_cells", "image_size"),
    *("units", "steps"),
)
_SPARING = ("recompute", "micro_batches")

_FOR_ALL = {
    "quiet": "Say only what goes wrong, and the results.",
    "debug": "Show the traceback of an error.",
    "version": "Print the version.",
    "help": "Print this.",
}


@dataclasses.dataclass(frozen=True)
class Command:
    """A command: what it is for, its flags, and what it runs.

    Args:
        name: String, as it is typed.
        summary: String, what it does.
        examples: Tuple of command lines.
        settings: Tuple of dataclasses whose fields are the flags; see
            `tfdarts.runs.settings.setting`. Or, where the flags depend on
            what `--dataset` is of, a dict of such tuples, by kind: `"images"`
            and `"texts"`.
        run: Function of a dict of the flags' values, under `"arguments"` all
            that was typed, and under `"kind"` the kind. It imports what needs
            TensorFlow, so that help and flag errors need not wait for it.
        needs_tensorflow: Boolean, or a function of the flags' values that says
            whether TensorFlow is needed.
        resumes: Boolean, whether the same command goes on where it was
            interrupted.
    """

    name: str
    summary: str
    examples: tuple
    settings: tuple | dict
    run: object
    needs_tensorflow: object = True
    resumes: bool = True

    def main(self, argv=None):
        """Runs the command and returns its exit code."""
        arguments = sys.argv[1:] if argv is None else argv
        if isinstance(sys.stdout, io.TextIOWrapper):
            # Names of classes may not be of the terminal's alphabet.
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            values, kind = self.parsed(arguments)
        except DataError as error:
            self._complain(str(error))
            return EXIT_CODES["data"]
        except ValueError as error:
            self._complain(f"{error}\nSee {self.name} --help.")
            return EXIT_CODES["usage"]
        if values["help"].value:
            print(self.help())
            return 0
        if values["version"].value:
            print(f"tfdarts {tfdarts.__version__}")
            return 0
        return self._guarded(values, arguments, kind)

    def parsed(self, arguments):
        """Returns the flags' values, and what `--dataset` is of.

        Args:
            arguments: List of strings, as typed.

        Returns:
            absl's `FlagValues`, and `"images"` or `"texts"`.

        Raises:
            DataError: If there is no such data set.
            ValueError: If an argument is no flag or cannot be its value, or a
                flagfile cannot be read.
        """
        arguments = list(parsing.expanded(arguments))
        kind = self._kind(arguments)
        values = self._flag_values(kind)
        parsing.parse(values, self.name, arguments, self._elsewhere(kind))
        return values, kind

    def help(self):
        """Returns the help text."""
        examples = "\n".join(f"  {example}" for example in self.examples)
        lines = [self.summary, "", "Examples:", "", examples, "", "Flags:", ""]
        lines += _listed(self._fields("images"))
        if isinstance(self.settings, dict):
            lines += [
                "",
                "Flags where --dataset is of texts, in place of those above "
                "of the same name",
                "or in addition to them:",
                "",
                *_listed(self._only_of_texts()),
                "",
                "Flags of all commands:",
                "",
            ]
        lines += [
            "  --flagfile=FILE",
            "      File of flags, one --name=value a line, # for comments.",
            "      What stands later wins, so give it first.",
            *(f"  --{name}\n      {text}" for name, text in _FOR_ALL.items()),
            "",
            "Exit codes: 0 done, 1 unexpected, 2 usage or configuration,",
            "3 data, 4 out of memory, 5 diverged, 6 another worker is gone,",
            "130 or 143 interrupted.",
        ]
        return "\n".join(lines)

    def _kind(self, arguments):
        """Returns what `--dataset` is of: `"images"` or `"texts"`."""
        if not isinstance(self.settings, dict):
            return "images"
        spec = parsing.last_value(arguments, "dataset")
        # TensorFlow Datasets starts TensorFlow, which talks.
        with quiet_stderr():
            return "texts" if spec and is_text(spec) else "images"

    def _settings(self, kind):
        if isinstance(self.settings, dict):
            return self.settings[kind]
        return self.settings

    def _fields(self, kind):
        fields = {}
        for settings in self._settings(kind):
            for field in dataclasses.fields(settings):
                fields.setdefault(field.name, field)
        return fields.values()

    def _only_of_texts(self):
        """The fields for texts that are not just those for images."""

        def said(field):
            return field.name, field.default, field.metadata["help"]

        of_images = {said(field) for field in self._fields("images")}
        return [
            field
            for field in self._fields("texts")
            if field.name != "dataset" and said(field) not in of_images
        ]

    def _elsewhere(self, kind):
        """Where the flags are known that this kind does not have.

        Returns:
            Dict from names of flags to what they are for.
        """
        if not isinstance(self.settings, dict):
            return {}
        (other,) = {*self.settings} - {kind}
        return {field.name: other for field in self._fields(other)}

    def _flag_values(self, kind="images"):
        values = flags.FlagValues()
        for field in self._fields(kind):
            parsing.define(
                field.name,
                field.type,
                field.default,
                field.metadata["help"],
                values,
            )
        for name, text in _FOR_ALL.items():
            parsing.define(name, bool, False, text, values)
        return values

    def _guarded(self, values, arguments, kind):
        """Runs the command; an error becomes a sentence and an exit code."""
        debug = values["debug"].value
        console = _prepare_process(values["quiet"].value)
        results = contextlib.nullcontext()
        try:
            given = values.flag_values_dict()
            # What cannot be is refused before the wait for TensorFlow.
            for settings in self._settings(kind):
                settings_of(settings, given)
            needs = self.needs_tensorflow
            if needs(given) if callable(needs) else needs:
                distribute = given.get("distribute", "none")
                _start_tensorflow(debug, distribute)
                results = _results_of(given, distribute)
            with results:
                self.run({**given, "arguments": arguments, "kind": kind})
            if is_of_many(given.get("distribute", "none")):
                _end_together(given["distribute"])
            sys.stdout.flush()
            return 0
        except (Exception, KeyboardInterrupt, Terminated) as error:
            console.erase()
            code, message = classified(
                error,
                self._those_of(_COSTLY, kind),
                self._those_of(_SPARING, kind),
                self.resumes,
            )
            if debug or code == EXIT_CODES["unexpected"]:
                traceback.print_exc()
        _finish_results()
        self._complain(message)
        return code

    def _those_of(self, flags, kind):
        """Those flags that this command has."""
        names = {field.name for field in self._fields(kind)}
        return [flag for flag in flags if flag in names]

    def _complain(self, message):
        # If nobody listens any more, the exit code is all there is.
        with contextlib.suppress(BrokenPipeError):
            print(f"{self.name}: {message}", file=sys.stderr)


def settings_of(config_class, values):
    """Returns a config out of the flags that belong to it."""
    names = [field.name for field in dataclasses.fields(config_class)]
    return config_class(**{name: values[name] for name in names})


def next_command(program, *words, **flags):
    """Returns the line that says what to type next.

    Example:

    >>> next_command("tfdarts-train", run_dir="my run", tensorboard=True)
    "Next: tfdarts-train '--run_dir=my run' --tensorboard"
    """
    for name, value in flags.items():
        shown = "=" + str(value) if value is not True else ""
        words += (f"--{name}{shown}",)
    return f"Next: {shlex.join([program, *words])}"


def settings_from_flagfile(config_class, flagfile, **overrides):
    """Returns a config out of a flagfile, and settings that overrule it.

    Raises:
        ValueError: If the file is missing or holds other flags.
    """
    command = Command("", "", (), (config_class,), None)
    try:
        values, _ = command.parsed([f"--flagfile={flagfile}"])
    except ValueError as error:
        raise ValueError(f"{flagfile} cannot be used: {error}") from error
    return settings_of(config_class, {**values.flag_values_dict(), **overrides})


def _listed(fields):
    """Returns lines that say of each field what it is."""
    lines = []
    for field in fields:
        lines.append(f"  --{field.name}{_shown_default(field)}")
        lines += textwrap.wrap(
            field.metadata["help"],
            76,
            initial_indent="      ",
            subsequent_indent="      ",
        )
    return lines


def _shown_default(field):
    if field.type is bool:
        return " (off)"
    kind = {int: "INTEGER", float: "NUMBER", str: "TEXT"}[field.type]
    if field.default is None:
        return f"={kind}"
    return f"={kind} (default {field.default})"


def _results_of(given, distribute):
    """Returns where results are written: of a follower, nowhere.

    A follower also gets a copy of the run directory as its own.
    """
    if not is_follower(distribute):
        return contextlib.nullcontext()
    from tfdarts.runs.workers import copy_of

    if given["run_dir"]:
        given["run_dir"] = copy_of(given["run_dir"])
    return contextlib.redirect_stdout(io.StringIO())


def _end_together(distribute):
    """Lets no worker end before the first has written all."""
    from tfdarts.runs.workers import meet
    from tfdarts.training.distribution import replicas_of

    meet(replicas_of(distribute))
    if is_follower(distribute):
        logger.info(
            "worker %d: done; worker 0 has written all there is", workers()[1]
        )


def _start_tensorflow(debug, distribute):
    if is_of_many(distribute):
        addresses, index = workers()
        logger.info(
            "worker %d of %s, waiting for the others",
            index,
            ", ".join(addresses),
        )
    if not debug:
        # Its warnings while it runs, such as a page on how memory was used
        # when there is no more of it; of workers that are gone, its errors.
        level = "3" if is_of_many(distribute) else "2"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", level)
    with contextlib.nullcontext() if debug else quiet_stderr():
        import keras
        import tensorflow as tf

        from tfdarts.training.distribution import replicas_of

        # Processes must be joined before TensorFlow does anything else.
        replicas_of(distribute)
        tf.config.list_logical_devices()
    # They would take their own frames out of tracebacks, and an error of
    # theirs would look like one of ours.
    keras.config.disable_traceback_filtering()
    tf.debugging.disable_traceback_filtering()


def _prepare_process(quiet):
    """Sets up the log and SIGTERM; returns the handler of the console."""
    console = ConsoleHandler(sys.stderr)
    console.setLevel(logging.WARNING if quiet else logging.INFO)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [console]

    def terminate(signal_number, frame):
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)
    return console


def _finish_results():
    """Writes what is left of the results, or drops it.

    Python would try once more as it ends, and change the exit code.
    """
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
