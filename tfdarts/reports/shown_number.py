"""Numbers as text."""

from tfdarts.table import format_value


def show_number(value):
    """Returns a figure as text, with at most four digits if below 1,000.

    Args:
        value: Number. `None` is shown as nothing, anything else as it is.

    Example:

    >>> show_number(1234567), show_number(0.123456), show_number(None)
    ('1,234,567', '0.1235', '')
    """
    if value is None:
        return ""
    if type(value) not in (int, float):
        return str(value)
    is_short = isinstance(value, float) and abs(value) < 1000
    return format_value(float(f"{value:.4g}") if is_short else value)
