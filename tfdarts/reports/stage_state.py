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
    took = f", in {format_duration(seconds)}" if seconds else ""
    state = status.get("state")
    if state == "finished":
        words = "Finished"
        if "out_of_time" in status:
            words = "Ended by --max_minutes"
        return f"{words} {progress}{took}."
    if state == "stopped":
        reason = str(status.get("reason", "no reason is recorded"))
        return f"Stopped {progress}{took}: {reason.rstrip('.')}."
    return (
        f"Not finished: it was {progress}{took} at {show_time(status)}. It is "
        "still running, or was killed."
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
