"""The command `tfdarts-predict`."""

import dataclasses
import functools
import json
import logging

from tfdarts.cli.command import Command
from tfdarts.cli.command import settings_of
from tfdarts.data.image_source import DataError
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import flag_fields
from tfdarts.settings.fields import setting
from tfdarts.settings.fields import with_condition
from tfdarts.tasks.request_settings import RequestSettings
from tfdarts.tasks.task_registry import task_of_question
from tfdarts.tasks.task_registry import tasks

logger = logging.getLogger("tfdarts")


class _OneQuestion(Settings):
    """The input of a prediction: exactly one of the tasks' questions."""

    def __post_init__(self):
        super().__post_init__()
        if len(self.given()) != 1:
            raise ValueError(
                f"Give either {' or '.join(f'--{n}' for n in vars(self))}."
            )

    def given(self):
        """Returns the given question by name, a dict."""
        return {n: v for n, v in vars(self).items() if v not in (None, ())}


@functools.cache
def question_settings(*question_classes):
    """Returns one dataclass with the questions of several tasks.

    Args:
        *question_classes: Dataclasses; see `tfdarts.Task`.
    """
    fields = [
        (field.name, field.type, field)
        for question_class in dict.fromkeys(question_classes)
        for field in flag_fields(question_class)
    ]
    return dataclasses.make_dataclass(
        "Question", fields, bases=(_OneQuestion,), frozen=True
    )


@dataclasses.dataclass(frozen=True)
class AnswerSettings(Settings):
    """The form of the printed predictions."""

    format: str = setting(
        "table",
        "table, or json: unrounded, and with all that the model says.",
        choices=("table", "json"),
    )
    skip_broken: bool = setting(
        False,
        "End with exit code 0 even if some of the images cannot be used; "
        "a warning lists them.",
    )


@functools.cache
def with_idle_settings(config_class, *idle):
    """Returns settings that some questions leave without effect.

    Args:
        config_class: Dataclass.
        *idle: Pairs of the names of a question and of a setting.
    """
    fields = []
    for field in dataclasses.fields(config_class):
        questions = {asked: None for asked, name in idle if name == field.name}
        if questions:
            changed = with_condition(field, **questions)
            fields.append((field.name, field.type, changed))
    return dataclasses.make_dataclass(
        config_class.__name__, fields, bases=(config_class,), frozen=True
    )


def _settings(task=None):
    asked = [task for task in tasks() if task.question]
    idle = [
        (task.question_name, name)
        for task in asked
        for name in task.idle_in_predictions
    ]
    return (
        question_settings(*(task.question for task in asked)),
        *(
            with_idle_settings(each, *idle)
            for each in (AnswerSettings, RequestSettings)
        ),
    )


def run(values):
    """Predicts with a model or a server; prints the predictions."""
    question, answer_settings, request_settings = (
        settings_of(s, values) for s in _settings()
    )
    ((name, content),) = question.given().items()
    options = vars(request_settings)
    model = options["export_dir"], options["model_version"]
    task = task_of_question(name, *model)
    options = {**options, "version": options["model_version"]}
    del options["model_version"]
    predictions = []
    try:
        for prediction in task.predictions(content, **options):
            predictions.append(prediction)
    finally:
        # The server may fail after half of the images.
        if predictions and answer_settings.format == "json":
            answer = task.answer(predictions)
            print(json.dumps(answer, indent=2, ensure_ascii=False))
        elif predictions:
            print(task.show_answer(predictions))
    failures = [*filter(None, map(task.failure, predictions))]
    if not failures:
        return
    sentence = (
        f"{len(failures)} of {len(predictions)} {task.name} could not be used. "
        f"{_list_errors(failures)}"
    )
    if not answer_settings.skip_broken or len(failures) == len(predictions):
        raise DataError(sentence)
    logger.warning("predict: %s", sentence)


def _list_errors(failures, most=10):
    more = len(failures) - most
    ending = f" And {more:,} more." if more > 0 else ""
    return " ".join(failures[:most]) + ending


def _needs_tensorflow(values):
    return not (values["server"] or "").startswith("http")


command = Command(
    name="tfdarts-predict",
    summary="Predicts the classes of images, or the next word of a text, by an "
    "exported\nmodel or by TF Serving.",
    settings=_settings,
    run=run,
    needs_tensorflow=_needs_tensorflow,
    resumes=False,
)
main = command.main
