"""What goes wrong, through the executables: exit codes and sentences."""

import contextlib
import json
import math
import os
import pathlib
import re
import resource
import shutil
import signal
import struct
import subprocess
import sysconfig
import tempfile

import forked
import pytest
from PIL import Image

from tfdarts import genotypes
from tfdarts.cli.errors import EXIT_CODES

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "errors.md"

TINY_SEARCH = (
    "--order=1",
    "--init_channels=2",
    "--num_nodes=1",
    "--num_cells=3",
    "--epochs=1",
    "--batch_size=256",
)
TINY_TRAIN = (
    "--genotype=random:0",
    "--init_channels=2",
    "--num_cells=3",
    "--epochs=1",
    "--batch_size=256",
)
EDGES = "[('skip_connect', 0), ('dil_conv_3x3', 1)]"
# The graph of so small a cell is soon built.
SMALL_CELL = (
    f"--genotype=Genotype(normal={EDGES}, normal_concat=[2], reduce={EDGES}, "
    "reduce_concat=[2])",
    *TINY_TRAIN[1:],
)


def program(name):
    return pathlib.Path(sysconfig.get_path("scripts")) / f"tfdarts-{name}"


def environment():
    # What a terminal of the tester has must not matter.
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}


def ends(name, *arguments, cwd, limit=None, prefix=()):
    """Runs a command to its end; returns its exit code, stdout, stderr.

    Args:
        name: What it does.
        *arguments: Its arguments.
        cwd: Path of the directory to run in.
        limit: What the process may have: a constant of `resource` and a
            number of bytes.
        prefix: Words that stand before the command.
    """

    def limited():
        if limit:
            resource.setrlimit(limit[0], (limit[1], limit[1]))

    done = subprocess.run(
        [*prefix, program(name), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        preexec_fn=limited,
        env=environment(),
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def ends_forked(name, *arguments, cwd):
    """Like `ends`, without the executable, which would import TensorFlow."""
    with tempfile.TemporaryDirectory() as directory:
        stdout, stderr = (pathlib.Path(directory, n) for n in "12")
        process = forked.start(
            forked.FORKED, [name, *arguments], cwd, stdout, stderr
        )
        process.join()
        return process.exitcode, stdout.read_text(), stderr.read_text()


def is_refused(outcome, code, sentence):
    """Asserts that a command ended with a sentence and nothing else."""
    returned, printed, said = outcome
    # Lines of the log come before it.
    last = re.search(r"^tfdarts-\w+: .*", said, re.MULTILINE | re.DOTALL)
    last = last[0] if last else said
    assert returned == code, said
    assert re.search(sentence, last), said
    assert printed == ""
    assert "Traceback" not in said and "Error" not in last


def on_a_disk(options, directory):
    """Words that let a command see a small disk of its own in a directory."""
    directory.mkdir()
    mount = f'mount -t tmpfs -o {options} none "{directory}" && exec "$@"'
    prefix = ("unshare", "-rm", "sh", "-c", mount, "sh")
    if (
        not shutil.which("unshare")
        or subprocess.run([*prefix, "true"]).returncode
    ):
        pytest.skip("A small file system needs unshare and user namespaces.")
    return prefix


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with files that are no good."""
    place = tmp_path_factory.mktemp("place")
    whole = genotypes.get("DARTS_V2").to_json()
    (place / "broken.json").write_text(whole[:50])
    future = whole.replace('["sep_conv_3x3", 1]', '["sep_conv_3x3", 5]', 1)
    assert future != whole
    (place / "future.json").write_text(future)
    (place / "typo.cfg").write_text("--epochs=3\n--epoch=4\n")
    (place / "loop.cfg").write_text("--flagfile=loop.cfg\n")
    (place / "file").touch()
    return place


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("search --epoch=3", "There is no flag --epoch. Did you mean --epochs"),
        ("search --zebra", "There is no flag --zebra.\n"),
        ("search --epochs=many", "--epochs=many: it must be an integer."),
        ("train --learning_rate=fast", "=fast: it must be a number."),
        ("search --deterministic=x", "--deterministic=x: it must be true or f"),
        ("search --epochs", "Missing value for flag --epochs"),
        ("search --epochs=0", "--epochs must be at least 1. Received: 0."),
        ("search --order=3", "--order must be one of 1, 2. Received: 3."),
        ("train runs/digits", "Received: runs/digits"),
        ("search --flagfile=no.cfg", "no.cfg does not exist. Check the path."),
        ("search --flagfile=typo.cfg", "There is no flag --epoch. Did you me"),
        ("search --flagfile=loop.cfg", "The flagfile loop.cfg includes itself"),
        ("visualize", "Give either --genotype or --run_dir."),
        (
            "visualize --genotype=DARTS",
            "There is no genotype 'DARTS': it is no",
        ),
        (
            "visualize --genotype=broken.json",
            "broken.json is not a genotype file:",
        ),
        (
            "visualize --genotype=future.json",
            "future.json is not a genotype file: An edge of `normal` leads "
            "from node 5 to node 2, but an edge must come from a node between",
        ),
        (
            "visualize --genotype=DARTS_V2 --output_dir=file",
            "file is a file, but a directory is needed. Give another path.",
        ),
        (
            "visualize --genotype=DARTS_V2 --output_dir=file/x",
            "file/x cannot be used: part of its path is a file, not a direct",
        ),
    ],
)
def test_without_tensorflow(command, sentence, place):
    before = sorted(place.iterdir())
    is_refused(ends(*command.split(), cwd=place), 2, sentence)
    assert sorted(place.iterdir()) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        ("search", 2, "stage needs a run directory: give --run_dir."),
        ("train --run_dir=x", 2, "There is no genotype 'x'"),
        (
            "train --run_dir=x --genotype=broken.json",
            2,
            "is not a genotype file",
        ),
        ("evaluate --run_dir=x", 2, "x holds no train stage: run tfdarts-tra"),
        ("export --run_dir=x", 2, "x holds no train stage: run tfdarts-train"),
        (
            "pipeline --run_dir=x --dataset=pydoc",
            2,
            "give --train_flagfile, or",
        ),
        (
            "pipeline --run_dir=x --train_flagfile=no.cfg",
            2,
            "no.cfg cannot be used: no.cfg does not exist.",
        ),
    ],
)
def test_before_anything_is_written(command, code, sentence, place):
    is_refused(ends_forked(*command.split(), cwd=place), code, sentence)
    assert not (place / "x").exists()


def images_of(directory, sizes, classes=("cat", "dog"), count=6):
    """Fills a folder for each class."""
    for name in classes:
        (directory / name).mkdir(parents=True)
        for number in range(count):
            size = sizes[number % len(sizes)]
            Image.new("RGB", size).save(directory / name / f"{number}.png")


@pytest.fixture(scope="module")
def bad_data(place):
    """Data that cannot be used, each in its own way."""
    images_of(place / "mixed", [(8, 8), (9, 9)])
    images_of(place / "lone", [(8, 8)], ["cat"])
    images_of(place / "small", [(2, 2)])
    images_of(place / "few", [(8, 8)], count=2)
    images_of(place / "broken", [(8, 8)])
    (place / "broken" / "cat" / "0.png").write_text("no image")
    images_of(place / "empty", [(8, 8)])
    (place / "empty" / "emu").mkdir()
    images_of(place / "deep", [(8, 8)])
    Image.new("I;16", (8, 8)).save(place / "deep" / "cat" / "0.png")
    images_of(place / "lacking" / "train", [(8, 8)])
    images_of(place / "lacking" / "test", [(8, 8)], ["cat"])
    (place / "labels").mkdir()
    for name, shape in (("images-idx3", (6, 8, 8)), ("labels-idx1", (6,))):
        header = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
        values = bytes([0, 1, 2] * (math.prod(shape) // 3))
        path = place / "labels" / f"train-{name}-ubyte"
        path.write_bytes(header + values)
    (place / "labels" / "labels.txt").write_text("cat\ndog\n")
    (place / "no_idx").mkdir()
    (place / "bad_idx").mkdir()
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (place / "bad_idx" / name).write_text("not an IDX file")
    return place


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "sentence"),
    [
        ("moon", "There is no data set 'moon'"),
        ("folder:nowhere", "There is no directory .*/nowhere"),
        ("folder:mixed", "different sizes.*Give --image_size"),
        ("folder:lone", "only one class, cat"),
        ("folder:small", "2x2 pixels. They must be at least"),
        ("folder:few", "no test split"),
        ("folder:broken", "broken cannot be used. cat/0.png: it is"),
        ("folder:empty", "The class .*/empty/emu has no images"),
        ("folder:deep", "deep cannot be used. cat/0.png: it has 16"),
        ("folder:lacking", "lacking/test has no dog/, which another split"),
        (
            "idx:labels",
            "must be from 0 to 1, one number per class. One of them",
        ),
        ("idx:no_idx", "must have train-images-idx3-ubyte"),
        ("idx:bad_idx", "is not an IDX file"),
        ("tfds:moon", "TensorFlow Datasets has no data set moon"),
        (
            "tfds:mnist",
            "tfdarts downloads nothing without --prepare. Give --prepare",
        ),
    ],
)
def test_data_that_cannot_be_used(dataset, sentence, bad_data):
    before = sorted(bad_data.iterdir())
    outcome = ends_forked(
        "search", f"--dataset={dataset}", "--run_dir=x", cwd=bad_data
    )
    is_refused(outcome, 3, sentence)
    assert sorted(bad_data.iterdir()) == before


@pytest.mark.slow
def test_a_batch_that_is_larger_than_the_data(tmp_path):
    outcome = ends(
        "train",
        *TINY_TRAIN[:-1],
        "--batch_size=2000",
        "--run_dir=r",
        cwd=tmp_path,
    )
    is_refused(
        outcome, 3, "A batch of 2000 is larger than the split, which has 1437"
    )


@pytest.mark.slow
def test_a_disk_that_is_read_only(tmp_path):
    outcome = ends(
        "train",
        *TINY_TRAIN,
        "--run_dir=sealed/r",
        cwd=tmp_path,
        prefix=on_a_disk("ro", tmp_path / "sealed"),
    )
    is_refused(outcome, 2, "sealed/r.* the disk is mounted read-only")
    assert "building" not in outcome[2]


@pytest.mark.slow
def test_a_second_writer_and_a_damaged_run(tmp_path):
    flags = (*SMALL_CELL[:-2], "--batch_size=256")
    with started(*flags, cwd=tmp_path) as process:
        for line in process.stderr:
            if "epoch 2/100000: " in line:
                break
        outcome = ends(
            "train", *flags, "--epochs=100000", "--run_dir=r", cwd=tmp_path
        )
        is_refused(outcome, 2, "Another process is writing to r/train. Wait un")
        process.send_signal(signal.SIGTERM)
        process.communicate()

    def again():
        return ends(
            "train", *flags, "--epochs=100000", "--run_dir=r", cwd=tmp_path
        )

    for name in ("metrics.csv", "config.json"):
        path = tmp_path / "r/train" / name
        whole = path.read_bytes()
        path.write_bytes(b"\0" * 9)
        is_refused(again(), 2, f"r/train/{name} is damaged.* Restore an intact")
        path.write_bytes(whole)
    for index in (tmp_path / "r/train/checkpoints").glob("*.index"):
        index.write_bytes(b"")
    is_refused(again(), 2, "None of the checkpoints in r/train/checkpoints can")

    other = (*SMALL_CELL, "--init_channels=4", "--run_dir=other")
    assert ends("train", *other, cwd=tmp_path)[0] == 0
    shutil.rmtree(tmp_path / "r/train/checkpoints")
    (tmp_path / "other/train/checkpoints").rename(
        tmp_path / "r/train/checkpoints"
    )
    is_refused(again(), 2, "r/train/checkpoints/ckpt-1 is a checkpoint of anot")


@pytest.mark.slow
def test_a_directory_of_others(tmp_path):
    """Root may write anywhere, but for what it is not capable of."""
    (tmp_path / "theirs").mkdir(mode=0o555)
    without = "--bounding-set=-dac_override,-dac_read_search"
    outcome = ends(
        "train",
        *TINY_TRAIN,
        "--run_dir=theirs/r",
        cwd=tmp_path,
        prefix=("setpriv", without) if os.geteuid() == 0 else (),
    )
    is_refused(
        outcome, 2, "theirs/r.* cannot be .*: permission is denied. Give"
    )
    assert "building" not in outcome[2]


@pytest.mark.slow
def test_tensorboard_that_is_not_there(tmp_path):
    """A package that cannot be imported stands before the real one."""
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard" / "__init__.py").write_text("raise ImportError")
    outcome = ends(
        "train",
        *SMALL_CELL,
        "--tensorboard",
        "--run_dir=r",
        cwd=tmp_path,
        prefix=("env", f"PYTHONPATH={tmp_path}"),
    )
    is_refused(outcome, 2, "needs the package tensorboard.*pip install t")
    assert "epoch 1/1" not in outcome[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("run_dir", "sentence"),
    [
        ("file", "file/train cannot be used: part of its path is a file"),
        ("file/x", "file/x/train cannot be used: part of its path is a file"),
    ],
)
def test_a_run_directory_that_is_none(run_dir, sentence, place):
    outcome = ends("train", *TINY_TRAIN, f"--run_dir={run_dir}", cwd=place)
    is_refused(outcome, 2, sentence)


@pytest.mark.slow
def test_a_run_with_other_settings_and_one_that_is_not_finished(tmp_path):
    flags = (*TINY_TRAIN, "--run_dir=r")
    is_refused(
        ends(
            "train",
            *flags,
            cwd=tmp_path,
            limit=(resource.RLIMIT_FSIZE, 20_000),
        ),
        2,
        "The state after epoch 1 could not be written to r/train/checkpoints"
        ".*File too large.* free some space and re-run the same command "
        "to resume.",
    )
    status = json.loads((tmp_path / "r/train/status.json").read_text())
    assert status["state"] == "stopped"

    for name in ("evaluate", "export"):
        is_refused(
            ends(name, "--run_dir=r", cwd=tmp_path),
            2,
            "The training in r/train has not finished: re-run the same",
        )
    code, printed, said = ends("train", *flags, cwd=tmp_path)
    assert (code, "accuracy" in printed) == (0, True), said
    model = tmp_path / "r/train/model.keras"
    model.rename(tmp_path / "elsewhere")
    is_refused(
        ends("export", "--run_dir=r", cwd=tmp_path),
        2,
        "r/train/model.keras is missing or damaged. Remove r/train/status.js",
    )
    is_refused(
        ends("train", *flags, "--seed=1", "--momentum=0.5", cwd=tmp_path),
        2,
        r"r/train was started with other settings \(momentum: 0.9 recorded, "
        r"0.5 given; seed: 0 recorded, 1 given\). Give the recorded settings",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments"), [("search", TINY_SEARCH), ("train", TINY_TRAIN)]
)
def test_a_full_disk(name, arguments, tmp_path):
    outcome = ends(
        name,
        *arguments,
        "--run_dir=small/r",
        cwd=tmp_path,
        prefix=on_a_disk("size=64k", tmp_path / "small"),
    )
    is_refused(
        outcome,
        2,
        "(The state after epoch 1 could not be written to|small/r.* cannot be "
        "written: no space is left).* [Ff]ree some space",
    )


@pytest.mark.slow
def test_a_loss_that_is_not_a_number(tmp_path):
    outcome = ends(
        "train",
        *SMALL_CELL,
        "--learning_rate=1e30",
        "--clip_norm=1e30",
        "--run_dir=r",
        cwd=tmp_path,
    )
    is_refused(outcome, 5, "so the run has diverged;.* Lower the learning rate")


LESS_MEMORY = {
    "train": "lower --batch_size, --init_channels, --num_cells or --image_size"
}
LESS_MEMORY["search"] = (
    f"{LESS_MEMORY['train']}, or give --recompute or --micro_batches"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments"), [("search", TINY_SEARCH), ("train", TINY_TRAIN)]
)
def test_too_little_memory(name, arguments, tmp_path):
    outcome = ends(
        name,
        *arguments,
        "--init_channels=3000",
        "--run_dir=r",
        cwd=tmp_path,
        # With less TensorFlow may fail in small allocations of its own, which
        # it does not survive.
        limit=(resource.RLIMIT_AS, 12 * 2**30),
    )
    is_refused(
        outcome,
        4,
        f"Out of memory: {LESS_MEMORY[name]}.",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments"), [("search", TINY_SEARCH), ("train", TINY_TRAIN)]
)
def test_too_little_memory_is_known_before_the_first_step(
    name, arguments, tmp_path
):
    outcome = ends(
        name,
        *arguments,
        "--init_channels=400",
        "--batch_size=700",
        "--run_dir=r",
        cwd=tmp_path,
        limit=(resource.RLIMIT_AS, 12 * 2**30),
    )
    is_refused(
        outcome,
        4,
        r"A step needs at least \d+\.\d\d GB of memory, but only \d+\.\d\d GB "
        f"are left: {LESS_MEMORY[name]}.",
    )


@contextlib.contextmanager
def started(*arguments, cwd):
    """A training that would take long, as a process."""

    def heed_ctrl_c():
        # Behind `&` and nohup it is ignored, by children too.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    process = subprocess.Popen(
        [program("train"), *arguments, "--epochs=100000", "--run_dir=r"],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=heed_ctrl_c,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["building the graph", "epoch 2/100000: "])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_an_interruption(moment, number, code, tmp_path):
    with started(*SMALL_CELL[:-2], "--batch_size=64", cwd=tmp_path) as process:
        for line in process.stderr:
            if moment in line:
                break
        process.send_signal(number)
        printed, said = process.communicate()
    assert (process.returncode, printed) == (code, ""), said
    assert said.endswith(
        "tfdarts-train: Interrupted. Everything up to the last whole epoch "
        "is kept: re-run the same command to resume.\n"
    )
    assert "Traceback" not in said
    status = json.loads((tmp_path / "r/train/status.json").read_text())
    assert status["state"] == "stopped"
    # What has been said to be done is kept.
    kept = (tmp_path / "r/train/checkpoints/ckpt-2.index").exists()
    assert kept == ("epoch" in moment)
    assert status["epoch"] == (2 if kept else 0)
    log = (tmp_path / "r/train/log.txt").read_text()
    assert re.search("Stopped: (KeyboardInterrupt|Terminated)\n$", log)


def test_the_documentation_lists_the_exit_codes():
    codes = re.findall(r"^\| (\d+) \|", DOCUMENT.read_text(), re.MULTILINE)
    assert {*map(int, codes)} == {0, *EXIT_CODES.values()}


def test_results_that_nobody_reads(place):
    arguments = ("--genotype=DARTS_V2", "--output_dir=unread")
    with subprocess.Popen(
        [program("visualize"), *arguments],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == (
            "tfdarts-visualize: Stopped: the reader of the results is gone.\n"
        )
    assert process.returncode == 141


@pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="no device that is always full"
)
def test_results_that_cannot_be_written(place):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [program("visualize"), "--genotype=DARTS_V2", "--output_dir=full"],
            cwd=place,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("tfdarts-visualize: A file, or the output, ")
    assert done.stderr.count("\n") == 1
