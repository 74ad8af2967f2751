"""Evolution as an oracle of keras-tuner."""

import numpy as np

from tfdarts.strategies.proposers.proposer import Proposer

REMOVALS = ("oldest", "worst", "none")


class EvolutionOracle(Proposer):
    """Proposes mutations of the best of a few members of a population.

    The first trials are random. After each further trial, one member leaves
    the population: by default the oldest, however good it is.

    Args:
        population: Integer, the number of members.
        tournament: Integer, how many members are drawn, with replacement; the
            best of them is the parent.
        removal: String, the member that leaves: `"oldest"`; `"worst"`, which
            is evolution without aging; or `"none"`, so that the population
            grows. Defaults to `"oldest"`.
        **kwargs: See `keras_tuner.Oracle`.

    Reference:

    - [Real et al., 2019](https://arxiv.org/abs/1802.01548)
    """

    def __init__(
        self,
        population: int,
        tournament: int,
        removal: str = "oldest",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if removal not in REMOVALS:
            raise ValueError(
                f"`removal` must be one of {', '.join(REMOVALS)}. Received: "
                f"{removal!r}."
            )
        self.population = population
        self.tournament = tournament
        self.removal = removal
        self.members = []

    def propose(self, generator: np.random.Generator) -> dict | None:
        if len(self.start_order) < self.population or not self.members:
            return self.sample(generator)
        drawn = self.draw_members(generator)
        parent = min((self.members[i] for i in drawn), key=_loss)
        return self.mutate(parent["values"], generator)

    def draw_members(self, generator: np.random.Generator) -> np.ndarray:
        """Returns the positions of the members of a tournament.

        Args:
            generator: `numpy.random.Generator`.
        """
        return generator.integers(len(self.members), size=self.tournament)

    def learn(self, values: dict, loss: float) -> None:
        self.members.append({"values": values, "loss": loss})
        if len(self.members) > self.population and self.removal != "none":
            worst = max(self.members, key=_loss)
            oldest, *_ = self.members
            leaving = oldest if self.removal == "oldest" else worst
            self.members.remove(leaving)

    def get_state(self) -> dict:
        return {**super().get_state(), "members": self.members}

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        self.members = state["members"]


def _loss(member):
    return member["loss"]
