"""DARTS: learns weights and architecture in turn, by gradient descent."""

import time
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfdarts.genotypes import Genotype
from tfdarts.models.carried_state import CarriedStateMixin
from tfdarts.models.supernet import carries_state
from tfdarts.replicas import local_replicas
from tfdarts.replicas import parts_of
from tfdarts.strategies import hypergradient
from tfdarts.strategies.compiled_loss import CompiledLoss
from tfdarts.strategies.curvature import largest_eigenvalue
from tfdarts.strategies.pairs import require_pairs
from tfdarts.strategies.pairs import validate_batch
from tfdarts.strategies.pairs import validate_pair
from tfdarts.strategies.paper_optimizers import paper_optimizers
from tfdarts.strategies.saved_search import SavedSearch
from tfdarts.strategies.search_options import check_compilation
from tfdarts.strategies.search_options import check_options
from tfdarts.strategies.search_options import check_precision
from tfdarts.strategies.virtual_step import clip_step
from tfdarts.training.optimizers import virtual_step_of


@keras.saving.register_keras_serializable(package="tfdarts")
class DARTS(SavedSearch, CarriedStateMixin, keras.Model):
    """Searches the architecture of a supernet.

    Each step takes one batch of training examples and one batch of validation
    examples, as in Algorithm 1 of the paper. The architecture descends the
    validation loss, the weights descend the training loss. Only the real step
    of the weights changes weights and batch-norm statistics.

    Each gradient is a compiled function of its own, called from a Python
    `train_step`. The whole step in one graph would need three times the memory
    and the time to start.

    Args:
        supernet: `CNNSupernet` or `RNNSupernet`. The search carries the state
            of a recurrent supernet from batch to batch until
            `reset_states()`, separately for training and validation examples.
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

    After `search.fit(pairs, epochs=50, shuffle=False)`, where `pairs` is a
    `tf.data.Dataset` of `((x_train, y_train), (x_val, y_val))`, the result is
    `search.genotype()`.

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
        distribution: tf.distribute.Strategy | None = None,
        **kwargs,
    ):
        if tf.distribute.has_strategy():
            raise ValueError(
                "Create a search and its supernet outside of the scope of a "
                "tf.distribute strategy: give the strategy as `distribution`."
            )
        # The global policy may differ from the supernet's.
        super().__init__(**{"dtype": supernet.dtype_policy, **kwargs})
        check_options(
            order, method, update_order, alpha_warmup_steps, micro_batches
        )
        self.supernet = supernet
        self.order = order
        self.update_order = update_order
        self.alpha_warmup_steps = alpha_warmup_steps
        self.micro_batches = micro_batches
        self.clip_virtual_step = clip_virtual_step
        self.derive = derive
        self.alpha_regularizer = alpha_regularizer
        self.distribution = distribution or tf.distribute.get_strategy()
        self.reset_states()
        self.method = method if order == 2 else "first_order"
        check_precision(self.method, supernet.compute_dtype)
        # Seconds of waiting for batches, summed over all calls of `fit`.
        self.seconds_waited = 0.0
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.alpha_loss_tracker = keras.metrics.Mean(name="alpha_loss")
        self.accuracy = keras.metrics.Mean(name="supernet_accuracy")
        self.built = True

    @property
    def metrics(self):
        return [self.loss_tracker, self.alpha_loss_tracker, self.accuracy]

    def compile(
        self,
        weight_optimizer: keras.optimizers.Optimizer | None = None,
        alpha_optimizer: keras.optimizers.Optimizer | None = None,
        loss: str | Callable | None = None,
        accuracy: str
        | Callable
        | None = keras.metrics.sparse_categorical_accuracy,
        class_weight: Mapping[int, float] | None = None,
        run_eagerly: bool = False,
        jit_compile: bool = False,
    ) -> None:
        """Configures the search.

        Args:
            weight_optimizer: `tfdarts.training.optimizers.SGD` or
                `keras.optimizers.SGD`, whose steps can also be taken
                virtually. The virtual step does not clip, unless
                `clip_virtual_step`. Defaults to the paper's optimizer at its
                initial learning rate; see
                `tfdarts.strategies.paper_optimizers.paper_optimizers`.
            alpha_optimizer: Any Keras optimizer, or its name. Defaults to the
                paper's optimizer.
            loss: Keras loss of labels and logits, a mean over the examples, or
                a function of labels and logits. Defaults to sparse
                categorical cross-entropy.
            accuracy: Function of labels and logits that returns a number for
                each example, as the functions of `keras.metrics` do; its mean
                is logged. Defaults to
                `keras.metrics.sparse_categorical_accuracy`.
            class_weight: Dict from labels to floats, the weight of a class's
                examples in the losses of weights and alpha, as `class_weight`
                of `keras.Model.fit`. Validation after an epoch ignores these
                weights. Defaults to 1 for every class.
            run_eagerly: Boolean, for debugging.
            jit_compile: Boolean, whether XLA compiles the gradients. Use it
                on GPUs; on CPUs XLA's convolutions are many times slower.
                Defaults to `False`.

        Raises:
            ValueError: If the weight optimizer has no known virtual step, or
                no `clip_norm` with `clip_virtual_step`; if a supernet with
                `recompute` is given `jit_compile`; if several devices are
                given `run_eagerly`; or if several devices with synchronized
                batch norms are given micro-batches or `jit_compile`.
        """
        check_compilation(
            self.supernet,
            self.distribution,
            self.micro_batches,
            loss,
            class_weight,
            run_eagerly,
            jit_compile,
        )
        defaults = paper_optimizers(self.supernet)
        weight_optimizer = keras.optimizers.get(weight_optimizer or defaults[0])
        alpha_optimizer = keras.optimizers.get(alpha_optimizer or defaults[1])
        self._virtual_step = virtual_step_of(weight_optimizer)
        self._virtual_clip_norm = None
        if self.clip_virtual_step:
            self._virtual_clip_norm = getattr(
                weight_optimizer, "clip_norm", None
            )
            if self._virtual_clip_norm is None:
                raise ValueError(
                    "`clip_virtual_step` needs a weight optimizer with a "
                    "`clip_norm`, such as tfdarts.SGD."
                )
        super().compile(
            optimizer=weight_optimizer,
            loss=None,
            run_eagerly=run_eagerly,
            jit_compile=jit_compile,
            auto_scale_loss=False,
        )
        self.alpha_optimizer = alpha_optimizer
        self.accuracy_function = accuracy
        supernet = self.supernet
        self.loss_function = loss or keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, dtype=supernet.variable_dtype
        )
        alpha_optimizer.build(supernet.alpha_variables)
        self._compiled_loss = CompiledLoss(
            supernet,
            self.loss_function,
            accuracy,
            self.distribution,
            self.micro_batches,
            run_eagerly,
            jit_compile,
            class_weight,
        )
        weight_optimizer.build([self._compiled_loss.model.weights.vector])
        compiled = self._compiled_loss.compiled
        self._apply_weights = compiled(self._apply_to_weights)
        self._apply_alphas = compiled(self._apply_to_alphas)

    def call(self, inputs, training=None):
        return self.supernet(inputs, training=training)

    def fit(self, x=None, y=None, *args, **kwargs) -> keras.callbacks.History:
        """Searches; see `keras.Model.fit` for further arguments.

        Args:
            x: `tf.data.Dataset` of `((x, y), (x_val, y_val))`, or another
                iterable that Keras accepts: a batch for the weights and a
                batch for alpha. Images are floating point, labels are class
                indices.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: If the data have another form, or sample weights.
        """
        require_pairs(x, y, kwargs)
        if isinstance(x, tf.data.Dataset):
            kwargs.setdefault("shuffle", False)
        return super().fit(x, y, *args, **kwargs)

    def make_train_function(self, force=False):
        """Makes an uncompiled step, which calls compiled functions."""

        def train_function(iterator):
            started = time.monotonic()
            batches = next(iterator)
            self.seconds_waited += time.monotonic() - started
            return self.train_step(batches)

        self.train_function = train_function

    def _parts(self, batch, stream):
        """Returns the parts of a batch, with carried states."""
        count = local_replicas(self.distribution) * self.micro_batches
        rows = len(batch[1])
        if rows % count:
            raise ValueError(
                "The batch size must be a multiple of the number of "
                "micro-batches times the number of devices of this process, "
                f"{count}. Received a batch of {rows}."
            )
        parts = parts_of(self.distribution, batch, self.micro_batches)
        return self._with_carried_states(stream, parts)

    def _with_carried_states(self, stream, parts):
        """Returns parts, with carried states for recurrent supernets."""
        if not carries_state(self.supernet):
            return parts
        return self._with_states(
            stream, parts, self.supernet.initial_state, self.distribution
        )

    def train_step(self, data):
        """Takes one step of the search, Algorithm 1 of the paper."""
        train_batch, val_batch = validate_pair(
            data, self.supernet, self.loss_function
        )
        train_parts = self._parts(train_batch, "train")
        val_parts = self._parts(val_batch, "val")
        learning_rate = tf.convert_to_tensor(self.optimizer.learning_rate)
        warm = self.optimizer.iterations.numpy() >= self.alpha_warmup_steps

        if self.update_order == "weights_first":
            self._update_weights(train_parts)
        if warm:
            self._update_alphas(train_parts, val_parts, learning_rate)
        if self.update_order == "alpha_first":
            self._update_weights(train_parts)
        # During the warm-up there is no loss of alpha.
        return {
            metric.name: metric.result()
            for metric in self.metrics
            if warm or metric is not self.alpha_loss_tracker
        }

    def test_step(self, data):
        """Returns the loss and accuracy of the supernet on a batch.

        A network of the derived genotype has another loss and accuracy.
        """
        data = validate_batch(
            data, self.supernet, self.loss_function, may_be_empty=True
        )
        counts = tf.ones(len(data[1]), self.supernet.variable_dtype)
        parts = parts_of(self.distribution, (*data, counts), least_rows=1)
        parts = self._with_carried_states("test", parts)
        loss, accuracy, number, self._states["test"] = self._compiled_loss.test(
            parts
        )
        self.loss_tracker.update_state(loss, number)
        self.accuracy.update_state(accuracy, number)
        return {
            metric.name: metric.result()
            for metric in (self.loss_tracker, self.accuracy)
        }

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
            self._parts(train_batch, "train"),
            self._parts(val_batch, "val"),
            learning_rate,
        )

    def _alpha_gradients(self, train_parts, val_parts, learning_rate):
        learning_rate = keras.ops.convert_to_tensor(
            learning_rate, self.supernet.variable_dtype
        )
        momentums = [tf.convert_to_tensor(m) for m in self.optimizer.momentums]

        def virtual_step(gradients, weights):
            return self._virtual_step(
                gradients, weights, momentums, learning_rate
            )

        if self._virtual_clip_norm is not None:
            virtual_step = clip_step(virtual_step, self._virtual_clip_norm)
        loss = self._compiled_loss
        weights, alphas, state = loss.values()
        train = loss.objective(train_parts, state)
        val = loss.objective(val_parts, state)
        outcome = hypergradient.METHODS[self.method](
            train, val, [weights], alphas, virtual_step
        )
        self._states["val"] = val.carried
        return self._add_regularizer(outcome, alphas)

    def _add_regularizer(self, outcome, alphas):
        """Returns loss and gradients with the regularizer of alpha added."""
        if self.alpha_regularizer is None:
            return outcome
        loss, gradients = outcome
        with tf.GradientTape() as tape:
            tape.watch(alphas)
            penalty = self.alpha_regularizer(alphas)
        added = tape.gradient(penalty, alphas, unconnected_gradients="zero")
        sums = [one + other for one, other in zip(gradients, added)]
        return loss + tf.cast(penalty, loss.dtype), sums

    def genotype(self) -> Genotype:
        """Returns the genotype derived from the current alphas."""
        if self.derive is None:
            return self.supernet.genotype()
        supernet = self.supernet
        found = self.derive(supernet.space, supernet.probabilities())
        if not isinstance(found, Genotype):
            raise ValueError(
                "`derive` must return a tfdarts.Genotype. Received: "
                f"{found!r} from {self.derive}."
            )
        return found

    def alpha_curvature(self, batch: Any):
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
        parts = self._parts(batch, "curvature")
        objective = loss.objective(parts, state)

        def product(direction):
            return objective.alpha_product([weights], alphas, direction)

        return largest_eigenvalue(product, alphas)

    def gradient_graph(self, batch_spec):
        """Returns the graph that costs the most memory; it is not run.

        Args:
            batch_spec: Tuple `(x, y)` of the `tf.TensorSpec`s of the batches,
                so that the search reuses the graph.
        """
        count = local_replicas(self.distribution) * self.micro_batches
        return self._compiled_loss.gradient_graph(
            tf.nest.map_structure(
                lambda spec: tf.TensorSpec(
                    (spec.shape[0] // count, *spec.shape[1:]), spec.dtype
                ),
                tuple(batch_spec),
            )
        )

    def _update_alphas(self, train_parts, val_parts, learning_rate):
        loss, gradients = self._alpha_gradients(
            train_parts, val_parts, learning_rate
        )
        self._apply_alphas(gradients)
        self.alpha_loss_tracker.update_state(loss)

    def _update_weights(self, parts):
        weights, alphas, state = self._compiled_loss.values()
        train = self._compiled_loss.objective(parts, state, penalty=1.0)
        loss, accuracy, gradient, _, state = train.outputs([weights], alphas)
        self._states["train"] = train.carried
        self._apply_weights(gradient, state)
        # Weighted by labels, because segments of a text may differ in length.
        local = self.distribution.experimental_local_results
        number = sum(tf.size(y) for _, of_all in parts for y in local(of_all))
        self.loss_tracker.update_state(loss, number)
        self.accuracy.update_state(accuracy, number)

    def _apply_to_weights(self, gradient, state):
        model = self._compiled_loss.model
        vector = model.weights.vector
        vector.assign(model.weights.read())
        self.optimizer.apply([gradient], [vector])
        model.weights.write(tf.convert_to_tensor(vector))
        model.write_state(state)

    def _apply_to_alphas(self, gradients):
        self.alpha_optimizer.apply(gradients, self.supernet.alpha_variables)
