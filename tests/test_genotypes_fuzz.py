"""Damaged genotype files of all kinds end in a sentence."""

import json

import pytest
from fuzzing import examples
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from tfdarts import genotypes
from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.lookup import find_genotype

WHOLE = genotypes.get("DARTS_V2")
FIELDS = json.loads(WHOLE.to_json())
PASTED = (
    "DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1)], "
    "normal_concat=[2], reduce=[('max_pool_3x3', 0), ('skip_connect', 1)], "
    "reduce_concat=range(2, 3))"
)

often = examples(500)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["sep_conv_3x3", "skip_connect", 0, 1, 2, 5, 6]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@st.composite
def damaged(draw, whole):
    """A text of which a part is missing, doubled or something else."""
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, min(len(whole), start + 30)))
    between = draw(
        st.sampled_from(["", whole[start:end] * 2, "\0", "[" * 20, "9" * 20])
        | st.text(max_size=8)
        | st.sampled_from([*"()[]{},:'\"=*-0", "range(", "list(", "None", "e9"])
    )
    return whole[:start] + between + whole[end:]


def is_genotype_or_sentence(read, *arguments):
    """Reads it; a refusal must be a `ValueError` that says something."""
    try:
        assert isinstance(read(*arguments), Genotype)
    except ValueError as error:
        assert type(error) is ValueError
        assert len(str(error).split()) > 5


def loaded(tmp_path, content):
    path = tmp_path / "genotype.json"
    path.write_bytes(content)
    is_genotype_or_sentence(Genotype.load, path)


@often
@given(text=damaged(WHOLE.to_json()) | damaged(PASTED))
def test_a_damaged_file(tmp_path, text):
    loaded(tmp_path, text.encode("utf-8", "surrogatepass"))


@often
@given(content=st.binary(max_size=50))
@example(content=b"\xff\xfe")
@example(content=b"")
def test_a_file_of_something_else(tmp_path, content):
    loaded(tmp_path, content)
    loaded(tmp_path, b"Genotype(" + content)


@often
@given(
    changed=st.dictionaries(
        st.sampled_from([*FIELDS, "more"]), values, max_size=3
    ),
    dropped=st.sets(st.sampled_from([*FIELDS]), max_size=2),
)
def test_json_with_other_values_in_it(changed, dropped):
    fields = {k: v for k, v in FIELDS.items() if k not in dropped} | changed
    is_genotype_or_sentence(Genotype.from_json, json.dumps(fields))


@often
@given(
    arguments=st.lists(values.map(repr), max_size=5),
    names=st.lists(
        st.sampled_from(["normal", "normal_concat", "name", "reduce", "x"]),
        max_size=4,
    ),
)
def test_a_pasted_call_with_other_arguments(arguments, names):
    named = [f"{name}={value}" for name, value in zip(names, arguments)]
    for inside in (arguments, named, arguments[:2] + named):
        text = f"Genotype({', '.join(inside)})"
        is_genotype_or_sentence(Genotype.from_string, text)


@often
@given(identifier=st.text() | damaged("random:12") | damaged(PASTED))
def test_an_identifier_that_means_nothing(identifier):
    is_genotype_or_sentence(find_genotype, identifier)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"format": ' + "[" * 100_000,
        "Genotype(" + "[" * 100_000,
        "Genotype(normal=" + "-" * 100_000 + "1)",
        "Genotype(normal=range(10**9))",
        f"Genotype(normal=range({10**30}))",
        "Genotype(normal=range(0, 9, 0))",
        f"Genotype(normal={'9' * 5000})",
        "Genotype(normal=" + "1+" * 50_000 + "1)",
        "Genotype(**{'normal': 1})",
        "Genotype(*[1])",
        "Genotype(normal=[('skip_connect', 0)] * 10**9)",
    ],
    ids=lambda text: text[:30],
)
def test_what_would_exhaust_a_parser(tmp_path, text):
    path = tmp_path / "genotype.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="is not a genotype file"):
        Genotype.load(path)


@pytest.mark.parametrize(
    "code",
    [
        "__import__('pathlib').Path('{path}').touch()",
        "open('{path}', 'w')",
        "[open('{path}', 'w') for _ in '1']",
        "(lambda: open('{path}', 'w'))()",
        'f\'{{open(chr(47) + "{path}", "w")}}\'',
        "range(open('{path}', 'w'))",
        "list(open('{path}', 'w'))",
    ],
)
@pytest.mark.parametrize(
    "form", ["Genotype(normal={})", "Genotype({})", "Genotype(**{})", "{}"]
)
def test_nothing_in_a_file_is_run(tmp_path, code, form):
    canary = tmp_path / "canary"
    text = form.format(code.format(path=canary))
    for read in (Genotype.from_string, Genotype.from_json, find_genotype):
        is_genotype_or_sentence(read, text)
    assert not canary.exists()
