"""The training of a run and the cost of its network, for its page."""

from tfdarts.reports.curve_charts import curve_charts
from tfdarts.reports.stage_state import describe_state

_COSTS = {
    "num_parameters": "trainable parameters",
    "multiply_adds": "multiply-adds of convolutions and dense layers",
    "multiply_adds_everything": "multiply-adds of all layers",
    "milliseconds_per_image": "milliseconds for one image",
    "images_per_second": "images per second, in batches",
    "words_per_second": "words per second",
    "device": "device of these times",
}


def training_part(files):
    """Returns the training of a run as a dict, or `None` without one.

    Args:
        files: `RunFiles`.
    """
    if not files.has_begun("train"):
        return None
    settings = files.settings("train")
    stage = files.stages["train"]
    status = stage.status()
    metrics = files.metrics("train")
    results = {}
    if (stage.path / "results.json").exists():
        results = files.attempt("train/results.json", stage.results) or {}
    length = settings.get("epochs")
    if status:
        status = {"epoch": len(metrics.get("epoch", ())), **status}
    return {
        "dataset": settings.get("dataset"),
        "genotype": settings.get("genotype"),
        "done": len(metrics.get("epoch", ())),
        "length": length,
        "status": status,
        "state": describe_state(status, length),
        "settings": settings,
        "metrics": metrics,
        "trials": None,
        "results": results,
        "curves": curve_charts(metrics, results.get("best_epoch")),
        "cost": [
            {"title": title, "value": results[name]}
            for name, title in _COSTS.items()
            if name in results
        ],
    }
