"""What a model is, for whoever finds it on a server."""

import re

# Inside a word "_" is none.
_MARKUP = re.compile(r"[\\`*{}\[\]<>|~&$#!]|(?<!\w)_+|_+(?!\w)")


def model_card(facts):
    """Returns a model card as Markdown.

    Args:
        facts: Dict with `name`, `labels` and `image_shape` or, of a language
            model, `vocabulary_size`, `tokenizer` and `state_size`; with
            `pictures` (relative paths) and, each a dict of what is known,
            `data`, `network`, `training`, `results` and `environment`.

    Reference:

    - [Mitchell et al., 2019](https://arxiv.org/abs/1810.03993)
    """
    about = _of_texts if "vocabulary_size" in facts else _of_images
    lines = [f"# {_literal(facts['name'])}", "", about(facts), ""]
    for picture in facts["pictures"]:
        lines += [f"![{picture}]({picture})", ""]
    for title in ("data", "network", "results", "training", "environment"):
        lines += [f"## {title.capitalize()}", "", "| | |", "| --- | --- |"]
        lines += [
            f"| {name.replace('_', ' ')} | {_shown(value)} |"
            for name, value in facts[title].items()
        ]
        lines.append("")
    if "test_loss" in facts["results"]:
        lines += [
            "The test examples were read by `tfdarts-evaluate` alone, after "
            "the training. The figures of time are of the machine below.",
            "",
        ]
    else:
        lines += [
            "It was not tested: `tfdarts-evaluate`, and then another export, "
            "would say how good it is.",
            "",
        ]
    return "\n".join(lines)


def _of_images(facts):
    height, width, channels = facts["image_shape"]
    kind = "grey" if channels == 1 else "colour"
    return (
        f"A classifier of {kind} images into {len(facts['labels'])} classes: "
        f"{', '.join(map(_literal, facts['labels']))}. Its network was "
        f"trained with tfdarts.\n\n"
        f"It takes images of {height}x{width} pixels, 0 to 255 "
        f"(`serving_default`), or image files of any size "
        f"(`serving_bytes`), and gives `probabilities`, `class_id` and "
        f"`label`. Of an image that shows none of the classes it names one "
        f"all the same."
    )


def _of_texts(facts):
    tokenizers = {
        "letters": "runs of letters, in lower case",
        "spaces": "what stands between spaces",
    }
    return (
        f"A language model with a vocabulary of {facts['vocabulary_size']:,} "
        f"words, trained with tfdarts. Words are "
        f"{tokenizers[facts['tokenizer']]}, and the end of a line, `<eos>`; "
        f"all that it does not know are `<unk>`.\n\n"
        f"It takes `text` (`serving_default`), the beginning of a line and "
        f"what follows, and gives `probabilities` of the next word, "
        f"`top_words`, `top_probabilities`, and of the text itself "
        f"`log_probability`, in nats, over `num_words`. Piece by piece "
        f"(`serving_tokens`) it takes `tokens`, numbers of words in the order "
        f"of `assets/vocabulary.txt`, and `state`, {facts['state_size']} "
        f"numbers: zeros at first, then those it returned. What it says is "
        f"likely is not true for that."
    )


def _shown(value):
    match value:
        case bool() | None:
            return {True: "yes", False: "no", None: ""}[value]
        case float():
            return f"{value:.6g}"
        case int():
            return f"{value:,}"
        case list() | tuple():
            return ", ".join(map(_shown, value))
    return _literal(str(value))


def _literal(text):
    """Returns text that means itself in Markdown, on one line.

    Example:

    >>> print(_literal("a|b <i> at $5 [x](y)"))
    a\\|b \\<i\\> at \\$5 \\[x\\](y)
    """
    return _MARKUP.sub(
        lambda match: "".join(f"\\{sign}" for sign in match[0]),
        " ".join(text.split()),
    )
