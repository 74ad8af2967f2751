import io
import logging
import re
import types

import absl.logging
import pytest
from absl.logging import ABSLHandler

from tfdarts import console
from tfdarts.console import ConsoleHandler
from tfdarts.console import show_progress

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOR = re.compile(r"\x1b\[[0-9;]*m")
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


class Terminal(io.StringIO):
    """What takes escape sequences, as far as one can tell."""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """A terminal as others have it, 80 columns wide."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    return Terminal()


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


def test_a_terminal_shows_a_transient_record_as_a_bar(terminal):
    handler = ConsoleHandler(terminal)
    say(handler, "step 1/2", transient=True, progress=0.5)
    handler.erase()
    shown = ESCAPE.sub("", terminal.getvalue())
    assert "step 1/2" in shown
    assert "━━━━━━━━━━" in shown
    assert max(len(line) for line in shown.split("\r")) <= 80


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_a_bar_is_as_long_as_what_is_done(terminal, monkeypatch, progress):
    monkeypatch.setenv("NO_COLOR", "1")  # What is not done is blank then.
    handler = ConsoleHandler(terminal)
    say(handler, "step", transient=True, progress=progress)
    handler.erase()
    last = ESCAPE.sub("", terminal.getvalue()).split("step")[-1]
    assert abs(last.count("━") - 20 * progress) <= 1


def test_the_bar_follows_and_gives_way_to_the_next_line(terminal):
    handler = ConsoleHandler(terminal)
    say(handler, "step 1/2", transient=True, progress=0.5)
    say(handler, "step 2/2", transient=True, progress=1.0)
    say(handler, "epoch 1")
    before, _, after = terminal.getvalue().rpartition("\x1b[2K")
    assert "step 1/2" in before and "step 2/2" in before
    assert after == "epoch 1\n"


def test_erasing_takes_the_bar_away_and_may_be_done_again(terminal):
    handler = ConsoleHandler(terminal)
    handler.erase()
    assert terminal.getvalue() == ""
    say(handler, "step", transient=True)
    handler.erase()
    assert terminal.getvalue().endswith("\x1b[2K")
    once = terminal.getvalue()
    handler.erase()
    assert terminal.getvalue() == once


def test_the_cursor_is_there_even_if_the_process_is_killed(terminal):
    handler = ConsoleHandler(terminal)
    say(handler, "step", transient=True, progress=0.5)
    shown = terminal.getvalue()
    handler.erase()
    assert shown.rindex(SHOW) > shown.rindex(HIDE)


@pytest.mark.parametrize(("no_color", "colored"), [("", True), ("1", False)])
def test_colors_heed_no_color(terminal, monkeypatch, no_color, colored):
    monkeypatch.setenv("NO_COLOR", no_color)
    handler = ConsoleHandler(terminal)
    say(handler, "step", transient=True, progress=0.5)
    handler.erase()
    assert bool(COLOR.search(terminal.getvalue())) == colored


def test_a_terminal_without_unicode_gets_a_bar_too(monkeypatch, terminal):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    handler = ConsoleHandler(stream)
    say(handler, "step", transient=True, progress=0.5)
    handler.erase()
    assert b"step" in raw.getvalue() and b"-----" in raw.getvalue()


def test_markup_in_a_message_is_shown_as_it_is(terminal):
    handler = ConsoleHandler(terminal)
    say(handler, "[bold]step[/] :smile:", transient=True)
    say(handler, "[red]line[/]")
    shown = ESCAPE.sub("", terminal.getvalue())
    assert "[bold]step[/] :smile:" in shown and "[red]line[/]\n" in shown


def test_a_terminal_that_cannot_draw_is_none(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    handler = ConsoleHandler(terminal)
    say(handler, "step", transient=True, progress=0.5)
    say(handler, "epoch 1")
    assert terminal.getvalue() == "epoch 1\n"


def test_a_forced_color_makes_no_terminal_of_a_file(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = io.StringIO()
    say(ConsoleHandler(stream, quiet_seconds=0), "step", transient=True)
    assert stream.getvalue() == "step\n"


def test_results_go_where_they_were_sent(terminal, capsys):
    handler = ConsoleHandler(terminal)
    say(handler, "step", transient=True)
    print("result")
    handler.erase()
    assert capsys.readouterr().out == "result\n"
    assert "result" not in terminal.getvalue()


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


# In Python


@pytest.fixture
def plain(monkeypatch):
    """A function that leaves logging as TensorFlow's absl does.

    It returns the logger. pytest adds its handlers behind fixtures.
    """
    logger = logging.getLogger("tfdarts")

    def begin():
        monkeypatch.setattr(
            logging.getLogger(), "handlers", [ABSLHandler(None)]
        )
        return logger

    for name, value in {
        "handlers": [],
        "filters": [],
        "level": logging.NOTSET,
        "propagate": True,
    }.items():
        monkeypatch.setattr(logger, name, value)
    logger.manager._clear_cache()
    yield begin
    logger.manager._clear_cache()


def speak():
    """What a run of two epochs says."""
    logger = logging.getLogger("tfdarts")
    with show_progress():
        for epoch in (1, 2):
            for step in range(3):
                logger.info("step %d", step, extra={"transient": True})
            logger.info("epoch %d", epoch)
        logger.warning("skips")


def test_progress_is_shown_in_lines_and_nothing_is_left(plain, capsys):
    logger = plain()
    speak()
    assert capsys.readouterr().err == "epoch 1\nepoch 2\nskips\n"
    assert logger.handlers == [] and logger.level == logging.NOTSET
    assert logger.propagate
    assert [*map(type, logging.getLogger().handlers)] == [ABSLHandler]


@pytest.mark.parametrize("before", [True, False])
def test_what_absl_logs_takes_no_progress_away(before, plain, capsys):
    """TensorFlow logs so where it saves; the root logger gets a handler."""
    plain()
    root = logging.getLogger()
    root.handlers = []
    if before:
        absl.logging.info("saved")
    with show_progress():
        absl.logging.info("saved")
        speak()
    speak()
    assert capsys.readouterr().err == 2 * "epoch 1\nepoch 2\nskips\n"
    assert [*map(type, root.handlers)] == [logging.StreamHandler]


def test_basic_config_of_the_user_gets_the_lines(plain, monkeypatch, capsys):
    plain()
    root = logging.getLogger()
    root.handlers = []
    monkeypatch.setattr(root, "level", root.level)
    logging.basicConfig(level=logging.INFO)
    speak()
    shown = capsys.readouterr().err.splitlines()
    assert shown == [
        "INFO:tfdarts:epoch 1",
        "INFO:tfdarts:epoch 2",
        "WARNING:tfdarts:skips",
    ]


def test_a_call_in_a_call_shows_nothing_twice(plain, capsys):
    logger = plain()
    with show_progress():
        speak()
        logger.info("more")
    assert capsys.readouterr().err == "epoch 1\nepoch 2\nskips\nmore\n"


@pytest.mark.parametrize("name", ["tfdarts", None])
def test_handlers_of_the_user_get_each_line_once_and_no_steps(
    name, plain, capsys
):
    logger = plain()
    stream = io.StringIO()
    logger.setLevel(logging.INFO)
    logging.getLogger(name).addHandler(logging.StreamHandler(stream))
    with show_progress():
        speak()
    assert stream.getvalue() == "epoch 1\nepoch 2\nskips\n"
    if name is not None:  # absl's handler of the root logger stays silent.
        assert capsys.readouterr().err == ""
    assert logger.filters == [] and logger.propagate


def test_progress_can_be_silenced(plain, capsys):
    logger = plain()
    logger.setLevel(logging.WARNING)
    with show_progress():
        logger.setLevel(logging.INFO)  # As for the log file of a run.
        logger.info("epoch 1")
        logger.warning("skips")
    assert capsys.readouterr().err == "skips\n"


def test_an_error_takes_the_bar_away(plain, terminal, monkeypatch):
    logger = plain()
    monkeypatch.setattr(console.sys, "stderr", terminal)
    with pytest.raises(ValueError), show_progress():
        logger.info("step", extra={"transient": True, "progress": 0.5})
        raise ValueError
    assert terminal.getvalue().endswith("\x1b[2K")
    assert logger.handlers == []
