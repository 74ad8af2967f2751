"""What a strategy is: a way to find an architecture."""

STRATEGY = (
    "How the architecture is found: darts (gradient descent on a supernet), "
    "random (candidates drawn and trained briefly), or a strategy of your "
    "own. Each has flags of its own: see --help beside --strategy=random."
)


class Strategy:
    """A way to find an architecture.

    A subclass says how; `tfdarts.register_strategy` makes it known to
    `tfdarts.search` and, by `--strategy`, to the commands.

    Attributes:
        name: String, the value of `--strategy`.
        trains: String, what the strategy trains: `"supernet"`, one model that
            holds all networks, or `"candidates"`, network after network.
        settings: Dataclass, a subclass of `tfdarts.Settings`: the strategy's
            own settings, beside those of the training. `None` for none.
    """

    name = None
    trains = None
    settings = None

    def supernet_arguments(self, config):
        """Returns what supernets are given besides, a dict.

        Such as a relaxation, or the class of the mixed operations.

        Args:
            config: The settings of the search.
        """
        return {}

    def search_arguments(self, config):
        """Returns what `tfdarts.DARTS` is given besides, a dict.

        Such as a regularizer of alpha, or a rule of derivation.

        Args:
            config: The settings of the search.
        """
        return {}

    def run(self, search):
        """Searches to the end, from where the search was interrupted.

        Args:
            search: `tfdarts.runs.supernet_search.SupernetSearch` or
                `tfdarts.runs.candidate_search.CandidateSearch`, as `trains`
                says.
        """
        raise NotImplementedError


class SupernetStrategy(Strategy):
    """A strategy that trains a supernet by gradient descent.

    A subclass has a name, and what differs from DARTS: settings, and arguments
    of the supernet and of the search.
    """

    trains = "supernet"

    def run(self, search):
        search.fit()


class DARTSStrategy(SupernetStrategy):
    """Gradient descent on the weights and the alphas of a supernet.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055)
    """

    name = "darts"
