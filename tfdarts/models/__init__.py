"""Keras models: the supernet of a search, the network of a genotype."""
