"""Predictions of an exported model or of a server."""

from tfdarts.console import show_progress
from tfdarts.tasks.registry import task_of_question


@show_progress()
def predict(images=None, text=None, **options):
    """Says what images show, or what word follows a text.

    Args:
        images: Path of an image file or of a folder, pattern such as
            `"new/*.png"`, or a sequence of these; or images themselves, see
            `tfdarts.tasks.image_prediction.predictions`.
        text: String, in place of images.
        **options: Whom to ask, `export_dir` or `server` and `name`, and how:
            see `tfdarts.tasks.image_prediction.predictions` and
            `tfdarts.tasks.text_prediction.next_words`. Or in place of images
            and of a text what another task asks about, by its name.

    Returns:
        A list of what `predictions` yields, or what `next_words` returns.

    Raises:
        ValueError: If there is no such model or server, or an argument cannot
            be.
        DataError: If there is no such image, or one is too large.
    """
    given = {"images": images, "text": text, **options}
    asked = [n for n in given if given[n] is not None and task_of_question(n)]
    if len(asked) != 1:
        raise ValueError("Give either images or a text.")
    (name,) = asked
    task, question = task_of_question(name), given[name]
    options = {n: value for n, value in options.items() if n != name}
    return task.answer([*task.predictions(question, **options)])
