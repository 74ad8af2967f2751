"""Early stopping of a search that shows signs of a collapse."""

import logging

import keras

from tfdarts.strategies import early_stop_rules
from tfdarts.structures import title_of

logger = logging.getLogger("tfdarts")

REASONS = {
    "skips": "the {cell} has {skips} skip connections",
    "stable": "the order of alpha has not changed for {patience} epochs",
    "hessian": "the curvature of the validation loss in alpha is more than 1.3 "
    "times that of {window} epochs before",
    "robust_darts": "the curvature of the validation loss in alpha is more "
    "than 1.3 times that of eight epochs before",
}


class Curvature(keras.callbacks.Callback):
    """Adds the largest eigenvalue of ∇²α L_val to the logs.

    The log has the eigenvalue as `dominant_eigenvalue`. During the warm-up
    epochs of alpha, this callback adds nothing.

    Args:
        batch: Tuple `(x, y)` of validation examples, the same every epoch.
        warmup_epochs: Integer, epochs before alpha moves.
    """

    def __init__(self, batch, warmup_epochs):
        super().__init__()
        self.batch = batch
        self.warmup_epochs = warmup_epochs

    def on_epoch_end(self, epoch, logs=None):
        if epoch < self.warmup_epochs:
            return
        logger.info(
            "search: epoch %d, curvature of the validation loss in alpha",
            epoch + 1,
            extra={"transient": True},
        )
        logs["dominant_eigenvalue"] = self.model.alpha_curvature(self.batch)


class EarlyStop(keras.callbacks.Callback):
    """Stops a search by a rule of `tfdarts.strategies.early_stop_rules`.

    Place this callback after the callbacks whose records it reads, so that a
    resumed search stops where an uninterrupted search would.

    Args:
        config: `tfdarts.SearchConfig`.
        record: `SearchRecord`.
        metrics: `MetricsFile`.
        earlier: Integer, epochs of the stages before the last one, which a
            rule neither ends nor looks at. Defaults to `0`.
    """

    def __init__(self, config, record, metrics, earlier=0):
        super().__init__()
        self.config = config
        self.earlier = earlier
        self.epochs = earlier + config.epochs
        self.record = record
        self.metrics = metrics

    def best_epoch(self):
        """Returns the epoch whose genotype is the result, or `None`.

        `None` means that the search is not over.
        """
        epochs = len(self.record.genotypes)
        best = self._by_rule(epochs)
        if best is None and epochs == self.epochs:
            return epochs
        return best

    @property
    def is_over(self):
        """Whether the search is over, by its epochs or by the rule."""
        return self.best_epoch() is not None

    @property
    def applies(self):
        """Whether the rule ends the search now."""
        return self._by_rule(len(self.record.genotypes)) is not None

    def report(self):
        """Logs why the search stopped, if a rule stopped it."""
        epochs = len(self.record.genotypes)
        best = self._by_rule(epochs)
        if best is None:
            return
        genotype = self.record.genotypes[-1]
        reason = REASONS[self.config.early_stop].format(
            skips=genotype.num_skip_connections,
            cell=title_of(genotype.cell_types[0]),
            patience=self.config.early_stop_patience,
            window=early_stop_rules.WINDOW,
        )
        logger.info(
            "search: stopped after epoch %d, because %s; the result is the "
            "genotype of epoch %d",
            epochs,
            reason,
            best,
        )

    def on_train_begin(self, logs=None):
        rule = self.config.early_stop
        if rule == "none":
            return
        of_rule = early_stop_rules.LEAST_EPOCHS.get(rule, 0)
        least = max(self.config.early_stop_from, of_rule)
        least += self.config.alpha_warmup_epochs
        if least > self.config.epochs:
            logger.info(
                "search: --early_stop=%s cannot stop the %s before epoch "
                "%d, and --epochs is %d",
                rule,
                "last stage" if self.earlier else "search",
                least,
                self.config.epochs,
            )

    def on_epoch_end(self, epoch, logs=None):
        if self._by_rule(epoch + 1) is not None:
            self.model.stop_training = True

    @property
    def _moving(self):
        """The number of epochs before alpha moves in the last stage."""
        return self.earlier + self.config.alpha_warmup_epochs

    def _by_rule(self, epochs):
        rule = early_stop_rules.RULES.get(self.config.early_stop)
        # Searches on texts have no rule, and no settings of rules.
        if rule is None:
            return None
        if epochs < self._moving + self.config.early_stop_from:
            return None
        if not self.record.search.may_stop_early:
            return None
        best = rule(self._history(), self.config.early_stop_patience)
        return best and self._moving + best

    def _history(self):
        """Returns the history of the last stage since alpha moves."""
        moving = self._moving
        return early_stop_rules.History(
            self.record.genotypes[moving:],
            {
                name: values[moving:]
                for name, values in self.record.probabilities.items()
            },
            self.record.supernet.primitives,
            [
                float(row["dominant_eigenvalue"])
                for row in self.metrics.rows[self.earlier :]
                if row.get("dominant_eigenvalue") not in (None, "")
            ],
        )
