"""Policies that draw genotypes, and how they learn."""
