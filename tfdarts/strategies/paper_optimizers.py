"""The optimizers of the paper's searches."""

from tfdarts.models.supernet import carries_state
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam


def paper_optimizers(supernet):
    """Returns the paper's optimizers for a supernet's weights and its alphas.

    The learning rates are constant. The paper's schedule for convolutional
    weights depends on the number of epochs, which only the caller knows. See
    `tfdarts.training.schedules.EpochCosine`.

    Args:
        supernet: `CNNSupernet` or `RNNSupernet`.

    Returns:
        Tuple of an `SGD` and an `Adam` of `tfdarts.training.optimizers`.

    Example:

    >>> weights, alphas = paper_optimizers(CNNSupernet(2, 3, 10, (8, 8, 1)))
    >>> round(float(weights.learning_rate), 4), weights.clip_norm, alphas.beta_1
    (0.025, 5.0, 0.5)

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), sections A.1.1,
      A.1.2
    """
    if carries_state(supernet):
        return (
            SGD(20.0, momentum=0.0, l2=5e-7, clip_norm=0.25),
            Adam(3e-3, beta_1=0.9, l2=1e-3),
        )
    return (
        SGD(0.025, momentum=0.9, l2=3e-4, clip_norm=5.0),
        Adam(3e-4, beta_1=0.5, l2=1e-3),
    )
