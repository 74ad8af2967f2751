"""Recurrent language models, which predict the next word."""

import keras
import tensorflow as tf

from tfdarts.arguments import scalar
from tfdarts.layers.dropout import SpatialDropout1D
from tfdarts.layers.recurrent_cell import initial_weights
from tfdarts.models.quantized import quantize_layers
from tfdarts.models.quantized import quantized_layers


@keras.saving.register_keras_serializable(package="tfdarts")
class LanguageModel(keras.Model):
    """Embedding, recurrence, and a decoder tied to the embedding.

    In training, dropout applies to whole words, to units of the embedding and
    to units of the output; the recurrence may have its own dropout. All steps
    of a sequence have the same mask.

    Args:
        recurrence: Keras layer that maps a sequence `(batch, steps, units)`
            and an `initial_state` to a sequence and the last states, such as
            `keras.layers.LSTM(units, return_sequences=True,
            return_state=True)`.
        vocabulary_size: Integer.
        units: Integer, the size of the embedding and of the output.
        word_dropout: Float, the share of dropped words of the vocabulary.
        embedding_dropout: Float, the share of dropped embedding units.
        output_dropout: Float, the share of dropped recurrence outputs.
        activation_l2: Float, the factor of the mean square of the outputs
            after dropout, a penalty in training (AR).
        temporal_l2: Float, the factor of the mean square of the outputs'
            change from step to step, a penalty in training (TAR).
        seed: Integer. Defaults to a seed drawn from Keras' global seed.

    Call arguments:
        tokens: Integer tensor `(batch, steps)`.
        state: List of tensors, the state that an earlier call returned.
            Defaults to the initial state of a text.
        training: Boolean.

    Returns:
        The logits of the next word, `(batch, steps, vocabulary_size)`, and
        the state after the last step, a list of tensors.

    Example:

    >>> lstm = keras.layers.LSTM(4, return_sequences=True, return_state=True)
    >>> model = LanguageModel(lstm, vocabulary_size=10, units=4)
    >>> logits, state = model(keras.ops.ones((2, 7), "int32"))
    >>> logits.shape, len(state)
    (TensorShape([2, 7, 10]), 2)

    Reference:

    - [Merity et al., 2018](https://arxiv.org/abs/1708.02182), on dropout and
      the two penalties
    - [Press and Wolf, 2017](https://arxiv.org/abs/1608.05859), on the decoder
    """

    carries_state = True

    def __init__(
        self,
        recurrence,
        vocabulary_size,
        units,
        word_dropout=0.0,
        embedding_dropout=0.0,
        output_dropout=0.0,
        activation_l2=0.0,
        temporal_l2=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        vocabulary_size, units, seed = map(
            scalar, (vocabulary_size, units, seed)
        )
        self._config = {
            "word_dropout": scalar(word_dropout),
            "embedding_dropout": scalar(embedding_dropout),
            "output_dropout": scalar(output_dropout),
            "activation_l2": scalar(activation_l2),
            "temporal_l2": scalar(temporal_l2),
            "seed": seed,
        }
        self.vocabulary_size = vocabulary_size
        self.units = units
        self.word_dropout = word_dropout
        self.activation_l2 = activation_l2
        self.temporal_l2 = temporal_l2
        self.seed_generator = keras.random.SeedGenerator(seed)
        form = {"dtype": self.dtype_policy}
        self.embedding = keras.layers.ReversibleEmbedding(
            vocabulary_size,
            units,
            embeddings_initializer=initial_weights(),
            reverse_dtype=self.variable_dtype,
            **form,
        )
        # All steps of a sequence have the same mask.
        self.embedding_dropout = SpatialDropout1D(
            embedding_dropout, seed=seed, **form
        )
        self.recurrence = recurrence
        self.output_dropout = SpatialDropout1D(
            output_dropout, seed=seed, **form
        )
        self.build((None, None))

    def build(self, input_shape):
        if self.built:
            return
        self.embedding.build(input_shape)
        embedded = (*input_shape, self.units)
        self.embedding_dropout.build(embedded)
        self.recurrence.build(embedded)
        self.output_dropout.build(embedded)
        self.decoder_bias = self.add_weight(
            name="decoder_bias",
            shape=(self.vocabulary_size,),
            initializer="zeros",
            autocast=False,
        )
        self.built = True

    def call(self, tokens, state=None, training=False):
        x = self.embedding(tokens)
        if training and self.word_dropout:
            x *= self._word_dropout_factors(tokens, x.dtype)
        x = self.embedding_dropout(x, training=training)
        raw, *state = self.recurrence(x, initial_state=state, training=training)
        outputs = self.output_dropout(raw, training=training)
        if training:
            self._add_penalties(raw, outputs)
        logits = self.embedding(outputs, reverse=True) + self.decoder_bias
        return logits, state

    def initial_state(self, batch_size):
        """Returns the state at the beginning of a text, a list of tensors.

        Args:
            batch_size: Integer.
        """
        return keras.tree.flatten(self.recurrence.get_initial_state(batch_size))

    @property
    def state_size(self):
        """The size of the state that is carried from step to step."""
        return sum(int(state.shape[-1]) for state in self.initial_state(1))

    def get_config(self):
        recurrence = keras.layers.serialize(self.recurrence)
        return {**self._config_of_all(), "recurrence": recurrence}

    def _config_of_all(self):
        """Returns the arguments that do not depend on the recurrence."""
        return {
            **self._config,
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            **quantized_layers(self),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        quantized = config.pop("quantized_layers", {})
        recurrence = config.get("recurrence")
        if isinstance(recurrence, dict):
            recurrence = keras.layers.deserialize(recurrence)
            config["recurrence"] = recurrence
        return quantize_layers(cls(**config), quantized)

    def _word_dropout_factors(self, tokens, dtype):
        """Returns the factor of the word dropout for each token."""
        ones = tf.ones((self.vocabulary_size, 1), dtype)
        kept = keras.random.dropout(
            ones, self.word_dropout, seed=self.seed_generator
        )
        return tf.gather(kept, tokens)

    def _add_penalties(self, raw, outputs):
        # Cast to the dtype of the loss, to which the penalties are added.
        raw, outputs = (
            tf.cast(values, self.variable_dtype) for values in (raw, outputs)
        )
        if self.activation_l2:
            square = tf.reduce_mean(tf.square(outputs))
            self.add_loss(self.activation_l2 * square)
        if self.temporal_l2:
            change = tf.square(raw[:, 1:] - raw[:, :-1])
            # A segment of one step has no changes.
            square = tf.math.divide_no_nan(
                tf.reduce_sum(change), tf.cast(tf.size(change), change.dtype)
            )
            self.add_loss(self.temporal_l2 * square)
