"""What the machine, the container and the process' limit leave."""

import pytest

from tfdarts import machine


@pytest.fixture
def with_left(monkeypatch, tmp_path):
    """Sets what the machine, the container and the process' limit leave."""

    def leave(free=9e9, container=None, limit=machine.psutil.RLIM_INFINITY):
        class Virtual:
            available = free

        monkeypatch.setattr(machine.psutil, "virtual_memory", Virtual)
        monkeypatch.setattr(
            machine.psutil.Process, "rlimit", lambda self, which: (limit, limit)
        )
        monkeypatch.setattr(machine, "_CONTAINER", tmp_path)
        files = {
            "memory.current": "700",
            "memory.stat": "a 1\ninactive_file 200",
        }
        for name, text in (files | {"memory.max": container}).items():
            if container:
                (tmp_path / name).write_text(text + "\n")

    return leave


def test_what_is_left_is_the_least(with_left):
    with_left()
    assert machine.available_bytes() == 9e9
    with_left(container="max")
    assert machine.available_bytes() == 9e9
    with_left(container="1000")
    assert machine.available_bytes() == 1000 - 700 + 200
    process = machine.psutil.Process().memory_info().vms
    with_left(free=9e15, container="max", limit=2 * process)
    assert machine.available_bytes() == pytest.approx(process, rel=0.1)


def test_a_system_without_limits_of_a_process(with_left, monkeypatch):
    """Such as Windows and macOS."""
    with_left()
    monkeypatch.delattr(machine.psutil.Process, "rlimit")
    assert machine.available_bytes() == 9e9
