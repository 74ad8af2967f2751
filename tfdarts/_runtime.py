"""What must be settled before TensorFlow, Keras, matplotlib are imported."""

import os
import sys


def prepare():
    """Sets TensorFlow's and Keras' start-up switches for this process.

    TensorFlow turns oneDNN's kernels on by itself only on CPUs with AVX-512
    VNNI; on the others a supernet's step is several times slower without
    them, so tfdarts asks for them unless `TF_ENABLE_ONEDNN_OPTS` is set.

    The process of a command is tfdarts' own, whatever else is chosen for
    others.

    Raises:
        ImportError: If another Keras backend or the legacy Keras is chosen.
    """
    if os.path.basename(sys.argv[0]).startswith("tfdarts-"):
        os.environ["KERAS_BACKEND"] = "tensorflow"
        # A notebook's kernel passes on its own, which may not be installed.
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
