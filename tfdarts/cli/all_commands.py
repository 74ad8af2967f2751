"""The command `tfdarts`, which has the others as subcommands."""

import importlib
import sys

import tfdarts
from tfdarts.cli.completion import SHELLS
from tfdarts.cli.completion import completion
from tfdarts.cli.errors import EXIT_CODES

NAMES = (
    *("search", "visualize", "select", "tune", "train", "evaluate"),
    *("export", "predict", "report", "pipeline", "list"),
)
"""The subcommands, in the order in which they are used."""


def command_of(name):
    """Returns the `Command` of a subcommand."""
    return importlib.import_module(f"tfdarts.cli.{name}_command").command


def help_text():
    """Returns the help of `tfdarts`."""
    lines = [
        "Differentiable architecture search for Keras 3 on TensorFlow 2.",
        "",
        "Subcommands, each of which is also a command of its own:",
        "",
    ]
    for name in NAMES:
        summary = " ".join(command_of(name).summary.split())
        sentence, _, _ = summary.partition(". ")
        lines.append(f"  {name:<10} {sentence.rstrip('.')}")
    return "\n".join(
        [
            *lines,
            "",
            "Examples:",
            "",
            "  tfdarts search --flagfile=configs/digits.cfg --run_dir=runs/a",
            "  tfdarts search --help",
            '  eval "$(tfdarts completion bash)"',
            "",
            "  --version",
            "      Print the version.",
        ]
    )


def main(argv=None):
    """Runs a subcommand and returns its exit code."""
    first, *arguments = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if first in ("-h", "--help", "help"):
        print(help_text())
        return 0
    if first == "--version":
        print(f"tfdarts {tfdarts.__version__}")
        return 0
    if first == "completion" and arguments[:1] and arguments[0] in SHELLS:
        print(completion(arguments[0], {n: command_of(n) for n in NAMES}))
        return 0
    if first in NAMES:
        return command_of(first).main(arguments)
    wanted = ", ".join([*NAMES, f"completion {'|'.join(SHELLS)}"])
    received = " ".join([first, *arguments])
    print(
        f"tfdarts: the first word must be a subcommand: {wanted}. Received: "
        f"{received}\nSee tfdarts --help.",
        file=sys.stderr,
    )
    return EXIT_CODES["usage"]
