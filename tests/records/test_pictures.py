"""A picture that fails costs no result."""

import pytest

from tfdarts import genotypes
from tfdarts.records.pictures import optional_pictures
from tfdarts.runs import model_card_files


def fails(*arguments):
    raise ValueError("$ is %s {x}")


def test_a_failure_to_draw_is_a_warning_that_says_what_to_do(caplog):
    with optional_pictures("The test is done", "Draw them again."):
        fails()
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("tfdarts", "WARNING")
    assert record.getMessage() == (
        "The test is done, but drawing failed (ValueError: $ is %s {x}). "
        "Draw them again."
    )


def test_an_interruption_is_none():
    with (
        pytest.raises(KeyboardInterrupt),
        optional_pictures("The test is done", "Draw them again."),
    ):
        raise KeyboardInterrupt


def test_a_card_may_lack_its_pictures(monkeypatch, caplog):
    monkeypatch.setattr(model_card_files, "draw_cells", fails)
    fields = vars(genotypes.get("DARTS_V2"))
    assert model_card_files._pictures(fields) == {}
    assert "no pictures of the cells; export again" in caplog.text
