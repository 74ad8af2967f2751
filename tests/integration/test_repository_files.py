"""Files for those who work with the repository: workflow, image, templates."""

import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).parents[2]


def test_the_workflow_runs_what_ci_runs():
    workflow = yaml.safe_load(
        (ROOT / ".github" / "workflows" / "tests.yml").read_text()
    )
    (job,) = workflow["jobs"].values()
    *_, last = job["steps"]
    program = last["run"].split()[-1]
    assert (ROOT / program).stat().st_mode & 0o111
    python = next(s["with"] for s in job["steps"] if "with" in s)
    required = re.search(
        r'python_requires=">=([\d.]+)"', (ROOT / "setup.py").read_text()
    )
    assert python["python-version"] == required[1]


def test_the_image_starts_the_command():
    text = (ROOT / "Dockerfile").read_text()
    (program,) = json.loads(re.search(r"^ENTRYPOINT (.*)$", text, re.M)[1])
    assert (ROOT / "bin" / program).exists()
    (extra,) = re.findall(r"pip install .*'/tfdarts\[(\w+)\]'", text)
    assert f'"{extra}": ' in (ROOT / "setup.py").read_text()
    shown = re.search(r"configs/\w+\.cfg", text)[0]
    assert (ROOT / shown).exists()
    # What is left out of the image is no part of the package.
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert not {*ignored} & {"tfdarts", "bin", "configs", "setup.py"}


def test_links_of_other_pages_lead_somewhere():
    pages = [ROOT / "SECURITY.md", *(ROOT / ".github").rglob("*.md")]
    assert len(pages) == 3
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()):
            assert (page.parent / target).exists(), target


def test_a_bug_report_asks_for_files_that_runs_have():
    text = (ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.md").read_text()
    written = "".join(
        path.read_text() for path in (ROOT / "tfdarts" / "records").glob("*.py")
    )
    for name in {*re.findall(r"/(\w+\.\w+)`", text)}:
        assert f'"{name}"' in written
