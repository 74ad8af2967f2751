"""Testing a language model."""

import logging
import time

import keras

from tfdarts.data.ngrams import KneserNey
from tfdarts.data.segments import evaluation_batches
from tfdarts.duration import format_duration
from tfdarts.models.carried_state import WithCarriedState
from tfdarts.training.segment_callbacks import perplexity

logger = logging.getLogger("tfdarts")


def text_scores(network, settings, source, distribution):
    """Returns the metrics of a test on a text.

    The text is read once, as one row. The state starts at zero and is carried
    from the first word to the last.

    Args:
        network: `tfdarts.models.language_model.LanguageModel`.
        settings: Dict of the settings of the network's training.
        source: `TextSource`.
        distribution: `tf.distribute.Strategy`.

    Returns:
        A dict: `test_perplexity`, `test_loss` (nats per word), `test_words`
        (all but the first are predicted), `words_per_second`, and, on the
        same words, `bigram_perplexity` and `trigram_perplexity` of
        `tfdarts.data.ngrams.KneserNey`, fitted to the training text.
    """
    if distribution.num_replicas_in_sync > 1:
        logger.info("evaluate: a text is one row, which devices do not share")
    tokens = source.read("test")
    logger.info("evaluate: %d words", len(tokens))
    segments = evaluation_batches(tokens, 1, settings["steps"])
    model = WithCarriedState(network)
    model.compile()
    started = time.monotonic()
    loss = model.evaluate(
        segments,
        verbose=0,
        callbacks=[ReadingProgress(int(segments.cardinality()))],
    )
    seconds = time.monotonic() - started
    training = source.read("train")
    logger.info("evaluate: fitting the bigram and trigram baselines")
    ngrams = {
        f"{name}_perplexity": KneserNey(
            training, order, len(source.vocabulary)
        ).perplexity(tokens)
        for name, order in (("bigram", 2), ("trigram", 3))
    }
    return {
        "test_perplexity": perplexity(loss),
        "test_loss": loss,
        "test_words": len(tokens),
        **ngrams,
        "words_per_second": (len(tokens) - 1) / seconds,
    }


class ReadingProgress(keras.callbacks.Callback):
    """Logs the progress of a test.

    Args:
        batches: Integer, the number of batches.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_test_begin(self, logs=None):
        self.begun = time.monotonic()

    def on_test_batch_end(self, batch, logs=None):
        done = batch + 1
        seconds = time.monotonic() - self.begun
        left = format_duration(seconds / done * (self.batches - done))
        logger.info(
            *("evaluate: segment %d/%d, %s left", done, self.batches, left),
            extra={"transient": True, "progress": done / self.batches},
        )
