"""The page in a real browser: clicks, keys, pictures and axe's rules."""

import io
import shutil

import made_runs
import numpy as np
import pytest
from PIL import Image

import tfdarts

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="needs Chromium"),
]

SIZES = {"phone": (390, 844), "narrow": (320, 600), "desktop": (1280, 900)}
KINDS = {
    "images": made_runs.searched,
    "texts": made_runs.recurrent,
    "nas_bench_201": made_runs.nas_bench_201,
    "candidates": made_runs.proposed,
    "training": made_runs.trained,
    "killed": made_runs.killed,
    "markup": made_runs.hostile,
}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """The page of each kind of run, and one of several runs."""
    found, runs = {}, []
    for name, make in KINDS.items():
        runs.append(tmp_path_factory.mktemp(name))
        make(runs[-1])
        found[name] = tfdarts.report(runs[-1])
    both = tmp_path_factory.mktemp("several") / "page.html"
    found["several"] = tfdarts.report([runs[0], runs[4], runs[3]], both)
    return found


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def show(browser, paths):
    """A function that opens a page; what it says in the console is empty."""
    contexts, said = [], []

    def show(kind, size="desktop", **options):
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "data:"))
                or said.append(request.url)
            ),
        )
        page.goto(paths[kind].as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
    assert said == []


def violations(page):
    from axe_playwright_python.sync_playwright import Axe

    # Contents that are closed or hidden at first are checked, too.
    page.evaluate(
        """() => {
            const all = selector => document.querySelectorAll(selector);
            all("details").forEach(each => each.open = true);
            all("[hidden]").forEach(each => each.hidden = false);
        }"""
    )
    found = Axe().run(page)
    return [each["id"] for each in found.response["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("kind", [*KINDS, "several"])
def test_axe_finds_no_violation(show, kind, size, scheme):
    assert violations(show(kind, size, color_scheme=scheme)) == []


def test_axe_finds_violations_where_there_are_some(show):
    page = show("images")
    page.evaluate(
        """() => {
            document.querySelector("svg[role=img]").ariaLabel = "";
            document.querySelector("label").remove();
            document.querySelector(".lead").style.color = "#eee";
        }"""
    )
    assert {"svg-img-alt", "label", "color-contrast"} <= {*violations(page)}


def shown_epochs(page):
    return [
        panel.get_attribute("data-epoch")
        for panel in page.locator("[data-epoch]").all()
        if panel.is_visible()
    ]


def test_the_slider_shows_the_epoch_it_is_moved_to(show):
    page = show("images")
    assert shown_epochs(page) == ["3 of 3, the result"]
    slider = page.get_by_label("Epoch", exact=True)
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert shown_epochs(page) == ["2 of 3"]
    assert slider.get_attribute("aria-valuetext") == "2 of 3"
    assert page.locator("output").inner_text() == "2 of 3"
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 4, box["y"] + box["height"] / 2)
    assert shown_epochs(page) == ["0 of 3"]
    drawn = page.locator("[data-epoch] .cell svg")
    assert not drawn.first.is_visible()
    page.keyboard.press("End")
    assert shown_epochs(page) == ["3 of 3, the result"]
    assert drawn.last.is_visible()


def test_play_goes_through_all_epochs_and_stops(show):
    page = show("images")
    page.clock.install()
    page.reload()
    button = page.get_by_role("button")
    button.click()
    seen = shown_epochs(page)
    assert button.inner_text() == "Pause"
    for _ in range(5):
        page.clock.run_for(700)
        seen += shown_epochs(page)
    assert seen == [
        *("0 of 3", "1 of 3", "2 of 3"),
        *["3 of 3, the result"] * 3,
    ]
    assert button.inner_text() == "Play"
    button.click()
    page.clock.run_for(700)
    button.click()
    page.clock.run_for(5000)
    assert shown_epochs(page) == ["1 of 3"]


def test_each_run_has_its_slider(show):
    page = show("several")
    assert page.get_by_role("slider").count() == 1
    columns = page.locator("section").nth(1).locator(".run").all()
    places = [column.bounding_box() for column in columns]
    assert places[0]["y"] == places[1]["y"]
    assert places[0]["x"] < places[1]["x"]


def test_without_script_all_epochs_are_there(show):
    page = show("images", java_script_enabled=False)
    assert len(shown_epochs(page)) == 4
    assert not page.locator("input").is_visible()


def test_the_keyboard_reaches_slider_and_tables(show):
    page = show("images")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "[document.activeElement.tagName, "
                "document.activeElement.getAttribute('aria-label')]"
            )
        )
    assert reached[0][0] == "A"
    names = {name for name, _ in reached}
    assert {"INPUT", "BUTTON", "SUMMARY", "DIV"} <= names
    labels = {label for _, label in reached}
    assert "Weights of the normal cell after epoch 3" in labels


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [*KINDS, "several"])
def test_nothing_is_wider_than_the_screen(show, kind, size):
    page = show(kind, size)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= SIZES[size][0]


def picture(page, path):
    page.screenshot(path=path, full_page=True)
    return np.asarray(Image.open(path).convert("L"), float)


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_pictures_follow_the_theme(show, size, tmp_path):
    light = picture(show("images", size), tmp_path / "light.png")
    options = {"color_scheme": "dark"}
    dark = picture(show("images", size, **options), tmp_path / "dark.png")
    assert light.shape == dark.shape and light.shape[1] == SIZES[size][0]
    assert np.median(light) > 240 and np.median(dark) < 40
    # Ink on paper, in both.
    assert light.min() < 60 and dark.max() > 200


def test_the_cell_is_drawn_in_its_colors(show):
    """The blue of separable convolutions, somewhere in the drawing."""
    page = show("images")
    drawing = page.locator("[data-epoch]:visible .cell svg").first
    image = Image.open(io.BytesIO(drawing.screenshot())).convert("RGB")
    colors = {color for _, color in image.getcolors(image.width * image.height)}
    assert len(colors) > 20
    assert (0xDC, 0xEF, 0xDC) in colors  # The inputs.


def test_the_printed_page_is_light_and_without_controls(show):
    page = show("images", color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator(".slider").is_visible()
    assert page.locator("[data-epoch]:visible").count() == 1
    style = "getComputedStyle(document.body)"
    assert page.evaluate(f"{style}.backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")
