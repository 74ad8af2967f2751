"""The base class of the supernets of all search spaces."""

from tfdarts.layers.alphas import alpha_variables_of


class Supernet:
    """Mixin of Keras models that contain every network of a search space.

    A subclass has the attributes `space`, a search space, and `alphas`, a dict
    from cell types to `Alphas` layers. It may also have:

    - `image_shape`, a tuple `(height, width, channels)`: a search then checks
      that each batch holds such images.
    - `carries_state`, `True` if calls take a state as well and return the next
      state after the logits, as those of a `LanguageModel` do. The method
      `initial_state(batch_size)` returns the first state.
    """

    @property
    def alpha_variables(self):
        """The variables of all alphas, which are the whole architecture."""
        return alpha_variables_of(self)

    @property
    def network_weights(self):
        """All trainable variables; alphas are not trainable for Keras."""
        return self.trainable_variables

    def genotype(self):
        """Returns the genotype derived from the current alphas."""
        return self.space.derive(self.probabilities())

    def alpha_values(self):
        """Returns the raw alphas, a dict of NumPy arrays.

        With edge normalization, `<cell type>_beta` are the betas.
        """
        values = {
            cell_type: alphas.alpha.numpy()
            for cell_type, alphas in self.alphas.items()
        }
        betas = {
            f"{cell_type}_beta": alphas.beta.numpy()
            for cell_type, alphas in self.alphas.items()
            if alphas.beta is not None
        }
        return values | betas

    def probabilities(self):
        """Returns the probabilities of the primitives by cell type.

        They are a dict of float64 arrays of shape `(edges, primitives)`.
        """
        return {
            cell_type: alphas.probabilities()
            for cell_type, alphas in self.alphas.items()
        }


def carries_state(model):
    """Returns whether a model carries state from one batch to the next.

    Args:
        model: Keras model; see `Supernet`.
    """
    return getattr(model, "carries_state", False)


def image_shape(model):
    """Returns the image shape that a model states, or `None`.

    Args:
        model: Keras model; see `Supernet`.
    """
    return getattr(model, "image_shape", None)
