"""DARTS: learns weights and architecture in turn, by gradient descent."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfdarts.layers.alphas import is_allowed
from tfdarts.layers.alphas import is_decided
from tfdarts.models.supernet import Supernet
from tfdarts.strategies import hypergradient
from tfdarts.strategies.alpha_penalties import AlphaPenalties
from tfdarts.strategies.curvature import largest_eigenvalue
from tfdarts.strategies.pairs import as_batch
from tfdarts.strategies.pairs import validate_pair
from tfdarts.strategies.search_model import SearchModel
from tfdarts.strategies.search_options import check_options
from tfdarts.strategies.search_options import check_precision
from tfdarts.strategies.virtual_step import clip_norm_of
from tfdarts.strategies.virtual_step import clip_step
from tfdarts.training.vector_updates import virtual_step_of


@keras.saving.register_keras_serializable(package="tfdarts")
class DARTS(AlphaPenalties, SearchModel):
    """Searches the architecture of a supernet, or of any model with choices.

    Each step takes one batch of training examples and one batch of validation
    examples, as in Algorithm 1 of the paper. The architecture descends the
    validation loss, the weights descend the training loss. Only the real step
    of the weights changes weights and batch-norm statistics.

    Each gradient is a compiled function of its own, called from a Python
    `train_step`. The whole step in one graph would need three times the memory
    and the time to start.

    Args:
        supernet: `CNNSupernet`, `RNNSupernet`, or any Keras model that
            contains `LayerChoice` or other layers with `Alphas`. The search
            carries the state of a recurrent supernet from batch to batch
            until `reset_states()`, separately for training and validation
            examples.
        order: Integer. `1` computes the architecture's gradient at the
            current weights; `2` after a virtual step of the weights, at about
            two and a half times the cost. Defaults to `2`.
        method: String, how the second order is computed:
            `"central_difference"`, as in the paper,
            `"one_sided_difference"`, which saves one pass, or `"exact"`. See
            `tfdarts.hypergradient`. Defaults to `"central_difference"`.
        update_order: `"alpha_first"`, as in the authors' code, or
            `"weights_first"`, as the paper's Algorithm 1 is often read.
            Defaults to `"alpha_first"`.
        alpha_warmup_steps: Integer, the number of first steps that update
            only the weights. Defaults to `0`.
        micro_batches: Integer. Each batch is split into this many equal parts,
            which are computed one after the other, and their gradients are
            averaged: less memory, some more time. Batch normalization uses
            the statistics of each part, as with smaller batches; the moving
            statistics are updated once, with the mean over the parts. Each
            part has its rows of the whole batch's random masks. Defaults to
            `1`.
        clip_virtual_step: Boolean, whether the virtual step clips as the
            weight optimizer does; see
            `tfdarts.strategies.virtual_step.clip_step`. The authors clip it
            only for recurrent networks. Defaults to `False`.
        derive: Function of a search space and a dict of probabilities by cell
            type that returns a `Genotype`. Defaults to the paper's rule, the
            space's own `derive`.
        alpha_regularizer: Function of the list of alphas that returns a
            scalar penalty, which is added to the loss of alpha. Defaults to
            no penalty.
        perturbation: Function of edge weights, the number of the step and a
            function of edge weights, which returns the loss of the batch and
            its gradients. It returns the edge weights that the weights take
            their step with, such as
            `tfdarts.strategies.gradient.perturbations.RandomPerturbation`.
            The virtual step of order 2 is not perturbed. Defaults to no
            perturbation.
        alpha_average: Float, the decay of a moving average of the alphas over
            their steps, from which genotypes, choices and probabilities are
            derived: less noise, at the price of a delay. Defaults to `0.0`,
            the current alphas.
        distribution: `tf.distribute.Strategy`. Its devices split each batch:
            N devices compute the same as N micro-batches. Create the search
            and its supernet outside of the strategy's scope. With several
            processes, give each process its own rows of each batch. Defaults
            to one device.

    Raises:
        ValueError: If an argument has an unknown value, or the search is
            created under the scope of a strategy. If the supernet computes in
            half precision and `method` is a difference, whose digits would be
            lost to rounding.

    Example:

    >>> supernet = CNNSupernet(2, 3, num_classes=10, input_shape=(8, 8, 1))
    >>> search = DARTS(supernet, order=1)
    >>> search.compile(
    ...     weight_optimizer=SGD(0.025, momentum=0.9, l2=3e-4, clip_norm=5.0),
    ...     alpha_optimizer=Adam(3e-4, l2=1e-3),
    ... )

    After `search.fit((x_train, y_train), (x_val, y_val), epochs=50)` the
    result is `search.genotype()`; for a model with choices it is
    `search.choices()` and `search.derived_model()`.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), Algorithm 1
    """

    def __init__(
        self,
        supernet: keras.Model,
        order: int = 2,
        method: str = "central_difference",
        update_order: str = "alpha_first",
        alpha_warmup_steps: int = 0,
        micro_batches: int = 1,
        clip_virtual_step: bool = False,
        derive: Callable | None = None,
        alpha_regularizer: Callable | None = None,
        perturbation: Callable | None = None,
        distribution: tf.distribute.Strategy | None = None,
        alpha_average: float = 0.0,
        **kwargs,
    ):
        check_options(
            order, method, update_order, alpha_warmup_steps, micro_batches
        )
        super().__init__(
            supernet,
            micro_batches,
            derive,
            distribution,
            alpha_average,
            **kwargs,
        )
        self.order = order
        self.update_order = update_order
        self.alpha_warmup_steps = alpha_warmup_steps
        self.clip_virtual_step = clip_virtual_step
        self.alpha_regularizer = alpha_regularizer
        self.perturbation = perturbation
        self.method = method if order == 2 else "first_order"
        check_precision(self.method, supernet)

    def _use_weight_optimizer(self, optimizer):
        self._virtual_step = self._virtual_clip_norm = None
        if self.order == 1:
            super()._use_weight_optimizer(optimizer)
            return
        self._virtual_step = virtual_step_of(optimizer)
        if self.clip_virtual_step:
            self._virtual_clip_norm = clip_norm_of(optimizer)

    def train_step(self, data):
        """Takes one step of the search, Algorithm 1 of the paper."""
        train_parts, val_parts = (
            self._parts(batch, stream)
            for batch, stream in zip(
                validate_pair(data, self.supernet, self.loss_function),
                ("train", "val"),
            )
        )
        learning_rate = tf.convert_to_tensor(self.optimizer.learning_rate)
        warm = self.optimizer.iterations.numpy() >= self.alpha_warmup_steps

        if self.update_order == "weights_first":
            self.update_weights(train_parts)
        if warm:
            self.update_alphas(train_parts, val_parts, learning_rate)
        if self.update_order == "alpha_first":
            self.update_weights(train_parts)
        results = self.get_metrics_result()
        if not warm:  # During the warm-up there is no loss of alpha.
            del results[self.alpha_loss_tracker.name]
        return results

    def alpha_gradients(
        self, train_batch: Any, val_batch: Any, learning_rate: float
    ) -> list:
        """Returns the validation loss and its gradients for alpha.

        The only change is to the carried validation state of a recurrent
        supernet.

        Args:
            train_batch: Tuple `(x, y)`.
            val_batch: Tuple `(x, y)`.
            learning_rate: Scalar, the ξ of the virtual step.
        """
        return self._alpha_gradients(
            self._parts(as_batch(train_batch), "train"),
            self._parts(as_batch(val_batch), "val"),
            learning_rate,
        )

    def _alpha_gradients(self, train_parts, val_parts, learning_rate):
        learning_rate = keras.ops.convert_to_tensor(
            learning_rate, self._dtype_of_weights
        )
        virtual_step = None
        if self.order == 2:
            momentums = self.optimizer.momentums
            momentums = [tf.convert_to_tensor(m) for m in momentums]

            def virtual_step(gradients, weights):
                return self._virtual_step(
                    gradients, weights, momentums, learning_rate
                )

            if self._virtual_clip_norm is not None:
                virtual_step = clip_step(virtual_step, self._virtual_clip_norm)
        loss = self._compiled_loss
        weights, alphas, state = loss.values()
        train = loss.objective(train_parts, state, self._virtual_penalty)
        val = loss.objective(val_parts, state)
        outcome = hypergradient.METHODS[self.method](
            train, val, [weights], alphas, virtual_step
        )
        self._states["val"] = val.carried
        return self._add_penalties(outcome, alphas)

    @property
    def _virtual_penalty(self):
        """The factor of the model's own losses in the virtual step.

        The authors leave the penalties of recurrent networks out.
        """
        return 0.0 if isinstance(self.supernet, Supernet) else 1.0

    def alpha_curvature(self, batch: Any) -> float:
        """Returns the largest eigenvalue of ∇²α L at the current weights.

        Nothing is changed. The eigenvalue of the validation loss predicts how
        much the network loses when alpha is made discrete.

        Args:
            batch: Tuple `(x, y)` of validation examples.

        Returns:
            A float.

        Raises:
            ValueError: If the batch cannot be split evenly.

        Reference:

        - [Zela et al., 2020](https://arxiv.org/abs/1909.09656), section 4.2
        """
        loss = self._compiled_loss
        weights, alphas, state = loss.values()
        # This stream has no carried state, so it starts from the initial one.
        parts = self._parts(as_batch(batch), "curvature")
        objective = loss.objective(parts, state)

        def product(direction):
            return objective.alpha_product([weights], alphas, direction)

        return largest_eigenvalue(product, alphas)

    def update_alphas(
        self,
        train_parts: list,
        val_parts: list,
        learning_rate: tf.Tensor | float,
    ) -> None:
        """Takes a step of the alphas; a method of its own may override this.

        Args:
            train_parts: The parts of the batch for the weights; see
                `tfdarts.replicas.parts_of`.
            val_parts: The parts of the batch for alpha.
            learning_rate: Scalar, the learning rate of the weights.
        """
        loss, gradients = self._alpha_gradients(
            train_parts, val_parts, learning_rate
        )
        self._apply_alphas(gradients)
        self.alpha_loss_tracker.update_state(loss)

    def update_weights(self, parts: list) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Takes a step of the weights; a method of its own may override this.

        Args:
            parts: The parts of the batch; see `tfdarts.replicas.parts_of`.

        Returns:
            The loss, and its gradients for alpha before the step.
        """
        values = self._compiled_loss.values()
        loss, alphas = self.loss_of_step(parts, values)
        train = loss.objective(parts, values.state, penalty=1.0)
        loss, accuracy, gradient, alpha_gradients, state = self.weight_gradient(
            train, values.weights, alphas
        )
        self._states["train"] = train.carried
        self.step_weights(gradient, state)
        self._update_metrics(parts, train.carried)
        # Weighted by labels, because segments of a text may differ in length.
        local = self.distribution.experimental_local_results
        labels = [tf.nest.flatten(part[1])[0] for part in parts]
        number = sum(tf.size(y) for of_all in labels for y in local(of_all))
        self.loss_tracker.update_state(loss, number)
        self.accuracy.update_state(accuracy, number)
        return loss, alpha_gradients

    def loss_of_step(self, parts: list, values: Any) -> tuple[Any, list]:
        """Returns the loss that the weights descend, and its alphas.

        A method of its own may override this.

        Args:
            parts: See `update_weights`.
            values: `tfdarts.strategies.compiled_loss.Values`.

        Returns:
            `CompiledLoss`, or an `EdgeWeightLoss` and edge weights in place of
            the alphas.
        """
        if self.perturbation is None:
            return self._compiled_loss, values.alphas
        loss = self._compiled_loss.of_edge_weights
        step = self.optimizer.iterations.numpy()
        return loss, loss.perturbed(self.perturbation, step, parts, values)

    def weight_gradient(
        self, objective: Any, weights: tf.Tensor, alphas: list[tf.Tensor]
    ) -> tuple:
        """Returns loss, accuracy, ∇w L, ∇α L and the new state.

        A method of its own may override this.

        Args:
            objective: `BatchObjective`, the loss L on the batch.
            weights: Vector.
            alphas: List of tensors.
        """
        return objective.outputs([weights], alphas)

    def step_weights(self, gradient: tf.Tensor, state: Any) -> None:
        """Descends a gradient; a method of its own may override this.

        Args:
            gradient: Vector, the gradient of all weights.
            state: The new state of the supernet.
        """
        self._apply_weights(gradient, state)

    def _apply_to_weights(self, gradient, state):
        model = self._compiled_loss.model
        vector = model.weights.vector
        vector.assign(model.weights.read())
        self.optimizer.apply([gradient], [vector])
        model.weights.write(tf.convert_to_tensor(vector))
        model.write_state(state)

    def _apply_to_alphas(self, gradients):
        before = [tf.convert_to_tensor(v) for v in self.alpha_variables]
        self.alpha_optimizer.apply(gradients, self.alpha_variables)
        for variable, alpha in zip(self.alpha_variables, before):
            if alpha.shape.rank == 2:  # The betas of edges are vectors.
                stays = is_decided(alpha)[:, tf.newaxis] | ~is_allowed(alpha)
                moved = tf.convert_to_tensor(variable)
                variable.assign(tf.where(stays, alpha, moved))
        self._update_averages()
