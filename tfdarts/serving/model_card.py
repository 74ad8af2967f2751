"""Model cards: descriptions of exported models in Markdown."""

import re

from tfdarts.genotypes import Genotype

# Inside a word, "_" is no markup.
_MARKUP = re.compile(r"[\\`*{}\[\]<>|~&$#!]|(?<!\w)_+|_+(?!\w)")
MOST_LABELS = 20
"""The number of classes up to which a card lists them all."""

SECTIONS = {
    "results": "Results",
    "network": "Network",
    "training": "Training",
    "search": "Search",
    "data": "Data",
    "environment": "Machine and versions",
}
"""Titles of the tables of a card, in order, by the name of their facts."""


def model_card(facts, about):
    """Returns a model card as Markdown.

    Args:
        facts: Dict with `name`, `pictures` (relative paths), `genotype` and
            `origin` (a dict, and a sentence; both `None` without cells),
            `seeds` (means and deviations, or `None`) and the keys of
            `SECTIONS`, each a dict or `None`.
        about: String, the result of `describe_classifier` or
            `describe_language_model`.

    Reference:

    - [Mitchell et al., 2019](https://arxiv.org/abs/1810.03993)
    """
    lines = [f"# {_literal(facts['name'])}", "", about, ""]
    for name, title in SECTIONS.items():
        if not facts.get(name):
            continue
        lines += [f"## {title}", ""]
        if name == "network":
            lines += _cell(facts)
        lines += ["| | |", "| --- | --- |"]
        lines += [
            f"| {key.replace('_', ' ')} | {_format_value(value, key)} |"
            for key, value in facts[name].items()
        ]
        lines.append("")
        if name == "results":
            lines += _on_results(facts)
    return "\n".join(lines)


def _on_results(facts):
    """Returns the lines below the table of results."""
    lines = []
    seeds = facts.get("seeds")
    if seeds:
        lines += [
            f"The same training with seeds {_format_value(seeds['seeds'])}, "
            "mean and standard deviation: "
            + "; ".join(
                f"{key.replace('_', ' ')} {_format_value(value['mean'], key)}"
                + (
                    f" ± {_format_value(value['std'], key)}"
                    if value["std"] is not None
                    else ""
                )
                for key, value in seeds.items()
                if key != "seeds"
            )
            + ".",
            "",
        ]
    if "test_loss" in facts["results"]:
        return lines + [
            "Only `tfdarts-evaluate` read the test examples, after the "
            "training. Times were measured on the machine at the end of this "
            "card.",
            "",
        ]
    return lines + [
        "The network was not tested. To see how good it is, run "
        "`tfdarts-evaluate`, then export again.",
        "",
    ]


def _cell(facts):
    """Returns the lines above the table of the network, on its cell."""
    if not facts.get("genotype"):
        return ["The network has no searched cell.", ""]
    lines = [_literal(facts["origin"]), ""]
    for picture in facts["pictures"]:
        lines += [f"![{picture}]({picture})", ""]
    arguments = Genotype.from_dict(facts["genotype"]).to_arguments()
    text = ",\n    ".join(f"{k}={value!r}" for k, value in arguments.items())
    return lines + [
        "The genotype. `tfdarts-train --genotype=genotype.json` reads it from "
        "the file beside this card:",
        "",
        "```",
        f"Genotype(\n    {text},\n)",
        "```",
        "",
    ]


def describe_classifier(facts):
    """Returns a paragraph on the inputs and outputs of an image classifier.

    Args:
        facts: Dict with `labels` and `image_shape`.
    """
    height, width, channels = facts["image_shape"]
    kind = "gray" if channels == 1 else "color"
    labels = facts["labels"]
    listed = ", ".join(map(_literal, labels[:MOST_LABELS]))
    if len(labels) > MOST_LABELS:
        listed += (
            f" and {len(labels) - MOST_LABELS:,} more, in `assets/labels.txt`"
        )
    return (
        f"A classifier of {kind} images into {len(labels):,} classes: "
        f"{listed}. Its network was trained with tfdarts.\n\nThe model takes "
        f"images of {height}x{width} pixels, 0 to 255 (`serving_default`), or "
        "image files of any size (`serving_bytes`), and returns "
        "`probabilities`, `class_id` and `label`. For an image that shows "
        "none of the classes, the model still names one of them."
    )


def describe_language_model(facts):
    """Returns a paragraph on the inputs and outputs of a language model.

    Args:
        facts: Dict with `vocabulary_size`, `tokenizer` and `state_size`.
    """
    tokenizers = {
        "letters": "runs of letters, in lower case",
        "spaces": "the strings between spaces",
    }
    return (
        f"A language model with a vocabulary of {facts['vocabulary_size']:,} "
        "words, trained with tfdarts. Words are "
        f"{tokenizers[facts['tokenizer']]}, and the end of a line, `<eos>`. "
        "Unknown words are `<unk>`.\n\nThe model takes `text` "
        "(`serving_default`), the beginning of a line and what follows, and "
        "returns `probabilities` of the next word, `top_words`, "
        "`top_probabilities`, and of the text itself `log_probability`, in "
        "nats, over `num_words`. Piece by piece (`serving_tokens`) the model "
        "takes `tokens`, numbers of words in the order of "
        f"`assets/vocabulary.txt`, and `state`, {facts['state_size']} "
        "numbers: zeros at first, then the state that it returned. A likely "
        "text need not be true."
    )


def _format_value(value, name=""):
    """Returns a value as text, in the format for facts of a name."""
    match value:
        case bool() | None:
            return {True: "yes", False: "no", None: ""}[value]
        case int() | float() if name.endswith("accuracy"):
            return f"{value:.2%}"
        case int() | float() if name.startswith("seconds"):
            return f"{value:,.1f} s"
        case float():
            return f"{value:.6g}"
        case int() if name.startswith("seed"):
            return str(value)
        case int():
            return f"{value:,}"
        case list() | tuple():
            return ", ".join(_format_value(v, name) for v in value)
    return _literal(str(value))


def _literal(text):
    """Returns text escaped for Markdown, on one line.

    Example:

    >>> print(_literal("a|b <i> at $5 [x](y)"))
    a\\|b \\<i\\> at \\$5 \\[x\\](y)
    """
    return _MARKUP.sub(
        lambda match: "".join(f"\\{character}" for character in match[0]),
        " ".join(text.split()),
    )
