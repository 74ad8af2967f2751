"""Formatting of durations."""


def format_duration(seconds):
    """Returns a duration as hours, minutes and seconds.

    Example:

    >>> format_duration(75), format_duration(3700)
    ('1:15', '1:01:40')
    """
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds:02}"
    return f"{minutes}:{seconds:02}"
