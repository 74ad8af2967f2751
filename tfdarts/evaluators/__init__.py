"""Evaluation of genotypes: scores and costs."""
