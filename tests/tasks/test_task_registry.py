"""A task is an object; a third one is known everywhere once registered."""

import dataclasses
import importlib
import json

import numpy as np
import pytest
import tiny_search
import tiny_text
import tiny_training

import tfdarts
from tfdarts.cli import predict_command
from tfdarts.cli import search_command
from tfdarts.cli.help import examples_of
from tfdarts.records.run_directory import Stage
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.tasks.images import ImageTask
from tfdarts.tasks.task_registry import register_task
from tfdarts.tasks.task_registry import task_of_config
from tfdarts.tasks.task_registry import task_of_data
from tfdarts.tasks.task_registry import task_of_question
from tfdarts.tasks.task_registry import task_of_settings
from tfdarts.tasks.task_registry import tasks


@dataclasses.dataclass(frozen=True)
class VectorSearchConfig(tfdarts.SearchConfig):
    """Settings of a search on vectors."""

    length: int = setting(16, "Numbers of a vector.", least=16)


@dataclasses.dataclass(frozen=True)
class VectorTrainConfig(tfdarts.TrainConfig):
    """Settings of a training on vectors."""


@dataclasses.dataclass(frozen=True)
class VectorSelectConfig(tfdarts.SelectConfig):
    """Settings of a selection on vectors."""


class VectorTask(ImageTask):
    """Vectors of 16 numbers, as images of 4x4 pixels."""

    name = "vectors"
    configs = {
        "search": VectorSearchConfig,
        "train": VectorTrainConfig,
        "select": VectorSelectConfig,
    }
    examples = {"search": ("tfdarts-search --dataset=vectors:16",)}

    def takes(self, spec):
        return str(spec).startswith("vectors:")

    def find_data(self, dataset, settings, prepare=False):
        numbers = np.random.default_rng(0)
        labels = np.repeat([0, 1], 40)
        vectors = numbers.integers(0, 100, (80, 16)) + 100 * labels[:, None]
        images = vectors.reshape(-1, 4, 4, 1).astype("uint8")
        source = tfdarts.from_arrays((images, labels), (images, labels))
        return dataclasses.replace(source, name=dataset)


@pytest.fixture
def vectors():
    """The task of vectors, registered."""
    task = VectorTask()
    tfdarts.register_task(task)
    return task


VECTORS = {"dataset": "vectors:16", "batch_size": 20, "crop_padding": 0}
SEARCH = {**vars(tiny_search.TINY), **VECTORS, "epochs": 1}
TRAINING = {**vars(tiny_training.TRAINING), **VECTORS, "genotype": None}


def test_a_third_task_is_searched_trained_and_tested(vectors, tmp_path):
    run_dir = {"run_dir": str(tmp_path)}
    genotype = tfdarts.search(VectorSearchConfig(**SEARCH | run_dir))
    assert genotype.normal
    tfdarts.train(VectorTrainConfig(**TRAINING | run_dir))
    results = tfdarts.evaluate(tmp_path)
    assert results["test_examples"] == 80
    assert [*tfdarts.export(tmp_path, formats="keras")] == ["keras"]
    for name in ("search", "train"):
        written = json.loads((tmp_path / name / "config.json").read_text())
        assert written["task"] == "vectors"
        assert written["dataset"] == "vectors:16"
    others = tfdarts.SearchConfig(**SEARCH | run_dir | {"dataset": "digits"})
    with pytest.raises(ValueError, match="whose networks are of another kind"):
        tfdarts.search(others)


def test_commands_know_a_third_task(vectors):
    flags = ["--dataset=vectors:16", "--num_nodes=2"]
    values, task = search_command.command.parse_arguments(flags)
    assert task is vectors
    settings = search_command.command.settings_for(task)
    assert settings[0] is VectorSearchConfig
    shown = search_command.command.help()
    section = shown.partition("Flags for a --dataset of vectors. They")[2]
    assert "  --length=INTEGER (default 16)\n" in section
    with pytest.raises(ValueError, match="--length is for vectors, but --d"):
        search_command.command.parse_arguments(["--length=20"])
    assert "  tfdarts-search --dataset=vectors:16\n" in shown
    described = tfdarts.describe_data(VectorSearchConfig(**SEARCH))
    assert described.startswith("vectors:16")


class ToneTask(VectorTask):
    """It inherits the examples of images."""

    name = "tones"
    configs = {
        name: dataclasses.make_dataclass(
            f"Tone{name}", [], bases=(base,), frozen=True
        )
        for name, base in ImageTask.configs.items()
    }
    examples = ImageTask.examples


@pytest.mark.parametrize("name", ["search", "pipeline", "select"])
def test_help_shows_inherited_examples_once(name):
    command = importlib.import_module(f"tfdarts.cli.{name}_command").command
    before = examples_of(command)
    tfdarts.register_task(ToneTask())
    assert examples_of(command) == before
    assert len({*before}) == len(before) > 1


class Likewise(tfdarts.Strategy):
    """It trains candidates, as the random search does."""

    name = "likewise"
    trains = "candidates"
    settings = get_strategy("random").settings

    def run(self, search):
        search.evaluate(search.space.sample(0))


class Gradient(tfdarts.SupernetStrategy):
    """It has the settings of DARTS."""

    name = "gradient"


@pytest.mark.parametrize(
    ("flags", "hint"),
    [
        (["--strategy=random", "--order=1"], "--order is for --strategy=darts"),
        (
            ["--strategy=gradient", "--num_candidates=3"],
            "--num_candidates is for --strategy=random",
        ),
        (
            ["--dataset=pydoc", "--init_channels=3"],
            "--init_channels is for images, but",
        ),
    ],
)
def test_hints_name_the_part_that_was_registered_first(vectors, flags, hint):
    tfdarts.register_strategy(Gradient())
    tfdarts.register_strategy(Likewise())
    with pytest.raises(ValueError, match=hint):
        search_command.command.parse_arguments(flags)


@dataclasses.dataclass(frozen=True)
class VectorQuestion(Settings):
    """A vector to classify."""

    vector: str = setting(None, "Numbers with commas between them.")


def test_a_third_task_has_a_question_of_its_own(vectors, capsys, monkeypatch):
    def predictions(vector, **options):
        yield {"sum": sum(map(int, vector.split(",")))}

    def refused(answer):
        return "an odd sum" if answer["sum"] % 2 else None

    monkeypatch.setattr(vectors, "question", VectorQuestion, raising=False)
    monkeypatch.setattr(vectors, "predictions", predictions, raising=False)
    monkeypatch.setattr(vectors, "show_answer", str, raising=False)
    assert tfdarts.predict(vector="1,2", export_dir="x") == [{"sum": 3}]
    values, _ = predict_command.command.parse_arguments(["--vector=1,2,4"])
    predict_command.command.run(values.flag_values_dict())
    assert capsys.readouterr().out == "[{'sum': 7}]\n"
    assert "  --vector=TEXT\n" in predict_command.command.help()
    monkeypatch.setattr(vectors, "failure", refused, raising=False)
    with pytest.raises(tfdarts.DataError, match="1 of 1 vectors .* an odd sum"):
        predict_command.command.run(values.flag_values_dict())
    with pytest.raises(
        ValueError, match="Give either images or text or vector"
    ):
        tfdarts.predict(vector="1,2", text="a")


def test_the_task_of_an_exported_model_answers(
    vectors, tmp_path, capsys, monkeypatch
):
    def predictions(images, **options):
        yield {"image": images, "task": "vectors"}

    def answer(predictions):
        return {"vectors": predictions}

    monkeypatch.setattr(vectors, "predictions", predictions, raising=False)
    monkeypatch.setattr(vectors, "answer", answer, raising=False)
    for version, task in (("1", "images"), ("2", "vectors")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "saved_model.pb").touch()
        card = tmp_path / version / "model_card.json"
        card.write_text(json.dumps({"task": task}))
    expected = {"vectors": [{"image": "a.png", "task": "vectors"}]}
    for path in (tmp_path, tmp_path / "2"):
        assert tfdarts.predict("a.png", export_dir=path) == expected
    flags = [f"--export_dir={tmp_path}", "--images=a.png", "--format=json"]
    values, _ = predict_command.command.parse_arguments(flags)
    predict_command.command.run(values.flag_values_dict())
    assert json.loads(capsys.readouterr().out)["vectors"]
    images = tasks()[0]
    assert task_of_question("images", tmp_path) is vectors
    assert task_of_question("images", tmp_path, "2") is vectors
    assert task_of_question("images", tmp_path, 1) is images
    assert task_of_question("images", tmp_path, 3) is images
    assert task_of_question("images", tmp_path / "none") is images
    assert task_of_question("images") is images
    card.write_text("[")
    assert task_of_question("images", tmp_path) is images
    card.write_text("{}")
    assert task_of_question("images", tmp_path) is images


def test_a_task_is_found_by_data_by_settings_and_by_config(vectors):
    images, texts, _ = tasks()
    assert [task_of_data(s).name for s in (None, "digits", "pydoc")] == [
        *("images", "images", "texts")
    ]
    assert task_of_data(tiny_text.SOURCE) is texts
    assert task_of_data("vectors:16") is vectors
    assert task_of_config(VectorSearchConfig()) is vectors
    assert task_of_config(tfdarts.SearchConfig()) is images
    assert task_of_config(tfdarts.RNNSelectConfig()) is texts
    assert task_of_settings({"task": "vectors", "image_size": 0}) is vectors


def test_a_subclass_of_a_config_is_of_its_task():
    @dataclasses.dataclass(frozen=True)
    class OwnConfig(tfdarts.RNNTrainConfig):
        """With another default."""

    assert task_of_config(OwnConfig()).name == "texts"
    with pytest.raises(ValueError, match="settings belong to no task: 3"):
        task_of_config(3)


def test_runs_of_version_0_1_0_are_known_by_their_settings(tmp_path):
    for name, settings in (
        ("images", {"dataset": "digits", "image_size": 0}),
        ("texts", {"dataset": "pydoc", "units": 7}),
    ):
        assert task_of_settings(settings).name == name
        path = tmp_path / name / "search"
        path.mkdir(parents=True)
        (path / "config.json").write_text(json.dumps(settings))
        expected = {"task": name, **settings}
        assert Stage(tmp_path / name, "search").settings() == expected


def test_what_cannot_be_registered_is_refused():
    with pytest.raises(ValueError, match="must be a tfdarts.Task. Received"):
        register_task(VectorTask)

    with pytest.raises(ValueError, match="must have a name. Received"):
        register_task(tfdarts.Task())

    class Bare(tfdarts.Task):
        name = "bare"

    with pytest.raises(ValueError, match="Missing: search, train, select"):
        register_task(Bare())

    class Other(ImageTask):
        name = "others"

    with pytest.raises(ValueError, match="belongs to the task images: create"):
        register_task(Other())
    with pytest.raises(ValueError, match="There is no task 'vectors'. The"):
        task_of_settings({"task": "vectors"})
    assert [task.name for task in tasks()] == ["images", "texts"]
