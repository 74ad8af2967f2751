"""Keras layers of supernets and of the networks built from genotypes."""
