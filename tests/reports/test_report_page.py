"""The page of runs of every kind."""

import base64
import hashlib
import json
import re

import made_runs
import numpy as np
import pytest
from parsed_page import ParsedPage

import tfdarts
from tfdarts.cli import report_command
from tfdarts.genotypes import Genotype
from tfdarts.records.pareto_front import write_front
from tfdarts.reports.epoch_panels import shown_epochs

KINDS = {
    "images": made_runs.searched,
    "texts": made_runs.recurrent,
    "nas_bench_201": made_runs.nas_bench_201,
    "candidates": made_runs.proposed,
    "training": made_runs.trained,
    "killed": made_runs.killed,
    "markup": made_runs.hostile,
}


def page_of(run, *others, **options):
    path = tfdarts.report([run, *others], **options)
    return ParsedPage(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Runs of all kinds, each with its page."""
    found = {}
    for name, make in KINDS.items():
        run = tmp_path_factory.mktemp(name)
        found[name] = run, make(run), page_of(run)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_needs_nothing_else(places, kind):
    _, _, page = places[kind]
    for element in page.elements:
        for name in ("src", "href", "data", "action", "srcset"):
            target = element["attributes"].get(name, "#")
            is_link = element["name"] == "a" and target.startswith("https://")
            assert target.startswith(("#", "data:,")) or is_link
    (style,) = page.all("style")
    assert "url(" not in style["text"] and "@import" not in style["text"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_browser_may_only_run_the_script_of_the_page(places, kind):
    _, _, page = places[kind]
    (script,) = page.all("script")
    digest = hashlib.sha256(script["text"].encode()).digest()
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]
    allowed = f"script-src 'sha256-{base64.b64encode(digest).decode()}'"
    assert policy["attributes"]["content"].endswith(allowed)


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_unique_and_references_lead_somewhere(places, kind):
    _, _, page = places[kind]
    ids = [
        e["attributes"]["id"] for e in page.elements if "id" in e["attributes"]
    ]
    assert len(ids) == len({*ids})
    for element in page.elements:
        target = element["attributes"].get("href", "")
        if target.startswith("#"):
            assert target[1:] in ids
        label = element["attributes"].get("aria-labelledby")
        assert label is None or label in ids


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_is_said_in_words(places, kind):
    _, _, page = places[kind]
    for svg in page.all("svg"):
        attributes = svg["attributes"]
        hidden = attributes.get("aria-hidden") == "true"
        in_key = attributes.get("viewbox") == "0 0 28 10"
        assert hidden or in_key or len(attributes["aria-label"]) > 20


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_of_whole_files_has_no_notes(places, kind):
    _, _, page = places[kind]
    assert not [each for each in page.all("li", class_="note")]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("images", "finished after 3 of 3 epochs, in 1:15."),
        ("candidates", "finished after 5 of 5 candidates, at a cost of 1:30."),
        (
            "killed",
            "its last news, after 0 of 2 epochs, are of 2026-12-01 15:03 UTC.",
        ),
        ("training", "finished after 4 of 4 epochs, in 0:30."),
        ("markup", f"stopped after 4 of 4 epochs: {made_runs.HOSTILE}."),
    ],
)
def test_the_state_is_a_sentence(places, kind, sentence):
    _, _, page = places[kind]
    leads = [p["text"] for p in page.all("p", class_="lead")]
    assert any(sentence in lead for lead in leads), leads


@pytest.mark.parametrize("kind", ["images", "texts", "nas_bench_201"])
def test_each_epoch_has_its_weights_and_its_genotype(places, kind):
    run, history, page = places[kind]
    panels = [e for e in page.all("section") if "data-epoch" in e["attributes"]]
    epochs = [each["attributes"]["data-epoch"] for each in panels]
    assert epochs == ["0 of 3", "1 of 3", "2 of 3", "3 of 3, the result"]
    (slider,) = page.all("input", type="range")
    assert slider["attributes"]["max"] == slider["attributes"]["value"] == "3"
    for epoch in range(4):
        for title, values in zip(titles(kind), history.values(), strict=True):
            label = f"Weights of the {title} after epoch {epoch}"
            _, *rows = page.rows_of(label)
            found = [[int(re.match(r"\d+", t)[0]) for t in r[1:]] for r in rows]
            expected = np.rint(100 * values[epoch]).astype(int)
            assert found == expected.tolist()
            framed = sum("in the genotype" in t for r in rows for t in r)
            assert framed == kept_edges(run, epoch, title)


def titles(kind):
    return {
        "images": ["normal cell", "reduction cell"],
        "texts": ["recurrent cell"],
        "nas_bench_201": ["cell"],
    }[kind]


def kept_edges(run, epoch, title):
    if not epoch:
        return 0
    path = run / "search" / "genotypes" / f"epoch_{epoch}.json"
    cells = json.loads(path.read_text())["cells"]
    name = title.removesuffix(" cell").replace("reduction", "reduce")
    return sum(len(node) for node in cells[name]["nodes"])


def test_an_unfinished_search_has_no_result_yet(tmp_path):
    made_runs.searched(tmp_path, epochs=2, state="running")
    path = tmp_path / "search" / "config.json"
    settings = json.loads(path.read_text())
    made_runs.write_json(path, {**settings, "epochs": 50})
    page = page_of(tmp_path)
    panels = [e for e in page.all("section") if "data-epoch" in e["attributes"]]
    epochs = [each["attributes"]["data-epoch"] for each in panels]
    assert epochs == ["0 of 50", "1 of 50", "2 of 50"]
    (slider,) = page.all("input", type="range")
    assert slider["attributes"]["value"] == "2"


def test_equal_cells_are_drawn_once(places):
    _, _, page = places["images"]
    symbols = page.all("symbol")
    # Two genotypes take turns.
    assert len(symbols) == 4
    used = [each["attributes"]["href"] for each in page.all("use")]
    assert len(used) == 6 and len({*used}) == 4


def test_candidates_are_listed_with_the_best_so_far(places):
    _, trials, page = places["candidates"]
    header, *rows = page.rows_of("Candidates")
    assert header[1] == "validation accuracy"
    assert [row[-1] for row in rows] == ["1", "2", "2", "2", "2"]
    assert [row[1] for row in rows] == [
        *("80.00%", "90.00%", "70.00%", "60.00%", "diverged"),
    ]
    assert [row[3] for row in rows][:2] == ["1,001", "1,000"]


def test_a_pareto_front_has_a_chart_for_each_cost(tmp_path):
    trials = made_runs.proposed(tmp_path)
    costs = [{"parameters": 9 - k, "multiply_adds": 5} for k in range(4)]
    write_front(tmp_path / "search", trials, [*costs, None])
    page = page_of(tmp_path)
    said = [p["text"] for p in page.all("p")]
    # Scores fall and parameters, too, but for the first two candidates.
    assert any("the candidates 2, 3, 4: no other" in text for text in said)
    title = "Pareto front: validation accuracy over parameters"
    header, *rows = page.rows_of(f"Numbers: {title}")
    assert header == ["parameters", "a candidate", "the Pareto front"]
    assert rows == [
        ["6", "60%", "60%"],
        ["7", "70%", "70%"],
        ["8", "90%", "90%"],
        ["9", "80%", ""],
    ]


def test_markup_from_files_is_shown_and_not_read(places):
    _, _, page = places["markup"]
    assert len(page.all("script")) == 1
    texts = "".join(e["text"] for e in page.all("td") + page.all("code"))
    assert made_runs.HOSTILE in texts
    assert '"name": "<script>alert(1)</script>&' in texts


def test_a_search_without_genotypes_shows_its_weights(tmp_path):
    """As version 0.1.0 and searches of choices left them."""
    made_runs.searched(tmp_path, genotypes=False)
    page = page_of(tmp_path)
    assert page.rows_of("Weights of the normal cell after epoch 3")
    assert not page.all("use")


@pytest.mark.parametrize(
    "name",
    [
        *("search/config.json", "search/probabilities.npz", "genotype.json"),
        *("search/metrics.csv", "search/genotypes/epoch_2.json"),
        *("search/environment.json", "search/status.json"),
    ],
)
@pytest.mark.parametrize("content", [b"", b"{", b"[1]", None])
def test_damaged_and_missing_files_leave_the_rest(tmp_path, name, content):
    made_runs.searched(tmp_path)
    path = tmp_path / name
    path.unlink() if content is None else path.write_bytes(content)
    page = page_of(tmp_path)
    notes = [each["text"] for each in page.all("li", class_="note")]
    words = "".join(p["text"] for p in page.all("p")) + "".join(notes)
    if content is not None:
        stem = path.name.partition(".")[0]
        assert stem in words or "alpha by epoch" in words, words


READ = {
    "search/status.json": ("state", "time", "epoch", "best_epoch", "seconds"),
    "search/config.json": (
        *("task", "dataset", "strategy", "space", "num_nodes", "primitives"),
        "epochs",
    ),
    "train/results.json": ("num_parameters", "test_accuracy", "test_loss"),
    "evaluation/report.json": ("classes", "confusion", "calibration"),
}
"""Entries of files, each of which the page reads alone."""


@pytest.mark.parametrize("value", ["x", [1], {"a": 1}, -1, None])
@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name in READ for key in READ[name]]
)
def test_a_value_of_another_type_leaves_a_page(tmp_path, name, key, value):
    made_runs.searched(tmp_path, epochs=1)
    made_runs.trained(tmp_path)
    path = tmp_path / name
    content = json.loads(path.read_text())
    assert key in content
    made_runs.write_json(path, {**content, key: value})
    assert len(page_of(tmp_path).all("h2")) >= 8


def test_several_runs_are_side_by_side(places, tmp_path):
    first, second = places["images"][0], places["training"][0]
    path = tmp_path / "both.html"
    page = page_of(first, second, output=path)
    header, *rows = page.rows_of("Key figures of all runs")
    assert header[1:] == [first.name, second.name]
    facts = {row[0]: row[1:] for row in rows}
    assert facts["Parameters"] == ["", "43,874"]
    assert facts["Search time"] == ["1:15", ""]
    assert len(page.all("h3")) == 2 * 8
    with pytest.raises(ValueError, match="belongs to none of them: give --out"):
        tfdarts.report([first, second])
    with pytest.raises(ValueError, match="given twice"):
        tfdarts.report([first, first], output=path)


def test_settings_that_differ_and_common_curves(tmp_path):
    for name, config in (("a", {}), ("b", {"learning_rate": 0.5})):
        (tmp_path / name).mkdir()
        made_runs.searched(
            tmp_path / name,
            made_runs.dataclasses.replace(made_runs.TINY, **config),
        )
    runs = [tmp_path / "a", tmp_path / "b"]
    page = page_of(*runs, output=tmp_path / "both.html")
    _, *rows = page.rows_of("Settings that differ")
    assert rows == [["Search: learning_rate", "0.1", "0.5"]]
    _, *rows = page.rows_of("Numbers: Search: mean entropy of alpha in nats")
    assert rows[0] == ["1", "1.3", "1.3"]


# Files and flags


def test_an_existing_page_is_kept_unless_told(tmp_path, capsys):
    made_runs.killed(tmp_path)
    main, run = report_command.main, f"--run_dir={tmp_path}"
    assert main([run]) == 0
    path = tmp_path / "report.html"
    assert capsys.readouterr().out == f"{path}\n"
    path.write_text("mine")
    assert main([run]) == 2
    assert f"{path} exists. Give --overwrite" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main([run, "--overwrite"]) == 0
    assert "<!DOCTYPE html>" in path.read_text()
    assert main([run, f"--output={tmp_path}/other.html"]) == 0


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ([], "A report needs a run: give --run_dir."),
        (["--run_dir=nowhere"], "nowhere holds no run: it has neither search"),
        (["--run_dir=run", "--output=no/x.html"], "no/x.html"),
    ],
)
def test_errors_are_sentences(flags, sentence, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    made_runs.killed(tmp_path / "run")
    assert report_command.main(flags) == 2
    said = capsys.readouterr().err
    assert sentence in said and "Traceback" not in said


def test_a_run_without_a_drawing_program_says_so(tmp_path, monkeypatch):
    made_runs.searched(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(
        "tfdarts.visualization.cell_graphs.sysconfig.get_path",
        lambda name: str(tmp_path),
    )
    page = page_of(tmp_path)
    notes = [each["text"] for each in page.all("li", class_="note")]
    assert any("neither dot nor graphviz-pure was found" in n for n in notes)
    words = [li["text"] for li in page.all("li")]
    assert any(word.startswith("Node 2: ") for word in words)


def test_long_searches_show_some_epochs():
    assert shown_epochs(59, 59) == [*range(60)]
    shown = shown_epochs(600, 333)
    assert {0, 333, 600} <= {*shown} and len(shown) in (60, 61)
    assert max(np.diff(shown)) <= 11


def test_seeds_and_selections_have_tables(tmp_path):
    made_runs.write_json(
        tmp_path / "seeds.json",
        {
            "train": {"seeds": [0, 1]},
            "evaluate": {
                "seeds": [0, 1],
                "test_accuracy": {"mean": 0.9, "std": 0.1, "values": [0.8, 1]},
            },
        },
    )
    row = {"genotype": "x", "validation_loss": 0.5, "num_parameters": 7}
    made_runs.write_json(
        tmp_path / "selection.json", [{"candidate": "random-0", **row}]
    )
    page = page_of(tmp_path)
    assert page.rows_of("Seeds")[1] == ["test accuracy", "0.9", "0.1"]
    assert page.rows_of("Selection")[1] == ["random-0", "", "0.5", "7"]


def test_the_genotype_of_the_page_is_that_of_the_run(places):
    run, _, page = places["images"]
    (code,) = [c["text"] for c in page.all("code") if '"cells"' in c["text"]]
    assert Genotype.from_json(code) == Genotype.load(run / "genotype.json")
