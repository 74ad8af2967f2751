import io
import logging
import os
import types

import pytest

from tfdarts.cli import console
from tfdarts.cli.console import ConsoleHandler
from tfdarts.cli.console import quiet_start


class Terminal(io.StringIO):
    """What takes escape sequences, as far as one can tell."""

    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    clock = types.SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(console, "time", clock)
    return clock


def say(handler, message, **extra):
    record = logging.makeLogRecord({"msg": message, **extra})
    handler.handle(record)


# Lines


def test_a_terminal_shows_transient_records_in_place(clock):
    stream = Terminal()
    handler = ConsoleHandler(stream)
    for step in ("1", "2"):
        clock.now += 1
        say(handler, step, transient=True)
    say(handler, "done")
    erase = "\r\x1b[2K"
    assert stream.getvalue() == f"{erase}1{erase}2{erase}done\n"


def test_a_terminal_is_not_redrawn_all_the_time(clock):
    stream = Terminal()
    handler = ConsoleHandler(stream, redraw_seconds=0.2)
    for tenth in range(10):
        clock.now = 100 + tenth / 10
        say(handler, f"step{tenth}", transient=True)
    shown = stream.getvalue().count("step")
    assert 4 <= shown <= 5
    say(handler, "never held back")
    say(handler, "nor this")
    assert stream.getvalue().endswith("nor this\n")
    assert "never held back\n" in stream.getvalue()


def test_elsewhere_a_log_has_no_escapes_and_few_transient_lines(clock):
    stream = io.StringIO()
    handler = ConsoleHandler(stream, quiet_seconds=30)
    for second in range(100):
        clock.now = 100 + second
        say(handler, f"step {second}", transient=True)
    assert stream.getvalue() == "step 30\nstep 60\nstep 90\n"


def test_elsewhere_a_line_starts_the_silence_anew(clock):
    stream = io.StringIO()
    handler = ConsoleHandler(stream, quiet_seconds=30)
    clock.now = 125.0
    say(handler, "epoch 1")
    clock.now = 150.0
    say(handler, "too early", transient=True)
    clock.now = 155.0
    say(handler, "late enough", transient=True)
    assert stream.getvalue() == "epoch 1\nlate enough\n"


def test_messages_are_formatted(clock):
    stream = io.StringIO()
    say(ConsoleHandler(stream), "epoch %d/%d", args=(1, 2))
    assert stream.getvalue() == "epoch 1/2\n"


# Quiet


def test_a_quiet_start_keeps_native_lines_off_stderr(capfd):
    with quiet_start():
        os.write(2, b"I0000 cpu_feature_guard\n")
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"


@pytest.mark.parametrize("error", [ImportError, KeyboardInterrupt])
def test_what_was_held_back_is_replayed_when_it_fails(error, capfd):
    with pytest.raises(error, match="no library"):
        with quiet_start():
            os.write(2, b"libcuda is missing\n")
            raise error("no library")
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "libcuda is missing\nheard\n"


def test_standard_output_is_left_alone(capfd):
    with quiet_start():
        os.write(1, b"result\n")
    assert capfd.readouterr().out == "result\n"


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="no /proc")
def test_no_file_descriptor_is_left_open():
    before = len(os.listdir("/proc/self/fd"))
    with quiet_start():
        pass
    with pytest.raises(ValueError):
        with quiet_start():
            raise ValueError
    assert len(os.listdir("/proc/self/fd")) == before
