"""The architecture parameters."""

import keras


@keras.saving.register_keras_serializable(package="tfdarts")
class Alphas(keras.layers.Layer):
    """The trainable choice between the primitives, for each edge.

    It owns one variable, `alpha`. It has no inputs and is not called: whoever
    needs the relaxed weights asks for `edge_weights()`.

    Args:
        num_edges: Integer.
        num_primitives: Integer.
        initializer: Keras initializer. Defaults to a normal distribution of
            standard deviation `0.001`, as the authors have it.

    Example:

    >>> alphas = Alphas(num_edges=14, num_primitives=8)
    >>> alphas.edge_weights().shape
    TensorShape([14, 8])

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), equation 2
    """

    def __init__(self, num_edges, num_primitives, initializer=None, **kwargs):
        super().__init__(**kwargs)
        self.num_edges = num_edges
        self.num_primitives = num_primitives
        self.initializer = keras.initializers.get(
            initializer or keras.initializers.RandomNormal(stddev=1e-3)
        )
        self.build()

    def build(self, input_shape=None):
        if self.built:
            return
        self.alpha = self.add_weight(
            name="alpha",
            shape=(self.num_edges, self.num_primitives),
            initializer=self.initializer,
        )
        self.built = True

    def edge_weights(self):
        """Returns the softmax of each edge's alphas over the primitives.

        Returns:
            A tensor of shape `(num_edges, num_primitives)`; rows sum to 1.
        """
        return keras.ops.softmax(self.alpha, axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "num_edges": self.num_edges,
            "num_primitives": self.num_primitives,
            "initializer": keras.initializers.serialize(self.initializer),
        }
