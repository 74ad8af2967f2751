"""Commands in processes that begin with TensorFlow imported.

The import takes seconds. A server does it once and forks; it computes
nothing, so that each process begins as if it had imported all by itself.
"""

import importlib
import multiprocessing
import os
import sys

FRESH = multiprocessing.get_context("spawn")
"""For processes that import all themselves, with hash seeds of their own."""
FORKED = multiprocessing.get_context("forkserver")
"""For processes of the server, which share its hash seed."""
FORKED.set_forkserver_preload(
    ["tensorflow", "tfdarts.runs.search", "tfdarts.runs.train"]
)


def start(context, command, cwd, stdout=os.devnull, stderr=os.devnull):
    """Starts a command in a process of its own.

    Args:
        context: `FRESH` or `FORKED`.
        command: List of strings: its name without `tfdarts-`, its arguments.
        cwd: Path of the directory to run in.
        stdout: Path of the file of what it prints.
        stderr: Path of the file of what it says.

    Returns:
        `multiprocessing.Process`.
    """
    process = context.Process(
        target=_run,
        args=([*command], str(cwd), str(stdout), str(stderr)),
        daemon=True,
    )
    process.start()
    return process


def _run(command, cwd, *streams):
    for number, path in enumerate(streams, start=1):
        with open(path, "w") as file:
            os.dup2(file.fileno(), number)
    os.chdir(cwd)
    name, *arguments = command
    module = importlib.import_module(f"tfdarts.cli.{name}_command")
    sys.argv = [f"tfdarts-{name}", *arguments]
    sys.exit(module.main(arguments))
