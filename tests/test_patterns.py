"""Paths from outside mean themselves, whatever they are called."""

import os
import pathlib
import tempfile

import pytest
import tensorflow as tf

from tfdarts import patterns

NAMES = [
    *("a[1]b", "lr=[0.1]", "[", "[!a]", "a\\b", "a*b", "a?b", "**", "{a,b}"),
    *("a$b", "50%", "%s {x}", "a:b", 'a"b', "a<b>", "a'b", "a b", "#a", "~a"),
    *("é", "e\u0301", "😀", "שלום", "-a", "a;b&c|d", "a,b"),
]


@pytest.mark.parametrize("name", NAMES)
def test_tensorflow_finds_a_checkpoint_by_its_literal_path(tmp_path, name):
    directory = tmp_path / name
    directory.mkdir()
    variable = tf.Variable(3.0)
    checkpoint = tf.train.Checkpoint(v=variable)
    checkpoint.write(str(directory / "c"))
    variable.assign(0.0)
    with patterns.literal_path(directory) as path:
        checkpoint.read(os.path.join(path, "c")).assert_consumed()
    assert variable.numpy() == 3
    assert os.path.exists(path) == (path == str(directory))
    assert [p.name for p in directory.iterdir()]


def test_a_relative_path_is_found_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("a[1]").mkdir()
    pathlib.Path("a[1]", "file").touch()
    with patterns.literal_path("a[1]") as path:
        assert os.listdir(path) == ["file"]


def test_a_link_needs_a_place_that_is_no_pattern(tmp_path, monkeypatch):
    (tmp_path / "t[1]").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t[1]"))
    with patterns.literal_path(tmp_path / "t[1]") as path:
        assert "[" not in path
    with pytest.raises(ValueError, match=r"t\[1\], as a pattern: set TMPDIR"):
        patterns.require_plain_temporary_directory()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with (
        pytest.raises(ValueError, match="set TMPDIR"),
        patterns.literal_path(tmp_path / "t[1]"),
    ):
        pass


@pytest.mark.parametrize("name", NAMES)
def test_what_exists_is_no_pattern(tmp_path, name):
    for each in (name, "a1b", "a", "axb", "b", "lr=0", "x"):
        (tmp_path / each).mkdir(exist_ok=True)
        (tmp_path / each / "one.png").touch()
    assert patterns.find_matches(tmp_path / name) == [str(tmp_path / name)]
    image = str(tmp_path / name / "one.png")
    for pattern in ("*.png", "o?e.png", "[o]ne.png", "**/*.png"):
        assert patterns.find_matches(tmp_path / name / pattern) == [image]


def test_patterns_are_as_in_a_shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("seed0", "seed1", "seed10", "other"):
        pathlib.Path(name).mkdir()
    assert patterns.find_matches("seed*") == ["seed0", "seed1", "seed10"]
    assert patterns.find_matches("seed?") == ["seed0", "seed1"]
    assert patterns.find_matches("seed[1-9]*") == ["seed1", "seed10"]
    assert patterns.find_matches("nothing*") == []
    assert patterns.find_matches("/nowhere/at/all") == []


def test_commas_in_what_exists_do_not_separate(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a,b.png", "c.png", "d, e,f"):
        pathlib.Path(name).touch()
    assert patterns.split_paths("a,b.png,c.png, x ,d, e,f,") == [
        *("a,b.png", "c.png", "x", "d, e,f"),
    ]
    assert patterns.split_paths(" , ") == []
    pathlib.Path("e,f[1]").mkdir()
    pathlib.Path("e,f[1]", "g.png").touch()
    assert patterns.split_paths("*.png,e,f[1]/*.png,x*") == [
        *("*.png", "e,f[1]/*.png", "x*"),
    ]
