"""A description of the machine, and its available memory."""

import contextlib
import pathlib
import platform

import psutil

_CPU_INFO = pathlib.Path("/proc/cpuinfo")
_CONTAINER = pathlib.Path("/sys/fs/cgroup")


def available_bytes():
    """Returns the memory that is available to this process, bytes.

    This is the smallest of the memory available on the machine, in the
    container and within the limit of the process (`ulimit -v`).
    """
    return min(
        psutil.virtual_memory().available,
        _left_in_container(_CONTAINER),
        _left_of_limit(psutil.Process()),
    )


def _left_of_limit(process):
    """Returns the bytes left by a process' limit; only Linux enforces it."""
    if not hasattr(process, "rlimit"):
        return float("inf")
    limit, _ = process.rlimit(psutil.RLIMIT_AS)
    if limit == psutil.RLIM_INFINITY:
        return float("inf")
    return limit - process.memory_info().vms


def describe():
    """Returns a dict of the machine's CPU, cores and memory.

    `memory_gb` is the total memory of the machine.
    """
    return {
        "cpu": _cpu_model(),
        "cpu_cores": cpu_cores(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
    }


def cpu_cores():
    """Returns how many cores this process may use."""
    if hasattr(psutil.Process, "cpu_affinity"):
        return len(psutil.Process().cpu_affinity())
    return psutil.cpu_count()


def _cpu_model():
    with contextlib.suppress(OSError):
        for line in _CPU_INFO.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _left_in_container(directory):
    """Returns the bytes left by control group version 2.

    The disk cache counts as available, because the kernel can free it.
    """
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
