"""How far a stage of a run has come, in words."""

import datetime

from tfdarts.duration import format_duration


def describe_state(status, length, unit="epoch"):
    """Returns the state of a stage as a sentence.

    Args:
        status: Dict, the content of `status.json`; empty if unknown.
        length: Integer, the epochs or candidates of the settings, or `None`.
        unit: String, `"epoch"` or `"candidate"`.

    Example:

    >>> describe_state({"state": "finished", "epoch": 3, "seconds": 75}, 3)
    'Finished after 3 of 3 epochs, in 1:15.'
    >>> status = {"state": "stopped", "epoch": 1, "reason": "Terminated"}
    >>> describe_state(status, 3)
    'Stopped after 1 of 3 epochs: Terminated.'
    """
    if not status:
        return "Its state is not known: status.json is missing or damaged."
    done = status.get("epoch") or 0
    total = status.get("epochs") or length or "an unknown number of"
    plural = "s" * (total != 1)
    progress = f"after {done} of {total} {unit}{plural}"
    seconds = status.get("seconds")
    # Tables and workers make candidates cost more than the search lasted.
    words = {"epoch": "in", "candidate": "at a cost of"}[unit]
    took = f", {words} {format_duration(seconds)}" if seconds else ""
    state = status.get("state")
    if state == "finished":
        by_time = "out_of_time" in status
        ended = "Ended by --max_minutes" if by_time else "Finished"
        return f"{ended} {progress}{took}."
    if state == "stopped":
        reason = str(status.get("reason", "no reason is recorded"))
        return f"Stopped {progress}{took}: {reason.rstrip('.')}."
    left = status.get("time_left")
    rest = f", with {left} left" if left else ""
    return (
        f"Still running or killed: its last news, {progress}{took}{rest}, are "
        f"of {show_time(status)}."
    )


def show_time(status):
    """Returns the time of a status in UTC.

    Example:

    >>> show_time({"time": "2026-12-01T15:03:44+00:00"})
    '2026-12-01 15:03 UTC'
    """
    try:
        time = datetime.datetime.fromisoformat(str(status.get("time")))
    except ValueError:
        return "an unknown time"
    if time.tzinfo:
        time = time.astimezone(datetime.UTC)
    return f"{time:%Y-%m-%d %H:%M} UTC"
