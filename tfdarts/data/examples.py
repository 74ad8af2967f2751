"""Training examples, split, with their normalization and augmentation."""

import dataclasses

import tensorflow as tf

from tfdarts.data import augmentation
from tfdarts.data import batches
from tfdarts.data import colors
from tfdarts.data import keras_layers
from tfdarts.data.image_source import DataError

fold_in = tf.random.experimental.stateless_fold_in


@dataclasses.dataclass(frozen=True)
class TrainingExamples:
    """The training examples of a source in two disjoint splits.

    Args:
        train: `(images, labels)`, the examples for the weights.
        validation: `(images, labels)`, the examples for alpha in a search; or
            `None` if there are none.
        mean: Tuple of floats, one per channel, for images scaled to 0 to 1:
            the published mean, or the mean of the train split.
        std: Like `mean`, the standard deviation.
        random_flip: Boolean, whether a mirrored image has the same class.
    """

    train: tuple
    validation: tuple | None
    mean: tuple
    std: tuple
    random_flip: bool = False

    @classmethod
    def of(cls, source, portion, seed):
        """Reads and splits the training examples of a source.

        Args:
            source: `ImageSource`.
            portion: Float, share of the examples in the train split; with
                `1` the validation split is the source's own, if it has one.
            seed: Integer, seed of the stratified split.

        Raises:
            ValueError: If the portion is not above 0 and at most 1.
            DataError: If the split is impossible, or a channel is constant.
        """
        if not 0 < portion <= 1:
            raise ValueError(
                f"A portion of the training examples must be above 0 and at "
                f"most 1. Received: {portion}."
            )
        images, labels = source.read("train")
        train, validation = (images, labels), None
        if portion == 1 and "validation" in source.splits:
            validation = source.read("validation")
        elif portion < 1:
            halves = batches.stratified_split(
                labels, portion, seed, source.class_names
            )
            train, validation = (
                (images[half], labels[half]) for half in halves
            )
        mean, std = source.mean, source.std
        if mean is None:
            mean, std = batches.mean_and_std(train[0])
        if min(std) == 0:
            raise DataError(
                "In at least one channel, all pixels of all training images "
                f"of {source.name} have the same value: such images cannot be "
                "standardized."
            )
        return cls(train, validation, mean, std, source.random_flip)

    def augment(
        self,
        crop_padding=0,
        random_flip="auto",
        cutout_length=0,
        crop_size=0,
        color_jitter=0.0,
        rand_augment=0.0,
    ):
        """Returns the transformation of training images, given a seed.

        Args:
            crop_padding: Integer, the largest shift of a random crop.
            random_flip: `"on"`, `"off"`, or `"auto"`: on if a mirrored image
                has the same class.
            cutout_length: Integer, the side of the square cut out.
            crop_size: Integer, the side that a random part of the image is
                resized to; `0` for the whole image.
            color_jitter: Float from 0 to 1, the strength of color changes.
            rand_augment: Float from 0 to 1, the strength of RandAugment.

        Raises:
            DataError: If the images are too small for these settings.
        """
        side = min(self.train[0].shape[1:3])
        seen = crop_size or side
        for setting, value, most, of in (
            ("crop_padding", crop_padding, side - 1, side),
            ("crop_size", crop_size, side, side),
            ("cutout_length", cutout_length, seen, seen),
        ):
            if value > most:
                raise DataError(
                    f"--{setting} must be at most {most} for images whose "
                    f"shorter side is {of} pixels. Received: {value}."
                )
        flips = {"on": True, "off": False, "auto": self.random_flip}
        distort = (
            keras_layers.rand_augment(rand_augment) if rand_augment else None
        )

        def transform(images, seed):
            if crop_padding:
                images = augmentation.pad_and_crop(images, crop_padding, seed)
            if crop_size:
                images = augmentation.random_resized_crop(
                    images, crop_size, fold_in(seed, 3)
                )
            if flips[random_flip]:
                images = augmentation.random_flip(images, fold_in(seed, 1))
            if color_jitter:
                images = colors.color_jitter(
                    images, color_jitter, fold_in(seed, 4)
                )
            if distort:
                images = distort(images, fold_in(seed, 5))
            images = self.normalize(images)
            if cutout_length:
                images = augmentation.cutout(
                    images, cutout_length, fold_in(seed, 2)
                )
            return images

        return transform

    def normalize(self, images):
        """Returns normalized images, without augmentation."""
        return augmentation.normalize(images, self.mean, self.std)
