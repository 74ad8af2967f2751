"""Settings of the training of image networks, as dataclasses."""

import dataclasses
import typing

from tfdarts.settings.conditions import GIVEN
from tfdarts.settings.fields import by_preset
from tfdarts.settings.fields import setting
from tfdarts.tasks.image_settings import ComputeConfig
from tfdarts.tasks.presets import LARGE
from tfdarts.tasks.presets import settings_of_training


@dataclasses.dataclass(frozen=True)
class TrainSettings(ComputeConfig):
    """Settings of a training; `preset` chooses the settings that are `None`.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.2.1
    """

    own_validation: typing.ClassVar = ("validation_portion", 0.0)
    is_brief: typing.ClassVar = False

    init_channels: int = by_preset(
        36,
        f"16 for fewer than {LARGE:,} images",
        "Channels of the network's first cell.",
        least=1,
        when={"network": "cells"},
    )
    num_cells: int = by_preset(
        20,
        f"8 for fewer than {LARGE:,} images",
        "Cells of the network, at least 3.",
        least=3,
        when={"network": "cells"},
    )
    channel_multiplier: float = setting(
        2.0,
        "Factor of the channels at each of the two reduction cells; the "
        "products are rounded. With --init_channels, it sets the number of "
        "parameters finely.",
        least=1,
        when={"network": "cells"},
    )
    epochs: int = by_preset(
        600,
        "as many as show about 40,000 images, from 30 to 100",
        "Epochs of the training.",
        least=1,
    )
    batch_size: int = by_preset(
        96,
        "a tenth of the images, from 16 to 96",
        "Examples in a batch, over all devices.",
        least=1,
    )
    validation_portion: float = setting(
        0.0,
        "Share of the training examples that is kept for validation; 0: "
        "validation uses the data set's own validation images, if it has any.",
        least=0,
        below=1,
    )
    crop_padding: int = by_preset(
        4,
        "an eighth of the shorter side",
        "Random crop: pixels of padding on each side; 0 for none.",
        least=0,
        when={"crop_size": 0},
    )
    crop_size: int = setting(
        0,
        "Side in pixels of the input of the network: in training, a random "
        "part of the image resized to this side; in tests, the center; 0: "
        "the whole image.",
        least=0,
    )
    cutout_length: int = by_preset(
        0,
        f"a quarter of the shorter side for fewer than {LARGE:,} images",
        "Cutout: side of the square in pixels; 0 for none.",
        least=0,
    )
    color_jitter: float = setting(
        0.0,
        "How much brightness, contrast and saturation change at random, and "
        "the hue half as much, from 0 to 1.",
        least=0,
        most=1,
    )
    rand_augment: float = setting(
        0.0, "Strength of RandAugment, from 0 to 1.", least=0, most=1
    )
    mixup: float = setting(
        0.0, "Mixup: the alpha of its Beta distribution; 0 for none.", least=0
    )
    label_smoothing: float = setting(
        0.0,
        "Share of a label that is spread over all classes, in training.",
        least=0,
        below=1,
    )
    auxiliary_weight: float = by_preset(
        0.4,
        f"0 for fewer than {LARGE:,} images",
        "Weight of the loss of an auxiliary head at two thirds of the depth, "
        "in training; 0 for no such head.",
        least=0,
        when={"network": "cells"},
    )
    drop_path_rate: float = by_preset(
        0.2,
        f"0 for fewer than {LARGE:,} images",
        "Final rate of drop path, which grows linearly from 0; 0 for none.",
        least=0,
        below=1,
        when={"network": "cells"},
    )
    optimizer: str = setting(
        "sgd",
        "sgd (with momentum, L2 in the gradient) or adamw (decoupled weight "
        "decay).",
        choices=("sgd", "adamw"),
    )
    learning_rate: float = by_preset(
        0.025,
        f"0.05 for fewer than {LARGE:,} images, 0.001 with adamw",
        "Learning rate at the start.",
        least=0,
    )
    schedule: str = setting(
        "cosine",
        "How the learning rate falls: cosine (once an epoch, to "
        "--min_learning_rate), exponential (by --decay_rate each epoch) or "
        "steps (to a tenth at half and again at three quarters of the "
        "epochs).",
        choices=("cosine", "exponential", "steps"),
    )
    min_learning_rate: float = setting(
        0.0,
        "Learning rate at the end of the cosine schedule.",
        least=0,
        when={"schedule": "cosine"},
    )
    decay_rate: float = setting(
        0.97,
        "Factor of the learning rate in each epoch of the exponential "
        "schedule.",
        above=0,
        most=1,
        when={"schedule": "exponential"},
    )
    warmup_epochs: int = setting(
        0,
        "Epochs in which the learning rate grows to that of the schedule.",
        least=0,
    )
    momentum: float = setting(
        0.9, "Momentum of sgd.", least=0, below=1, when={"optimizer": "sgd"}
    )
    nesterov: bool = setting(
        False,
        "Use Nesterov momentum in sgd.",
        when={"optimizer": "sgd", "momentum": GIVEN},
    )
    weight_decay: float = setting(
        3e-4,
        "L2 regularization of the weights, or the weight decay of adamw.",
        least=0,
    )
    clip_norm: float = setting(
        5.0,
        "Global norm that the gradients are clipped to; 0 for no clipping.",
        least=0,
    )
    ema_momentum: float = setting(
        0.0,
        "Momentum of an exponential moving average of the weights, such as "
        "0.999. Validation and the final network use the average; 0: no "
        "average.",
        least=0,
        below=1,
    )

    def __post_init__(self):
        super().__post_init__()
        if self.epochs and self.warmup_epochs > self.epochs:
            raise ValueError(
                f"--warmup_epochs must be at most --epochs, {self.epochs}. "
                f"Received: {self.warmup_epochs}."
            )

    @property
    def implied_settings(self):
        """See `tfdarts.tasks.image_settings.ImageConfig`."""
        return {"crop_padding": 0} if self.crop_size else {}

    def auto_settings(self, images, side, multiple, validation_images):
        """See `tfdarts.tasks.image_settings.ImageConfig`."""
        return settings_of_training(self, images, side, multiple)

    @property
    def depends_on_epochs(self):
        """See `tfdarts.tasks.shared_settings.RunConfig`."""
        return self.schedule != "exponential" or self.drop_path_rate > 0

    @property
    def has_soft_targets(self):
        """Whether a training image may have several classes."""
        return self.mixup > 0 or self.label_smoothing > 0
