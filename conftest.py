"""Settings of all tests."""

import base64

import keras
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.primitive_table import TABLE
from tfdarts.runs.evaluator_registry import EVALUATORS
from tfdarts.search_spaces.space_registry import SPACES
from tfdarts.strategies.strategy_registry import STRATEGIES
from tfdarts.structures import STRUCTURES
from tfdarts.tasks.task_registry import TASKS
from tfdarts.training import distribution
from tfdarts.visualization import panels

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAA"
    "AABJRU5ErkJggg=="
)
"""A picture of one pixel."""

# Two logical devices, so that one process can test two replicas. They must be
# there before TensorFlow runs its first operation.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)


@pytest.fixture(autouse=True)
def seeded():
    """Each test begins with the same seeds."""
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def own_parts():
    """Each test leaves the registries as they were."""
    registries = TABLE, STRUCTURES, SPACES, STRATEGIES, EVALUATORS, TASKS
    before = [{**registry} for registry in registries]
    yield
    for registry, parts in zip(registries, before, strict=True):
        registry.clear()
        registry.update(parts)


@pytest.fixture(scope="module", autouse=True)
def pictures_of_a_pixel(request):
    """Figures are made but not rendered, which takes a third of a tiny search.

    Modules that read pictures have the mark `rendered`.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not request.node.get_closest_marker("rendered"):
            patch.setattr(panels, "to_png", lambda figure, **options: PIXEL)
        yield


@pytest.fixture(scope="session")
def two_replicas():
    """The strategy of two replicas."""
    return distribution.mirrored_strategy(distribution.local_devices("CPU"))


@pytest.fixture(autouse=True)
def documented_names(doctest_namespace):
    """What the docstrings' examples take for granted."""
    doctest_namespace.update(
        keras=keras,
        tf=tf,
        tfdarts=tfdarts,
        CNNSupernet=tfdarts.CNNSupernet,
    )
    from tfdarts.training import optimizers

    doctest_namespace.update(SGD=optimizers.SGD, Adam=optimizers.Adam)
