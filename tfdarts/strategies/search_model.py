"""A Keras model whose `fit` searches an architecture."""

import time
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfdarts.genotypes import Genotype
from tfdarts.models.carried_state import CarriedStateMixin
from tfdarts.models.chosen_options import choices_of
from tfdarts.models.derived_model import derive_model
from tfdarts.models.supernet import Supernet
from tfdarts.models.supernet import carries_state
from tfdarts.replicas import local_replicas
from tfdarts.replicas import parts_of
from tfdarts.strategies.alpha_average import AlphaAverage
from tfdarts.strategies.compiled_loss import CompiledLoss
from tfdarts.strategies.edge_weight_score import EdgeWeightScore
from tfdarts.strategies.output_losses import OutputLosses
from tfdarts.strategies.pairs import as_batch
from tfdarts.strategies.pairs import as_pairs
from tfdarts.strategies.pairs import validate_batch
from tfdarts.strategies.paper_optimizers import paper_optimizers
from tfdarts.strategies.saved_search import SavedSearch
from tfdarts.strategies.search_metrics import update_metrics
from tfdarts.strategies.search_options import accuracy_of
from tfdarts.strategies.search_options import check_compilation
from tfdarts.strategies.search_options import default_loss
from tfdarts.strategies.search_options import require_alphas
from tfdarts.strategies.search_options import require_known
from tfdarts.training.vector_updates import require_elementwise


class SearchModel(
    SavedSearch, EdgeWeightScore, AlphaAverage, CarriedStateMixin, keras.Model
):
    """Base class of the searches by gradient descent.

    It compiles and fits a search, validates and derives the result. A
    subclass implements `train_step`.

    Args:
        supernet: Keras model with alphas; see `DARTS`.
        micro_batches, derive, distribution, alpha_average: See `DARTS`.

    Attributes:
        may_stop_early: Boolean, whether an early stopping rule may end the
            search now.
        checkpoints_kept: Integer, the checkpoints that a run keeps.
    """

    may_stop_early = True
    checkpoints_kept = 2

    def __init__(
        self,
        supernet: keras.Model,
        micro_batches: int = 1,
        derive: Callable | None = None,
        distribution: tf.distribute.Strategy | None = None,
        alpha_average: float = 0.0,
        **kwargs,
    ):
        if tf.distribute.has_strategy():
            raise ValueError(
                "Create a search and its supernet outside of the scope of a "
                "tf.distribute strategy: give the strategy as `distribution`."
            )
        # The global policy may differ from the supernet's.
        super().__init__(**{"dtype": supernet.dtype_policy, **kwargs})
        self.supernet = supernet
        self.alpha_variables = require_alphas(supernet)
        self._create_averages(alpha_average)
        self.micro_batches = micro_batches
        self.derive = derive
        self.distribution = distribution or tf.distribute.get_strategy()
        self.reset_states()
        # Seconds of waiting for batches, summed over all calls of `fit`.
        self.seconds_waited = 0.0
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.alpha_loss_tracker = keras.metrics.Mean(name="alpha_loss")
        self.accuracy = keras.metrics.Mean(name="supernet_accuracy")
        self.accuracy_function = None
        self.built = True

    @property
    def metrics(self):
        own = [self.loss_tracker, self.alpha_loss_tracker]
        if self.accuracy_function is not None:
            own.append(self.accuracy)
        if self._compile_metrics is not None:
            own.append(self._compile_metrics)
        return own

    def compile(
        self,
        weight_optimizer: keras.optimizers.Optimizer | None = None,
        alpha_optimizer: keras.optimizers.Optimizer | None = None,
        loss: Any = None,
        accuracy: str | Callable | None = "auto",
        class_weight: Mapping[int, float] | None = None,
        loss_weights: Any = None,
        metrics: Any = None,
        run_eagerly: bool = False,
        jit_compile: bool = False,
        **others,
    ) -> None:
        """Configures the search.

        Args:
            weight_optimizer: Keras optimizer, or its name. A search of second
                order needs one whose steps can also be taken virtually:
                `tfdarts.SGD` or `keras.optimizers.SGD`. Defaults to the
                paper's optimizer at its initial learning rate; see
                `tfdarts.strategies.paper_optimizers.paper_optimizers`.
            alpha_optimizer: Any Keras optimizer, or its name. Defaults to the
                paper's optimizer.
            loss: Keras loss of labels and outputs, a mean over the examples,
                or a function of labels and outputs; for several outputs a
                list or dict, as for `keras.Model.compile`. Defaults to sparse
                categorical cross-entropy of logits.
            accuracy: Function of labels and outputs that returns a number for
                each example, as the functions of `keras.metrics` do; its mean
                over the examples and the outputs is logged as
                `supernet_accuracy`. `"auto"` is
                `keras.metrics.sparse_categorical_accuracy` with the default
                loss and for supernets, and `None` otherwise.
            class_weight: Dict from labels to floats, the weight of a class's
                examples, or steps of sequences, in the losses of weights and
                alpha. Validation after an epoch ignores these weights.
                Defaults to 1 for every class.
            loss_weights: See `keras.Model.compile`.
            metrics: See `keras.Model.compile`. The metrics are computed in
                each step, from the outputs for the training examples, and in
                validation.
            run_eagerly: Boolean, for debugging.
            jit_compile: Boolean, whether XLA compiles the gradients. Use it
                on GPUs; on CPUs XLA's convolutions are many times slower.
                Defaults to `False`.

        Raises:
            TypeError: If an argument is none of these, such as `optimizer`.
            ValueError: If the weight optimizer has no known virtual step, or
                no `clip_norm` with `clip_virtual_step`; if a supernet with
                `recompute` is given `jit_compile`; if several devices are
                given `run_eagerly`; or if several devices with synchronized
                batch norms are given micro-batches or `jit_compile`.
        """
        require_known(others)
        supernet = self.supernet
        check_compilation(
            supernet,
            self.distribution,
            self.micro_batches,
            loss,
            class_weight,
            metrics,
            run_eagerly,
            jit_compile,
        )
        defaults = paper_optimizers(supernet)
        weight_optimizer = keras.optimizers.get(weight_optimizer or defaults[0])
        alpha_optimizer = keras.optimizers.get(alpha_optimizer or defaults[1])
        self._use_weight_optimizer(weight_optimizer)
        if isinstance(alpha_optimizer, keras.optimizers.LossScaleOptimizer):
            raise ValueError(
                "A search does not scale its losses, so `alpha_optimizer` "
                "must not be a LossScaleOptimizer: give its inner optimizer."
            )
        self.accuracy_function = accuracy_of(accuracy, supernet, loss)
        self.loss_function = loss or default_loss(
            supernet, self._dtype_of_weights
        )
        super().compile(
            optimizer=weight_optimizer,
            loss=None,
            metrics=metrics,
            run_eagerly=run_eagerly,
            jit_compile=jit_compile,
            auto_scale_loss=False,
        )
        self.alpha_optimizer = alpha_optimizer
        self.compile_options = {
            "loss_weights": loss_weights,
            "metrics": metrics,
            "class_weight": class_weight,
        }
        alpha_optimizer.build(self.alpha_variables)
        self._compiled_loss = CompiledLoss(
            supernet,
            OutputLosses(
                self.loss_function,
                loss_weights,
                getattr(supernet, "output_names", None),
                self._dtype_of_weights,
            ),
            self.accuracy_function,
            self.distribution,
            self.micro_batches,
            run_eagerly,
            jit_compile,
            class_weight,
            returns_outputs=metrics is not None,
        )
        weight_optimizer.build([self._compiled_loss.model.weights.vector])
        compiled = self._compiled_loss.compiled
        self._apply_weights = compiled(self._apply_to_weights)
        self._apply_alphas = compiled(self._apply_to_alphas)

    def _use_weight_optimizer(self, optimizer):
        """Checks the optimizer of the weights; a subclass may use it."""
        require_elementwise(optimizer)

    @property
    def _dtype_of_weights(self):
        return self.supernet.trainable_variables[0].dtype

    @property
    def own_variables(self) -> list:
        """The variables of a subclass, which checkpoints save too, a list.

        The variables of the supernet and of the metrics are not among them.
        """
        others = {id(v) for v in self.supernet.variables}
        return [v for v in self.variables if id(v) not in others]

    def call(self, inputs, training=None):
        return self.supernet(inputs, training=training)

    def fit(self, x=None, y=None, *args, **kwargs) -> keras.callbacks.History:
        """Searches; see `keras.Model.fit` for further arguments.

        Args:
            x: The examples for the weights, a tuple of arrays `(x, y)` or
                `(x, y, sample_weight)`. Or a `tf.data.Dataset`, or another
                iterable that Keras accepts, of pairs of batches `((x, y),
                (x_val, y_val))`: a batch for the weights and a batch for
                alpha. For supernets, images are floating point, and labels
                are class indices.
            y: The examples for alpha, a tuple of arrays as for `x`. Leave
                `y` out if `x` contains pairs.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: If the data have another form.
        """
        x, kwargs = as_pairs(self.supernet, x, y, kwargs)
        return super().fit(x, None, *args, **kwargs)

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
        rows = len(tf.nest.flatten(batch[1])[0])
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

    def test_step(self, data):
        """Returns the loss and accuracy of the supernet on a batch.

        A network of the derived genotype has another loss and accuracy.
        """
        data = validate_batch(
            data, self.supernet, self.loss_function, may_be_empty=True
        )
        rows = len(tf.nest.flatten(data[1])[0])
        counts = tf.ones(rows, self._dtype_of_weights)
        parts = parts_of(self.distribution, (*data, counts), least_rows=1)
        parts = self._with_carried_states("test", parts)
        loss, accuracy, number, carried = self._compiled_loss.test(parts)
        self._states["test"] = carried
        self.loss_tracker.update_state(loss, number)
        self.accuracy.update_state(accuracy, number)
        self._update_metrics(parts, carried)
        results = self.get_metrics_result()
        del results[self.alpha_loss_tracker.name]
        return results

    def _update_metrics(self, parts, outputs):
        """Updates the metrics of `compile`; see `update_metrics`."""
        if self._compile_metrics is not None:
            update_metrics(self, self.distribution, parts, outputs)

    def probabilities(self) -> dict:
        """Returns the probabilities that the genotype is derived from.

        See `Supernet.probabilities`; with `alpha_average`, they are those of
        the averaged alphas.
        """
        with self.alphas_to_derive_from():
            return self.supernet.probabilities()

    def genotype(self) -> Genotype:
        """Returns the genotype derived from the alphas, or their averages.

        Raises:
            ValueError: If the model is not a supernet of cells, or `derive`
                returns no genotype.
        """
        supernet = self.supernet
        if not isinstance(supernet, Supernet):
            raise ValueError(
                "Only a supernet of cells has a genotype. For a model with "
                "choices use search.choices() or search.derived_model()."
            )
        if self.derive is None:
            with self.alphas_to_derive_from():
                return supernet.genotype()
        found = self.derive(supernet.space, self.probabilities())
        if not isinstance(found, Genotype):
            raise ValueError(
                "`derive` must return a tfdarts.Genotype. Received: "
                f"{found!r} from {self.derive}."
            )
        return found

    def choices(self) -> dict[str, dict]:
        """Returns what the model chooses now; see `tfdarts.choices_of`."""
        with self.alphas_to_derive_from():
            return choices_of(self.supernet)

    def derived_model(
        self, copy_weights: bool = False, inputs: Any = None
    ) -> keras.Model:
        """Returns the plain model with all choices made.

        Args:
            copy_weights, inputs: See `tfdarts.derive_model`.
        """
        with self.alphas_to_derive_from():
            return derive_model(self.supernet, copy_weights, inputs)

    def trace_again(self):
        """Makes later steps trace the supernet anew, after its layers changed.

        Weights, alphas and optimizers stay.
        """
        if self.compiled:
            self._compiled_loss.trace_again()

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
                as_batch(batch_spec),
            )
        )
