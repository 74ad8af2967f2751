"""How many images a second the augmentation of a training prepares.

    python benchmarks/input_pipeline.py

The pipeline is that of a training on CIFAR-10 with the paper's settings:
random crops, flips and cutout of 32x32 images in batches of 96. It runs alone.
The first rows are its parts, each added to those before. The last row decodes
PNG files in folders, which a run does once.
"""

import argparse
import os
import pathlib
import tempfile
import time
import typing

PAPER = 50_000 * 600 / (1.5 * 24 * 3600)
"""Images a second that the paper's training takes on one GPU: 1.5 days."""

STEPS = {
    "read in random order, standardize": {"random_flip": "off"},
    "and crop": {"random_flip": "off", "crop_padding": 4},
    "and flip": {"random_flip": "on", "crop_padding": 4},
    "and cut out": {
        "random_flip": "on",
        "crop_padding": 4,
        "cutout_length": 16,
    },
}


class Rates(typing.NamedTuple):
    """Images per second, and images per second of processor time."""

    of_machine: float
    of_core: float


def rates_of(dataset, seconds):
    """Returns the rates at which batches can be read, after the first."""
    batches = iter(dataset)
    next(batches)
    began, count = Stopwatch(), 0
    while began.elapsed < seconds:
        images, _ = next(batches)
        count += len(images)
    return began.rates(count)


class Stopwatch:
    def __init__(self):
        self.began = time.perf_counter(), time.process_time()

    @property
    def elapsed(self):
        return time.perf_counter() - self.began[0]

    def rates(self, count):
        busy = time.process_time() - self.began[1]
        return Rates(count / self.elapsed, count / busy)


def source_of_noise(count):
    """Returns an `ImageSource` like CIFAR-10, of noise."""
    import numpy as np

    import tfdarts

    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, 32, 32, 3), "uint8")
    return tfdarts.from_arrays((images, np.arange(count) % 10))


def write_folders(directory, images):
    """Writes images as PNG files in ten folders."""
    from PIL import Image

    for position, image in enumerate(images):
        folder = pathlib.Path(directory, f"class{position % 10}")
        folder.mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / f"{position:05}.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()

    from tfdarts.data.batches import shuffled_batches
    from tfdarts.data.examples import TrainingExamples
    from tfdarts.data.folder import open_folder

    examples = TrainingExamples.of(source_of_noise(given.images), 1, 0)
    rows = {}
    for name, settings in STEPS.items():
        dataset = shuffled_batches(
            examples.train,
            given.batch,
            0,
            range(10**6),
            examples.augment(**settings),
        )
        rows[name] = rates_of(dataset, given.seconds)
    with tempfile.TemporaryDirectory() as directory:
        write_folders(directory, examples.train[0][: given.files])
        source = open_folder(directory)
        stopwatch = Stopwatch()
        images, _ = source.read("train")
        rows["files: read and decode, once"] = stopwatch.rates(len(images))
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load average {load:.1f}\n")
    print(
        "| | images/s | images per CPU s | times the paper's training |\n"
        "| --- | ---: | ---: | ---: |"
    )
    for name, rates in rows.items():
        print(
            f"| {name} | {rates.of_machine:,.0f} | {rates.of_core:,.0f} | "
            f"{rates.of_machine / PAPER:.0f} |"
        )


if __name__ == "__main__":
    main()
