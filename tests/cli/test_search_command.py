"""What tfdarts-search says of a search behind its results."""

from tfdarts.cli.search_command import print_warning
from tfdarts.files import write_atomically


def test_a_warning_is_the_last_that_is_said(tmp_path, capsys):
    (tmp_path / "search").mkdir()
    path = tmp_path / "search" / "status.json"
    write_atomically(path, '{"state": "finished"}')
    print_warning(tmp_path)
    assert capsys.readouterr() == ("", "")
    write_atomically(path, '{"state": "finished", "warning": "by chance"}')
    print_warning(tmp_path)
    assert capsys.readouterr() == ("", "WARNING: by chance\n")
