"""What the README names, and where its links lead."""

import pathlib
import re

import pytest

from tfdarts import genotypes

README = pathlib.Path(__file__).parents[2] / "README.md"


def test_published_names_are_all_named():
    text = README.read_text()
    for name in genotypes.published_names():
        assert f"`{name}`" in text


PAGES = [README, *sorted((README.parent / "docs").rglob("*.md"))]
PAGE_NAMES = [str(path.relative_to(README.parent)) for path in PAGES]


@pytest.mark.parametrize("path", PAGES, ids=PAGE_NAMES)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target
