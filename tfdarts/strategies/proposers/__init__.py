"""Strategies that propose genotypes and are told how good they are."""
