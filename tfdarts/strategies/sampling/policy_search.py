"""A search whose paths a controller draws, which learns from their scores."""

import itertools
import sys
from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from tfdarts.layers.alphas import alphas_of
from tfdarts.strategies.controllers.policy_gradient import PolicyGradient
from tfdarts.strategies.controllers.recurrent_controller import (
    RecurrentController,
)
from tfdarts.strategies.darts import DARTS
from tfdarts.strategies.sampling.path_scores import path_of
from tfdarts.strategies.sampling.path_scores import score_path
from tfdarts.training.time_limit import TimeLimit

STEPS, UPDATES, RESULTS, RECORDS = range(4)
"""What genotypes are drawn for; each has random numbers of its own."""

RECORDED = 100
"""Genotypes whose mean is recorded as the probabilities of the policy."""

LEAST = 1e-9
"""The least recorded probability, because its logarithm is an alpha."""


@keras.saving.register_keras_serializable(package="tfdarts")
class PolicySearch(DARTS):
    """Trains shared weights on paths that a controller draws.

    Each step trains the path of one genotype. `train_controller` moves the
    controller by REINFORCE towards genotypes of high scores. The alphas only
    record the probabilities of the controller; see
    `tfdarts.layers.likeliest_path.LikeliestPath`.

    The controller, its optimizer and its baseline are in the checkpoints. The
    genotypes that are drawn depend on them, on the seed and on the number of
    the step only, so an interrupted search resumes bit for bit.

    Args:
        supernet: Supernet of cells whose relaxation is a `LikeliestPath`.
        controller: `RecurrentController` of the space of the supernet.
            Defaults to one of 64 units.
        controller_learning_rate: Float, of Adam for the controller. Defaults to
            `0.0035`.
        entropy_weight: Float. The entropy of the controller's decisions,
            times this, is added to the rewards. Defaults to `1e-4`.
        baseline_decay: Float, the decay of the average of the rewards, to
            which each reward is compared. Defaults to `0.99`.
        perplexity_reward: Float. For texts, and without an accuracy, the
            reward is this, divided by the perplexity. Defaults to `80`.
        seed: Integer. Defaults to `0`.
        **kwargs: Arguments of `DARTS`; `order` is 1.

    Raises:
        ValueError: If `order` is 2, or a perturbation is given.

    Reference:

    - [Pham et al., 2018](https://arxiv.org/abs/1802.03268), section 2.2, and
      their code
    """

    def __init__(
        self,
        supernet,
        controller=None,
        controller_learning_rate=0.0035,
        entropy_weight=1e-4,
        baseline_decay=0.99,
        perplexity_reward=80.0,
        seed=0,
        order=1,
        alpha_warmup_steps=sys.maxsize,
        **kwargs,
    ):
        super().__init__(
            supernet, order, alpha_warmup_steps=alpha_warmup_steps, **kwargs
        )
        if order != 1 or self.perturbation is not None:
            raise ValueError(
                "The controller draws the paths of the weights, and alpha has "
                "no gradient: leave out `order` and `perturbation`."
            )
        self.controller = controller or RecurrentController(
            supernet.space, seed=seed
        )
        self.controller_learning_rate = controller_learning_rate
        self.entropy_weight = entropy_weight
        self.baseline_decay = baseline_decay
        self.perplexity_reward = perplexity_reward
        self.seed = seed
        # Keras saves optimizers that are attributes.
        self.policy_optimizer = keras.optimizers.Adam(
            controller_learning_rate, beta_1=0.0, epsilon=1e-3
        )
        self.policy = PolicyGradient(self.controller, self.policy_optimizer)
        self.baseline, self.num_updates = (
            keras.Variable(0.0, trainable=False, dtype="float64", name=name)
            for name in ("baseline", "num_updates")
        )
        self._evaluate = tf.function(self.policy.evaluate, autograph=False)
        self.record_policy()

    @property
    def own_variables(self):
        own = [*super().own_variables, *self.policy.variables]
        own += [self.baseline, self.num_updates]
        return [*{id(variable): variable for variable in own}.values()]

    def loss_of_step(self, parts, values):
        """Returns the loss on the path of one genotype; see `DARTS`."""
        (choices,) = self.draw_choices(1, STEPS, self.optimizer.iterations)
        path = self._path_of(choices)
        loss = self._compiled_loss.of_edge_weights
        return loss, loss.in_place(values, path)

    def draw_choices(self, count, purpose, number=0):
        """Returns choices of the controller, `(count, num_decisions)`.

        Args:
            count: Integer.
            purpose: `STEPS`, `UPDATES`, `RESULTS` or `RECORDS`.
            number: Integer. Others give other choices. Defaults to `0`.
        """
        number = int(keras.ops.convert_to_numpy(number))
        generator = np.random.default_rng([self.seed, purpose, number])
        return self.controller.sample(generator, count)

    def draw_genotypes(self, count: int) -> list:
        """Returns genotypes that the controller draws.

        Args:
            count: Integer.
        """
        choices = self.draw_choices(count, RESULTS)
        return [*map(self.controller.decisions.genotype, choices)]

    def train_controller(self, batches: Iterable, samples: int) -> float:
        """Takes one step of the controller; returns the mean reward.

        Args:
            batches: Iterator of batches `(x, y)` of validation examples, one
                for each sample.
            samples: Integer, the genotypes to draw.
        """
        choices = self.draw_choices(samples, UPDATES, self.num_updates)
        rewards = [
            self.reward(each, batch)
            for each, batch in zip(choices, batches, strict=True)
        ]
        _, entropies = self._evaluate(tf.constant(choices))
        advantages, kept = [], self.baseline_decay
        baseline = float(self.baseline.numpy())
        for reward in rewards + self.entropy_weight * entropies.numpy():
            baseline = kept * baseline + (1 - kept) * reward
            advantages.append(reward - baseline)
        self.baseline.assign(baseline)
        self.policy.update(choices, np.array(advantages))
        self.num_updates.assign_add(1.0)
        return float(np.mean(rewards))

    def reward(self, choices: np.ndarray, batch: tuple) -> float:
        """Returns the reward of a genotype: the accuracy of its path.

        A score of NaN or of an infinite loss is the reward 0.

        Args:
            choices: Integer array `(num_decisions,)`.
            batch: Tuple `(x, y)`.
        """
        genotype = self.controller.decisions.genotype(choices)
        score = score_path(self, genotype, [batch])
        if self.scores_loss:
            return self.perplexity_reward * float(np.exp(score))
        return max(score, 0.0)

    def record_policy(self):
        """Assigns the logarithms of the path probabilities to the alphas."""
        choices = self.draw_choices(RECORDED, RECORDS)
        layers = alphas_of(self.supernet)
        for alphas, paths in zip(layers, zip(*map(self._path_of, choices))):
            alphas.alpha.assign(np.log(np.maximum(np.mean(paths, 0), LEAST)))

    def _path_of(self, choices):
        genotype = self.controller.decisions.genotype(choices)
        return path_of(self.supernet, genotype)

    def get_config(self):
        return {
            **super().get_config(),
            "controller": keras.saving.serialize_keras_object(self.controller),
            "controller_learning_rate": self.controller_learning_rate,
            "entropy_weight": self.entropy_weight,
            "baseline_decay": self.baseline_decay,
            "perplexity_reward": self.perplexity_reward,
            "seed": self.seed,
        }


class ControllerTraining(keras.callbacks.Callback):
    """Trains the controller of a search after each epoch.

    The logs get the mean reward. Place this callback before those that record
    or save.

    Args:
        search: `PolicySearch`, compiled.
        batches: Iterable of batches `(x, y)` of validation examples. Each
            sample is scored on the next batch, from epoch to epoch.
        steps: Integer, the steps of the controller after an epoch.
        samples: Integer, the genotypes of each step.
        limit: `tfdarts.training.time_limit.TimeLimit`. When its time is up,
            the controller takes no more steps. Defaults to none.
    """

    def __init__(self, search, batches, steps, samples, limit=None):
        super().__init__()
        self.limit = limit or TimeLimit(0, float)
        self.search = search
        self.batches = batches
        self.steps = steps
        self.samples = samples

    def on_epoch_end(self, epoch, logs=None):
        done = int(self.search.num_updates.numpy()) * self.samples
        batches = _cycle_from(self.batches, done)
        rewards = []
        for _ in range(self.steps):
            if rewards and self.limit.left < self.limit.kept_back:
                self.limit.end(cut=True)
                self.model.stop_training = True
                break
            rewards.append(
                self.search.train_controller(
                    itertools.islice(batches, self.samples), self.samples
                )
            )
        self.search.record_policy()
        logs["reward"] = float(np.mean(rewards))


def _cycle_from(batches, position):
    """Yields batches again and again; the first is that at a position."""
    count = sum(1 for _ in batches)
    first = position % count
    while True:
        yield from itertools.islice(batches, first, None)
        first = 0
