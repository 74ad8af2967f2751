"""Sets environment variables before TensorFlow, Keras and matplotlib load."""

import os
import sys


def prepare():
    """Sets the environment variables that TensorFlow and Keras read at start.

    By default, TensorFlow uses oneDNN's kernels only on CPUs with AVX-512
    VNNI. On other CPUs, a supernet's step is several times slower without
    these kernels. So tfdarts turns them on unless `TF_ENABLE_ONEDNN_OPTS` is
    set.

    In the process of a `tfdarts-` command, the backends that the user chose
    for other programs are overridden.

    Raises:
        ImportError: If another Keras backend or the legacy Keras is chosen.
    """
    if os.path.basename(sys.argv[0]).startswith("tfdarts-"):
        os.environ["KERAS_BACKEND"] = "tensorflow"
        # A notebook passes on its own backend, which may not be installed.
        os.environ["MPLBACKEND"] = "agg"
        os.environ.pop("TF_USE_LEGACY_KERAS", None)
    if os.environ.get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true"):
        raise ImportError(
            "tfdarts needs Keras 3, but TF_USE_LEGACY_KERAS="
            f"{os.environ['TF_USE_LEGACY_KERAS']} chooses the legacy Keras: "
            "unset TF_USE_LEGACY_KERAS."
        )
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if "keras" in sys.modules:
        backend = sys.modules["keras"].config.backend()
    if backend != "tensorflow":
        raise ImportError(
            f"tfdarts runs on Keras' TensorFlow backend, but the backend "
            f"chosen is {backend!r}: set KERAS_BACKEND=tensorflow before "
            f"Keras is imported."
        )
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
