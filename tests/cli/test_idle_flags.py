"""Idle flags of a flagfile give way to typed flags; others are refused."""

import dataclasses
import logging
import re

import pytest

import tfdarts
from tfdarts.cli import pipeline_command
from tfdarts.cli import predict_command
from tfdarts.cli import search_command
from tfdarts.cli import train_command
from tfdarts.cli import visualize_command
from tfdarts.cli.training_flags import training_of
from tfdarts.runs.search_configs import search_config_class_of
from tfdarts.settings.fields import require_config
from tfdarts.tasks import task_registry
from tfdarts.tasks.task_registry import get_task

IMAGES = get_task("images")


def flags_of(module, config_class, arguments, capsys):
    """Returns the settings of a command line, and what it logs."""

    def run(values):
        names = config_class.__dataclass_fields__
        config = config_class(**{n: values[n] for n in values if n in names})
        require_config("train", config, config_class)
        seen.update(values, config=config)

    seen = {}
    command = dataclasses.replace(
        module.command, run=run, needs_tensorflow=False
    )
    code = command.main(arguments)
    return code, seen, capsys.readouterr().err


CASES = [
    (
        search_command,
        "search",
        ["--method=exact"],
        ["--order=1"],
        {"method": None},
    ),
    (
        search_command,
        "search",
        ["--early_stop=stable", "--early_stop_patience=3"],
        ["--early_stop", "none"],
        {"early_stop_patience": None},
    ),
    (
        train_command,
        "train",
        ["--nesterov"],
        ["--momentum=0.0"],
        {"nesterov": None},
    ),
    (
        train_command,
        "train",
        ["--num_cells=20", "--stem=cifar", "--drop_path_rate=0.2"],
        ["--network=densenet_bc"],
        {"num_cells": None, "stem": None, "drop_path_rate": None},
    ),
    # The value that has no effect is the default: nothing is left out.
    (train_command, "train", ["--momentum=0.9"], ["--optimizer=adamw"], {}),
]


@pytest.mark.parametrize(("module", "name", "file", "typed", "idle"), CASES)
def test_typed_flags_make_flags_of_a_flagfile_idle(
    module, name, file, typed, idle, tmp_path, capsys
):
    path = tmp_path / "a.cfg"
    path.write_text("\n".join([*file, "--seed=3"]))
    arguments = [f"--flagfile={path}", *typed]
    config_class = IMAGES.configs[name]
    code, seen, said = flags_of(module, config_class, arguments, capsys)
    assert code == 0, said
    assert seen["config"].seed == 3
    for flag in idle:
        field = config_class.__dataclass_fields__[flag]
        assert getattr(seen["config"], flag) == field.default
        assert flag not in seen["given"]
        assert f"--{flag}=" in said
    lines = [line for line in said.splitlines() if "ignored flags" in line]
    assert len(lines) == bool(idle)
    if idle:
        typed = "=".join(typed)
        assert (
            f"ignored flags of the flagfile, which have no effect beside "
            f"{typed}: " in (lines[0])
        )


@pytest.mark.parametrize(
    ("file", "typed"),
    [
        ([], ["--order=1", "--method=exact"]),
        (["--order=1"], ["--method=exact"]),
        (["--method=exact"], ["--order=1", "--method=exact"]),
        (["--order=1", "--method=exact"], []),
        (["--order=1", "--method=exact"], ["--seed=3"]),
    ],
)
def test_other_idle_flags_are_refused(file, typed, tmp_path, capsys):
    path = tmp_path / "a.cfg"
    path.write_text("\n".join(file))
    arguments = [f"--flagfile={path}", *typed]
    config_class = search_config_class_of({"strategy": "darts"}, IMAGES)
    code, _, said = flags_of(search_command, config_class, arguments, capsys)
    assert code == 2
    assert "--method=exact has no effect with --order=1" in said
    assert "ignored flags" not in said


TYPED = [
    (
        search_command,
        ["--order=1", "--method=central_difference"],
        "method",
        "order",
    ),
    (search_command, ["--early_stop_from=10"], "early_stop_from", "early_stop"),
    (search_command, ["--batch_norm=global"], "batch_norm", "distribute"),
    (
        search_command,
        ["--train_batch_norm=global"],
        "train_batch_norm",
        "distribute",
    ),
    (
        search_command,
        ["--train_optimizer=adamw", "--train_momentum=0.9"],
        *("train_momentum", "train_optimizer"),
    ),
    (train_command, ["--batch_norm=global"], "batch_norm", "distribute"),
    (train_command, ["--decay_rate=0.97"], "decay_rate", "schedule"),
    (
        train_command,
        ["--optimizer=adamw", "--momentum=0.9"],
        "momentum",
        "optimizer",
    ),
    (train_command, ["--depth=100"], "depth", "network"),
    (train_command, ["--image_fit=stretch"], "image_fit", "image_size"),
    (
        predict_command,
        ["--text=a", "--export_dir=x", "--batch_size=32"],
        *("batch_size", "text"),
    ),
    (
        predict_command,
        ["--text=a", "--export_dir=x", "--skip_broken"],
        *("skip_broken", "text"),
    ),
    (
        predict_command,
        ["--images=a.png", "--export_dir=x", "--timeout=10"],
        *("timeout", "export_dir"),
    ),
    (
        visualize_command,
        ["--run_dir=r", "--output_dir=o"],
        "output_dir",
        "run_dir",
    ),
    (
        visualize_command,
        ["--run_dir=r", "--output_dir=cells"],
        "output_dir",
        "run_dir",
    ),
]


@pytest.mark.parametrize(("module", "typed", "idle", "cause"), TYPED)
def test_a_typed_flag_without_effect_is_refused(
    module, typed, idle, cause, capsys
):
    """Also if its value is the default."""
    command = dataclasses.replace(
        module.command, run=lambda values: 1 / 0, needs_tensorflow=False
    )
    assert command.main(typed) == 2
    said = capsys.readouterr().err
    assert re.search(rf"--{idle}=\S+ has no effect with --{cause}=", said)
    assert f"or leave --{idle} out" in said and "None" not in said


@dataclasses.dataclass(frozen=True)
class Sound(tfdarts.Settings):
    """A question of a third task."""

    sound: str = tfdarts.setting(None, "File of a sound.")


def test_a_task_says_what_has_no_effect_on_its_question(monkeypatch, capsys):
    task = type(
        "Sounds",
        (tfdarts.TextTask,),
        {"name": "sounds", "question": Sound, "placeholder": "SOUND"},
    )()
    monkeypatch.setattr(
        predict_command, "tasks", lambda: [*task_registry.tasks(), task]
    )
    command = dataclasses.replace(
        predict_command.command,
        run=lambda values: None,
        needs_tensorflow=False,
    )
    typed = ["--sound=a.wav", "--export_dir=x", "--batch_size=4"]
    assert command.main(typed) == 2
    assert "has no effect with --sound=a.wav: leave --sound" in (
        capsys.readouterr().err
    )
    monkeypatch.setattr(type(task), "idle_in_predictions", ())
    assert command.main(typed) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("module", "file", "typed", "name"),
    [
        (
            search_command,
            "--method=central_difference",
            ["--order=1"],
            "method",
        ),
        (train_command, "--decay_rate=0.97", [], "decay_rate"),
        (train_command, "--batch_norm=global", [], "batch_norm"),
        (
            train_command,
            "--batch_norm=global",
            ["--distribute=none"],
            "batch_norm",
        ),
    ],
)
def test_defaults_of_a_flagfile_are_taken(
    module, file, typed, name, tmp_path, capsys
):
    path = tmp_path / "a.cfg"
    path.write_text(file)
    config_class = IMAGES.configs[module.command.name.removeprefix("tfdarts-")]
    arguments = [f"--flagfile={path}", *typed]
    code, seen, said = flags_of(module, config_class, arguments, capsys)
    assert code == 0, said
    assert str(getattr(seen["config"], name)) == file.partition("=")[2]


@pytest.mark.parametrize("distribute", ["auto", "mirrored"])
def test_batch_norm_of_several_devices_may_be_typed(distribute, capsys):
    typed = [f"--distribute={distribute}", "--batch_norm=global"]
    config_class = IMAGES.configs["train"]
    code, seen, said = flags_of(train_command, config_class, typed, capsys)
    assert code == 0, said
    assert seen["config"].batch_norm == "global"


@pytest.mark.parametrize("module", [search_command, pipeline_command])
def test_an_idle_flag_of_the_training_is_refused_before_the_search(
    module, tmp_path, capsys
):
    """Beside a default of the training, which the search does not know."""
    typed = ["--train_decay_rate=0.97", f"--run_dir={tmp_path}"]
    typed.append("--dataset=folder:missing")
    command = dataclasses.replace(module.command, needs_tensorflow=False)
    assert command.main(typed) == 2
    said = capsys.readouterr().err
    assert "begin with --train_: --decay_rate=0.97 has no effect with " in said


def test_flags_of_a_flagfile_give_way_to_another_typed_strategy(
    tmp_path, capsys
):
    path = tmp_path / "a.cfg"
    path.write_text("--order\n2\n--alpha_learning_rate=0.4\n--epochs=3")
    config_class = search_config_class_of({"strategy": "random"}, IMAGES)
    typed = [f"--flagfile={path}", "--strategy=random"]
    code, seen, said = flags_of(search_command, config_class, typed, capsys)
    assert code == 0, said
    assert (seen["config"].strategy, seen["config"].epochs) == ("random", 3)
    assert said.count("ignored flags") == 1
    assert (
        "ignored flags of the flagfile, which have no effect beside "
        "--strategy=random: --order 2 --alpha_learning_rate=0.4\n"
    ) in said
    typed = [*typed, "--quiet"]
    assert flags_of(search_command, config_class, typed, capsys)[2] == ""


@pytest.mark.parametrize(
    ("file", "typed"),
    [
        ("", ["--strategy=random", "--order=2"]),
        ("--order=2", ["--strategy=random", "--order=2"]),
        ("--order=2\n--strategy=random", []),
    ],
)
def test_other_flags_of_another_strategy_are_refused(
    file, typed, tmp_path, capsys
):
    path = tmp_path / "a.cfg"
    path.write_text(file)
    typed = [f"--flagfile={path}", *typed]
    config_class = search_config_class_of({"strategy": "random"}, IMAGES)
    code, _, said = flags_of(search_command, config_class, typed, capsys)
    assert code == 2 and "--order is for --strategy=darts, beta_darts" in said
    assert "ignored flags" not in said


@pytest.mark.parametrize("module", [pipeline_command, search_command])
@pytest.mark.parametrize(
    "name", ["digits", "cifar10_search", "cifar10_search_second_order"]
)
def test_shipped_flagfiles_are_for_random_search_too(module, name, capsys):
    config_class = search_config_class_of({"strategy": "random"}, IMAGES)
    typed = [f"--flagfile=configs/{name}.cfg", "--strategy=random"]
    code, seen, said = flags_of(module, config_class, typed, capsys)
    assert code == 0, said
    assert seen["config"].strategy == "random"
    assert "no effect beside --strategy=random: " in said


def test_flags_of_a_train_flagfile_give_way_too(tmp_path, caplog, monkeypatch):
    path = tmp_path / "a.cfg"
    path.write_text("--optimizer=sgd\n--nesterov\n--epochs=3")
    monkeypatch.setattr(logging.getLogger("tfdarts"), "propagate", True)
    with caplog.at_level("INFO", "tfdarts"):
        config = training_of(path, IMAGES, optimizer="adamw")
    assert config.epochs == 3 and not config.nesterov
    assert caplog.messages == [
        "ignored flags of the flagfile, which have no effect beside "
        "--optimizer=adamw: "
        "--nesterov=True"
    ]


def test_train_flags_of_a_flagfile_give_way_too(tmp_path, capsys):
    path = tmp_path / "a.cfg"
    path.write_text("--train_nesterov\n--train_epochs=3")
    arguments = [f"--flagfile={path}", "--train_optimizer=adamw"]
    config_class = IMAGES.configs["search"]
    code, seen, said = flags_of(
        pipeline_command, config_class, arguments, capsys
    )
    assert code == 0
    assert seen["train_epochs"] == 3 and seen["train_nesterov"] is None
    assert "beside --train_optimizer=adamw: --train_nesterov=True" in said
