"""What a model is, for whoever finds it on a server."""


def model_card(facts):
    """Returns a model card as Markdown.

    Args:
        facts: Dict with `name`, `labels`, `image_shape`, `pictures` (relative
            paths) and, each a dict of what is known, `data`, `network`,
            `training`, `results` and `environment`.

    Reference:

    - [Mitchell et al., 2019](https://arxiv.org/abs/1810.03993)
    """
    height, width, channels = facts["image_shape"]
    kind = "grey" if channels == 1 else "colour"
    lines = [
        f"# {facts['name']}",
        "",
        f"A classifier of {kind} images into {len(facts['labels'])} classes: "
        f"{', '.join(facts['labels'])}. Its network was trained with "
        f"tfdarts.",
        "",
        f"It takes images of {height}x{width} pixels, 0 to 255 "
        f"(`serving_default`), or image files of any size "
        f"(`serving_bytes`), and gives `probabilities`, `class_id` and "
        f"`label`. Of an image that shows none of the classes it names one "
        f"all the same.",
        "",
    ]
    for picture in facts["pictures"]:
        lines += [f"![{picture}]({picture})", ""]
    for title in ("data", "network", "results", "training", "environment"):
        lines += [f"## {title.capitalize()}", "", "| | |", "| --- | --- |"]
        lines += [
            f"| {name.replace('_', ' ')} | {_shown(value)} |"
            for name, value in facts[title].items()
        ]
        lines.append("")
    if "test_accuracy" in facts["results"]:
        lines += [
            "The test images were read by `tfdarts-evaluate` alone, after the "
            "training. The figures of time are of the machine below.",
            "",
        ]
    else:
        lines += [
            "It was not tested: `tfdarts-evaluate`, and then another export, "
            "would say how good it is.",
            "",
        ]
    return "\n".join(lines)


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
    return str(value).replace("|", "\\|")
