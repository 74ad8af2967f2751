"""Moving averages of the alphas, from which a search derives."""

import contextlib

import keras

from tfdarts.arguments import scalar


class AlphaAverage:
    """Mixin of searches that derive from averaged alphas.

    After each step t of alpha, the average is

        m = decay m + (1 - decay) alpha,

    from m = 0, and m / (1 - decay^t) takes the place of alpha where the search
    derives. Steps use alpha itself. With a decay of 0, there is no average.

    Reference:

    - [Kingma and Ba, 2015](https://arxiv.org/abs/1412.6980), section 3, the
      correction of the bias
    """

    def _create_averages(self, decay):
        decay = scalar(decay)
        if not isinstance(decay, (int, float)) or not 0 <= decay < 1:
            raise ValueError(
                "`alpha_average` is the share of the earlier average in a new "
                "one, so it must be at least 0 and below 1. "
                f"Received: {decay!r}."
            )
        self.alpha_average = decay
        # Without an average, checkpoints are those of earlier versions.
        self.averaged_alphas = [
            keras.Variable(
                keras.ops.zeros_like(variable),
                trainable=False,
                name=f"alpha_average_{number}",
            )
            for number, variable in enumerate(self.alpha_variables)
            if decay
        ]

    def _update_averages(self):
        """Adds the current alphas to the averages, after a step of alpha."""
        decay = self.alpha_average
        for average, alpha in zip(self.averaged_alphas, self.alpha_variables):
            average.assign(decay * average + (1 - decay) * alpha)

    @contextlib.contextmanager
    def alphas_to_derive_from(self):
        """Gives the alphas their averages, and then their own values again."""
        steps = 0
        if self.averaged_alphas and self.compiled:
            steps = int(self.alpha_optimizer.iterations.numpy())
        if not steps:
            yield
            return
        before = [variable.numpy() for variable in self.alpha_variables]
        weight = 1 - self.alpha_average**steps
        for variable, average in zip(
            self.alpha_variables, self.averaged_alphas, strict=True
        ):
            variable.assign(average / weight)
        try:
            yield
        finally:
            for variable, value in zip(self.alpha_variables, before):
                variable.assign(value)
