import dataclasses
import datetime
import json
import logging
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import types

import keras
import pytest
import tensorflow as tf

import tfdarts
from tfdarts import genotypes
from tfdarts.cli.command import settings_from_flagfile
from tfdarts.files import write_atomically
from tfdarts.records import json_files
from tfdarts.records import run_directory
from tfdarts.records.json_files import read_json
from tfdarts.records.json_files import write_json
from tfdarts.records.run_directory import Stage
from tfdarts.runs.describe_data import to_recorded_config
from tfdarts.settings.fields import flag_fields
from tfdarts.settings.fields import require_config
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.presets import fill_paper_settings
from tfdarts.tasks.rnn_configs import RNNSearchConfig

logger = logging.getLogger("tfdarts")

CONFIGS = [
    SearchConfig(),
    SearchConfig(learning_rate=0.1 + 0.2, deterministic=True, seed=2**31),
    SearchConfig(update_order="weights_first", weight_decay=1e-300),
    SearchConfig(crop_padding=0, momentum=0.0),
    TrainConfig(),
    TrainConfig(genotype="a dir/#1=x.json", distribute="mirrored"),
    TrainConfig(
        genotype="  #[$1] 50 % {x} \"a\" 'b' \\ é e\u0301 😀 שלום",
        dataset="folder:--flagfile=x // #",
    ),
]


ENVIRONMENT = pathlib.Path("search", "environment.json")


def begun(tmp_path, name="search", **settings):
    config = fill_paper_settings(
        SearchConfig(run_dir=str(tmp_path), **settings)
    )
    stage = Stage(config.run_dir, name)
    stage.begin(config)
    return stage


def has_finished_epochs(stage, count):
    """Leaves what a stage has behind after some epochs."""
    stage.report("running", epoch=count)
    (stage.path / "checkpoints").mkdir()
    (stage.path / "checkpoints" / f"ckpt-{count}.index").touch()


def contents(directory):
    return {
        path.relative_to(directory): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


# Files


@pytest.mark.parametrize("content", ["text ü\n", b"\x00\xff"])
def test_files_are_written_whole(content, tmp_path):
    path = tmp_path / "file"
    write_atomically(path, "before")
    write_atomically(str(path), content)
    expected = content if isinstance(content, bytes) else content.encode()
    assert path.read_bytes() == expected
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == ["file"]


def failing(*arguments, **keywords):
    raise OSError("No space left on device")


@pytest.mark.parametrize(
    "step", ["os.replace", "os.fsync", "pathlib.Path.open"]
)
def test_a_failing_write_leaves_the_old_file(step, tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, "before")
    with monkeypatch.context() as patches:
        patches.setattr(step, failing)
        with pytest.raises(OSError, match="No space"):
            write_atomically(path, "after")
    assert path.read_text() == "before"


def test_a_failing_write_names_the_file_that_was_meant(tmp_path):
    with pytest.raises(FileNotFoundError) as refusal:
        write_atomically(tmp_path / "not" / "there", "text")
    assert refusal.value.filename == str(tmp_path / "not" / "there")


def test_a_failing_write_leaves_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr("os.replace", failing)
    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path / "file", "after")
    assert os.listdir(tmp_path) == []


def test_the_new_file_is_complete_before_it_takes_the_name(
    tmp_path, monkeypatch
):
    seen = []

    def replace(partial, path):
        seen.append((pathlib.Path(partial).read_text(), path.exists()))
        assert pathlib.Path(partial).parent == tmp_path

    monkeypatch.setattr("os.replace", replace)
    write_json(tmp_path / "file", {"a": [1]})
    assert seen == [('{\n  "a": [\n    1\n  ]\n}\n', False)]


def test_json_is_given_back(tmp_path):
    write_json(tmp_path / "file", {"a": [1, None, 0.1]})
    assert read_json(tmp_path / "file") == {"a": [1, None, 0.1]}


# A stage


def test_a_stage_begins_with_four_files(tmp_path):
    stage = begun(tmp_path / "not" / "there")
    assert stage.path == tmp_path / "not" / "there" / "search"
    assert sorted(os.listdir(stage.path)) == [
        "config.json",
        "environment.json",
        "flags.cfg",
        "status.json",
    ]


def test_the_settings_are_kept_with_what_follows_from_them(tmp_path):
    stage = Stage(str(tmp_path), "train")
    config = fill_paper_settings(TrainConfig(run_dir=str(tmp_path), epochs=3))
    stage.begin(config, mean=(0.5, 0.25), class_names=("a", "b"))
    expected = {
        field.name: getattr(config, field.name) for field in flag_fields(config)
    }
    del expected["run_dir"]
    expected |= {"mean": [0.5, 0.25], "class_names": ["a", "b"]}
    expected["task"] = "images"
    assert read_json(stage.path / "config.json") == expected
    assert Stage(tmp_path, "train").settings() == expected


@pytest.mark.parametrize("config", CONFIGS)
def test_the_flags_are_a_flagfile_of_the_same_settings(config, tmp_path):
    config = dataclasses.replace(config, run_dir=str(tmp_path))
    stage = Stage(config.run_dir, "any")
    stage.begin(config, mean=(0.5,))
    again = settings_from_flagfile(
        type(config), stage.path / "flags.cfg", run_dir=config.run_dir
    )
    assert again == config


def test_the_flags_leave_out_what_has_no_effect(tmp_path):
    """A preset chooses epochs for an evaluator that trains nothing, too."""
    config = tfdarts.search_config(
        "evolution",
        evaluator="surrogate",
        num_candidates=3,
        run_dir=str(tmp_path),
    )
    chosen = dataclasses.replace(config, **{"epochs": 14, "population": 20})
    stage = Stage(config.run_dir, "search")
    stage.begin(chosen)
    lines = (stage.path / "flags.cfg").read_text().splitlines()
    assert "--population=20" in lines
    assert [line for line in lines if line.startswith("--epochs")] == []


def test_the_environment_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tfdarts-search", "--order=1"])
    (environment,) = read_json(begun(tmp_path).path / "environment.json")
    assert environment["tfdarts"] == tfdarts.__version__
    assert environment["tensorflow"] == tf.__version__
    assert environment["keras"] == keras.__version__
    assert sys.version.startswith(environment["python"])
    assert environment["command"] == ["tfdarts-search", "--order=1"]
    assert environment["devices"][0].endswith("device:CPU:0")


def test_the_status_is_kept(tmp_path):
    stage = begun(tmp_path)
    status = read_json(stage.path / "status.json")
    now = datetime.datetime.now(datetime.UTC)
    time = datetime.datetime.fromisoformat(status.pop("time"))
    assert abs((now - time).total_seconds()) < 60
    assert status == {"state": "running", "epoch": 0}
    stage.report("running", epoch=3, time_left="1:00")
    status = read_json(stage.path / "status.json")
    assert (status["epoch"], status["time_left"]) == (3, "1:00")


def test_a_stage_is_finished_once_it_says_so(tmp_path):
    stage = Stage(str(tmp_path), "search")
    assert not stage.finished
    stage = begun(tmp_path)
    assert not stage.finished
    stage.report("finished")
    assert stage.finished
    assert Stage(tmp_path, "search").finished
    assert not Stage(tmp_path, "train").finished


def test_the_same_settings_go_on_and_nothing_is_rewritten(tmp_path):
    stage = begun(tmp_path, seed=3)
    has_finished_epochs(stage, 5)
    before = contents(tmp_path)
    begun(tmp_path, seed=3)
    after = contents(tmp_path)
    assert len(json.loads(after.pop(ENVIRONMENT))) == 2
    del before[ENVIRONMENT]
    assert after == before


def test_other_versions_are_said_and_kept(tmp_path, monkeypatch, caplog):
    stage = begun(tmp_path)
    has_finished_epochs(stage, 5)
    monkeypatch.setattr(keras, "__version__", "4.0")
    monkeypatch.setattr(logger, "propagate", True)
    begun(tmp_path)
    first, second = read_json(stage.path / "environment.json")
    assert (first["keras"], second["keras"]) != ("4.0", "4.0")
    assert second["keras"] == "4.0"
    assert f"resuming with keras 4.0, after {first['keras']}" in caplog.text


def test_other_devices_are_said_and_kept(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(Stage, "replicas", 4)
    has_finished_epochs(begun(tmp_path), 5)
    monkeypatch.setattr(Stage, "replicas", 2)
    monkeypatch.setattr(logger, "propagate", True)
    stage = begun(tmp_path)
    sessions = read_json(stage.path / "environment.json")
    assert [session["replicas"] for session in sessions] == [4, 2]
    assert "resuming with replicas 2, after 4" in caplog.text


def test_the_same_data_may_be_elsewhere(tmp_path):
    config = fill_paper_settings(
        SearchConfig(run_dir=str(tmp_path), dataset="folder:/here")
    )
    stage = Stage(tmp_path, "search")
    stage.begin(config, fingerprint="abc")
    has_finished_epochs(stage, 5)
    moved = dataclasses.replace(config, dataset="folder:/there")
    stage.begin(moved, fingerprint="abc")
    with pytest.raises(ValueError, match="dataset: folder:/here recorded"):
        stage.begin(moved, fingerprint="def")


def test_what_an_earlier_version_had_no_setting_for_is_its_default(tmp_path):
    of_folder = {"dataset": "folder:/here"}
    stage = begun(tmp_path, **of_folder)
    has_finished_epochs(stage, 1)
    settings = read_json(stage.path / "config.json")
    del settings["skip_broken"]
    write_json(stage.path / "config.json", settings)
    begun(tmp_path, **of_folder)
    with pytest.raises(
        ValueError, match="skip_broken: False recorded, True given"
    ):
        begun(tmp_path, **of_folder, skip_broken=True)


def test_recorded_settings_without_effect_are_not_compared(tmp_path):
    """Version 0.1.0 took them; now they are refused."""
    config = fill_paper_settings(
        TrainConfig(run_dir=str(tmp_path), epochs=7, schedule="steps")
    )
    stage = Stage(tmp_path, "train")
    stage.begin(dataclasses.replace(config, min_learning_rate=0.01))
    has_finished_epochs(stage, 1)
    stage.begin(config)
    with pytest.raises(ValueError) as refusal:
        stage.begin(dataclasses.replace(config, schedule="cosine"))
    assert "min_learning_rate: 0.01 recorded, 0.0 given" in str(refusal.value)
    assert "schedule: steps recorded, cosine given" in str(refusal.value)


def test_other_devices_may_go_on_with_global_batch_norms(tmp_path):
    config = fill_paper_settings(
        TrainConfig(
            run_dir=str(tmp_path), distribute="mirrored", batch_norm="global"
        )
    )
    source = types.SimpleNamespace(name=config.dataset)
    stage = Stage(tmp_path, "train")
    stage.begin(to_recorded_config(config, source))
    has_finished_epochs(stage, 1)
    on_one = dataclasses.replace(config, distribute="none")
    require_config("train", on_one, TrainConfig)
    stage.begin(to_recorded_config(on_one, source))
    with pytest.raises(
        ValueError, match="batch_norm: global recorded, local given"
    ):
        stage.begin(dataclasses.replace(on_one, batch_norm="local"))


def test_before_the_first_epoch_other_settings_take_over(tmp_path):
    begun(tmp_path, batch_size=512)
    assert begun(tmp_path, batch_size=64).settings()["batch_size"] == 64


def test_a_run_without_its_checkpoints_is_not_started_over(tmp_path):
    stage = begun(tmp_path)
    stage.report("running", epoch=5)
    stage.report("stopped", reason="no power")
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="finished epoch 5, but its checkp"):
        begun(tmp_path)
    assert contents(tmp_path) == before


def test_a_run_may_be_moved(tmp_path):
    begun(tmp_path / "here", seed=3)
    (tmp_path / "here").rename(tmp_path / "there")
    begun(tmp_path / "there", seed=3)


def test_other_settings_are_refused_and_each_is_listed(tmp_path):
    has_finished_epochs(begun(tmp_path, seed=3, epochs=7, order=2), 5)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="other settings") as refusal:
        begun(tmp_path, seed=4, epochs=8, order=1)
    assert str(refusal.value) == (
        f"{tmp_path}/search was started with other settings (order: 2 "
        f"recorded, 1 given; seed: 3 recorded, 4 given). Give the recorded "
        f"settings to resume, or another --run_dir."
    )
    assert contents(tmp_path) == before


@pytest.mark.parametrize("finished", [False, True])
def test_more_epochs_extend_a_stage(finished, tmp_path, monkeypatch, caplog):
    stage = begun(tmp_path, epochs=7)
    has_finished_epochs(stage, 7 if finished else 5)
    results = (tmp_path / "genotype.json", tmp_path / "cells" / "normal.png")
    if finished:
        results[1].parent.mkdir()
        for file in results:
            file.write_text(f"of 7 epochs: {file.name}")
        stage.report("finished", epochs=7, best_epoch=7, seconds=12.5)
    assert stage.is_complete(SearchConfig(epochs=7)) == finished
    assert not stage.is_complete(SearchConfig(epochs=9))
    monkeypatch.setattr(logger, "propagate", True)
    with caplog.at_level(logging.INFO, "tfdarts"):
        begun(tmp_path, epochs=9)
    assert "--epochs=9 replaces 7. The schedules of the lea" in caplog.text
    assert stage.settings()["epochs"] == 9
    flags = (stage.path / "flags.cfg").read_text().splitlines()
    assert "--epochs=9" in flags
    assert not stage.finished and stage.status()["epochs"] == 9
    assert stage.status()["epoch"] == (7 if finished else 5)
    aside = stage.path / "after_epoch_7"
    assert aside.exists() == finished
    if finished:
        assert stage.status()["seconds"] == 12.5
        assert stage.status()["best_epoch"] is None
        assert not any(file.exists() for file in results)
        assert (aside / "genotype.json").read_text().startswith("of 7")
        assert (aside / "cells" / "normal.png").read_text().startswith("of 7")
    # The same command once more only resumes.
    before = contents(tmp_path)
    del before[ENVIRONMENT]
    begun(tmp_path, epochs=9)
    assert before.items() <= contents(tmp_path).items()


def test_fewer_epochs_are_refused(tmp_path):
    has_finished_epochs(begun(tmp_path, epochs=7), 5)
    before = contents(tmp_path)
    with pytest.raises(ValueError) as refusal:
        begun(tmp_path, epochs=6)
    assert str(refusal.value) == (
        f"{tmp_path}/search was started with --epochs=7, which can only "
        f"be raised. Received: 6. Give at least 7, or another --run_dir."
    )
    assert contents(tmp_path) == before


def test_a_refused_extension_leaves_a_finished_stage_finished(tmp_path):
    stage = begun(tmp_path, epochs=7, seed=3)
    has_finished_epochs(stage, 7)
    stage.report("finished", epoch=7)
    before = stage.status()
    with pytest.raises(ValueError, match="seed: 3 recorded, 4 given"):
        with stage.running():
            begun(tmp_path, epochs=9, seed=4)
    assert stage.status() == before
    assert "Stopped: " in (stage.path / "log.txt").read_text()
    with pytest.raises(KeyboardInterrupt), stage.running():
        begun(tmp_path, epochs=9, seed=3)
        raise KeyboardInterrupt
    assert stage.status()["state"] == "stopped"


def test_a_finished_stage_without_checkpoints_is_not_extended(tmp_path):
    begun(tmp_path, epochs=7).report("finished", epoch=7)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="finished epoch 7, but its checkp"):
        begun(tmp_path, epochs=9)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("of_texts_first", [True, False])
def test_images_do_not_go_on_in_a_run_of_texts(of_texts_first, tmp_path):
    configs = [
        RNNSearchConfig(run_dir=str(tmp_path), dataset="pydoc"),
        fill_paper_settings(SearchConfig(run_dir=str(tmp_path))),
    ]
    first, second = configs if of_texts_first else configs[::-1]
    stage = Stage(tmp_path, "search")
    stage.begin(first)
    has_finished_epochs(stage, 5)
    before = contents(tmp_path)
    with pytest.raises(ValueError) as refusal:
        stage.begin(second)
    assert str(refusal.value) == (
        f"{tmp_path}/search was started on {first.dataset}, whose networks are "
        f"of another kind than the networks of {second.dataset}: give another "
        f"--run_dir."
    )
    assert contents(tmp_path) == before


def test_what_follows_from_the_data_must_be_the_same_too(tmp_path):
    config = fill_paper_settings(SearchConfig(run_dir=str(tmp_path)))
    stage = Stage(tmp_path, "search")
    stage.begin(config, mean=(0.1, 0.2))
    has_finished_epochs(stage, 5)
    stage.begin(config, mean=(0.1, 0.2))
    with pytest.raises(
        ValueError, match=r"mean: \[0.1, 0.2\] recorded, \[0.3\]"
    ):
        stage.begin(config, mean=(0.3,))


def test_the_stages_of_a_run_do_not_mind_each_other(tmp_path):
    begun(tmp_path, "search", seed=3)
    begun(tmp_path, "train", seed=4)
    assert Stage(tmp_path, "search").settings()["seed"] == 3


@pytest.mark.parametrize("missing", ["flags.cfg", "status.json"])
def test_a_start_that_was_cut_off_is_made_again(missing, tmp_path, monkeypatch):
    def cut_off(path, content):
        if pathlib.Path(path).name == missing:
            raise KeyboardInterrupt
        write_atomically(path, content)

    with monkeypatch.context() as patches:
        for module in (json_files, run_directory):
            patches.setattr(module, "write_atomically", cut_off)
        with pytest.raises(KeyboardInterrupt):
            begun(tmp_path, seed=3)
    stage = begun(tmp_path, seed=4)
    assert stage.settings()["seed"] == 4
    assert len(os.listdir(stage.path)) == 4


# The log


def lines(stage):
    text = (stage.path / "log.txt").read_text()
    return [line.split(" ", 2)[2] for line in text.splitlines()]


def test_what_is_said_meanwhile_is_kept_without_the_transient(tmp_path):
    stage = begun(tmp_path)
    handlers = [*logger.handlers]
    logger.info("before")
    with stage.running():
        logger.info("epoch %d", 1)
        logger.info("step 1", extra={"transient": True})
        logger.debug("detail")
    logger.info("after")
    with stage.running():
        logger.info("epoch %d", 2)
    assert lines(stage) == ["epoch 1", "epoch 2"]
    assert logger.handlers == handlers
    assert read_json(stage.path / "status.json")["state"] == "running"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("No more."), "No more."),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_why_it_stopped_is_kept(error, reason, tmp_path):
    stage = begun(tmp_path)
    handlers = [*logger.handlers]
    with pytest.raises(type(error)):
        with stage.running():
            raise error
    status = read_json(stage.path / "status.json")
    assert (status["state"], status["reason"]) == ("stopped", reason)
    assert lines(stage) == [f"Stopped: {reason}"]
    assert not stage.finished
    assert logger.handlers == handlers


# The lock

HOLD = """
import pathlib, sys, time
from tfdarts.records.run_directory import Stage

with Stage(sys.argv[1], "search").running():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_is_refused_until_the_first_is_gone(tmp_path):
    """The first one is killed: the lock must not outlive it."""
    stage = begun(tmp_path)
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as first:
        assert first.stdout.readline() == b"held\n"
        before = read_json(stage.path / "status.json")
        with pytest.raises(ValueError, match="Another process is writing"):
            with stage.running():
                pass
        assert read_json(stage.path / "status.json") == before
        first.kill()
    with stage.running():
        logger.info("its turn")
    assert lines(stage) == ["its turn"]


# Refusals


@pytest.mark.parametrize("run_dir", [None, ""])
@pytest.mark.parametrize("name", ["search", "train"])
def test_a_stage_needs_a_directory(name, run_dir):
    message = f"The {name} stage needs a run directory: give --run_dir."
    with pytest.raises(ValueError, match=message):
        Stage(run_dir, name)


def test_a_stage_that_was_not_begun_has_no_settings(tmp_path):
    message = f"{tmp_path} holds no train stage: run tfdarts-train"
    with pytest.raises(ValueError, match=message):
        Stage(tmp_path, "train").settings()


def test_asking_makes_no_directory(tmp_path):
    stage = Stage(tmp_path / "run", "search")
    assert not stage.finished
    assert os.listdir(tmp_path) == []


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="file"):
        begun(tmp_path / "file" / "run")


@pytest.fixture
def sealed():
    """A directory that may be read and not written, whoever runs the tests."""
    root = os.geteuid() == 0
    # Not in `tmp_path`, which others than its owner may not even enter.
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory)
        path.chmod(0o555)
        if root:
            os.seteuid(65534)  # Root may write anywhere; nobody may not.
        try:
            yield path
        finally:
            if root:
                os.seteuid(0)
            path.chmod(0o755)


def test_a_directory_that_cannot_be_written_is_refused(sealed):
    assert os.listdir(sealed) == []
    with pytest.raises(PermissionError, match=f"denied: '{sealed}/search'"):
        begun(sealed)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\0\0", "null"])
def test_damaged_settings_are_named_and_stay(text, tmp_path):
    stage = begun(tmp_path)
    has_finished_epochs(stage, 5)
    (stage.path / "config.json").write_text(text)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="config.json is damaged. Restore an"):
        begun(tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\0\0", "null"])
def test_a_damaged_status_is_as_none(text, tmp_path):
    stage = begun(tmp_path)
    has_finished_epochs(stage, 5)
    (stage.path / "status.json").write_text(text)
    assert stage.status() == {} or text == "{}"
    assert not stage.finished
    begun(tmp_path)


def test_a_full_disk_does_not_hide_why_it_stopped(tmp_path, monkeypatch):
    stage = begun(tmp_path)
    with pytest.raises(KeyError, match="the first"):
        with stage.running():
            monkeypatch.setattr(run_directory, "write_atomically", failing)
            raise KeyError("the first")


def test_a_stage_is_json_only(tmp_path):
    for path in begun(tmp_path).path.glob("*.json"):
        json.loads(path.read_text())


UNFIT = ["a\nb", "a\0b", "a\x1b[2J", "a\u2028b", "a\udcffb"]


@pytest.mark.parametrize("name", UNFIT)
def test_a_name_that_cannot_be_written_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match="--run_dir must have no control char"):
        Stage(tmp_path / name, "train")
    for field in ("run_dir", "dataset", "genotype"):
        with pytest.raises(ValueError, match=f"--{field} must have no control"):
            TrainConfig(**{field: f"x{name}"})
    fields = {"recurrent": [("tanh", 0)], "recurrent_concat": [1]}
    with pytest.raises(ValueError, match="`name` must have no control charac"):
        genotypes.Genotype(**fields, name=name)
    assert not any(tmp_path.iterdir())


def test_a_command_in_a_sentence_can_be_typed(tmp_path):
    run_dir = f"{tmp_path}/my $runs 'x'"
    with pytest.raises(ValueError) as refusal:
        Stage(run_dir, "train").settings()
    command = str(refusal.value).partition("run tfdarts")[2]
    words = shlex.split(f"tfdarts{command.removesuffix(' first.')}")
    assert words == ["tfdarts-train", f"--run_dir={run_dir}"]


def test_names_that_look_alike_are_the_same_settings(tmp_path):
    stage = Stage(tmp_path, "train")
    stage.begin(
        fill_paper_settings(TrainConfig()), class_names=("e\u0301", "a")
    )
    has_finished_epochs(stage, 1)
    stage.begin(fill_paper_settings(TrainConfig()), class_names=("é", "a"))
    with pytest.raises(ValueError, match="other settings .class_names"):
        stage.begin(fill_paper_settings(TrainConfig()), class_names=("e", "a"))


def test_the_log_takes_every_character(tmp_path, monkeypatch):
    stage = Stage(tmp_path, "train")
    logger = logging.getLogger("tfdarts")
    # pytest-xdist cannot send a captured record that is no UTF-8.
    monkeypatch.setattr(logger, "propagate", False)
    with stage.running():
        logger.info("%s", "é 😀 100 % {x} \udcff")
    text = (tmp_path / "train" / "log.txt").read_text(encoding="utf-8")
    assert text.endswith("é 😀 100 % {x} \\udcff\n")


def of_version_0_1_0(stage):
    """Takes from the record what that version did not have."""
    settings = read_json(stage.path / "config.json")
    del settings["preset"], settings["stem"]
    write_json(stage.path / "config.json", settings)


@pytest.mark.parametrize("earlier", [True, False])
def test_what_a_command_leaves_open_stays_as_it_was_begun(tmp_path, earlier):
    stage = begun(tmp_path, epochs=7, batch_size=5)
    given = SearchConfig(run_dir=str(tmp_path), epochs=7)
    # Nothing is kept, so that the preset may choose.
    assert stage.restore_choices(given) == given
    has_finished_epochs(stage, 5)
    if earlier:
        of_version_0_1_0(stage)
    config = stage.restore_choices(given)
    expected = SearchConfig(
        run_dir=str(tmp_path),
        epochs=7,
        batch_size=5,
        stem="cifar" if earlier else "auto",
    )
    assert config == dataclasses.replace(
        fill_paper_settings(expected), preset="auto"
    )
    stage.begin(config)
    # What is chosen is compared, whichever preset has chosen it.
    stage.begin(dataclasses.replace(config, preset="paper"))
    papers = SearchConfig(preset="paper", run_dir=str(tmp_path), epochs=7)
    assert stage.restore_choices(papers).batch_size is None
    with pytest.raises(ValueError, match="batch_size: 5 recorded, 64 given"):
        stage.begin(fill_paper_settings(papers))
    other = dataclasses.replace(given, batch_size=6)
    with pytest.raises(ValueError, match="batch_size: 5 recorded, 6 given"):
        stage.begin(stage.restore_choices(other))
