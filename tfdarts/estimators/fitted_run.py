"""The run directory behind an estimator."""

import hashlib
import json
import os
import pathlib
import tempfile
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from tfdarts.arguments import as_path
from tfdarts.records.run_directory import Stage
from tfdarts.reports.report import report
from tfdarts.runs.export import export
from tfdarts.runs.search import search
from tfdarts.runs.train import train
from tfdarts.tasks.task_registry import task_of_settings

OF_SEARCH = 0.5
"""The share of the time that the search may take; the training has the rest."""


class RunEstimator(BaseEstimator):
    """An estimator whose `fit` is a search and a training in a run directory.

    Each data set and each set of parameters has a directory of its own in
    `run_dir`, so the same `fit` resumes what was interrupted, and
    cross-validation mixes nothing.
    """

    _not_of_a_run = ("run_dir", "max_minutes")

    def _run(self, source):
        """Searches and trains; sets the attributes of a fitted estimator.

        Args:
            source: The data.
        """
        run_dir = self._directory_of(source.fingerprint)
        common = {
            "dataset": source,
            "run_dir": str(run_dir),
            "seed": self.random_state,
        }
        of_search = OF_SEARCH * self.max_minutes
        of_training = self.max_minutes - of_search
        # Both are made here, so that an invalid setting ends no search.
        searched = self._search_config(common | {"max_minutes": of_search})
        trained = self._train_config(common | {"max_minutes": of_training})
        self.genotype_ = search(searched)
        self.results_ = train(self._sized(trained, self.genotype_, source))
        self.run_dir_ = run_dir
        return self

    def _sized(self, config, genotype, source):
        """Returns the settings of the training for the genotype found."""
        return config

    def _directory_of(self, fingerprint):
        """Returns the path of the run of these data and parameters."""
        if self.run_dir is None:
            return pathlib.Path(tempfile.mkdtemp(prefix="tfdarts-"))
        given = self.get_params(deep=False)
        given = {n: v for n, v in given.items() if n not in self._not_of_a_run}
        text = json.dumps([fingerprint, given], sort_keys=True, default=str)
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        return as_path(self.run_dir, "run_dir") / name

    def export(
        self, name: str | None = None, formats: Any = ("saved_model",)
    ) -> dict[str, pathlib.Path]:
        """Writes the trained network for a server; see `tfdarts.export`.

        Args:
            name: String, the name of the model. Defaults to that of the data.
            formats: Sequence of strings.

        Returns:
            Dict from the formats to the paths of the written files.
        """
        check_is_fitted(self, "run_dir_")
        return export(self.run_dir_, name, formats)

    def report(
        self, output: str | os.PathLike | None = None, overwrite: bool = False
    ) -> pathlib.Path:
        """Writes one HTML page about the run; see `tfdarts.report`."""
        check_is_fitted(self, "run_dir_")
        return report(self.run_dir_, output, overwrite)

    def summary(self) -> str:
        """Returns what was found, in lines: the results and the genotype."""
        check_is_fitted(self, "run_dir_")
        task = task_of_settings(Stage(self.run_dir_, "train").settings())
        shown = {n: v for n, v in self.results_.items() if v is not None}
        lines = [f"{name}: {value}" for name, value in shown.items()]
        return "\n".join(
            [
                f"{type(self).__name__} on {task.name}, in {self.run_dir_}",
                *lines,
                str(self.genotype_),
            ]
        )
