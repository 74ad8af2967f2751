"""What pip builds has all that an installed user needs."""

import pathlib
import subprocess
import sys
import zipfile

import pytest
import yaml

import tfdarts

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.slow
def test_wheel_has_commands_and_configs(tmp_path):
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet"),
            *("--wheel-dir", tmp_path, ROOT),
        ],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for config in (ROOT / "configs").glob("*.cfg"):
        assert f"tfdarts/configs/{config.name}" in names
    assert "tfdarts/py.typed" in names
    for table in (ROOT / "tfdarts" / "evaluators" / "tables").iterdir():
        assert f"tfdarts/evaluators/tables/{table.name}" in names
    for template in (ROOT / "tfdarts" / "reports" / "templates").iterdir():
        assert f"tfdarts/reports/templates/{template.name}" in names
    for program in (ROOT / "bin").iterdir():
        assert any(n.endswith(f"scripts/{program.name}") for n in names)
    for module in (ROOT / "tfdarts").rglob("*.py"):
        assert str(module.relative_to(ROOT)) in names
    assert not [name for name in names if name.startswith("tests/")]


def test_the_citation_names_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == tfdarts.__version__
    assert citation["license"] == "Apache-2.0"
    (paper,) = citation["references"]
    assert paper["url"] in (ROOT / "README.md").read_text()
