"""The files of docs/serving, each by whatever knows its format."""

import os
import pathlib
import re
import shutil
import subprocess
import warnings

import kubernetes_validate
import numpy as np
import pytest
import served_models
import tensorflow as tf
import yaml

from tfdarts.serving import server_config

DOCS = pathlib.Path(__file__).parents[2] / "docs" / "serving"
PAGE = (DOCS / "README.md").read_text()

# Of tensorflow_model_server --help.
FLAGS = {
    *("allow_version_labels_for_unavailable_models", "enable_batching"),
    *("batching_parameters_file", "model_config_file"),
    *("model_config_file_poll_wait_seconds", "monitoring_config_file"),
}


def load(name):
    return list(yaml.safe_load_all((DOCS / name).read_text()))


def exported(path):
    """Whether a server finds a file there: in /models, as it is exported."""
    files = {"models.config", "monitoring.config", "batching.config"}
    return path.removeprefix("/models/") in {*files, "canary.config"}


def assert_flags(words):
    for word in words:
        flag, _, value = word.removeprefix("--").partition("=")
        assert flag in FLAGS
        assert exported(value) or value in ("true", "30")


# Docker


def docker_commands():
    text = PAGE.replace("\\\n", " ")
    return re.findall(r"^docker run (.*)$", text, re.M)


def test_docker_runs_with_flags_that_there_are():
    commands = docker_commands()
    assert len(commands) == 4
    for command in commands:
        options, flags = command.split(" tensorflow/serving ")
        assert ":/models:ro" in options and "-p 8501:8501" in options
        assert_flags(flags.split())


def test_compose_says_where_all_of_it_is():
    (compose,) = load("compose.yaml")
    server = compose["services"]["tf-serving"]
    assert_flags(server["command"])
    assert server["volumes"] == ["${EXPORT}:/models:ro"]
    (mounted,) = compose["services"]["prometheus"]["volumes"]
    file, place, _ = mounted.split(":")
    assert (DOCS / file).exists()
    assert place == "/etc/prometheus/prometheus.yml"


@pytest.mark.skipif(
    not shutil.which("docker-compose"), reason="needs docker-compose"
)
def test_compose_is_valid():
    done = subprocess.run(
        ["docker-compose", "-f", DOCS / "compose.yaml", "config"],
        env={**os.environ, "EXPORT": "/some/export"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "/some/export:/models:ro" in done.stdout


# Prometheus


def test_prometheus_looks_where_the_server_counts():
    (config,) = load("prometheus.yml")
    (job,) = config["scrape_configs"]
    assert f'path: "{job["metrics_path"]}"' in server_config.MONITORING
    (compose,) = load("compose.yaml")
    (target,) = job["static_configs"][0]["targets"]
    host, port = target.split(":")
    assert f"{port}:{port}" in compose["services"][host]["ports"]


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool")
def test_prometheus_is_valid():
    subprocess.run(
        ["promtool", "check", "config", DOCS / "prometheus.yml"],
        capture_output=True,
        check=True,
    )


# Kubernetes


def test_kubernetes_is_valid():
    manifests = load("kubernetes.yaml")
    assert [m["kind"] for m in manifests] == [
        *("PersistentVolumeClaim", "Deployment", "Service")
    ]
    for manifest in manifests:
        with warnings.catch_warnings():
            # What it reads its schemas with is deprecated.
            warnings.filterwarnings("ignore", "jsonschema.RefResolver")
            latest = kubernetes_validate.latest_version()
            kubernetes_validate.validate(manifest, latest, strict=True)


def test_kubernetes_names_fit():
    claim, deployment, service = load("kubernetes.yaml")
    template = deployment["spec"]["template"]
    assert (
        deployment["spec"]["selector"]["matchLabels"]
        == template["metadata"]["labels"]
        == service["spec"]["selector"]
    )
    (container,) = template["spec"]["containers"]
    (volume,) = template["spec"]["volumes"]
    (mount,) = container["volumeMounts"]
    claimed = volume["persistentVolumeClaim"]["claimName"]
    assert claimed == claim["metadata"]["name"]
    assert (mount["name"], mount["mountPath"]) == (volume["name"], "/models")
    assert_flags(container["args"])
    ports = {p["name"]: p["containerPort"] for p in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    assert {p["targetPort"] for p in service["spec"]["ports"]} == {*ports}
    annotations = template["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] in server_config.MONITORING


def test_a_server_answers_the_probe_of_kubernetes(server):
    _, deployment, _ = load("kubernetes.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    probed = container["readinessProbe"]["httpGet"]["path"]
    url = server.rest + probed.replace("digits", served_models.NAME)
    done = subprocess.run(["curl", "-fsS", url], capture_output=True)
    assert done.returncode == 0 and b"serving_bytes" in done.stdout


# Examples


@pytest.fixture
def seven(tmp_path):
    random = np.random.default_rng(7)
    image = random.integers(0, 256, served_models.SHAPE, "uint8")
    (tmp_path / "seven.png").write_bytes(tf.io.encode_png(image).numpy())
    best = served_models.probabilities(2, image[None]).argmax()
    return tmp_path, served_models.LABELS[best]


def examples(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def asked_here(text, server):
    text = text.replace("http://localhost:8501", server.rest)
    return text.replace("models/digits", f"models/{served_models.NAME}")


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_curl(server, seven):
    directory, label = seven
    blocks = [block for block in examples("sh") if "curl" in block]
    assert len(blocks) == 2
    said = []
    for block in blocks:
        done = subprocess.run(
            ["bash", "-euc", asked_here(block, server)],
            cwd=directory,
            capture_output=True,
            text=True,
            check=True,
        )
        said.append(done.stdout)
    assert "AVAILABLE" in said[0] and "serving_bytes" in said[0]
    assert "predictions" in said[1]
    assert f'"label": "{label}"' in said[1].encode().decode("unicode_escape")


def test_python(server, seven, monkeypatch):
    directory, label = seven
    (block,) = examples("python")
    monkeypatch.chdir(directory)
    names = {}
    exec(asked_here(block, server), names)
    assert names["label"] == label
