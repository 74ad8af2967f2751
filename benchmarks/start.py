"""How long a command takes until its first step is done, part by part.

    python benchmarks/start.py search --flagfile=configs/digits.cfg
    python benchmarks/start.py train --flagfile=configs/digits_train.cfg \
        --genotype=DARTS_V2

The flags are those of `tfdarts-search` and `tfdarts-train`, for images. The
command runs in a process of its own and is stopped after its second step.
"""

import contextlib
import importlib
import json
import subprocess
import sys
import tempfile
import time

PARTS = {
    "flags": "start of Python, flags",
    "libraries": "imports: TensorFlow and Keras",
    "modules": "imports: tfdarts",
    "data": "data",
    "building": "building and compiling the model",
    "files": "run directory, checkpoints, input pipeline",
    "memory": "estimate of memory, which traces the gradients",
    "first_step": "first step, which traces the rest",
    "second_step": "for comparison: second step",
}
WORK = {"search": "ImageSearch", "train": "ImageTraining"}


class Clock:
    """The seconds of each part; the time of a nested part counts once."""

    def __init__(self, started):
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self.since, self.now_in = started, "flags"

    def switch_to(self, part):
        """Begins another part; returns the one that ends."""
        now, ended = time.time(), self.now_in
        self.seconds[ended] += now - self.since
        self.since, self.now_in = now, part
        return ended

    @contextlib.contextmanager
    def inside(self, part):
        outer = self.switch_to(part)
        yield
        self.switch_to(outer)

    def time_calls(self, owner, name, part):
        """Counts all calls of a function as a part."""
        function = getattr(owner, name)

        def timed(*args, **kwargs):
            with self.inside(part):
                return function(*args, **kwargs)

        setattr(owner, name, timed)


def measure(name, started, flags):
    """Runs a command in this process; returns the seconds of each part."""
    clock = Clock(started)
    command = importlib.import_module(f"tfdarts.cli.{name}_command").command
    from tfdarts.cli import process

    start_tensorflow = process.start_tensorflow

    def start(*args):
        with clock.inside("libraries"):
            start_tensorflow(*args)
        with clock.inside("modules"):
            time_what_follows(clock, name)
        clock.switch_to("files")

    process.start_tensorflow = start
    command.main([*flags, "--quiet"])
    return clock.seconds


def time_what_follows(clock, name):
    """Imports what a command needs, and has the clock time its functions."""
    importlib.import_module(f"tfdarts.runs.{name}")
    import keras

    from tfdarts.runs import fitting
    from tfdarts.tasks import image_search
    from tfdarts.tasks import image_training

    images = {"search": image_search, "train": image_training}[name]
    clock.time_calls(images, "open_data", "data")
    clock.time_calls(images, "training_data", "data")
    work = getattr(images, WORK[name])
    clock.time_calls(work, "__init__", "building")
    clock.time_calls(work, "least_bytes", "memory")

    class FirstSteps(keras.callbacks.Callback):
        def on_train_batch_begin(self, step, logs=None):
            clock.switch_to("second_step" if step else "first_step")

        def on_train_batch_end(self, step, logs=None):
            clock.switch_to("files")
            if step:
                raise KeyboardInterrupt

    fitting.StopOnNaN = FirstSteps


def main():
    name, *flags = sys.argv[1:]
    if name == "--measure":
        name, started, *flags = flags
        print(json.dumps(measure(name, float(started), flags)))
        return
    if name not in WORK:
        sys.exit(f"The first argument must be one of {', '.join(WORK)}.")
    with tempfile.TemporaryDirectory() as run_dir:
        command = [sys.executable, __file__, "--measure", name]
        command += [str(time.time()), *flags, f"--run_dir={run_dir}/run"]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    seconds = json.loads(done.stdout.splitlines()[-1])
    if not seconds["second_step"]:
        sys.exit(done.stderr[-2000:])
    print(f"| {name} | s |\n| --- | ---: |")
    for part, title in PARTS.items():
        print(f"| {title} | {seconds[part]:.2f} |")
    total = sum(seconds.values()) - seconds["second_step"]
    print(f"| all, to the end of the first step | {total:.2f} |")


if __name__ == "__main__":
    main()
