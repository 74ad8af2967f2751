"""tfdarts-predict."""

import dataclasses
import json
import logging
import math

from tfdarts import arguments
from tfdarts.cli.command import Command
from tfdarts.cli.command import settings_of
from tfdarts.runs.asking import AskSettings
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.table import table

logger = logging.getLogger("tfdarts")


@dataclasses.dataclass(frozen=True)
class PredictSettings(Settings):
    """What a prediction takes."""

    images: str = setting(
        None,
        "Image files, folders or patterns, as 'new/*.png', with commas "
        "between them; ** in a pattern stands for any directories.",
        form=arguments.paths,
    )
    text: str = setting(
        None,
        "In place of --images, for language models: the beginning of a line, "
        "whose next word is foretold.",
    )
    format: str = setting(
        "table",
        "table, or json: with all probabilities of images, and unrounded.",
        choices=("table", "json"),
    )
    skip_broken: bool = setting(
        False,
        "End with exit code 0 although some images could not be used; they "
        "are listed.",
    )

    def __post_init__(self):
        super().__post_init__()
        if (not self.images) == (self.text is None):
            raise ValueError(
                "Give --images, what to look at, or of a language model "
                "--text, what to go on with."
            )


def run(values):
    """Predicts and prints what the images show, or what word follows."""
    settings = settings_of(PredictSettings, values)
    asking = settings_of(AskSettings, values)
    if settings.text is not None:
        _foretell(settings, asking)
    else:
        _predict(settings, asking)


def _foretell(settings, asking):
    from tfdarts.runs.predict import next_words

    said = next_words(
        settings.text,
        asking.export_dir,
        asking.server,
        asking.name,
        asking.model_version,
        asking.timeout,
        asking.retries,
    )
    if settings.format == "json":
        print(json.dumps(said, indent=2, ensure_ascii=False))
        return
    rows = [(w["word"], f"{w['probability']:.2%}") for w in said["next_words"]]
    print(table(("next word", "probability"), rows))
    count, log_probability = said["num_words"], said["log_probability"]
    if count:
        print(
            f"The text: {log_probability:.2f} nats, {count} words, perplexity "
            f"{math.exp(-log_probability / count):,.1f}"
        )


def _predict(settings, asking):
    from tfdarts.data.image_source import DataError
    from tfdarts.runs.predict import predictions

    said = []
    try:
        for prediction in predictions(
            settings.images,
            asking.export_dir,
            asking.server,
            asking.name,
            asking.model_version,
            asking.batch_size,
            asking.timeout,
            asking.retries,
            asking.max_request_mb,
        ):
            said.append(prediction)
    finally:
        # A server may be gone after half of the images.
        if said:
            print(_shown(said, settings.format))
    failed = [each for each in said if "error" in each]
    if not failed:
        return
    sentence = (
        f"{len(failed)} of {len(said)} images could not be used. "
        f"{_listed(failed)}"
    )
    if not settings.skip_broken or len(failed) == len(said):
        raise DataError(sentence)
    logger.warning("predict: %s", sentence)


def _listed(failed, most=10):
    """Returns why images could not be used, in words."""
    reasons = [f"{each['image']}: {each['error']}" for each in failed[:most]]
    more = len(failed) - len(reasons)
    return " ".join(reasons) + (f" And {more:,} more." if more else "")


def _shown(predictions, format):
    if format == "json":
        return json.dumps(predictions, indent=2, ensure_ascii=False)
    return table(("image", "label", "probability"), map(_row, predictions))


def _row(prediction):
    if "error" in prediction:
        return prediction["image"], "-", "-"
    probability = f"{prediction['probability']:.2%}"
    return prediction["image"], prediction["label"], probability


def _needs_tensorflow(values):
    return not (values["server"] or "").startswith("http")


command = Command(
    name="tfdarts-predict",
    summary="Says what images show, or what word follows a text, asked of an "
    "exported model\nor of TF Serving.",
    settings=(PredictSettings, AskSettings),
    run=run,
    needs_tensorflow=_needs_tensorflow,
    resumes=False,
)
main = command.main
