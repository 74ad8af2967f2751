"""Configuration files of TF Serving."""

from google.protobuf import text_encoding

from tfdarts.arguments import as_path
from tfdarts.files import write_atomically
from tfdarts.serving.saved_model import saved_versions

MONITORING = """\
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""

BATCHING = """\
max_batch_size { value: 32 }
batch_timeout_micros { value: 1000 }
max_enqueued_batches { value: 128 }
num_batch_threads { value: 4 }
"""


def models_config(names, root="/models"):
    """Returns the models of a server, in the form of `--model_config_file`.

    Args:
        names: Sequence of strings.
        root: String, the directory of the models on the server.

    Example:

    >>> print(models_config(["digits"]), end="")
    model_config_list {
      config {
        name: "digits"
        base_path: "/models/digits"
        model_platform: "tensorflow"
      }
    }
    """
    entries = "".join(
        f"  config {{\n"
        f'    name: "{_escape(name)}"\n'
        f'    base_path: "{_escape(f"{root}/{name}")}"\n'
        f'    model_platform: "tensorflow"\n'
        f"  }}\n"
        for name in names
    )
    return f"model_config_list {{\n{entries}}}\n"


def _escape(text):
    return text_encoding.CEscape(text, as_utf8=True)


def write_server_config(directory):
    """Writes the configuration of a server for all models in a directory.

    Args:
        directory: Path that holds a directory for each model; those without
            a SavedModel are ignored. `models.config` is overwritten; other
            existing files are kept.
    """
    directory = as_path(directory)
    names = sorted(
        path.name
        for path in directory.iterdir()
        if path.is_dir() and saved_versions(path)
    )
    write_atomically(directory / "models.config", models_config(names))
    for name, content in (
        ("monitoring.config", MONITORING),
        ("batching.config", BATCHING),
    ):
        if not (directory / name).exists():
            write_atomically(directory / name, content)
