"""What the machine has left."""

import pathlib

import psutil

_CONTAINER = pathlib.Path("/sys/fs/cgroup")


def available_bytes():
    """Returns how much more memory this process may take.

    It is the least of what the machine, the container and the process' own
    limit (`ulimit -v`) leave.
    """
    return min(
        psutil.virtual_memory().available,
        _left_in_container(_CONTAINER),
        _left_of_limit(psutil.Process()),
    )


def _left_of_limit(process):
    """What the limit of a process leaves; Linux alone heeds such a limit."""
    if not hasattr(process, "rlimit"):
        return float("inf")
    limit, _ = process.rlimit(psutil.RLIMIT_AS)
    if limit == psutil.RLIM_INFINITY:
        return float("inf")
    return limit - process.memory_info().vms


def _left_in_container(directory):
    """What control group version 2 leaves; the disk's cache can be let go."""
    try:
        limit = (directory / "memory.max").read_text().strip()
        used = int((directory / "memory.current").read_text())
        pairs = (directory / "memory.stat").read_text().split()
    except FileNotFoundError:
        return float("inf")
    if limit == "max":
        return float("inf")
    statistics = dict(zip(pairs[::2], pairs[1::2]))
    return int(limit) - used + int(statistics["inactive_file"])
