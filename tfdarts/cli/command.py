"""The parts that all commands share: flags, help, errors and exit codes."""

import contextlib
import dataclasses
import io
import shlex
import sys
import traceback
import types

from absl import flags

import tfdarts
from tfdarts.cli import parsing
from tfdarts.cli import process
from tfdarts.cli.errors import EXIT_CODES
from tfdarts.cli.errors import Terminated
from tfdarts.cli.errors import classify_error
from tfdarts.cli.flag_hints import distinct_fields
from tfdarts.cli.flag_hints import flag_hints
from tfdarts.cli.flag_hints import hints_of_parts
from tfdarts.cli.help import COMMON_FLAGS
from tfdarts.cli.help import PARTS
from tfdarts.cli.help import help_text
from tfdarts.data.image_source import DataError
from tfdarts.registry import PluginError
from tfdarts.registry import load_plugins
from tfdarts.runs.search_configs import evaluator_of
from tfdarts.runs.search_configs import is_for
from tfdarts.settings.conditions import refuse_idle_settings
from tfdarts.settings.fields import flag_fields
from tfdarts.stderr import quiet_stderr
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.tasks.task_registry import task_of_data
from tfdarts.tasks.task_registry import tasks


@dataclasses.dataclass(frozen=True)
class Command:
    """A command: its purpose, its flags, and the function it runs.

    Args:
        name: String, the name to type.
        summary: String, the purpose.
        settings: Tuple of dataclasses whose fields are the flags; see
            `tfdarts.setting`. If the flags depend on the task
            of `--dataset`, a function of a `Task` that returns such a tuple;
            with `has_strategy`, of a `Task` and of `parts`.
        run: Function of a dict of the flags' values, with four more keys:
            `"arguments"`, all that was typed; `"given"`, the names of the
            flags that were typed or in flagfiles; `"typed"`, the names of
            those that were typed; and `"task"`, the `Task` of `--dataset`. It
            imports modules that need TensorFlow when it is called, so that
            help and flag errors do not wait for TensorFlow.
        examples: Tuple of command lines, which precede those of the tasks.
        has_strategy: Boolean, whether the flags depend on `--strategy` too.
        parts: Dict of the given `--strategy` and `--evaluator`, or `None`
            before `for_strategy`.
        needs_tensorflow: Boolean, or a function of the flags' values that
            returns whether TensorFlow is needed.
        resumes: Boolean, whether re-running the same command resumes an
            interrupted run.
    """

    name: str
    summary: str
    settings: object
    run: object
    examples: tuple = ()
    has_strategy: bool = False
    parts: dict | None = None
    needs_tensorflow: object = True
    resumes: bool = True

    def main(self, argv=None):
        """Runs the command and returns its exit code."""
        arguments = sys.argv[1:] if argv is None else argv
        if isinstance(sys.stdout, io.TextIOWrapper):
            # The terminal's encoding may lack characters of class names.
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            # TensorFlow, which plugins may import, prints to stderr.
            with quiet_stderr():
                load_plugins()
            self = self.for_strategy(arguments)
            values, task = self.parse_arguments(arguments)
        except PluginError as error:
            self._print_error(str(error))
            return EXIT_CODES["usage"]
        except DataError as error:
            self._print_error(str(error))
            return EXIT_CODES["data"]
        except ValueError as error:
            self._print_error(f"{error}\nSee {self.name} --help.")
            return EXIT_CODES["usage"]
        return self._run_and_report(values, arguments, task)

    def parse_arguments(self, arguments):
        """Returns the flags' values, and the task of `--dataset`.

        Args:
            arguments: List of strings, as typed.

        Returns:
            absl's `FlagValues`, and a `Task`.

        Raises:
            DataError: If there is no such data set.
            ValueError: If an argument is no flag or an invalid value, or a
                flagfile cannot be read.
        """
        self = self.for_strategy(arguments)
        task = self._task(list(parsing.expand_flagfiles(arguments)))
        values = self._flag_values(task)
        arguments, _ = self._drop_other_parts(arguments, task)
        parsing.parse(values, self.name, arguments, flag_hints(self, task))
        return values, task

    def for_strategy(self, arguments):
        """Returns the command with the flags of the given strategy.

        Args:
            arguments: List of strings, as typed.

        Raises:
            ValueError: If a flagfile cannot be read.
        """
        if not self.has_strategy:
            return self
        given = [*parsing.expand_flagfiles(arguments)]
        parts = {name: parsing.last_value(given, name) for name in PARTS}
        parts = {name: value for name, value in parts.items() if value}
        return dataclasses.replace(self, parts=parts)

    @property
    def strategy(self):
        """The `Strategy` whose flags the command has."""
        return get_strategy({**PARTS, **(self.parts or {})}["strategy"])

    def help(self):
        """Returns the help text."""
        return help_text(self)

    def settings_for(self, task):
        """Returns the dataclasses whose fields are the flags of a task."""
        if self.has_strategy:
            return self.settings(task, self.parts or {})
        if self.is_of_data:
            return self.settings(task)
        return self.settings

    @property
    def is_of_data(self):
        """Whether the flags depend on the data: the command trains."""
        return callable(self.settings)

    def _task(self, arguments):
        """Returns the task of `--dataset`."""
        if not self.is_of_data:
            return task_of_data(None)
        # TensorFlow Datasets imports TensorFlow, which prints to stderr.
        with quiet_stderr():
            return task_of_data(parsing.last_value(arguments, "dataset"))

    def known_tasks(self):
        """Returns the tasks that the strategy supports, if there is one."""
        if not self.has_strategy:
            return tasks()
        evaluator = evaluator_of(self.strategy, self.parts or {})
        return [t for t in tasks() if is_for(self.strategy, t, evaluator)]

    def fields_of(self, task):
        """Returns the fields that are the flags of a task."""
        return distinct_fields(self.settings_for(task))

    def _flag_values(self, task):
        values = flags.FlagValues()
        for field in self.fields_of(task):
            parsing.define(
                field.name,
                field.type,
                field.default,
                field.metadata["help"],
                values,
            )
        for name, text in COMMON_FLAGS.items():
            parsing.define(name, bool, False, text, values)
        return values

    def _run_and_report(self, values, arguments, task):
        """Runs the command; turns errors into sentences and exit codes."""
        with process.prepare(values["quiet"].value) as console:
            try:
                if values["help"].value:
                    print(self.help())
                elif values["version"].value:
                    print(f"tfdarts {tfdarts.__version__}")
                else:
                    self._run(values, arguments, task)
                sys.stdout.flush()
                return 0
            except (Exception, KeyboardInterrupt, Terminated) as error:
                console.erase()
                code, message = classify_error(
                    error,
                    self._own_flags(task.costly, task),
                    self._own_flags(task.sparing, task),
                    self.resumes,
                )
                debug = values["debug"].value
                if debug or code == EXIT_CODES["unexpected"]:
                    traceback.print_exc()
            process.finish_results()
            self._print_error(message)
            process.end_worker(code)
            return code

    def _typed_parts(self, arguments):
        """Returns the typed `--strategy` and `--evaluator`, unless overridden.

        Args:
            arguments: List of strings, as typed.
        """
        typed = [*parsing.typed_arguments(arguments)]
        return [
            f"--{kind}={name}"
            for kind, name in (self.parts or {}).items()
            if parsing.last_value(typed, kind) == name
        ]

    def _drop_other_parts(self, arguments, task):
        """Drops flags of flagfiles that the typed parts do not have.

        Args:
            arguments: List of strings, as typed.
            task: `Task` of `--dataset`.

        Returns:
            The kept arguments without flagfiles, and the dropped ones.
        """
        names = set()
        if self._typed_parts(arguments):
            own = {field.name for field in self.fields_of(task)}
            names = {*hints_of_parts(self, task)} - own
        return parsing.expand_without(names, arguments)

    def _run(self, values, arguments, task):
        """Runs the command, with TensorFlow if the command needs it."""
        _, dropped = self._drop_other_parts(arguments, task)
        if dropped:
            causes = " ".join(self._typed_parts(arguments))
            parsing.log_ignored(causes, dropped)
        typed = self._typed_flags(arguments, task)
        parsing.drop_idle(values, self.fields_of(task), typed)
        given = values.flag_values_dict()
        # Invalid values are refused before the wait for TensorFlow.
        for settings in self.settings_for(task):
            settings_of(settings, given)
        refuse_idle_settings(
            self.fields_of(task), types.SimpleNamespace(**given), typed
        )
        distribute = given.get("distribute", "none")
        results = contextlib.nullcontext()
        needs = self.needs_tensorflow
        if needs(given) if callable(needs) else needs:
            process.start_tensorflow(
                values["debug"].value,
                distribute,
                self.is_of_data and task.has_wide_graphs,
            )
            results = process.results_of(given, distribute)
        present = [name for name in values if values[name].present]
        more = {"arguments": arguments, "given": present, "task": task}
        more["typed"] = [*typed]
        with results:
            self.run({**given, **more})
        process.log_end_of_worker(distribute)

    def _typed_flags(self, arguments, task):
        """Returns the flags that are not from flagfiles, a dict."""
        values = self._flag_values(task)
        parsing.parse(values, self.name, [*parsing.typed_arguments(arguments)])
        return {n: values[n].value for n in values if values[n].present}

    def _own_flags(self, flags, task):
        """Returns the given flags that this command has."""
        names = {field.name for field in self.fields_of(task)}
        return [flag for flag in flags if flag in names]

    def _print_error(self, message):
        # If stderr is closed, only the exit code is left.
        with contextlib.suppress(OSError):
            print(f"{self.name}: {message}", file=sys.stderr)


def settings_of(config_class, values):
    """Returns a config made of the values of its flags."""
    names = [field.name for field in flag_fields(config_class)]
    return config_class(**{name: values[name] for name in names})


def next_command(program, *words, **flags):
    """Returns the line that names the next command to type.

    Example:

    >>> next_command("tfdarts-train", run_dir="my run", tensorboard=True)
    "Next: tfdarts-train '--run_dir=my run' --tensorboard"
    """
    for name, value in flags.items():
        shown = "=" + str(value) if value is not True else ""
        words += (f"--{name}{shown}",)
    return f"Next: {shlex.join([program, *words])}"


def settings_from_flagfile(config_class, flagfile, **overrides):
    """Returns a config from a flagfile and from settings that override it.

    Settings in the file that have no effect beside the others are left out.

    Raises:
        ValueError: If the file is missing or holds unknown flags.
    """
    command = Command("", "", (config_class,), None)
    try:
        values, _ = command.parse_arguments([f"--flagfile={flagfile}"])
    except ValueError as error:
        raise ValueError(f"{flagfile} cannot be used: {error}") from error
    parsing.drop_idle(values, flag_fields(config_class), overrides)
    return settings_of(config_class, {**values.flag_values_dict(), **overrides})
