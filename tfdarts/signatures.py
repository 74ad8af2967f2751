"""The arguments that functions and classes take."""

import inspect


def takes(function, *args, **kwargs):
    """Returns whether a function or a class can be called with arguments.

    Args:
        function: Any function or class. If Python does not know the arguments,
            as of some functions in C, the result is `True`.
        *args, **kwargs: The arguments.

    Example:

    >>> takes(round, 2.5), takes(round, 2.5, digits=1)
    (True, False)
    """
    try:
        signature = inspect.signature(function)
    except ValueError:
        return True
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def parameter_names(kind):
    """Returns the names of the arguments of a class, a set.

    Those of its base classes count, because it may pass them on.
    """
    return {
        name
        for each in kind.__mro__
        if "__init__" in vars(each)
        for name in inspect.signature(each.__init__).parameters
    }
