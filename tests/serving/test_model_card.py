"""A model card says what is known."""

import ast
import re

import pytest
from markdown_it import MarkdownIt

from tfdarts.genotypes import Genotype
from tfdarts.serving import model_card as module
from tfdarts.serving.model_card import describe_classifier
from tfdarts.serving.model_card import describe_language_model

FACTS = {
    "name": "pets",
    "labels": ["cat", "a|b"],
    "image_shape": (8, 9, 3),
    "pictures": ["cells/normal.png"],
    "genotype": Genotype(
        normal=[("skip_connect", 0), ("sep_conv_3x3", 1)],
        normal_concat=[2],
        reduce=[[("max_pool_3x3", 0)], [("none", 0), ("skip_connect", 2)]],
        reduce_concat=[3],
    ).to_dict(),
    "origin": "Found by a search.",
    "data": {"dataset": "folder:x", "mean": [0.5, 0.25, 0.125]},
    "network": {"parameters": 1234567},
    "results": {
        "test_accuracy": 0.98765432,
        "test_loss": 0.25,
        "seconds_of_training": 1234.5,
    },
    "seeds": {
        "seeds": [0, 1],
        "test_accuracy": {"mean": 0.98, "std": 0.005, "values": []},
    },
    "training": {"nesterov": False, "seed": 123456},
    "search": {"verdict": "No sign of a collapse."},
    "environment": {"keras": "3.15"},
}


def model_card(facts, describe=describe_classifier):
    return module.model_card(facts, describe(facts))


def test_every_fact_is_in_it():
    text = model_card(FACTS)
    assert text.startswith("# pets\n")
    assert "color images into 2 classes: cat, a\\|b" in text
    assert "images of 8x9 pixels" in text
    assert "Found by a search." in text
    assert "![cells/normal.png](cells/normal.png)" in text
    for row in (
        "| dataset | folder:x |",
        "| mean | 0.5, 0.25, 0.125 |",
        "| parameters | 1,234,567 |",
        "| test accuracy | 98.77% |",
        "| seconds of training | 1,234.5 s |",
        "| nesterov | no |",
        "| seed | 123456 |",
        "| verdict | No sign of a collapse. |",
        "| keras | 3.15 |",
    ):
        assert row in text
    assert (
        "seeds 0, 1, mean and standard deviation: test accuracy 98.00% ± 0.50%."
    ) in text
    assert "was not tested" not in text


def test_the_genotype_in_it_can_be_pasted():
    text = model_card(FACTS).split("```")[1]
    (normal,) = re.findall(r"normal=(\[\(.*\)\])", text)
    assert ast.literal_eval(normal) == [
        ("skip_connect", 0),
        ("sep_conv_3x3", 1),
    ]
    assert "recurrent" not in text and "normal_concat=[2]" in text
    assert Genotype.from_string(text).to_dict() == FACTS["genotype"]


def test_what_is_not_known_has_no_section():
    without = {"search": None, "seeds": None, "genotype": None}
    text = model_card({**FACTS, **without})
    assert "## Search" not in text and "standard deviation" not in text
    assert (
        "The network has no searched cell." in text and "Genotype(" not in text
    )


def test_a_thousand_classes_are_not_all_listed():
    text = model_card({**FACTS, "labels": [f"c{k}" for k in range(1000)]})
    assert "1,000 classes: c0, " in text and "c19 and 980 more, in" in text


def test_a_model_that_was_not_tested_says_so():
    assert "The network was not tested" in model_card(
        {**FACTS, "results": {"loss": 1}}
    )


@pytest.mark.parametrize("tokenizer", ["letters", "spaces"])
def test_a_language_model_says_what_it_takes(tokenizer):
    facts = {
        k: v for k, v in FACTS.items() if k not in ("labels", "image_shape")
    }
    about = {"vocabulary_size": 12345, "state_size": 160}
    text = model_card(
        {**facts, **about, "tokenizer": tokenizer}, describe_language_model
    )
    assert "a vocabulary of 12,345 words" in text
    words = {"letters": "runs of letters", "spaces": "between spaces"}
    assert words[tokenizer] in text and "`state`, 160 numbers" in text


NAMES = [
    *(
        "under $10",
        "a|b",
        "`code",
        "*bold*",
        "__init__ a_b",
        "a__b_ _c_d",
        "<script>",
        "&lt;",
    ),
    *("[a](b)", "![x](y)", "\\", "a\\|b", "~~no~~", "# title", "1. one", "-"),
    *("two\nlines", "{x} %s", "שלום", "e\u0301", "😀", '"a"', "$x$ $$y$$"),
]


@pytest.mark.parametrize("name", NAMES)
def test_names_mean_themselves_in_markdown(name):
    text = model_card(
        {
            **FACTS,
            "name": name,
            "labels": ["cat", name],
            "data": {"dataset": name, "names": [name, name]},
        }
    )
    parser = MarkdownIt("gfm-like", {"linkify": False})
    inline = [token for token in parser.parse(text) if token.type == "inline"]
    shown = ["".join(c.content for c in token.children) for token in inline]
    plain = [
        all(child.type in ("text", "text_special") for child in token.children)
        for token in inline
    ]
    name = " ".join(name.split())
    assert shown[0] == name and plain[0]
    assert shown[1].startswith(
        f"A classifier of color images into 2 classes: cat, {name}. Its"
    )
    cells = dict(zip(shown, zip(shown[1:], plain[1:])))
    assert cells["dataset"] == (name, True)
    assert cells["names"] == (f"{name}, {name}", True)
