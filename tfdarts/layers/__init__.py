"""Keras layers of the search and of the networks made from its cells."""
