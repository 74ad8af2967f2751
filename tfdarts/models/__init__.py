"""Keras models: supernets, and the networks that genotypes describe."""
