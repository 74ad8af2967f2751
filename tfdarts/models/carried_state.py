"""Language models that carry state from batch to batch."""

import keras
import tensorflow as tf

from tfdarts.models.variable_length import VariableLengthFunction
from tfdarts.models.word_cross_entropy import WordCrossEntropy
from tfdarts.replicas import num_replicas
from tfdarts.replicas import on_each_replica


class CarriedStateMixin:
    """Mixin of Keras models that carry state from batch to batch, per stream.

    A stream is a text that is read in order, such as `"train"`. Evaluation
    reads the stream `"test"`, which starts over with each evaluation.
    """

    def reset_states(self):
        """Resets the states of all streams, as before another text."""
        self._states = {}

    def _with_states(self, stream, parts, initial_state, distribution):
        """Returns the parts of a batch, with carried states beside the inputs.

        Args:
            stream: String.
            parts: The result of `tfdarts.replicas.parts_of` for a batch whose
                first tensor is the words.
            initial_state: Function from a number of rows to a list of tensors.
            distribution: `tf.distribute.Strategy`.
        """
        local = distribution.experimental_local_results

        def initial(x):
            rows = [len(each) for each in local(x)]
            return on_each_replica(
                distribution,
                lambda context: initial_state(
                    rows[context.replica_id_in_sync_group % len(rows)]
                ),
            )

        states = self._states.get(stream) or [initial(x) for x, *_ in parts]
        return [((x, state), *rest) for (x, *rest), state in zip(parts, states)]

    def evaluate(self, *args, **kwargs):
        """Evaluates as Keras does, from the beginning of a text."""
        self._states.pop("test", None)
        return super().evaluate(*args, **kwargs)

    def make_test_function(self, force=False):
        """Makes an uncompiled step, which carries the state."""

        def test_function(iterator):
            return self.test_step(next(iterator))

        self.test_function = test_function


@keras.saving.register_keras_serializable(package="tfdarts")
class WithCarriedState(CarriedStateMixin, keras.Model):
    """A language model, trained by truncated backpropagation through time.

    The model carries the state of its recurrence from batch to batch until
    `reset_states()`, separately in training and evaluation. Gradients go back
    to the beginning of a segment. The logged loss is the cross entropy in nats
    per word, a mean over all words, without the penalties of training. The
    weights of `network` are trained in place.

    Create the network and this model under the scope of a `tf.distribute`
    strategy to use all of its devices; each device reads its own rows.

    Args:
        network: `tfdarts.models.language_model.LanguageModel`.

    Example:

    >>> from tfdarts.models.language_model import LanguageModel
    >>> lstm = keras.layers.LSTM(4, return_sequences=True, return_state=True)
    >>> network = LanguageModel(lstm, vocabulary_size=3, units=4)
    >>> model = WithCarriedState(network)
    >>> model.compile(SGD(0.1))
    >>> text = keras.ops.convert_to_numpy([[0, 1, 2, 0, 1, 2, 0, 1]])
    >>> segments = tf.data.Dataset.from_tensors((text[:, :-1], text[:, 1:]))
    >>> history = model.fit(segments, epochs=2, shuffle=False, verbose=0)
    >>> [*history.history]
    ['loss']
    """

    def __init__(self, network: keras.Model, **kwargs):
        super().__init__(**{"dtype": network.dtype_policy, **kwargs})
        self.network = network
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.cross_entropy = WordCrossEntropy(dtype=network.variable_dtype)
        self.reset_states()
        self.built = True

    @property
    def metrics(self):
        return [self.loss_tracker]

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer | None = None,
        run_eagerly: bool = False,
    ) -> None:
        """Configures training and evaluation.

        Args:
            optimizer: Keras optimizer. Only training needs one.
            run_eagerly: Boolean, for debugging.
        """
        super().compile(
            optimizer=optimizer or keras.optimizers.SGD(),
            loss=None,
            run_eagerly=run_eagerly,
            jit_compile=False,
            auto_scale_loss=False,
        )
        self.optimizer.build(self.network.trainable_variables)
        compiled = (lambda f: f) if run_eagerly else VariableLengthFunction
        self._compiled_train = compiled(
            self._on_all_replicas(self._train_segment)
        )
        self._compiled_test = compiled(
            self._on_all_replicas(self._test_segment)
        )

    def get_config(self):
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }

    def get_compile_config(self):
        if not self.compiled:
            return {}
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "run_eagerly": self.run_eagerly,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def call(self, inputs, training=None):
        return self.network(inputs, training=training)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: the model is built, and segments can be read once."""

    def make_train_function(self, force=False):
        """Makes an uncompiled step; see `make_test_function`."""

        def train_function(iterator):
            return self.train_step(next(iterator))

        self.train_function = train_function

    def train_step(self, data):
        return self._run_segment("train", self._compiled_train, *data)

    def test_step(self, data):
        return self._run_segment("test", self._compiled_test, *data)

    def _run_segment(self, stream, read, x, y):
        strategy = self.distribute_strategy
        ((inputs, y),) = self._with_states(
            stream, [(x, y)], self.network.initial_state, strategy
        )
        self._states[stream] = [read(*inputs, y)]
        return {"loss": self.loss_tracker.result()}

    def _on_all_replicas(self, function):
        """Returns a function that each replica runs on its own rows."""
        return lambda *arguments: self.distribute_strategy.run(
            function, args=arguments
        )

    def _train_segment(self, x, state, y):
        weights = self.network.trainable_variables
        with tf.GradientTape() as tape:
            logits, state = self.network(x, state=state, training=True)
            # Keras divides the loss by the number of replicas.
            loss = self.cross_entropy(y, logits)
            added = sum(self.network.losses)
            total = loss + added / num_replicas()
        self.optimizer.apply(tape.gradient(total, weights), weights)
        self._track(loss, y)
        return tf.nest.flatten(state)

    def _test_segment(self, x, state, y):
        network = self.network
        # Stateless, because recurrences draw dropout masks even in evaluation
        # and would advance their seeds.
        (logits, state), _ = network.stateless_call(
            [v.value for v in network.trainable_variables],
            [v.value for v in network.non_trainable_variables],
            *(x, state),
            training=False,
        )
        self._track(self.cross_entropy(y, logits), y)
        return tf.nest.flatten(state)

    def _track(self, loss, y):
        # Weighted by the words, because segments differ in length.
        self.loss_tracker.update_state(loss * num_replicas(), tf.size(y))
