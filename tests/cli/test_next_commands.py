"""What a command says to type next can be typed as it is."""

import shlex

import pytest

from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_from_flagfile
from tfdarts.cli.command import settings_of
from tfdarts.cli.search_command import _training_of
from tfdarts.cli.select_command import _training
from tfdarts.cli.train_command import command as train_command
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.rnn_configs import RNNSearchConfig
from tfdarts.tasks.task_registry import get_task


def given(train_flagfile, task, **flags):
    """Values of flags, as a command has them."""
    task = get_task(task)
    known = {"train_flagfile": train_flagfile, "task": task}
    return {**known, "typed": [*flags], **flags}


def config_of(line):
    """The config that `tfdarts-train` makes of a line."""
    start, program, *arguments = shlex.split(line)
    assert (start, program) == ("Next:", "tfdarts-train")
    values, task = train_command.parse_arguments(arguments)
    return settings_of(task.configs["train"], values.flag_values_dict())


def test_a_training_is_on_the_data_of_its_search(tmp_path):
    flagfile = tmp_path / "my train.cfg"
    flagfile.write_text("--dataset=digits\n--epochs=3\n--seed=7\n")
    config = SearchConfig(
        run_dir="runs/my run",
        dataset="folder:../pictures of 'cats'",
        image_size=20,
        random_flip="on",
        tensorboard=True,
    )
    for file in (None, str(flagfile)):
        values = given(file, "images", train_mixup=0.5)
        trained = config_of(_training_of(config, values))
        assert trained.mixup == 0.5
        assert trained.dataset == config.dataset
        assert trained.run_dir == config.run_dir
        assert (trained.image_size, trained.random_flip) == (20, "on")
        assert (trained.seed, trained.tensorboard) == (0, True)
        assert trained.epochs == (3 if file else TrainConfig().epochs)


def test_a_winner_is_trained_on_the_data_of_its_selection(tmp_path):
    flagfile = tmp_path / "train.cfg"
    flagfile.write_text("--epochs=3\n")
    arguments = [
        f"--flagfile={flagfile}",
        "--run_dirs=a,b",
        *("--epochs", "7"),
        "--validation_portion=0.3",
        "--dataset=folder:x y",
        "--run_dir=out",
    ]
    trained = config_of(_training(arguments))
    assert (trained.epochs, trained.validation_portion) == (3, 0.0)
    assert (trained.dataset, trained.run_dir) == ("folder:x y", "out")


@pytest.mark.parametrize(
    ("typed", "run_dir"), [([], "runs/digits"), (["--run_dir=r"], "r")]
)
def test_a_training_follows_its_dry_run(typed, run_dir, capsys, monkeypatch):
    monkeypatch.setattr(
        "tfdarts.cli.train_command.cost_table", lambda *of: "a table"
    )
    arguments = ["--genotype=DARTS_V2", *typed, "--dry_run", "--depth=40"]
    values, task = train_command.parse_arguments(arguments)
    given = {**values.flag_values_dict(), "task": task, "arguments": arguments}
    given["typed"] = []
    train_command.run(given)
    config = config_of(capsys.readouterr().out.splitlines()[-1])
    assert (config.run_dir, config.genotype) == (run_dir, "DARTS_V2")
    assert config.depth == 40


def test_a_line_is_no_longer_than_it_must_be():
    config = SearchConfig(run_dir="r")
    assert (
        _training_of(config, given(None, "images"))
        == "Next: tfdarts-train --run_dir=r"
    )


def test_a_missing_flagfile_is_known_before_the_search():
    with pytest.raises(ValueError, match="no.cfg cannot be used"):
        _training_of(SearchConfig(run_dir="r"), given("no.cfg", "images"))


def test_words_are_quoted():
    line = next_command("saved_model_cli", "--dir", "a b", name="it's")
    assert shlex.split(line)[1:] == [
        "saved_model_cli",
        "--dir",
        "a b",
        "--name=it's",
    ]


def test_switches_that_are_off_stay_off(tmp_path):
    flagfile = tmp_path / "train.cfg"
    flagfile.write_text("--deterministic\n")
    line = _training_of(
        SearchConfig(run_dir="r"), given(str(flagfile), "images")
    )
    assert not config_of(line).deterministic
    assert settings_from_flagfile(TrainConfig, flagfile).deterministic


def test_a_training_of_a_text_names_it(tmp_path):
    """With no flagfile to say it, a command line would be one for images."""
    config = RNNSearchConfig(run_dir="r", seed=2)
    line = _training_of(config, given(None, "texts"))
    assert line == "Next: tfdarts-train --run_dir=r --dataset=pydoc --seed=2"
    flagfile = tmp_path / "train.cfg"
    flagfile.write_text("--dataset=pydoc\n--units=7\n")
    trained = config_of(_training_of(config, given(str(flagfile), "texts")))
    assert (trained.dataset, trained.units, trained.seed) == ("pydoc", 7, 2)
