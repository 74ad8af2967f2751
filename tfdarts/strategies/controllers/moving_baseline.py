"""The moving average of rewards, to which each reward is compared."""


class MovingBaseline:
    """An exponential moving average of rewards, without bias to zero.

    Args:
        decay: Float, of the weights of earlier rewards.

    Example:

    >>> baseline = MovingBaseline(0.5)
    >>> baseline.advantage(4.0), baseline.advantage(1.0)
    (0.0, -1.0)
    """

    def __init__(self, decay: float):
        self.decay = decay
        self.state = {"sum": 0.0, "weight": 0.0}

    def advantage(self, reward: float) -> float:
        """Adds a reward to the average, and returns how far it is above it."""
        kept = 1 - self.decay
        self.state = {
            "sum": self.decay * self.state["sum"] + kept * reward,
            "weight": self.decay * self.state["weight"] + kept,
        }
        return reward - self.state["sum"] / self.state["weight"]
