"""What the machine is, and how much memory it has left."""

import contextlib
import pathlib
import platform

import psutil

_CPU_INFO = pathlib.Path("/proc/cpuinfo")
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


def describe():
    """Returns what the machine is, as a dict: CPU, its cores, and memory.

    Cores are those that this process may use, memory that of the machine.
    """
    return {
        "cpu": _cpu_model(),
        "cpu_cores": len(psutil.Process().cpu_affinity())
        if hasattr(psutil.Process, "cpu_affinity")
        else psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
    }


def _cpu_model():
    with contextlib.suppress(OSError):
        for line in _CPU_INFO.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


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
