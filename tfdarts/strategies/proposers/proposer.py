"""The base classes of oracles that resume exactly."""

import json
import pathlib

import keras_tuner
import numpy as np

from tfdarts.files import write_atomically


class ResumableOracle(keras_tuner.Oracle):
    """An oracle that proposes the same trials after any interruption.

    A subclass keeps all its state in `get_state` and `set_state`, as JSON.

    Args:
        seed: Integer. Keras-tuner's oracles take `0` for any seed; this one
            does not. Defaults to `0`.
        **kwargs: See `keras_tuner.Oracle`.
    """

    def __init__(self, seed=0, **kwargs):
        super().__init__(seed=seed + 1, **kwargs)

    def save(self):
        """Writes the state, unless the oracle has no directory."""
        if self._path is not None:
            self._write(self._path / "oracle.json", self.get_state())

    def reload(self):
        """Reads the state.

        Raises:
            ValueError: If the file is damaged.
        """
        try:
            super().reload()
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{self._path} is damaged: {error}. Delete this directory. A "
                "search by tfdarts then resumes from its trials.json."
            ) from error
        # A kill may have come between the file of a trial and the state.
        self.trials = {name: self.trials[name] for name in self.start_order}
        # Keras-tuner saves the end of a trial while it is still open.
        self._retry_queue = [
            name for name in self._retry_queue if name not in self.end_order
        ]

    @property
    def _path(self):
        """The directory of the files, or `None` in memory."""
        if not hasattr(self, "_directory"):
            return None
        return pathlib.Path(self._project_dir)

    def _save_trial(self, trial):
        if self._path is not None:
            directory = self._path / f"trial_{trial.trial_id}"
            directory.mkdir(exist_ok=True)
            self._write(directory / "trial.json", trial.get_state())

    def _write(self, path, state):
        # Keras-tuner would leave half a file if it were killed here.
        write_atomically(path, json.dumps(state), durable=False)


MOST_REJECTED = 100
"""Proposals in a row that may be rejected; a search then ends."""


class Proposer(ResumableOracle):
    """An oracle that proposes values and learns from their results.

    A subclass implements `propose` and `learn`.

    Args:
        **kwargs: See `ResumableOracle`.

    Attributes:
        accepts: Function of values that returns whether they may be a trial.
            Rejected values are no trial, and other values are proposed.
            Defaults to accepting all.
        draws: Boolean, whether `propose` draws other values each time.
        pool: Integer, the accepted values of which the one with the highest
            `prescore` becomes a trial. Defaults to `1`.
        prescore: Function of values that returns a number.
        rejected: Integer, the number of values so far that became no trial.
        gave_up: Boolean, whether too many values in a row were rejected.
    """

    draws = True
    pool = 1
    prescore = None
    rejected = 0
    gave_up = False

    @staticmethod
    def accepts(values):
        return True

    def propose(self, generator: np.random.Generator) -> dict | None:
        """Returns the values of the next trial, a dict; `None` for no more.

        Args:
            generator: `numpy.random.Generator`, which depends only on the seed
                and on the number of the trial.
        """
        raise NotImplementedError

    def learn(self, values: dict, loss: float) -> None:
        """Takes the result of a trial that has not failed.

        Args:
            values: Dict, the values of the trial.
            loss: Float, the objective, the lower the better.
        """
        raise NotImplementedError

    def populate_space(self, trial_id):
        generator = np.random.default_rng([self.seed, len(self.start_order)])
        values = self._propose_best(generator)
        status = "STOPPED" if values is None else "RUNNING"
        return {"status": status, "values": values}

    def _propose_best(self, generator):
        """Returns the best of the pool; the first of equal ones."""
        pool = []
        for _ in range(self.pool):
            self.rejected += bool(pool)  # The one before is no trial, if any.
            values = self._propose_accepted(generator)
            if values is None:
                break
            pool.append(values)
        if len(pool) < 2:
            return next(iter(pool), None)
        return max(pool, key=self.prescore)

    def _propose_accepted(self, generator):
        """Returns the first accepted proposal, or `None` if there is none."""
        for _ in range(MOST_REJECTED):
            values = self.propose(generator)
            if values is None or self.accepts(values):
                return values
            self.rejected += 1
        self.gave_up = True
        return None

    def get_state(self) -> dict:
        return {**super().get_state(), "rejected": self.rejected}

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        # An earlier version had no such number.
        self.rejected = state.get("rejected", 0)

    def score_trial(self, trial):
        super().score_trial(trial)
        if not np.isnan(trial.score):
            sign = -1 if self.objective.direction == "max" else 1
            loss = sign * float(trial.score)
            self.learn(dict(trial.hyperparameters.values), loss)

    def sample(self, generator, values=None):
        """Returns random values.

        Args:
            generator: `numpy.random.Generator`.
            values: Dict of values to keep if they are active.
        """
        found = keras_tuner.HyperParameters()
        for hyperparameter in self.hyperparameters.space:
            found.merge([hyperparameter])
            if found.is_active(hyperparameter):
                name = hyperparameter.name
                if values is not None and name in values:
                    found.values[name] = values[name]
                else:
                    found.values[name] = self.draw(hyperparameter, generator)
        return found.values

    def draw(self, hyperparameter, generator):
        """Returns a random value of one hyperparameter."""
        return hyperparameter.prob_to_value(float(generator.random()))

    def mutate(self, values, generator):
        """Returns values of which one differs from those given.

        Each choice has the same chance to change, and then each of its other
        values. Choices that become active by the change are drawn.

        Args:
            values: Dict.
            generator: `numpy.random.Generator`.

        Raises:
            ValueError: If nothing can be changed.
        """
        current = self.hyperparameters.copy()
        current.values = dict(values)
        free = [
            each
            for each in current.space
            if current.is_active(each) and _has_alternatives(each)
        ]
        if not free:
            raise ValueError(
                "There is nothing to search: all hyperparameters have one "
                "value only."
            )
        chosen = free[generator.integers(len(free))]
        other = values[chosen.name]
        while other == values[chosen.name]:
            other = self.draw(chosen, generator)
        return self.sample(generator, {**values, chosen.name: other})


def _has_alternatives(hyperparameter):
    return hyperparameter.prob_to_value(0.0) != hyperparameter.prob_to_value(
        1 - 1e-9
    )
