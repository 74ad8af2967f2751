"""What the supernets of all search spaces have in common."""


class Supernet:
    """A Keras model that holds every network of a search space.

    It has a `space`, and `alphas`, a dict from the types of its cells to
    `Alphas` layers.
    """

    @property
    def alpha_variables(self):
        """The variables of the alphas: the architecture, and all of it."""
        return [alphas.alpha for alphas in self.alphas.values()]

    @property
    def network_weights(self):
        """Every trainable variable that is not an alpha."""
        alphas = {id(variable) for variable in self.alpha_variables}
        return [v for v in self.trainable_variables if id(v) not in alphas]

    def genotype(self):
        """Returns the genotype that the alphas stand for now."""
        return self.space.derive(self.probabilities())

    def alpha_values(self):
        """Returns the raw alphas, a dict of NumPy arrays."""
        return {
            cell_type: alphas.alpha.numpy()
            for cell_type, alphas in self.alphas.items()
        }

    def probabilities(self):
        """Returns what the alphas stand for, a dict of float64 arrays."""
        return {
            cell_type: alphas.probabilities()
            for cell_type, alphas in self.alphas.items()
        }


def carries_state(model):
    """Returns whether a model carries a state from one batch to the next.

    A language model does: it is called with a state too, and returns the next
    one behind its logits.
    """
    return hasattr(model, "initial_state")
