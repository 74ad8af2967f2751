"""How long something takes, in words."""


def duration(seconds):
    """Returns a duration as people read it.

    Example:

    >>> duration(75), duration(3700)
    ('1:15', '1:01:40')
    """
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds:02}"
    return f"{minutes}:{seconds:02}"
