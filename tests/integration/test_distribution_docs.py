"""The files of docs/distribution, each by whatever knows its format."""

import os
import pathlib
import re
import shutil
import stat
import subprocess
import warnings

import kubernetes_validate
import pytest
import yaml

from tfdarts.cluster import workers

DOCS = pathlib.Path(__file__).parents[2] / "docs" / "distribution"

SCONTROL = """#!/bin/sh
[ "$1 $2 $3" = "show hostnames node[3-4]" ] && printf 'node3\\nnode4\\n'
"""
SRUN = """#!/bin/sh
# Both tasks, one after the other; the highest of their codes.
[ "$1 $2" = "--kill-on-bad-exit=1 --cpus-per-task=16" ] || exit 99
shift 2
highest=0
for SLURM_PROCID in 0 1; do
  export SLURM_PROCID
  code=0
  "$@" || code=$?
  [ $code -gt $highest ] && highest=$code
done
exit $highest
"""
SEARCH = """#!/bin/sh
echo "$TF_CONFIG" > config$SLURM_PROCID
echo "$@" >> arguments
[ -e lost ] && rm lost && exit 6
set -- ${CODES:-0 0}
[ $SLURM_PROCID = 1 ] && shift
exit "${1:-0}"
"""


def program(directory, name, text):
    path = directory / name
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def slurm(tmp_path):
    """Runs the script where SLURM's programs stand in for themselves."""
    for name, text in (
        ("scontrol", SCONTROL),
        ("srun", SRUN),
        ("tfdarts-search", SEARCH),
    ):
        program(tmp_path, name, text)

    def run(*command, **environment):
        return subprocess.run(
            [DOCS / "slurm.sh", *command],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{tmp_path}:{os.environ['PATH']}",
                "SLURM_JOB_ID": "1234567",
                "SLURM_JOB_NODELIST": "node[3-4]",
                "SLURM_CPUS_PER_TASK": "16",
                **environment,
            },
            capture_output=True,
            text=True,
        )

    return run


def test_slurm_tells_each_task_of_all(slurm, tmp_path, monkeypatch):
    done = slurm("tfdarts-search", "--run_dir=/shared/a run")
    assert done.returncode == 0, done.stderr
    for index in (0, 1):
        config = (tmp_path / f"config{index}").read_text()
        monkeypatch.setenv("TF_CONFIG", config)
        assert workers() == (["node3:24567", "node4:24567"], index)
    lines = (tmp_path / "arguments").read_text().splitlines()
    assert lines == ["--run_dir=/shared/a run --distribute=multiworker"] * 2


def test_slurm_starts_again_where_a_worker_was_lost(slurm, tmp_path):
    (tmp_path / "lost").touch()
    done = slurm("tfdarts-search")
    assert done.returncode == 0
    assert done.stderr == "A worker was lost, attempt 1.\n"
    assert len((tmp_path / "arguments").read_text().splitlines()) == 4


@pytest.mark.parametrize("codes", ["4 6", "6 2", "3 143", "1 1", "5 137"])
def test_slurm_gives_up_on_what_would_come_again(slurm, tmp_path, codes):
    """The other task is lost for it, which is a higher code."""
    own = min(map(int, codes.split()))
    assert slurm("tfdarts-search", CODES=codes).returncode == own
    assert len((tmp_path / "arguments").read_text().splitlines()) == 2
    assert not [*tmp_path.glob("*.failed")]


@pytest.mark.parametrize("codes", ["6 6", "137 6", "14 14", "143 143"])
def test_slurm_starts_three_times(slurm, tmp_path, codes):
    highest = max(map(int, codes.split()))
    assert slurm("tfdarts-search", CODES=codes).returncode == highest
    assert len((tmp_path / "arguments").read_text().splitlines()) == 2 * 3


def test_slurm_options_are_before_the_first_command():
    lines = (DOCS / "slurm.sh").read_text().splitlines()
    options = [n for n, line in enumerate(lines) if line.startswith("#SBATCH")]
    assert len(options) == 7
    first = next(n for n, line in enumerate(lines) if re.match("[a-z]", line))
    assert max(options) < first
    assert "#SBATCH --ntasks-per-node=1" in lines
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", DOCS / "slurm.sh"], check=True)


@pytest.fixture
def manifests():
    return list(yaml.safe_load_all((DOCS / "kubernetes.yaml").read_text()))


def test_kubernetes_is_valid(manifests):
    assert [each["kind"] for each in manifests] == [
        *("PersistentVolumeClaim", "Service", "Job")
    ]
    for manifest in manifests:
        with warnings.catch_warnings():
            # What it reads its schemas with is deprecated.
            warnings.filterwarnings("ignore", "jsonschema.RefResolver")
            latest = kubernetes_validate.latest_version()
            kubernetes_validate.validate(manifest, latest, strict=True)


def test_kubernetes_tells_each_pod_of_all(manifests, tmp_path, monkeypatch):
    claim, service, job = manifests
    name, spec = job["metadata"]["name"], job["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert spec["completions"] == spec["parallelism"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"job-name": name}
    assert pod["subdomain"] == service["metadata"]["name"]
    (volume,) = pod["volumes"]
    claimed = volume["persistentVolumeClaim"]["claimName"]
    assert claimed == claim["metadata"]["name"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    port = container["ports"][0]["containerPort"]
    program(
        tmp_path,
        "tfdarts-search",
        '#!/bin/sh\necho "$TF_CONFIG" > config\necho "$@" > arguments\n',
    )
    for index in range(spec["completions"]):
        subprocess.run(
            container["command"] + container["args"],
            cwd=tmp_path,
            env={
                "PATH": f"{tmp_path}:{os.environ['PATH']}",
                "JOB_COMPLETION_INDEX": str(index),
            },
            check=True,
        )
        monkeypatch.setenv("TF_CONFIG", (tmp_path / "config").read_text())
        # An indexed Job calls its pods so, and the Service knows them.
        addresses = [
            f"{name}-{k}.{pod['subdomain']}:{port}"
            for k in range(spec["completions"])
        ]
        assert workers() == (addresses, index)
    arguments = (tmp_path / "arguments").read_text().split()
    assert "--distribute=multiworker" in arguments
    mounted = container["volumeMounts"][0]["mountPath"]
    assert f"--run_dir={mounted}/digits" in arguments
