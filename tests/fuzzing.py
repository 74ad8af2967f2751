"""What the tests with damaged inputs share."""

from hypothesis import HealthCheck
from hypothesis import settings


def examples(number):
    """Settings for a test of many examples, the same ones each time."""
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
