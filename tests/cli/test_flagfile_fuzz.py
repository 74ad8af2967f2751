"""Arguments and flagfiles of all kinds end in flags or in a sentence."""

import pytest
from fuzzing import examples
from hypothesis import given
from hypothesis import strategies as st

from tfdarts.cli.command import Command
from tfdarts.cli.command import settings_from_flagfile
from tfdarts.settings.fields import flag_fields
from tfdarts.tasks.configs import SearchConfig

FIELDS = {field.name: field.type for field in flag_fields(SearchConfig)}

often = examples(300)

names = st.sampled_from(
    [*FIELDS, "noprepare", "help", "flagfile", "undefok", "", "epoch", "?"]
)
texts = (
    st.sampled_from(
        ["1", "-1", "0.5", "1e400", "nan", "0x10", "1_000", "true", "no", "~"]
    )
    | st.text(max_size=8)
    | st.integers().map(str)
    | st.just("9" * 5000)
)


@st.composite
def arguments(draw):
    """What is nearly a flag, as a word."""
    dashes = draw(st.sampled_from(["--", "-", "", "---"]))
    form = draw(st.sampled_from(["{}{}={}", "{}{}", "{}{} {}", "{2}", "--"]))
    return form.format(dashes, draw(names), draw(texts))


def flags_or_sentence(words):
    """Parses words; a refusal must be a `ValueError` that says something."""
    command = Command("tfdarts-x", "", (SearchConfig,), None)
    try:
        values, _ = command.parse_arguments(words)
    except ValueError as error:
        assert type(error) is ValueError
        assert len(str(error).split()) > 3
        return None
    return values


@often
@given(words=st.lists(arguments(), max_size=4))
def test_arguments(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = flags_or_sentence(words)
    for name, kind in FIELDS.items() if values else ():
        assert values[name].value is None or type(values[name].value) is kind


@often
@given(lines=st.lists(arguments() | st.just("# --epochs=x"), max_size=4))
def test_a_flagfile_is_read_as_its_arguments(lines, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.cfg"
    path.write_text("\n".join(lines), encoding="utf-8")
    from_file = flags_or_sentence([f"--flagfile={path}"])
    stripped = [
        line.strip()
        for text in lines
        for line in text.splitlines()
        if line.strip() and not line.strip().startswith(("#", "//"))
    ]
    directly = flags_or_sentence(stripped)
    assert (from_file is None) == (directly is None)
    if from_file:
        same = {"nan": "nan"}  # which is not equal to itself
        assert {
            name: same.get(str(value), value)
            for name, value in from_file.flag_values_dict().items()
        } == {
            name: same.get(str(value), value)
            for name, value in directly.flag_values_dict().items()
        }


@often
@given(content=st.binary(max_size=60))
def test_a_flagfile_of_something_else(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.cfg"
    path.write_bytes(content)
    flags_or_sentence([f"--flagfile={path}"])


@often
@given(path=st.text(max_size=20))
def test_a_flagfile_of_any_name(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert flags_or_sentence([f"--flagfile={path}"]) is None
    with pytest.raises(ValueError, match="cannot be used"):
        settings_from_flagfile(SearchConfig, path)


@often
@given(
    ends=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6)
)
def test_flagfiles_that_name_one_another_never_hang(
    ends, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        lines = [f"--flagfile={b}.cfg" for a, b in ends if a == number]
        text = "\n".join([*lines, f"--epochs={number + 1}"])
        (tmp_path / f"{number}.cfg").write_text(text)
    flags_or_sentence(["--flagfile=0.cfg"])
