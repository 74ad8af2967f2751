"""What README and docs name, and where their links lead."""

import pathlib
import re
import tomllib

import pytest

from tfdarts import genotypes
from tfdarts.strategies.strategy import SupernetStrategy
from tfdarts.strategies.strategy_registry import STRATEGIES

ROOT = pathlib.Path(__file__).parents[2]
README = ROOT / "README.md"


def test_published_names_are_all_named():
    text = (ROOT / "docs" / "commands.md").read_text()
    for name in genotypes.published_names():
        assert f"`{name}`" in text


def test_docs_name_every_strategy():
    """The number of gradient methods besides DARTS is said in words."""
    strategies = [
        strategy
        for strategy in STRATEGIES.values()
        if type(strategy).__module__.startswith("tfdarts.")
    ]
    page = (ROOT / "docs" / "strategies.md").read_text()
    for strategy in strategies:
        assert f"`{strategy.name}`" in page
    methods = sum(s.family == SupernetStrategy.family for s in strategies) - 1
    assert {17: "Seventeen", 18: "Eighteen"}[methods] in README.read_text()


PAGES = [
    README,
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
PAGE_NAMES = [str(path.relative_to(ROOT)) for path in PAGES]


@pytest.mark.parametrize("path", PAGES, ids=PAGE_NAMES)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def anchors(path):
    """Returns the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.M)
    }


@pytest.mark.parametrize("path", PAGES, ids=PAGE_NAMES)
def test_links_to_headings_find_them(path):
    for target, anchor in re.findall(
        r"\]\(([^)#\s:]*\.md)?#([^)\s]+)\)", path.read_text()
    ):
        page = path.parent / target if target else path
        assert anchor in anchors(page), (target, anchor)


def test_readme_is_short_and_leads_to_every_page():
    text = README.read_text()
    lines = text.splitlines()
    assert len(lines) <= 160
    assert all(
        len(line) <= 100 or line.startswith(("|", "python3 -m venv"))
        for line in lines
    )
    for page in (ROOT / "docs").rglob("*.md"):
        assert f"({page.relative_to(ROOT)})" in text, page


@pytest.mark.parametrize(
    ("page", "least"), [("docs/architecture.md", 20), ("CONTRIBUTING.md", 3)]
)
def test_modules_that_a_page_names_are_there(page, least):
    modules = [*ROOT.glob("tfdarts/**/*.py"), *ROOT.glob("tests/**/*.py")]
    # `mypackage` is the example of a reader's package.
    names = re.findall(
        r"`(?!mypackage)([\w/]+\.py)`", (ROOT / page).read_text()
    )
    for name in names:
        assert any(f"/{name}" in f"/{path}" for path in modules), name
    assert len(names) > least


def test_architecture_has_the_layers_and_packages_of_the_code():
    text = (ROOT / "docs" / "architecture.md").read_text()
    with (ROOT / "pyproject.toml").open("rb") as file:
        settings = tomllib.load(file)["tool"]["importlinter"]
    layers = [
        layer.replace("tfdarts.", "")
        for layer in settings["contracts"][0]["layers"]
    ]
    # The page names some modules of the line below, and the last two lines.
    assert "\n".join(layers[:-3]) in text
    assert "\n".join(layers[-2:]) in text
    for package in (ROOT / "tfdarts").glob("*/__init__.py"):
        assert f"| `{package.parent.name}/` |" in text, package
