"""Predictions of an exported model or of a server."""

from typing import Any

from tfdarts.console import show_progress
from tfdarts.tasks.task_registry import task_of_question
from tfdarts.tasks.task_registry import tasks


@show_progress()
def predict(images: Any = None, text: str | None = None, **options) -> Any:
    """Predicts the classes of images, or the next words of a text.

    Args:
        images: Path of an image file or of a folder, pattern such as
            `"new/*.png"`, or a sequence of these; or images themselves, see
            `tfdarts.tasks.image_prediction.predictions`.
        text: String, instead of images.
        **options: The model to ask (`export_dir`, or `server` and `name`) and
            further options; see `tfdarts.tasks.image_prediction.predictions`
            and `tfdarts.tasks.text_prediction.next_words`. Or, instead of
            images and text, the question of another task, by its name. The
            task of the model in `export_dir` answers.

    Returns:
        A list of what `predictions` yields, or the result of `next_words`.

    Raises:
        ValueError: If there is no such model or server, or an argument is
            invalid.
        DataError: If there is no such image, or an image is too large.
    """
    given = {"images": images, "text": text, **options}
    asked = [n for n in given if given[n] is not None and task_of_question(n)]
    if len(asked) != 1:
        names = [task.question_name for task in tasks() if task.question]
        raise ValueError(f"Give either {' or '.join(dict.fromkeys(names))}.")
    (name,) = asked
    model = options.get("export_dir"), options.get("version")
    task, question = task_of_question(name, *model), given[name]
    options = {n: value for n, value in options.items() if n != name}
    return task.answer([*task.predictions(question, **options)])
